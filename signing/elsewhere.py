"""A file that went out to be signed on another machine and came back: is it ours, with one signature and nothing else?

The file is hostile until checked: call it through a child process (`isolation`). Every refusal is a sentence.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from pipeline.errors import Rejected
from signing.integrity import examine
from signing.revision import stamp_tokens

LARGEST_SHARE = 0.15
"""Of page 1 that the look of the signature may take: more of it would hide what was signed."""
SHOWN, HIDDEN = 0b100, 0b100011
"""Bits of an annotation's flags: printed; invisible, hidden or not viewed (ISO 19005-2, 6.3.2)."""
ACTIVE = ("/A", "/AA", "/JS", "/JavaScript", "/OpenAction", "/EmbeddedFiles", "/RichMedia", "/Launch")
MOST_XMP = 65536
_WORDS = re.compile(rb">([^<>]+?)</(?!xmp:ModifyDate|pdf:Producer)")
_PART = re.compile(rb"pdfaid:(part|conformance)\s*(?:=\s*[\"']|>)\s*(\w+)")
BROKEN = (PdfError, SignatureValidationError, SigningError, ValueError, KeyError, TypeError, IndexError,
          AttributeError, NotImplementedError, RecursionError, AssertionError)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The officer who is to sign: the certificate by its digest, or the holder's common name.

    `need_timestamp` where policy asks for more than B-B: nobody can put a time-stamp into a signature later.
    """

    certificate_sha256: str | None = None
    subject: str | None = None
    accept_cms: bool = False
    need_timestamp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What the one new signature tells: the signer's certificate with its issuers (DER), and its kind."""

    signer: str
    certificate: bytes
    others: tuple[bytes, ...]
    cms: bool


def check_returned(ours: bytes, theirs: bytes, named: Named) -> Returned:
    """The signature that was added to our bytes. Raises Rejected with the reason when anything else was done."""
    if not theirs.startswith(ours):
        raise _no(
            "it does not begin with the bytes that were handed out: it was saved anew, or is another file",
            "không bắt đầu bằng đúng tệp đã giao: đã bị lưu lại hoặc là tệp khác",
        )
    if theirs == ours:
        raise _no("it is not signed yet", "chưa được ký")
    try:
        return _check(ours, theirs, named)
    except BROKEN as error:
        raise _no(
            f"what was added cannot be read ({type(error).__name__})", "phần thêm vào không đọc được"
        ) from error


def _check(ours: bytes, theirs: bytes, named: Named) -> Returned:
    reader = PdfFileReader(io.BytesIO(theirs), strict=False)
    signatures = list(reader.embedded_signatures)
    if len(signatures) != 1:
        raise _no(
            f"it carries {len(signatures)} signatures; exactly one is wanted, the officer's",
            f"có {len(signatures)} chữ ký; phải có đúng một, của cán bộ",
        )
    one = signatures[0]
    kind = str(_of(one.sig_object, "/SubFilter", ""))
    cms = kind == "/adbe.pkcs7.detached"
    if str(_of(one.sig_object, "/Type", "/Sig")) != "/Sig" or not (
        kind == "/ETSI.CAdES.detached" or (cms and named.accept_cms)
    ):
        raise _no(
            f"its signature is of the kind {kind}, not PAdES; set the client to PAdES, or allow accept_cms",
            f"chữ ký kiểu {kind}, không phải PAdES; hãy chỉnh phần mềm ký, hoặc cho phép accept_cms",
        )
    if named.need_timestamp and not stamp_tokens(one.pkcs7_content):
        raise _no(
            "its signature carries no time-stamp; set the client to ask the time-stamp authority",
            "chữ ký không có dấu thời gian; hãy chỉnh phần mềm ký lấy dấu thời gian",
        )
    _check_signature(one)
    _check_change(ours, reader)
    _check_look(reader, one, PdfFileReader(io.BytesIO(ours), strict=False))
    return _check_person(one, named, cms=cms)


