"""What a paper says of itself, by the layout of Nghị định 30/2020/NĐ-CP: number, date, abstract, issuer, signer.

A field that is not doubtful is claimed to be right. The number and the day are often written by pen into printed
blanks; what does not look printed is a suggestion only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.classify.headline import Headline, centred, is_capital
from pipeline.grammar.dates import find_dates
from pipeline.grammar.folding import fold_words, one_line
from pipeline.grammar.numbers import find_number, symbol_of
from pipeline.model import Box, Field, Line, ReadPage, RegionKind, Word

SURE = 0.88
HEAD = 0.45
_BODY = re.compile(
    r"(k[íi]nh g[ửưu]i|c[ăâ]n c[ứưu]|[đd]i[ềêe]u \d|th[ựưu]c hi[ệêe]n|theo |x[ée]t |[IVX]+\.|\d+[.)]|h[ôo]m nay)",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"(v[ềêe]\s?vi[ệêe]c|v\s*/\s*v|v[ềêe] )", re.IGNORECASE)


def number_field(page: ReadPage) -> Field | None:
    """Number and symbol from the head of the first page."""
    for line in page.lines:
        if line.box.top > page.height * HEAD:
            break
        text = line.text.strip()
        if not re.match(r"\W{0,3}S[ốổôóoỐỔÔÓO0ồộỗ]\b", text) and not re.search(r"\bSố\s*:", text):
            continue
        found = find_number(text)
        symbol = symbol_of(text) if found is None else None
        word = next((w for w in line.words if "/" in w.text), None)
        if word is None or (found is None and symbol is None):
            continue
        value = found.text if found else str(symbol)
        printed = found is not None and word.text.startswith(found.number[:1]) and word.text[:1].isdigit()
        doubtful = not printed or word.confidence < SURE or _inked(page, word.box)
        return Field(
            name="number",
            value=value,
            confidence=round(word.confidence, 3),
            doubtful=doubtful,
            page=page.page.index,
            box=word.box,
        )
    return None


def date_field(pages: Sequence[ReadPage]) -> Field | None:
    """The date of issue: beside the number, or above the signature, or `Hôm nay, ngày …` of a contract."""
    for page in pages:
        for line in page.lines:
            if not _states_date(line):
                continue
            dates = find_dates(line.text)
            if not dates:
                continue
            value = dates[0].value
            if value is None:
                return None
            words = [w for w in line.words if any(c.isdigit() for c in w.text) and not _is_number_word(w)]
            year = next((w for w in words if str(value.year) in w.text), None)
            sure = min((w.confidence for w in words), default=0.0)
            odd = year is not None and any(not _like(w, year) for w in words)
            doubtful = (
                sure < SURE
                or not dates[0].clean
                or year is None
                or odd
                or any(_inked(page, w.box) for w in words)
            )
            return Field(
                name="date",
                value=value.isoformat(),
                confidence=round(sure, 3),
                doubtful=doubtful,
                page=page.page.index,
                box=line.box,
            )
    return None


def _states_date(line: Line) -> bool:
    text = line.text.strip()
    if re.match(r"h[ôo]m nay\b", text, re.IGNORECASE):
        return True
    place = re.search(r"[,.]?\s*ng[àaả]y\b.*?n[ăaâ]m\s*(?:19|20)\d\d\s*[.,]?\s*$", text, re.IGNORECASE)
    if place is None or place.start() > 60:
        return False
    before = text[: place.start()].split("UBND")[-1]
    return before == "" or before[:1].isupper() or "/" in before


def _is_number_word(word: Word) -> bool:
    return "/" in word.text


def _like(word: Word, printed: Word) -> bool:
    """Whether a word has the height and the base line of a printed neighbour; pen strokes do not."""
    height = printed.box.bottom - printed.box.top
    ratio = (word.box.bottom - word.box.top) / max(1, height)
    return 0.8 < ratio < 1.3 and abs(word.box.bottom - printed.box.bottom) < 0.35 * height


def _inked(page: ReadPage, box: Box) -> bool:
    return any(
        region.kind is RegionKind.BLUE_INK
        and min(box.right, region.box.right) > max(box.left, region.box.left)
        and min(box.bottom, region.box.bottom) > max(box.top, region.box.top)
        for region in page.regions
    )


def abstract_field(page: ReadPage, headline: Headline | None) -> Field | None:
    """Trích yếu: the centred lines under the name, or the `V/v` lines of a công văn."""
    lines = _under_name(page, headline) if headline is not None else _letter_subject(page)
    if not lines:
        return None
    text = one_line(" ".join(line.text for line in lines))
    sure = min(word.confidence for line in lines for word in line.words)
    return Field(
        name="title",
        value=text,
        confidence=round(sure, 3),
        doubtful=sure < 0.5,
        page=page.page.index,
        box=_around(lines),
    )


def _under_name(page: ReadPage, headline: Headline) -> list[Line]:
    if not headline.type.generic:
        return []
    taken: list[Line] = []
    above = page.lines[headline.last]
    for line in page.lines[headline.last + 1 : headline.last + 8]:
        height = max(1, line.box.bottom - line.box.top)
        far = line.box.top - above.box.bottom > (2.2 if not taken else 1.1) * height
        begins = bool(_BODY.match(line.text)) and not _ABSTRACT.match(line.text)
        if (
            far
            or begins
            or not centred(line, page, 0.07)
            or (taken and is_capital(line) and not is_capital(taken[-1]))
        ):
            break
        if (
            taken
            and not line.text[:1].islower()
            and line.text[:1].isalpha()
            and _full_width(taken[-1], page) is False
        ):
            short = taken[-1].box.right - taken[-1].box.left < 0.35 * page.width
            if short:
                break
        taken.append(line)
        above = line
    return taken


def _full_width(line: Line, page: ReadPage) -> bool:
    return line.box.right - line.box.left > 0.55 * page.width


def _letter_subject(page: ReadPage) -> list[Line]:
    for start, line in enumerate(page.lines):
        if line.box.top > page.height * HEAD:
            return []
        if re.match(r"V\s*/\s*v\b", line.text.strip(), re.IGNORECASE):
            taken = [line]
            for following in page.lines[start + 1 : start + 6]:
                height = max(1, line.box.bottom - line.box.top)
                near = following.box.top - taken[-1].box.bottom < 0.9 * height
                aside = following.box.left < page.width * 0.5 and following.box.right < page.width * 0.6
                if not (near and aside) or _BODY.match(following.text):
                    break
                taken.append(following)
            return taken
    return []


def _around(lines: Sequence[Line]) -> Box:
    return Box(
        left=min(line.box.left for line in lines),
        top=min(line.box.top for line in lines),
        right=max(line.box.right for line in lines),
        bottom=max(line.box.bottom for line in lines),
    )


_UNIT = ("tỉnh", "thành phố", "huyện", "quận", "thị xã", "xã", "phường", "thị trấn", "đặc khu")
_COUNCIL = ("ủy ban nhân dân", "uỷ ban nhân dân", "hội đồng nhân dân", "ubnd")


def issuer_field(page: ReadPage) -> Field | None:
    """The agency of the letterhead's left column, its full name in ordinary case."""
    rows = _left_column(page)
    if not rows:
        return None
    names = [one_line(" ".join(word.text for word in row)).strip(" -–_.") for row in rows]
    names = [name for name in names if len(name) > 2]
    if not names:
        return None
    if len(names) > 1 and _is_parent(names[0], names[1]):
        names = names[1:]
    words = [word for row in rows for word in row]
    sure = min(word.confidence for word in words)
    return Field(
        name="issuer",
        value=ordinary_case(" ".join(names)),
        confidence=round(sure, 3),
        doubtful=sure < 0.6,
        page=page.page.index,
    )


