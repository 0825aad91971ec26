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


class _Different(Exception):
    """Something is shown that was not, or no longer."""


def shows_the_same(before: bytes, after: bytes) -> bool:
    """Whether a reader sees the same in both. What cannot be compared within bounds is not the same."""
    try:
        with pikepdf.open(io.BytesIO(before)) as old, pikepdf.open(io.BytesIO(after)) as new:
            _Comparison().files(old, new)
    except (_Different, pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, *UNREADABLE):
        return False
    return True


class _Comparison:
    def __init__(self) -> None:
        self._done: set[tuple[object, object]] = set()
        self._count = 0

    def files(self, old: pikepdf.Pdf, new: pikepdf.Pdf) -> None:
        if len(old.pages) != len(new.pages):
            raise _Different
        for page, later in zip(old.pages, new.pages, strict=True):
            self._page(page.obj, later.obj)
        self._keys(old.Root, new.Root, leave=CATALOGUE_BOOKS)
        if set(new.trailer.keys()) - TRAILER_BOOKS:
            raise _Different  # a second way into the document, which no standard knows (or encryption)
        self._form(old.Root.get("/AcroForm"), new.Root.get("/AcroForm"))

    def _page(self, old: pikepdf.Object, new: pikepdf.Object) -> None:
        self._keys(old, new, leave={*BOOKS, "/Annots", *INHERITED})
        for key in INHERITED:
            self.same(_inherited(old, key), _inherited(new, key))
        self._annotations(_items(old.get("/Annots")), _items(new.get("/Annots")))

    def _annotations(self, old: list[pikepdf.Object], new: list[pikepdf.Object]) -> None:
        """Those there stay, in their order; only signature fields may come, and only empty ones be filled."""
        waiting = iter(new)
        for one in old:
            for later in waiting:
                if self._matches(one, later):
                    break
                _only_signature(later)
            else:
                raise _Different
        for later in waiting:
            _only_signature(later)

    def _matches(self, one: pikepdf.Object, later: pikepdf.Object) -> bool:
        if _is_signature(one) and _is_signature(later) and "/V" not in one:
            return bool(one.get("/T") == later.get("/T"))
        known = set(self._done)
        try:
            self._keys(one, later, leave=BOOKS)
        except _Different:
            self._done = known
            return False
        return True

    def _form(self, old: pikepdf.Object | None, new: pikepdf.Object | None) -> None:
        if new is None:
            if old is not None:
                raise _Different
            return
        if "/XFA" in new or bool(new.get("/NeedAppearances", False)):
            self.same(None if old is None else old.get("/XFA"), new.get("/XFA"))
            if old is None or not bool(old.get("/NeedAppearances", False)):
                raise _Different
        self._annotations(_items(None if old is None else old.get("/Fields")), _items(new.get("/Fields")))

    def _keys(self, old: pikepdf.Object, new: pikepdf.Object, *, leave: Iterable[str]) -> None:
        for key in (set(old.keys()) | set(new.keys())) - set(leave):
            self.same(old.get(key), new.get(key))

    def same(self, old: pikepdf.Object | None, new: pikepdf.Object | None) -> None:
        """Raise _Different unless both are the same, all that hangs on them included."""
        self._count += 1
        if self._count > MOST_OBJECTS:
            raise _Different
        if isinstance(old, pikepdf.Object) and isinstance(new, pikepdf.Object):
            if _kind(old) is not _kind(new):
                raise _Different
            if old.is_indirect and new.is_indirect:
                pair = (old.objgen, new.objgen)
                if pair in self._done:
                    return
                self._done.add(pair)
            if isinstance(old, pikepdf.Stream):
                if old.read_raw_bytes() != new.read_raw_bytes():
                    raise _Different
                self._keys(old, new, leave={"/Length"})
                return
            if isinstance(old, pikepdf.Dictionary):
                if old.get("/Type") == "/Page":
                    return  # pages are compared by themselves
                self._keys(old, new, leave={"/Parent", "/P"})
                return
            if isinstance(old, pikepdf.Array):
                if len(old) != len(new):
                    raise _Different
                for one, other in zip(_items(old), _items(new), strict=True):
                    self.same(one, other)
                return
        if old != new:
            raise _Different


def _inherited(page: pikepdf.Object, key: str) -> pikepdf.Object | None:
    for _ in range(100):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            return None
        page = page["/Parent"]
    raise _Different


def _items(array: pikepdf.Object | None) -> list[pikepdf.Object]:
    return list(array) if isinstance(array, pikepdf.Array) else []


def _kind(one: pikepdf.Object) -> type:
    kinds = (pikepdf.Stream, pikepdf.Dictionary, pikepdf.Array, pikepdf.Name, pikepdf.String)
    return next((kind for kind in kinds if isinstance(one, kind)), pikepdf.Object)


def _is_signature(one: pikepdf.Object) -> bool:
    return isinstance(one, pikepdf.Dictionary) and one.get("/FT") == "/Sig"


def _only_signature(one: pikepdf.Object) -> None:
    if not _is_signature(one) or "/AA" in one or "/A" in one:
        raise _Different