def _check_signature(one: EmbeddedPdfSignature) -> None:
    facts = examine(one)
    if not facts.intact:
        raise _no("its signature does not hold", "chữ ký không nguyên vẹn")
    if facts.covers != "entire_file":
        raise _no("bytes stand behind its signature", "có dữ liệu nằm sau chữ ký")
    if str(one.md_algorithm).lower() in ("md5", "sha1"):
        raise _no("its signature uses a weak hash", "chữ ký dùng hàm băm yếu")


def _check_change(ours: bytes, reader: PdfFileReader) -> None:
    """The added revision holds a form with one signature field, its place on a page, and changes nothing else.

    PyHanko's own policy compares forms, and our files have none before the first signature.
    """
    before = PdfFileReader(io.BytesIO(ours), strict=False).xrefs.total_revisions
    old, xrefs = reader.get_historical_resolver(before - 1), reader.xrefs
    root = reader.root_ref
    if old.root_ref != root:
        raise _no("the document's root was exchanged", "gốc tài liệu bị thay")
    pages = 0
    for revision in range(before, xrefs.total_revisions):
        if xrefs.refs_freed_in_revision(revision):
            raise _no("objects were taken away", "có phần bị xóa")
        for reference in sorted(xrefs.explicit_refs_in_revision(revision), key=lambda one: one.idnum):
            if xrefs.get_historical_ref(reference, before - 1) is None:
                continue
            was, now = old(reference), reader.get_object(reference)
            if was == now and _data(was) == _data(now):
                continue
            if reference == root:
                _same_but(was, now, "/AcroForm", "/Extensions", "/Version")
            elif reference == getattr(reader.trailer.raw_get("/Info"), "reference", None):
                _same_but(was, now, "/ModDate", "/Producer")
            elif reference == getattr(old.root.raw_get("/Metadata"), "reference", None):
                _same_words(was.data, now.data)
            elif isinstance(now, generic.DictionaryObject) and _of(now, "/Type") == "/Page":
                _same_but(was, now, "/Annots")
                _one_more(was, now)
                pages += 1
            else:
                raise _no(f"object {reference.idnum} was changed", f"đối tượng {reference.idnum} bị sửa")
    form = _of(reader.root, "/AcroForm", {})
    if pages > 1 or len(_of(form, "/Fields", ())) != 1 or _of(form, "/NeedAppearances") or "/XFA" in form:
        raise _no("more than one signature field was added", "thêm nhiều hơn một ô chữ ký")


def _same_but(was: Any, now: Any, *free: str) -> None:
    keys = {*was, *now} - {*free}
    for name in sorted(keys):
        if name not in was or name not in now or was.raw_get(name) != now.raw_get(name):
            raise _no(f"pages or structure were changed ({name})", f"trang hoặc cấu trúc bị sửa ({name})")


def _one_more(was: Any, now: Any) -> None:
    """The page's annotations are the old ones and one signature's widget."""
    old, new = list(_of(was, "/Annots", ())), list(_of(now, "/Annots", ()))
    added = new[len(old) :]
    widget = added[0].get_object() if len(added) == 1 else {}
    if new[: len(old)] != old or _of(widget, "/Subtype") != "/Widget" or _kind(widget) != "/Sig":
        raise _no("pages were changed: an annotation was added", "trang bị sửa: có thêm chú thích")


def _same_words(was: bytes, now: bytes) -> None:
    """XMP that the client wrote anew in its own form: part, title, agency, identifier, date must be there still."""
    words = [found.strip() for found in _WORDS.findall(was) if found.strip()]
    same = sorted(_PART.findall(was)) == sorted(_PART.findall(now))
    if len(now) > MOST_XMP or b"<!" in now or not same or any(word not in now for word in words):
        raise _no("the document's metadata were changed", "siêu dữ liệu của tài liệu bị sửa")


def _of(item: Any, key: str, default: Any = None) -> Any:
    """An entry of a dictionary, followed to where it leads; `get` of the library does not follow."""
    return item.get(key, default)


def _data(item: Any) -> bytes | None:
    """What a stream holds; its dictionary alone does not tell."""
    return bytes(item.encoded_data) if isinstance(item, generic.StreamObject) else None


def _kind(widget: Any) -> str:
    parent = _of(widget, "/Parent")
    return str(_of(widget, "/FT") or (_of(parent, "/FT") if parent is not None else ""))


