"""Ink in the blanks of a letterhead: lifted out of its slot, and read by two readers apart from each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ocr.components import components
from ocr.digits import read_figures
from ocr.engine import Engine
from ocr.slots import Slot, find_slots
from pipeline.model import Box, Line, Penned

Pixels = npt.NDArray[np.uint8]
SPECK, TALL, LOW = 0.3, 2.2, 0.45  # of the height of printed figures
SCALES = (40, 64)  # heights in pixels at which figures are shown to the text recogniser
LONGEST = {"number": 5, "day": 2, "month": 2}


def read_pen(
    engine: Engine, part: Callable[[Box], Pixels], shape: tuple[int, int], lines: Sequence[Line]
) -> tuple[Penned, ...]:
    """What stands in each blank; a blank without ink, or with what cannot be figures, has an empty text.

    `part` gives a window of the straight page, RGB, whose (height, width) is `shape`.
    """
    height, width = shape
    found = []
    for slot in find_slots(lines, width, height):
        one = _read(engine, part, (height, width), slot)
        if one is not None:
            found.append(one)
    return tuple(found)


def _read(engine: Engine, part: Callable[[Box], Pixels], shape: tuple[int, int], slot: Slot) -> Penned | None:
    box = Box(
        left=max(0, slot.box.left),
        top=max(0, slot.box.top),
        right=min(shape[1], slot.box.right),
        bottom=min(shape[0], slot.box.bottom),
    )
    if min(box.right - box.left, box.bottom - box.top) < 8:
        return None
    crop = part(box)
    parts = ink_parts(crop, slot)
    if parts is None:
        return None
    around = _around(parts, box) if parts else box
    guess = read_figures(parts) if parts else None
    if guess is None or len(guess.text) > LONGEST[slot.name]:
        return Penned(name=slot.name, box=around, text="", confidence=0.0, after=slot.after)
    return Penned(
        name=slot.name,
        box=around,
        text=guess.text,
        confidence=guess.confidence,
        strokes=guess.strokes,
        second=_by_recogniser(engine, parts),
        after=slot.after,
    )


def ink_parts(crop: Pixels, slot: Slot) -> list[Pixels] | None:
    """Connected pieces of ink as masks, left to right, without print and specks; None where the slot has no bounds."""
    mask = _ink(crop)
    labels, stats = components(mask)
    base, unit = slot.base - slot.box.top, slot.unit
    boxes = {
        n: tuple(int(v) for v in stats[n][:4]) for n in range(1, len(stats)) if stats[n][4] >= 0.01 * unit**2
    }
    left = None if slot.edge is None else slot.edge - slot.box.left
    if slot.name == "number":
        left = _after_colon(boxes, base, unit, left) or left
    if left is None:
        return None
    right = _slash(boxes, crop.shape[1], unit) if slot.name == "number" else crop.shape[1]
    tall, small = [], []
    for n, (x, y, wide, high) in boxes.items():
        middle = x + wide / 2
        cut_off = x <= 0 and wide < 0.5 * unit  # the end of a word
        if middle < left or middle >= right or cut_off:
            continue
        if high > TALL * unit or y + high < base - 1.3 * unit or y > base + 0.3 * unit:
            continue
        if high >= LOW * unit:
            tall.append(n)
        elif wide >= SPECK * unit:
            small.append(n)
    groups = {n: [n] for n in tall}
    for n in small:  # the roof of a five, the bar of a seven
        x, _, wide, _ = boxes[n]
        near = [
            t
            for t in tall
            if boxes[t][0] - 0.2 * unit < x + wide / 2 < boxes[t][0] + boxes[t][2] + 0.3 * unit
        ]
        if near:
            groups[min(near, key=lambda t: abs(boxes[t][0] + boxes[t][2] / 2 - x - wide / 2))].append(n)
    ordered = sorted(groups.values(), key=lambda group: boxes[group[0]][0] + boxes[group[0]][2] / 2)
    return [np.where(np.isin(labels, group), 255, 0).astype(np.uint8) for group in ordered]


def _ink(crop: Pixels) -> Pixels:
    """255 where there is ink that is not the red of a seal."""
    wide = crop.astype(np.int16)
    red = wide[..., 0] - np.maximum(wide[..., 1], wide[..., 2]) > 45
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))
    grey[red] = 255
    level, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    if level > 200:  # nothing but paper
        return np.zeros_like(grey)
    return np.asarray(mask, np.uint8)


def _after_colon(boxes: dict[int, tuple[int, ...]], base: int, unit: int, near: int | None) -> int | None:
    """The right edge of the label's colon: two dots, one over the other, about where the label ends."""
    dots = [
        (x, y, wide, high)
        for x, y, wide, high in boxes.values()
        if max(wide, high) <= SPECK * unit
        and base - 1.1 * unit < y < base + 0.2 * unit
        and (near is None or abs(x - near) < 0.8 * unit)
    ]
    ends = [
        max(one[0] + one[2], two[0] + two[2])
        for one in dots
        for two in dots
        if abs(one[0] - two[0]) < 0.15 * unit
        and 0.2 * unit < two[1] - one[1] < 0.9 * unit
        and max(one[2], two[2]) < 2 * min(one[2], two[2])
    ]
    return min(ends, default=None)


def _slash(boxes: dict[int, tuple[int, ...]], width: int, unit: int) -> int:
    """Where the printed slash begins: the last tall thin piece at the right end, else the end itself."""
    found = [
        x
        for x, _, wide, high in boxes.values()
        if high > 0.7 * unit and wide < 0.75 * unit and x + wide > width - 0.25 * unit
    ]
    return max(found, default=width)


def _around(parts: Sequence[Pixels], box: Box) -> Box:
    x, y, wide, high = cv2.boundingRect(np.maximum.reduce(list(parts)))
    return Box(left=box.left + x, top=box.top + y, right=box.left + x + wide, bottom=box.top + y + high)


def _by_recogniser(engine: Engine, parts: Sequence[Pixels]) -> tuple[str, ...]:
    """The figures as the text recogniser reads them, alone on white, at each scale; only what is figures counts."""
    ink = np.maximum.reduce(list(parts))
    x, y, wide, high = cv2.boundingRect(ink)
    found = []
    for scale in SCALES:
        size = (max(1, round(wide * scale / high)), scale)
        small = cv2.resize(ink[y : y + high, x : x + wide], size, interpolation=cv2.INTER_AREA)
        picture = np.pad(255 - small, scale // 2, constant_values=255).astype(np.uint8)
        for words in (engine.read_latin(picture, dpi=300), *engine.read_line(picture, dpi=300)):
            text = "".join(word.text for word in words)
            if text.isascii() and text.isdigit():
                found.append(text)
    return tuple(found)
