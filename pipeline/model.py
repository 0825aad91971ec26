"""The records that flow through sohoa, one frozen type per arrow.

    Intake -> Page -> ReadPage -> Sorting -> Document -> SignedDocument -> StoredDocument

Large data stays in files; records carry path, digest and size. Coordinates are pixels of the *upright*
page image, origin at its top left, x to the right, y down. Times are aware and in UTC. Text is NFC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType

Sha256 = NewType("Sha256", str)
"""Lower-case hexadecimal SHA-256."""


class Origin(StrEnum):
    """Where a document's bytes were born (Thông tư 01/2023/TT-VPCP Điều 4 tells them apart)."""

    CAPTURED = "captured"
    BORN_DIGITAL = "born_digital"
    INCOMING_SIGNED = "incoming_signed"


class Lane(StrEnum):
    """Who waits for a batch: a citizen at the counter, or nobody in particular."""

    COUNTER = "counter"
    BACKFILE = "backfile"


class Verdict(StrEnum):
    """What a side turned out to hold."""

    CONTENT = "content"
    BLANK = "blank"
    REJECTED = "rejected"


class Level(StrEnum):
    """PAdES baseline level reached (ETSI EN 319 142-1), or CMS for `adbe.pkcs7.detached`."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"
    CMS = "CMS"


class SignatureRole(StrEnum):
    """Who signs: the officer who digitised (Điều 8), or the agency (Nghị định 30/2020, cell 14)."""

    OFFICER = "officer"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file that no longer changes: where it is, and its digest taken when it was written."""

    path: Path
    sha256: Sha256
    size: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file as acquired, safe in the spool. `source` is its absolute path as found.

    `role` is what side of a sheet it shows, where the scanner knows: front, back, a3_part_1, a3_part_2.
    `reason` is set when the file could not even be taken (a symbolic link, no rights): its blob is empty
    then, and it becomes one rejected page.
    """

    source: str
    blob: Blob
    reason: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfMark:
    """Where the paper lies, as the archive's lists say it (Thông tư 05/2025/TT-BNV, `paperFileCode` and `format`).

    phông, mục lục, kho, giá, hộp, hồ sơ số (đơn vị bảo quản), tờ từ - đến, tình trạng vật lý.
    """

    fonds: str | None = None
    catalogue: str | None = None
    repository: str | None = None
    shelf: str | None = None
    box: str | None = None
    file_unit: str | None = None
    leaf_from: int | None = None
    leaf_to: int | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a row of a list says of a file, which is one paper: its type's key, fields in canonical form.

    `place` is where the row stands, for people ("dòng 5").
    """

    place: str
    type: str | None = None
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A batch: one stack of paper, or one multi-page file.

    `id` starts with `b_` and comes from content, so the same files again are the same batch. `dossier`
    and `procedure` are what an operator or a counter bound the stack to. `sheets` is the declared number
    of sheets; `expected_sides` follows from it in the flow, unless the scanner knows the exact number, `sides`.
    `lane` says who waits; where nothing is said, a stack bound to a dossier counts as a counter's.
    `companions` are side-cars that lay beside the files, kept with them; `remarks` say what of them could not be used.
    `listed` is what the list of an import says: its one file is one paper then. `request` is the id of the scan request
    that the stack answers, from which `dossier` came.
    """

    id: str
    source: str
    agency: str
    actor: str
    received_at: datetime
    files: tuple[SourceFile, ...]
    dossier: str | None = None
    procedure: str | None = None
    sheets: int | None = None
    sides: int | None = None
    lane: Lane | None = None
    shelf: ShelfMark | None = None
    companions: tuple[SourceFile, ...] = ()
    remarks: tuple[str, ...] = ()
    listed: Listed | None = None
    request: str | None = None

    @property
    def urgent(self) -> bool:
        """Whether it goes before back-file work."""
        return self.lane is Lane.COUNTER or (self.lane is None and self.dossier is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One side as acquired, not yet looked at.

    `source` is the file's absolute path, with `#N` (from 1) when the file has several pages; `number` is
    that N. `index` counts from 0 in the batch. `reason` is set when the file could not be opened: such a
    file is one page, to be rejected with that sentence. `turn` is the clockwise turn in degrees that a person says
    makes it upright; None leaves it to the machine.
    """

    id: str
    index: int
    source: str
    file: Blob
    number: int
    origin: Origin
    reason: str | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels of the upright page image; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word as read; `confidence` is calibrated, 0 to 1."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One printed line. Lines of a page stand in reading order; `block` numbers its block from 0."""

    words: tuple[Word, ...]
    box: Box
    block: int = 0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barcode:
    """A one- or two-dimensional code found on a page; `format` as zxing-cpp names it (QRCode, Code128)."""

    text: str
    format: str
    box: Box