def _check_look(reader: PdfFileReader, one: EmbeddedPdfSignature, ours: PdfFileReader) -> None:
    """The widget on page 1, small, printed, with embedded fonts and nothing active: so PDF/A-2b holds."""
    widget = one.sig_field
    kids = _of(widget, "/Kids")
    if kids is not None:
        if len(kids) != 1:
            raise _no("its signature shows at several places", "chữ ký hiện ở nhiều chỗ")
        widget = kids[0]
    box = [float(edge) for edge in _of(widget, "/Rect", (0, 0, 0, 0))]
    wide, high = abs(box[2] - box[0]), abs(box[3] - box[1])
    if any(key in widget for key in ACTIVE):
        raise _no("its signature field does something when it is opened", "ô chữ ký có hành động kèm theo")
    if not wide or not high:
        return
    page = _first_page(ours)
    frame = [float(edge) for edge in page]
    whole = (frame[2] - frame[0]) * (frame[3] - frame[1])
    if wide * high > LARGEST_SHARE * whole:
        raise _no("its look hides a large part of the page", "hình chữ ký che quá nhiều trang giấy")
    flags = int(_of(widget, "/F", 0))
    if not flags & SHOWN or flags & HIDDEN:
        raise _no("its look is not for print, which PDF/A wants", "ô chữ ký không in được, trái với PDF/A")
    normal = _of(_of(widget, "/AP", {}), "/N")
    if not isinstance(normal, generic.StreamObject):
        raise _no("its look is missing, which PDF/A wants", "ô chữ ký không có hình, trái với PDF/A")
    for item in _within(normal, set()):
        if _of(item, "/Type") == "/Font" and _of(item, "/Subtype") not in ("/Type0", "/Type3"):
            about = _of(item, "/FontDescriptor", {})
            if not any(key in about for key in ("/FontFile", "/FontFile2", "/FontFile3")):
                raise _no(
                    f"it shows text in the font {item.get('/BaseFont')}, which is not embedded: no PDF/A any more",
                    f"phông {item.get('/BaseFont')} không được nhúng, nên không còn là PDF/A",
                )
        if any(key in item for key in ACTIVE):
            raise _no("its look holds something active", "hình chữ ký có nội dung động")


def _first_page(reader: PdfFileReader) -> Any:
    page = reader.root["/Pages"]
    box = _of(page, "/MediaBox")
    while "/Kids" in page:
        page = page["/Kids"][0]
        box = _of(page, "/MediaBox", box)
    return box


def _within(start: generic.DictionaryObject, seen: set[int]) -> Iterator[generic.DictionaryObject]:
    """Every dictionary that an object leads to."""
    stack: list[Any] = [start]
    while stack:
        item = stack.pop()
        if isinstance(item, generic.IndirectObject):
            item = item.get_object()
        if id(item) in seen or len(seen) > 5000:
            continue
        if isinstance(item, generic.DictionaryObject):
            seen.add(id(item))
            yield item
            stack += [item.raw_get(key) for key in item if key not in ("/P", "/Parent")]
        elif isinstance(item, generic.ArrayObject):
            seen.add(id(item))
            stack += [item.raw_get(place) for place in range(len(item))]


def _check_person(one: EmbeddedPdfSignature, named: Named, *, cms: bool) -> Returned:
    found = extract_certs_for_validation(one.signed_data)
    own: x509.Certificate = found.signer_cert
    der = own.dump()
    name = str(own.subject.native.get("common_name") or own.subject.human_friendly)
    if named.certificate_sha256 is not None:
        right = hashlib.sha256(der).hexdigest() == named.certificate_sha256
    else:
        right = name == named.subject
    if not right:
        raise _no(
            f"it is signed by {name}, not by the named officer", f"người ký là {name}, không đúng cán bộ"
        )
    others = tuple(other.dump() for other in found.other_certs)
    return Returned(signer=name, certificate=der, others=others, cms=cms)


def _no(english: str, vietnamese: str) -> Rejected:
    return Rejected(english, vi=vietnamese[0].upper() + vietnamese[1:])
