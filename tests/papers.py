"""Papers drawn by the tests: printed Vietnamese at 200 dpi with the boxes of its words, and records of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.files import blob_of
from pipeline.model import (
    Barcode,
    Blob,
    Box,
    Document,
    Field,
    Intake,
    Level,
    Line,
    Origin,
    Page,
    Paper,
    ReadPage,
    Region,
    Sha256,
    SignedDocument,
    SourceFile,
    StoredDocument,
    StoredObject,
    Verdict,
    Word,
)
from pipeline.pdf.archive import write_archive_pdf
from pipeline.pdf.images import encode_faithful
from signing.demo_pki import DemoPki
from signing.evidence import Trust
from signing.keys import from_pem
from signing.pades import PadesSigner
from signing.templates import Templates
from signing.timestamp import demo_authority

AGENCY = "Ủy ban nhân dân xã Tân Phú"
OFFICER = "Nguyễn Thị Hồng Nhung"
CAPTURED = datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
DPI = 200
A4 = (1654, 2339)
SOMEWHERE = Box(left=200, top=500, right=900, bottom=540)
FONT = Path("/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf")
TEXT = (
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Độc lập - Tự do - Hạnh phúc",
    "ĐƠN ĐỀ NGHỊ CẤP GIẤY CHỨNG NHẬN",
    "Kính gửi: Ủy ban nhân dân xã Tân Phú, huyện Đức Trọng",
    "Tôi là Trần Văn Bảy, sinh năm 1967, thường trú tại thôn Phú Hội",
)


def printed(lines: Sequence[str], *, top: int = 500) -> tuple[Image.Image, tuple[Line, ...]]:
    """A white sheet with those lines, and where each word of them stands."""
    sheet = Image.new("RGB", A4, "white")
    pen, face = ImageDraw.Draw(sheet), ImageFont.truetype(str(FONT), 38)
    found = []
    for number, text in enumerate(lines):
        x, y = 200, top + 90 * number
        words = []
        for part in text.split():
            pen.text((x, y), part, font=face, fill="black")
            left, upper, right, lower = (round(edge) for edge in pen.textbbox((x, y), part, font=face))
            words.append(
                Word(text=part, box=Box(left=left, top=upper, right=right, bottom=lower), confidence=0.98)
            )
            x += round(face.getlength(part + " "))
        found.append(Line(words=tuple(words), box=around([word.box for word in words]), block=number))
    return sheet, tuple(found)


def around(boxes: Sequence[Box]) -> Box:
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )


def write_scan(folder: Path, lines: Sequence[str], *, bitonal: bool = False) -> tuple[Blob, tuple[Line, ...]]:
    """The archive picture of a printed sheet as the page job makes it."""
    sheet, found = printed(lines)
    encoded = encode_faithful(np.asarray(sheet), dpi=DPI, bitonal=bitonal)
    name = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    path = folder / f"{name}.{'tif' if bitonal else 'jpg'}"
    path.write_bytes(encoded.content)
    return blob_of(path, encoded.media_type), found


def make_page(
    image: Blob,
    lines: tuple[Line, ...] = (),
    *,
    index: int = 0,
    size: tuple[int, int] = A4,
    dpi: float = DPI,
    barcodes: tuple[Barcode, ...] = (),
    regions: tuple[Region, ...] = (),
) -> ReadPage:
    page = Page(
        id=f"p_{image.sha256[:12]}_{index}",
        index=index,
        source=str(image.path),
        file=image,
        number=1,
        origin=Origin.CAPTURED,
    )
    return ReadPage(
        page=page,
        verdict=Verdict.CONTENT,
        dpi=dpi,
        width=size[0],
        height=size[1],
        image=image,
        confidence=0.95,
        lines=lines,
        barcodes=barcodes,
        regions=regions,
    )


def make_document(
    folder: Path,
    *,
    identifier: str = "d_0123456789abcdef0123",
    dossier: str | None = "000.00.19.H26-260305-0001",
    texts: Sequence[Sequence[str]] = (TEXT, ("Trang hai", "Người làm đơn ký tên")),
    fields: tuple[Field, ...] = (),
    batch: str = "b_tests",
) -> Document:
    """A document of one printed page for each element of `texts`, with its PDF."""
    pages = [make_page(*write_scan(folder, lines), index=index) for index, lines in enumerate(texts)]
    paper = Paper(
        pages=tuple(range(len(pages))),
        dossier=dossier,
        type="don_de_nghi",
        type_name="Đơn đề nghị",
        origin=Origin.CAPTURED,
        fields=fields or (field("title", "Đơn đề nghị cấp giấy chứng nhận"), field("number", "04/ĐĐN")),
    )
    pdf = write_archive_pdf(
        pages,
        folder / f"{identifier}.pdf",
        title="Đơn đề nghị",
        agency=AGENCY,
        identifier=identifier,
        created=CAPTURED,
    )
    return Document(
        id=identifier,
        batch=batch,
        agency="H26.19",
        actor="nhung",
        captured_at=CAPTURED,
        paper=paper,
        pages=tuple(pages),
        originals=tuple(SourceFile(source=page.page.source, blob=page.page.file) for page in pages),
        pdf=pdf,
    )


def field(name: str, value: str, *, doubtful: bool = False) -> Field:
    return Field(name=name, value=value, confidence=0.9, doubtful=doubtful)


def with_bytes(document: Document, content: bytes, folder: Path) -> SignedDocument:
    """The document as if `content` were its signed file: for tests of what only keeps bytes."""
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.pdf"
    path.write_bytes(content)
    return SignedDocument(document=document, pdf=blob_of(path, "application/pdf"), level=Level.T)


def make_signer(pki: DemoPki, level: Level, *, officer: str = OFFICER, agency: str = AGENCY) -> PadesSigner:
    """The two-role signer over the demo keys, as a home in demo mode has it."""
    root = pki.certificate("root")
    return PadesSigner(
        officer=from_pem(pki.certificate("officer"), pki.key("officer"), (root,)),
        agency=from_pem(pki.certificate("agency"), pki.key("agency"), (root,)),
        officer_name=officer,
        agency_name=agency,
        trust=Trust(roots=(root,), crls=(pki.crl,), refresh=pki.refresh),
        timestamper=demo_authority(pki),
        level=level,
        demo=True,
        templates=Templates.load(),
    )


def make_intake(document: Document) -> Intake:
    """The batch that a document came in with."""
    return Intake(
        id=document.batch,
        source="/scans/stack",
        agency=document.agency,
        actor=document.actor,
        received_at=document.captured_at,
        files=document.originals,
        dossier=document.paper.dossier,
    )


def as_stored(signed: SignedDocument, *, version: int = 1, generation: int = 1) -> StoredDocument:
    """The record that the archive gives, for parts that only read it."""
    document = signed.document

    def kept(sha256: Sha256) -> StoredObject:
        return StoredObject(key=f"d/x/{sha256}", sha256=sha256, size=1, version_id=None)

    return StoredDocument(
        signed=signed,
        bucket="sohoa",
        pdf=kept(signed.pdf.sha256),
        sidecar=kept(Sha256("0" * 64)),
        manifest=kept(Sha256("1" * 64)),
        originals=tuple(
            kept(file.blob.sha256) for file in document.originals if file.blob.sha256 != signed.pdf.sha256
        ),
        generation=generation,
        version=version,
        stored_at=CAPTURED,
    )


def of_text(document: Document, identifier: str, text: str, **changes: str | None) -> Document:
    """The same paper under another id and dossier, holding these words."""
    line = Line(
        words=tuple(Word(text=part, box=SOMEWHERE, confidence=1.0) for part in text.split()), box=SOMEWHERE
    )
    paper = replace(document.paper, fields=(), type_name="Giấy tờ", **changes)  # type: ignore[arg-type]
    return replace(document, id=identifier, paper=paper, pages=(replace(document.pages[0], lines=(line,)),))