def _left_column(page: ReadPage) -> list[list[Word]]:
    """Capital words left of the middle, above the number, row by row."""
    end = page.height * 0.3
    for line in page.lines:
        if line.box.top < page.height * 0.35 and re.match(r"\W{0,2}S[ốóôoỐ]\b", line.text.strip()):
            end = min(end, line.box.top + 2)
    words = [
        word
        for line in page.lines
        for word in line.words
        if word.box.bottom <= end + 4
        and (word.box.left + word.box.right) / 2 < 0.48 * page.width
        and word.box.right < 0.56 * page.width
        and any(c.isalpha() for c in word.text)
        and word.text == word.text.upper()
    ]
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.box.top):
        if rows and abs(word.box.top - rows[-1][0].box.top) < 0.7 * (word.box.bottom - word.box.top):
            rows[-1].append(word)
        else:
            rows.append([word])
    ordered = [sorted(row, key=lambda w: w.box.left) for row in rows]
    return [
        row
        for row in ordered
        if not fold_words(" ".join(w.text for w in row)).startswith(("cong hoa", "mau so", "doc lap"))
    ]


def _is_parent(first: str, second: str) -> bool:
    """Whether the first row is the agency above the issuer, not the beginning of its name."""
    low, following = first.casefold(), second.casefold()
    if low in _COUNCIL or low.endswith((" và", " về", ",", "của")):
        return False
    starts = low.startswith((*_UNIT, *_COUNCIL, "sở ", "bộ ", "công an ", "cục ", "chi cục "))
    return starts and not following.startswith(_UNIT)


def ordinary_case(name: str) -> str:
    """`ỦY BAN NHÂN DÂN TỈNH QUẢNG NGÃI` as `Ủy ban nhân dân tỉnh Quảng Ngãi`; what is not in capitals stays."""
    if name != name.upper():
        return name
    words = name.lower().replace("uỷ", "ủy").split()
    result: list[str] = []
    proper = False
    for place, word in enumerate(words):
        pair = " ".join(words[max(0, place - 1) : place + 1])
        after_unit = any(pair.endswith(unit) and (pair == unit or word == unit) for unit in _UNIT)
        if after_unit:
            result.append(word)
            proper = True
        elif word in ("ubnd", "hđnd"):
            result.append(word.upper())
            proper = True
        else:
            result.append(word[:1].upper() + word[1:] if proper else word)
    text = " ".join(result)
    return text[:1].upper() + text[1:]
