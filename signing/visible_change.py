"""Whether two states of a PDF show the same: pages, what is drawn on them, form values, what opens by itself.

pyHanko's change rule allows what it knows and calls the rest a changed content, so signing programs that keep their own
books between two signatures are refused. Here the earlier signed state is compared with a later one object by object;
added signature fields, evidence and metadata do not count.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import pikepdf

from signing.signature_fields import UNREADABLE

MOST_OBJECTS = 200_000
BOOKS = {
    "/LastModified",
    "/PieceInfo",
    "/Metadata",
    "/StructParents",
    "/StructParent",
    "/Tabs",
    "/Parent",
    "/P",
}
"""Page and annotation keys that show nothing; parents are looked at by themselves."""
CATALOGUE_BOOKS = {
    "/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Perms", "/Version", "/Pages", "/PieceInfo", "/MarkInfo",
    "/Lang", "/Type",
}  # fmt: skip
TRAILER_BOOKS = {
    "/Root", "/Prev", "/Size", "/ID", "/Info", "/XRefStm", "/DocChecksum", "/Type", "/W", "/Index", "/Length",
    "/Filter", "/DecodeParms",
}  # fmt: skip
INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


class Different(Exception):
    """Something is shown that was not, or no longer."""


def shows_the_same(before: bytes, after: bytes) -> bool | None:
    """Whether a reader sees the same in both; None when that cannot be told within bounds."""
    try:
        with pikepdf.open(io.BytesIO(before)) as old, pikepdf.open(io.BytesIO(after)) as new:
            Comparison().files(old, new)
    except Different:
        return False
    except (pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, *UNREADABLE):
        return None
    return True


def adds_evidence(before: bytes, after: bytes) -> bool:
    """Whether the later state has more in its store of evidence (DSS); also when that cannot be told."""
    try:
        with pikepdf.open(io.BytesIO(before)) as old, pikepdf.open(io.BytesIO(after)) as new:
            Comparison().same(old.Root.get("/DSS"), new.Root.get("/DSS"))
    except (Different, pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, *UNREADABLE):
        return True
    return False


class Comparison:
    def __init__(self) -> None:
        self.done: set[tuple[object, object]] = set()
        self._count = 0

    def files(self, old: pikepdf.Pdf, new: pikepdf.Pdf) -> None:
        if len(old.pages) != len(new.pages):
            raise Different
        for page, later in zip(old.pages, new.pages, strict=True):
            self.page(page.obj, later.obj)
        self.keys(old.Root, new.Root, leave=CATALOGUE_BOOKS)
        for key in set(new.trailer.keys()) - TRAILER_BOOKS:
            if key != "/AdditionalStreams":
                raise Different  # a second way into the document, which no standard knows (or encryption)
            self.same(old.trailer.get(key), new.trailer.get(key))  # what LibreOffice carries beside the pages
        self._form(old.Root.get("/AcroForm"), new.Root.get("/AcroForm"))

    def page(self, old: pikepdf.Object, new: pikepdf.Object) -> None:
        self.keys(old, new, leave={*BOOKS, "/Annots", *INHERITED})
        for key in INHERITED:
            self.same(_inherited(old, key), _inherited(new, key))
        self._annotations(_items(old.get("/Annots")), _items(new.get("/Annots")))

    def _annotations(self, old: list[pikepdf.Object], new: list[pikepdf.Object]) -> None:
        """Those there stay, in their order; only signature fields may come, and only empty ones be filled."""
        waiting = iter(new)
        for one in old:
            for later in waiting:
                if self.matches(one, later):
                    break
                self.added(later)
            else:
                raise Different
        for later in waiting:
            self.added(later)

    def added(self, one: pikepdf.Object) -> None:
        """What is new in a list of annotations or fields."""
        only_signature(one)

    def matches(self, one: pikepdf.Object, later: pikepdf.Object) -> bool:
        if is_signature(one) and is_signature(later) and "/V" not in one:
            return bool(one.get("/T") == later.get("/T"))
        known = set(self.done)
        try:
            self.keys(one, later, leave=BOOKS)
        except Different:
            self.done = known
            return False
        return True

    def _form(self, old: pikepdf.Object | None, new: pikepdf.Object | None) -> None:
        if new is None:
            if old is not None:
                raise Different
            return
        self.same(None if old is None else old.get("/XFA"), new.get("/XFA"))
        if _drawn_anew(new) and (old is None or not bool(old.get("/NeedAppearances", False))):
            raise Different
        if old is not None and "/DA" in old:
            self.same(old.DA, new.get("/DA"))
        self._annotations(_items(None if old is None else old.get("/Fields")), _items(new.get("/Fields")))

    def keys(self, old: pikepdf.Object, new: pikepdf.Object, *, leave: Iterable[str]) -> None:
        for key in (set(old.keys()) | set(new.keys())) - set(leave):
            self.same(old.get(key), new.get(key))

    def same(self, old: pikepdf.Object | None, new: pikepdf.Object | None) -> None:
        """Raise Different unless both are the same, all that hangs on them included."""
        self._count += 1
        if self._count > MOST_OBJECTS:
            raise Different
        if isinstance(old, pikepdf.Object) and isinstance(new, pikepdf.Object):
            if _kind(old) is not _kind(new):
                raise Different
            if old.is_indirect and new.is_indirect:
                pair = (old.objgen, new.objgen)
                if pair in self.done:
                    return
                self.done.add(pair)
            if isinstance(old, pikepdf.Stream):
                if old.read_raw_bytes() != new.read_raw_bytes():
                    raise Different
                self.keys(old, new, leave={"/Length"})
                return
            if isinstance(old, pikepdf.Dictionary):
                if old.get("/Type") == "/Page":
                    return  # pages are compared by themselves
                self.keys(old, new, leave={"/Parent", "/P"})
                return
            if isinstance(old, pikepdf.Array):
                if len(old) != len(new):
                    raise Different
                for one, other in zip(_items(old), _items(new), strict=True):
                    self.same(one, other)
                return
        if old != new:
            raise Different


def _drawn_anew(form: pikepdf.Object) -> bool:
    """Whether readers draw its fields from their values, whatever was signed as their look."""
    anew = bool(form.get("/NeedAppearances", False))
    return anew and any(not is_signature(one) for one in _items(form.get("/Fields")))


def _inherited(page: pikepdf.Object, key: str) -> pikepdf.Object | None:
    for _ in range(100):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            return None
        page = page["/Parent"]
    raise Different


def _items(array: pikepdf.Object | None) -> list[pikepdf.Object]:
    return list(array) if isinstance(array, pikepdf.Array) else []


def _kind(one: pikepdf.Object) -> type:
    kinds = (pikepdf.Stream, pikepdf.Dictionary, pikepdf.Array, pikepdf.Name, pikepdf.String)
    return next((kind for kind in kinds if isinstance(one, kind)), pikepdf.Object)


def is_signature(one: pikepdf.Object) -> bool:
    return isinstance(one, pikepdf.Dictionary) and one.get("/FT") == "/Sig"


def only_signature(one: pikepdf.Object) -> None:
    if not is_signature(one) or "/AA" in one or "/A" in one:
        raise Different
