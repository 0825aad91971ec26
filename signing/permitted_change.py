"""Whether what was done to a form after a signature is the filling in that it claims to be, and comments are comments.

pyHanko lets any new look of a field pass as form filling. A look that says other things than the value, a field that is
hidden, or one that lies over signed words changes what is read (shadow attacks, Mainka and others, 2021); an annotation
with words or paint of its own does so where comments are allowed (evil annotations, Rohlmann and others, 2021).
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pikepdf
import pypdfium2 as pdfium

from signing.covering import MOST_LETTERS
from signing.signature_fields import UNREADABLE
from signing.visible_change import BOOKS, Comparison, Different, is_signature, only_signature

FILLED = {"/V", "/AP", "/AS", "/I", "/M", "/RV", *BOOKS}
"""What filling in may change of a field."""
ICON, ICON_SIDE = ("/Text", "/Popup"), 40.0
MARKS = ("/Highlight", "/Underline", "/Squiggly", "/StrikeOut")
PAINT = {"Tj", "TJ", "'", '"', "Do", "BI", "sh"}
"""Operators that show words or pictures: a mark over words needs none."""
EMPTY = (None, "", "/Off")
INK, LOST, MOST_LOST = 110, 60, 12
"""Grey below which a pixel is ink, how much lighter it may become, how many pixels may (edges of letters)."""
BROKEN = (pikepdf.PdfError, pikepdf.PasswordError, pdfium.PdfiumError, RuntimeError, *UNREADABLE)


def only_permitted(before: bytes, after: bytes, *, comments: bool, countersigned: bool) -> bool:
    """Whether fields were honestly filled, and comments added where they are allowed, and nothing else shows.

    Unless somebody signed it afterwards, only empty fields may be filled, and must show what they hold. What cannot be
    compared is not permitted.
    """
    try:
        with pikepdf.open(io.BytesIO(before)) as old, pikepdf.open(io.BytesIO(after)) as new:
            found = _Filling(comments=comments, countersigned=countersigned)
            found.files(old, new)
            places = found.places
        return all(_harmless(before, after, page, places[page]) for page in places)
    except (Different, *BROKEN):
        return False


Rectangle = tuple[float, float, float, float]


class _Filling(Comparison):
    """The comparison of two states that lets filled fields and comments pass, and notes where they stand."""

    def __init__(self, *, comments: bool, countersigned: bool) -> None:
        super().__init__()
        self._countersigned = countersigned
        self._comments = comments
        self._number = -1
        self.places: dict[int, list[tuple[Rectangle, bool]]] = {}

    def page(self, old: pikepdf.Object, new: pikepdf.Object) -> None:
        self._number += 1
        super().page(old, new)

    def same(self, old: pikepdf.Object | None, new: pikepdf.Object | None) -> None:
        if isinstance(old, pikepdf.Dictionary) and isinstance(new, pikepdf.Dictionary) and _is_field(old):
            if not self.matches(old, new):
                raise Different
            return
        super().same(old, new)

    def matches(self, one: pikepdf.Object, later: pikepdf.Object) -> bool:
        if is_signature(one) or not _is_field(one) or not _is_field(later):
            return super().matches(one, later)
        known = set(self.done)
        try:
            self.keys(one, later, leave=FILLED)
            self._filled(one, later)
        except Different:
            self.done = known
            return False
        return True

    def added(self, one: pikepdf.Object) -> None:
        if not self._comments or one.get("/Subtype") not in (*ICON, *MARKS):
            only_signature(one)
            return
        if {"/A", "/AA", "/OC"} & set(one.keys()) or (one.Subtype in MARKS and set(_painted(one)) & PAINT):
            raise Different
        left, bottom, right, top = _rectangle(one)
        if one.Subtype == "/Text" and max(right - left, top - bottom) > ICON_SIDE:
            raise Different
        if one.Subtype != "/Popup":
            over_words = one.Subtype in MARKS
            self.places.setdefault(self._number, []).append(((left, bottom, right, top), over_words))

    def _filled(self, one: pikepdf.Object, later: pikepdf.Object) -> None:
        if not self._countersigned and _value(one) not in EMPTY and _value(one) != _value(later):
            raise Different  # what the signer saw there is gone, and nobody signed what came
        if _look(one) == _look(later) and one.get("/AS") == later.get("/AS"):
            return
        if (
            _value(one) == _value(later)
            and one.get("/AS") == later.get("/AS")
            and _shown(one) != _shown(later)
        ):
            raise Different  # another look of the same value
        if not self._countersigned and not _fits(_value(later), _shown(later)):
            raise Different
        if "/Rect" in later and self._number >= 0 and _shown(one) != _shown(later):
            self.places.setdefault(self._number, []).append((_rectangle(later), False))


def _is_field(one: pikepdf.Object) -> bool:
    return one.get("/Subtype") == "/Widget" or "/FT" in one


def _value(one: pikepdf.Object) -> str | None:
    """Its own, or the one of the field above it."""
    for _ in range(20):
        if "/V" in one:
            return str(one.V)
        if "/Parent" not in one:
            return None
        one = one.Parent
    raise Different


def _fits(value: str | None, shown: bytes) -> bool:
    """Whether a look says what the value does, as far as its codes can be read as letters."""
    if value is None or value.startswith("/") or not (value.isascii() and shown.isascii()):
        return True
    said, written = ("".join(filter(str.isalnum, text)) for text in (value, shown.decode("ascii")))
    return not written or said == written


def _look(one: pikepdf.Object) -> bytes:
    """The bytes of its normal look, whichever it is in."""
    return b"|".join(stream.read_bytes() for stream in _streams(one))


def _streams(one: pikepdf.Object) -> Iterator[pikepdf.Stream]:
    looks = one.get("/AP")
    normal = looks.get("/N") if isinstance(looks, pikepdf.Dictionary) else None
    if isinstance(normal, pikepdf.Stream):
        yield normal
    elif isinstance(normal, pikepdf.Dictionary):
        for key in sorted(normal.keys()):
            one_look = normal[key]
            if isinstance(one_look, pikepdf.Stream):
                yield one_look


def _painted(one: pikepdf.Object) -> Iterator[str]:
    for stream in _streams(one):
        yield from (str(step.operator) for step in pikepdf.parse_content_stream(stream))


def _shown(one: pikepdf.Object) -> bytes:
    """What its look writes and paints, without how it is cut into pieces."""
    found = []
    for stream in _streams(one):
        for step in pikepdf.parse_content_stream(stream):
            name = str(step.operator)
            if name in PAINT:
                parts = list(step.operands[0]) if name == "TJ" else list(step.operands)
                found += [bytes(part) for part in parts if isinstance(part, pikepdf.String)]
                found += [str(part).encode() for part in parts if isinstance(part, pikepdf.Name)]
            elif name in ("f", "F", "f*", "B", "b", "S", "s"):
                found.append(b"")
    return b"".join(found)


def _rectangle(one: pikepdf.Object) -> Rectangle:
    edges = [float(edge) for edge in one.get("/Rect", pikepdf.Array())]
    if len(edges) != 4:
        raise Different
    left, right = sorted(edges[0::2])
    bottom, top = sorted(edges[1::2])
    return left, bottom, right, top


def _harmless(before: bytes, after: bytes, number: int, places: list[tuple[Rectangle, bool]]) -> bool:
    """Whether what was added to a page lies over no words, unless it marks them, and takes no ink away."""
    old, new = pdfium.PdfDocument(before), pdfium.PdfDocument(after)
    try:
        old.init_forms()
        new.init_forms()
        text = old[number].get_textpage()
        for place, over_words in places:
            if not over_words and len("".join(text.get_text_bounded(*place).split())) > MOST_LETTERS:
                return False
        grey = [
            np.asarray(one[number].render(scale=1, grayscale=True).to_numpy()).squeeze() for one in (old, new)
        ]
        if grey[0].shape != grey[1].shape:
            return False
        lost = (grey[0] < INK) & (grey[1].astype(int) - grey[0] > LOST)
        filled = np.zeros_like(lost)
        height = old[number].get_height()
        for (left, bottom, right, top), over_words in places:
            if not over_words:  # what stood in a field before may go
                filled[
                    max(0, int(height - top)) : int(height - bottom) + 1, max(0, int(left)) : int(right) + 1
                ] = True
        return int((lost & ~filled).sum()) <= MOST_LOST
    finally:
        new.close()
        old.close()