class RegionKind(StrEnum):
    """Coloured evidence found on a page, which no visible signature may cover."""

    RED_SEAL = "red_seal"
    BLUE_INK = "blue_ink"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place on the page that holds a seal, pen ink or a picture."""

    kind: RegionKind
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Penned:
    """A blank of the letterhead and the ink in it. `name` is number, day or month; `box` surrounds the ink.

    `text` are the figures as the reader of pen-written figures has them, empty when it made out none, with the
    confidence of the least certain one; `strokes` what the reader of stroke directions makes of the same pieces, empty
    when it is not sure; `second` what the text recogniser made of the lifted ink, once a try; `after` are words of the
    page beside it: slash and symbol of a number, the year of a day, for a month what was read there.
    """

    name: str
    box: Box
    text: str
    confidence: float
    strokes: str = ""
    second: tuple[str, ...] = ()
    after: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """What a signature inside an incoming file says of itself: who, and when by the signer's own clock.

    Nothing of it is verified here; it is evidence for what a person wrote on the paper.
    """

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnText:
    """The text that a page of a PDF made elsewhere has of its own: a second witness, never believed over what is seen.

    `code` is the code before Unicode that it was in (TCVN3, VNI), None for Unicode; `agrees` the share, 0 to 1, of
    the words read from the picture that stand in it at their place. Words have no confidence of their own (1.0).
    """

    words: tuple[Word, ...]
    code: str | None
    agrees: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """A page, made upright and straight, and read.

    `turn` is the clockwise turn in degrees applied to make it upright; `skew` the angle in degrees,
    counter-clockwise positive, by which the upright page was tilted before it was corrected. `image` is
    the archive picture (JPEG, JPEG 2000 or a bitonal PNG) at `dpi`, `width` x `height` pixels; None only
    when rejected. `true_size` is False when no resolution was stated and `dpi` is an estimate. `signed_by` are the
    signatures of the incoming file that it is the first page of.
    """

    page: Page
    verdict: Verdict
    reason: str | None = None
    turn: int = 0
    skew: float = 0.0
    dpi: float = 0.0
    true_size: bool = True
    width: int = 0
    height: int = 0
    image: Blob | None = None
    confidence: float = 0.0
    lines: tuple[Line, ...] = ()
    barcodes: tuple[Barcode, ...] = ()
    regions: tuple[Region, ...] = ()
    penned: tuple[Penned, ...] = ()
    signed_by: tuple[SignedBy, ...] = ()
    own_text: OwnText | None = None
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One extracted value with its place and how sure it is.

    A value that is not `doubtful` is claimed to be right. `page` is the batch index of the page it
    stands on; `evidence` says in one word where it came from (qr, text, receipt, operator, list, signature, mrz,
    stamp, model, cited, layer, request).
    """

    name: str
    value: str
    confidence: float
    doubtful: bool
    evidence: str = "text"
    page: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A paper that another names in print: its number with symbol, its day (ISO)."""

    number: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document as sorting sees it: which pages, which dossier, which type, which fields.

    `pages` are batch indexes of content pages in order. `fields` has at most one Field of each name:
    dossier, type, title, number, date, issuer, signer, and those of persons. `review` is set, with the
    reason in Vietnamese, when a person must decide before anything is signed (dossier or boundary). `cites` are
    the papers that its text names by number and day, but for laws and decrees.
    """

    pages: tuple[int, ...]
    dossier: str | None
    type: str
    type_name: str
    origin: Origin
    fields: tuple[Field, ...] = ()
    review: str | None = None
    cites: tuple[Cited, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """All content pages of a batch told apart. Every content page is in at least one paper or in `review`.

    `separators` are batch indexes of separator sheets; `review` maps the index of a page that belongs to
    no paper to the reason in Vietnamese; `aside` that of a page a person set aside.
    """

    papers: tuple[Paper, ...]
    separators: tuple[int, ...] = ()
    review: dict[int, str] = field(default_factory=dict)
    aside: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person settled about the paper that begins on batch page `page`.

    `fields` are corrected values by name, an empty one says that the paper has none; `confirmed` makes every doubtful
    field certain as it stands; `rescan` is the reason why the paper must be scanned again.
    """

    page: int
    dossier: str | None = None
    type: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    confirmed: bool = False
    rescan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What a person settled about the pages of a batch, all by batch index.

    A page in `begins` starts a paper, one in `joins` goes on with the paper before it. `moved` are (page, page to
    stand behind), in the order they were decided; `turned` the clockwise turn in degrees that makes a page upright;
    `aside` the reason why a page belongs to no paper.
    """

    begins: frozenset[int] = frozenset()
    joins: frozenset[int] = frozenset()
    moved: tuple[tuple[int, int], ...] = ()
    turned: dict[int, int] = field(default_factory=dict)
    aside: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A paper with its PDF: PDF/A-2b made by us, or the incoming file itself, unchanged.

    `id` starts with `d_` and is the same for the same pages of the same dossier.
    """

    id: str
    batch: str
    agency: str
    actor: str
    captured_at: datetime
    paper: Paper
    pages: tuple[ReadPage, ...]
    originals: tuple[SourceFile, ...]
    pdf: Blob
    counter: bool = False
    """Whether a citizen waits for it: its stack was bound to a dossier when it was taken in."""
    shelf: ShelfMark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A document whose PDF carries the signatures that policy asks for, at `level`.

    For an incoming signed file `pdf` is the same bytes, and `validation` the report on its signatures as it came in
    (JSON as of `sohoa verify`).
    """

    document: Document
    pdf: Blob
    level: Level | None
    roles: tuple[SignatureRole, ...] = ()
    reason: str | None = None
    validation: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object in the bucket, read back and re-hashed. `version_id` is a cache, never evidence."""

    key: str
    sha256: Sha256
    size: int
    version_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document kept, locked, and pinned by manifest `generation` of its dossier.

    `version` counts its signed files from 1: one signed anew is the same document with other bytes.
    """

    signed: SignedDocument
    bucket: str
    pdf: StoredObject
    sidecar: StoredObject
    manifest: StoredObject
    originals: tuple[StoredObject, ...]
    generation: int
    version: int
    stored_at: datetime
