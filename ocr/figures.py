"""A second opinion on codes, numbers and dates, where one wrong digit is worse than none.

The line is cut out and read again by the model of plain Latin print: it learned its digits from other pages, so the
two seldom fail alike. What both read alike is surer; what they read differently is not sure, and the page as it
was scanned, enlarged, is asked last. No digit is ever put right by a rule: a code replaces another only when two
of the three readings agree on it, a slash comes back only when a reading shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ocr.colour import fade_colour
from ocr.copy import Copy
from ocr.engine import Engine
from ocr.layout import around, printed
from ocr.zeros import plain_zeros
from pipeline.grammar.codes import find_dossier_codes
from pipeline.grammar.dates import find_dates
from pipeline.grammar.numbers import find_number
from pipeline.grammar.provinces import province
from pipeline.model import Box, Line, Word

Pixels = npt.NDArray[np.uint8]
SURE = 0.97
"""Calibrated confidence from which figures are not read again."""
AGREED = 0.96
"""Of figures that two models read alike; below what `printed.BEYOND_DOUBT` asks."""
CLOSED = 0.95
"""From which spaces inside a code are dropped: with less, they speak against it (`Reading.whole` of classify)."""
TWO_OF_THREE = 0.9
"""Of figures on which two of three readings agree, and of a slash that the other model shows."""
DISPUTED = 0.3
"""At most, of figures that are read differently."""
MOST_LINES = 6
"""Lines read again on one page: some 14 ms each, and 19 ms for the few that are read a third time."""
ENLARGED = 1.5

_CODE_LIKE = re.compile(r"[A-Z]\d\d\s*[-.,]\s*\d|\d{6}\s*[-–]\s*\d{3}|h[ồôo]\s*s[ơo]\s*:\s*\S*\d")
_CODE_SIGNS = re.compile(r"[0-9A-Z.,:·|–—-]+")
_NUMBER_LINE = re.compile(
    r"^\W{0,3}[S§][ốổôóoỐỔÔÓO0ồộỗé6]{1,2}(?:\s+(?:c[ôo]ng ch[ứưu]ng|ch[ứưu]ng th[ựưu]c))?\s*[:;.,]?\s*(?=\d)"
)
_GLUED = re.compile(r"^(\d{1,6})([A-ZĐ]{2,}\S*)$")
_STRANGER = str.maketrans("ĐÐđ", "DDd")


@dataclass(frozen=True, slots=True)
class _Figures:
    """Words [start, stop) of a line that state a code, a number or a date; None when it cannot be made out.

    `read` finds the same thing in another reading of the line.
    """

    start: int
    stop: int
    value: str | None
    read: Callable[[str], str | None]
    code: bool = False


def confirm(
    engine: Engine, copy: Copy, scan: Callable[[Box], Pixels], dpi: float, lines: Sequence[Line]
) -> tuple[Line, ...]:
    """Lines with the confidence of figures raised or lowered by another reading.

    `copy` is the page prepared for reading, `scan` gives a part of the straightened page, RGB, that lies under it.
    """
    out = list(lines)
    asked = 0
    for index, line in enumerate(lines):
        for figures in _unsure(line):
            if asked == MOST_LINES:
                return tuple(map(_closed, out))
            asked += 1
            out[index] = _ask(engine, copy, scan, dpi, out[index], figures)
            if len(out[index].words) != len(line.words):
                break  # what follows on the line has moved; it keeps its confidence
    return tuple(map(_closed, out))


def _closed(line: Line) -> Line:
    """The line with a surely read code as one word: in a fixed pitch the space after its points passes for one."""
    for item in find_dossier_codes(line.text):
        start, stop = _touched(line, item.start, item.end)
        words = line.words[start:stop]
        if (
            len(words) > 1
            and "".join(word.text for word in words) == item.code.text
            and not item.cut
            and province(item.code.level1) is not None
            and min(word.confidence for word in words) >= CLOSED
        ):
            whole = Word(
                text=item.code.text, box=around(words), confidence=min(word.confidence for word in words)
            )
            return replace(line, words=(*line.words[:start], whole, *line.words[stop:]))
    return line


def _unsure(line: Line) -> Iterator[_Figures]:
    for figures in (*_codes(line), *_number(line), *_dates(line)):
        words = line.words[figures.start : figures.stop]
        if min((word.confidence for word in words if _has_digit(word)), default=1.0) < SURE:
            yield figures


def _has_digit(word: Word) -> bool:
    return any(sign.isdigit() for sign in word.text)


def _codes(line: Line) -> Iterator[_Figures]:
    found = find_dossier_codes(line.text)
    for item in found:
        whole = province(item.code.level1) is not None and not item.repaired and not item.cut
        start, stop = _touched(line, item.start, item.end)
        while item.cut and start and _CODE_SIGNS.fullmatch(line.words[start - 1].text):
            start -= 1
        yield _Figures(start, stop, item.code.text if whole else None, _code_in, code=True)
    if not found and _CODE_LIKE.search(line.text):
        run = [n for n, word in enumerate(line.words) if _CODE_SIGNS.fullmatch(word.text)]
        run = [n for n in run if n >= run[0] and n - run[0] == run.index(n)]
        if run and sum(len(line.words[n].text) for n in run) >= 10:
            yield _Figures(run[0], run[-1] + 1, None, _code_in, code=True)


def _code_in(text: str) -> str | None:
    found = find_dossier_codes(text)
    whole = [item for item in found if province(item.code.level1) and not item.repaired and not item.cut]
    return whole[0].code.text if len(found) == len(whole) == 1 else None


def _number(line: Line) -> Iterator[_Figures]:
    label = _NUMBER_LINE.match(line.text)
    if label is None:
        return
    rest = line.text[label.end() :]
    found = find_number(rest)
    if found is not None and rest.startswith(found.number):
        start, stop = _touched(line, label.end(), label.end() + _length(rest, found.text))
        yield _Figures(start, stop, found.text.translate(_STRANGER), _number_in)
    elif _GLUED.match(rest.split(" ")[0]):
        start, _ = _touched(line, label.end(), label.end() + 1)
        yield _Figures(start, start + 1, None, _number_in)


def _length(text: str, signs: str) -> int:
    """How far `text` reaches to hold all of `signs`, spaces aside."""
    taken = 0
    for at, sign in enumerate(text):
        taken += not sign.isspace()
        if taken == len(signs):
            return at + 1
    return len(text)


def _number_in(text: str) -> str | None:
    first = re.search(r"\d", text)
    found = find_number(text[first.start() :]) if first else None
    return found.text.translate(_STRANGER) if found else None


def _dates(line: Line) -> Iterator[_Figures]:
    for item in find_dates(line.text):
        groups = re.findall(r"\d+", line.text[item.day[0] : item.end])
        known = item.value is not None and item.clean
        if item.in_words and (known or len(groups) == 3):
            start, stop = _touched(line, item.day[0], item.year[1])
            yield _Figures(start, stop, "/".join(groups) if known else None, _date_in)


def _date_in(text: str) -> str | None:
    """The last three groups of figures: the words between them may come out as anything."""
    groups = re.findall(r"\d+", text)
    return "/".join(groups[-3:]) if len(groups) >= 3 else None


def _touched(line: Line, start: int, end: int) -> tuple[int, int]:
    """Which words of a line touch [start, end) of its text."""
    at, touched = 0, []
    for number, word in enumerate(line.words):
        if at < end and start < at + len(word.text):
            touched.append(number)
        at += len(word.text) + 1
    return (touched[0], touched[-1] + 1) if touched else (0, 0)


def _ask(
    engine: Engine, copy: Copy, scan: Callable[[Box], Pixels], dpi: float, line: Line, figures: _Figures
) -> Line:
    words = line.words[figures.start : figures.stop]
    place = _place(copy.shape, words, dpi)
    crop = copy.part(place)
    plain = plain_zeros(crop)
    if figures.read is _date_in and figures.value is None and plain is crop:
        return line  # what is no date may be a pen's, for which there is another reader
    latin = read_strip(engine.read_latin, plain, dpi)
    other = figures.read(latin)
    if other is not None and other == figures.value:
        return _with(line, figures, tuple(replace(w, confidence=max(w.confidence, AGREED)) for w in words))
    restored = _slash(words, other, TWO_OF_THREE)
    if restored is not None:
        return _with(line, figures, restored)
    third = figures.read(read_strip(_by_page_model(engine), plain_zeros(_plain(scan(place))), ENLARGED * dpi))
    restored = _slash(words, third, min(TWO_OF_THREE, words[0].confidence))
    if restored is not None:
        return _with(line, figures, restored)
    if third is not None and third == figures.value:
        # Without the other model nothing is raised: one model alone repeats its mistakes.
        least = TWO_OF_THREE if latin and other is None else 0.0
        return _with(line, figures, tuple(replace(w, confidence=max(w.confidence, least)) for w in words))
    agreed = third if third == other else None
    if plain is not crop and agreed is None:
        # The page was read with the dots in its zeros: of the readings without them two rule.
        fourth = figures.read(read_strip(_by_page_model(engine), plain, dpi))
        agreed = fourth if fourth in (other, third) else None
    if figures.code and agreed is not None:
        word = Word(text=agreed, box=around(words), confidence=TWO_OF_THREE)
        return _with(line, figures, (word,))
    spelled = _spelled(words, agreed) if plain is not crop and agreed is not None else None
    if spelled is not None:
        return _with(line, figures, spelled)
    if other is None and third is None:
        return line
    return _with(line, figures, tuple(replace(w, confidence=min(w.confidence, DISPUTED)) for w in words))


def _spelled(words: Sequence[Word], value: str) -> tuple[Word, ...] | None:
    """The words with the figures of `value` in place of their own, group by group; None when it has others."""
    groups, old = re.findall(r"\d+", value), [re.findall(r"\d+", word.text) for word in words]
    if [len(group) for found in old for group in found] != [len(group) for group in groups]:
        return None
    fresh = iter(groups)
    return tuple(
        replace(
            word,
            text=re.sub(r"\d+", lambda _: next(fresh), word.text),
            confidence=max(word.confidence, TWO_OF_THREE) if found else word.confidence,
        )
        for word, found in zip(words, old, strict=True)
    )


def _slash(words: Sequence[Word], other: str | None, confidence: float) -> tuple[Word, ...] | None:
    """The number with its slash back, when another reading has the same signs and a slash between them.

    `vie` loses it in one serif number of 46; of 24 so restored by the other model, all were right.
    """
    if len(words) != 1 or other is None:
        return None
    glued = _GLUED.match(words[0].text)
    if glued is None or "/".join(glued.groups()).translate(_STRANGER) != other:
        return None
    return (replace(words[0], text="/".join(glued.groups()), confidence=confidence),)


def _with(line: Line, figures: _Figures, words: tuple[Word, ...]) -> Line:
    return replace(line, words=(*line.words[: figures.start], *words, *line.words[figures.stop :]))


def _place(shape: tuple[int, int], words: Sequence[Word], dpi: float) -> Box:
    """Where the figures stand, with a little paper around them."""
    box, margin = around(words), round(0.05 * dpi)
    height, width = shape
    return Box(
        left=max(0, box.left - margin),
        top=max(0, box.top - margin),
        right=min(width, box.right + margin),
        bottom=min(height, box.bottom + margin),
    )


def _plain(scan: Pixels) -> Pixels:
    """A grey copy made otherwise than the one that was read: softened, enlarged and stretched, nothing taken off."""
    grey = cv2.GaussianBlur(fade_colour(scan), (0, 0), 0.8)
    grey = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    black, white = np.percentile(grey, (2, 80))
    stretched: Pixels = np.clip((grey - black) * (245 / max(20.0, white - black)), 0, 255).astype(np.uint8)
    return stretched


def _by_page_model(engine: Engine) -> Callable[..., Sequence[Word]]:
    return lambda crop, *, dpi: engine.read_line(crop, dpi=dpi)[0]


def read_strip(read: Callable[..., Sequence[Word]], crop: Pixels, dpi: float) -> str:
    """What a reader of lines makes of a strip, with a frame of paper around it."""
    framed = cv2.copyMakeBorder(crop, 10, 10, 10, 10, cv2.BORDER_CONSTANT, value=255)
    return printed(" ".join(word.text for word in read(framed.astype(np.uint8, copy=False), dpi=dpi)))
