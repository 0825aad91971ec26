"""The pages of a TIFF file, by walking its directories (TIFF 6.0, section 2; BigTIFF) within bounds.

Preview pictures (NewSubfileType bit 0) are no pages. Every strip must lie inside the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import Rejected
from pipeline.raster.wholeness import cut_off

SUBFILE, WIDTH, HEIGHT = 254, 256, 257
OFFSETS_AND_COUNTS = ((273, 279), (324, 325))
INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
MAX_TAGS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffPage:
    """`frame` is the place of its directory in the chain, from 0; sizes in pixels."""

    frame: int
    width: int
    height: int


def tiff_pages(path: Path, *, max_pages: int) -> tuple[TiffPage, ...]:
    """Every page of the file. Raises Rejected when it is cut off, damaged, or has too many pages."""
    pages: list[TiffPage] = []
    previews: list[TiffPage] = []
    with path.open("rb") as stream:
        walker = _Walker(stream, path.stat().st_size)
        for frame, tags in enumerate(walker.directories(max_pages)):
            size = [values[0] if (values := tags.get(tag)) else 0 for tag in (WIDTH, HEIGHT)]
            page = TiffPage(frame=frame, width=size[0], height=size[1])
            reduced = bool((tags.get(SUBFILE) or (0,))[0] & 1)
            (previews if reduced else pages).append(page)
    found = tuple(pages or previews)
    if not found or any(page.width < 1 or page.height < 1 for page in found):
        raise damaged()
    return found


def damaged() -> Rejected:
    """The refusal of a TIFF whose structure makes no sense."""
    return Rejected("the TIFF is damaged; scan it again", vi="Tệp TIFF bị hỏng; hãy quét lại")


class _Walker:
    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        head = stream.read(16)
        self._order = "<" if head[:2] == b"II" else ">"
        self._big = head[2:4] in (b"+\0", b"\0+")
        self._start = 8 if self._big else 4

    def directories(self, max_pages: int) -> Iterator[dict[int, tuple[int, ...]]]:
        """The tags that matter of each directory in the chain."""
        seen: set[int] = set()
        (offset,) = self._numbers(self._start, "Q" if self._big else "I")
        while offset:
            if offset in seen:
                raise damaged()
            seen.add(offset)
            if len(seen) > max_pages:
                raise Rejected(
                    f"more than {max_pages} pages in one file; split it",
                    vi=f"Quá {max_pages} trang trong một tệp; hãy chia nhỏ",
                )
            tags, offset = self._directory(offset)
            self._check_data(tags)
            yield tags

    def _directory(self, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
        (count,) = self._numbers(offset, "Q" if self._big else "H")
        if count > MAX_TAGS:
            raise damaged()
        entry, start = (20, offset + 8) if self._big else (12, offset + 2)
        wanted = {SUBFILE, WIDTH, HEIGHT, *(tag for pair in OFFSETS_AND_COUNTS for tag in pair)}
        tags: dict[int, tuple[int, ...]] = {}
        for number in range(count):
            place = start + entry * number
            tag, kind = self._numbers(place, "HH")
            if tag in wanted and kind in INTEGERS:
                tags[tag] = self._values(place, INTEGERS[kind])
        (following,) = self._numbers(start + entry * count, "Q" if self._big else "I")
        return tags, following

    def _values(self, place: int, letter: str) -> tuple[int, ...]:
        (count,) = self._numbers(place + 4, "Q" if self._big else "I")
        value, inline = (place + 12, 8) if self._big else (place + 8, 4)
        length = count * struct.calcsize("=" + letter)
        if length > inline:
            (value,) = self._numbers(value, "Q" if self._big else "I")
        if length > self._size:
            raise damaged()
        return self._numbers(value, f"{count}{letter}")

    def _check_data(self, tags: dict[int, tuple[int, ...]]) -> None:
        for offsets, counts in OFFSETS_AND_COUNTS:
            ends = zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
            if any(offset + count > self._size for offset, count in ends):
                raise cut_off("TIFF")

    def _numbers(self, offset: int, letters: str) -> tuple[int, ...]:
        shape = struct.Struct(self._order + letters)
        if offset + shape.size > self._size:
            raise cut_off("TIFF")
        self._stream.seek(offset)
        return shape.unpack(self._stream.read(shape.size))
