"""Names of agencies: from the capitals of a letterhead to ordinary case (Nghị định 30/2020/NĐ-CP, Phụ lục II)."""

from __future__ import annotations

import re

from pipeline.grammar.folding import compact, fold_words, nfc, one_line
from pipeline.grammar.provinces import PROVINCES, province_named

UNITS = ("tỉnh", "thành phố", "huyện", "quận", "thị xã", "xã", "phường", "thị trấn", "đặc khu")
COUNCILS = ("ủy ban nhân dân", "hội đồng nhân dân", "ubnd", "hđnd")
# Heads whose next word is capitalised: Sở Tài nguyên, Trung tâm Phục vụ, Văn phòng Đăng ký.
_HEADS = (
    "bộ",
    "sở",
    "phòng",
    "ban",
    "trung tâm",
    "cục",
    "chi cục",
    "tổng cục",
    "thanh tra",
    "trường",
    "bệnh viện",
)
_LISTS = ("bộ", "sở", "phòng")  # whose names join fields: Tài nguyên và Môi trường
_PLAIN = {"bộ phận", "ban nhân"}
_UPPER = {"ubnd", "hđnd", "ubmttq", "tp"}
_PROPER_AFTER = (
    "ủy ban nhân dân",
    "hội đồng nhân dân",
    "tiếp nhận và trả kết quả",
    "công an",
    "phục vụ hành chính công",
)
_WHOLE = ("ủy ban nhân dân", "hội đồng nhân dân")


# `Sở Y tế Hải Phòng`: a province may follow without its unit.
_PROVINCES = {item.name.lower(): item.name for item in PROVINCES.values() if " " in item.name}
_PROVINCE = re.compile(rf"\b(?:{'|'.join(_PROVINCES)})\b")


def is_parent(first: str, second: str) -> bool:
    """Whether the first row of a letterhead is the agency above the issuer, not the beginning of its name."""
    low, following = _low(first), _low(second)
    if low in COUNCILS or low.endswith((" và", " về", ",", "của", " phục vụ", " đăng ký", " -")):
        return False
    heads = (
        *UNITS,
        *COUNCILS,
        "sở ",
        "bộ ",
        "công an ",
        "cục ",
        "chi cục ",
        "tổng cục ",
        "văn phòng đăng ký",
    )
    if not low.startswith(heads):
        return False
    begins = (
        *COUNCILS,
        *_HEADS,
        "bộ phận",
        "văn phòng",
        "công an",
        "chi nhánh",
        "đội",
        "hạt",
        "trạm",
        "viện",
    )
    return following.startswith(tuple(f"{head} " for head in begins)) or following in COUNCILS


def ordinary_case(name: str) -> str:
    """`ỦY BAN NHÂN DÂN TỈNH QUẢNG NGÃI` as `Ủy ban nhân dân tỉnh Quảng Ngãi`; what is not in capitals stays."""
    name = one_line(name)
    if name != name.upper():
        return name
    words = _mended(_low(name).split())
    result: list[str] = []
    proper = listing = False
    for place, word in enumerate(words):
        before = " ".join(words[:place])
        through = " ".join(words[: place + 1])
        if _ends_with(through, UNITS) and not _inside_field(before, word):
            proper, listing = True, False
            result.append(word)
        elif word in _UPPER:
            proper, listing = True, False
            result.append(word.upper())
        elif " ".join(words[place : place + 2]) in UNITS:
            result.append(word)
        elif proper and not _starts_common(words[place:]):
            result.append(_capital(word))
        elif _opens_name(before) and f"{words[place - 1]} {word}" not in _PLAIN:
            result.append(_capital(word))
            listing = _ends_with(before, _LISTS)
            proper = _ends_with(before, _PROPER_AFTER)
        else:
            proper = False
            result.append(_capital(word) if listing and words[place - 1] in ("và", "-") else word)
    text = _PROVINCE.sub(lambda found: _PROVINCES[found[0]], " ".join(_with_provinces(result)))
    return text[:1].upper() + text[1:]


def _low(name: str) -> str:
    """Small letters, and ủy in its usual spelling."""
    return nfc(name).lower().replace("uỷ", "ủy")


def _inside_field(before: str, word: str) -> bool:
    """`xã hội` is no unit."""
    return word == "xã" and _ends_with(before, ("và", "binh", "hiểm", "bảo trợ"))


def _starts_common(rest: list[str]) -> bool:
    """Whether the words go on with a common noun rather than a place's name."""
    text = " ".join(rest)
    return text.startswith(("bộ phận", "trung tâm", "văn phòng", "phòng ", "sở ", "ban ", "chi nhánh", "và "))


def _opens_name(before: str) -> bool:
    if _ends_with(before, _PROPER_AFTER):
        return True
    return _ends_with(before, _HEADS) and not _ends_with(before, ("ủy ban",))


def _ends_with(text: str, endings: tuple[str, ...]) -> bool:
    return any(text == ending or text.endswith(" " + ending) for ending in endings)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _mended(words: list[str]) -> list[str]:
    """OCR joins or bends the most common beginning; nothing else begins so."""
    for whole in _WHOLE:
        wanted = compact(whole)
        for count in range(1, min(6, len(words)) + 1):
            if compact("".join(words[:count])) == wanted:
                return [*whole.split(), *words[count:]]
    return words


def _with_provinces(words: list[str]) -> list[str]:
    """`tinh Quang Ngai` as `tỉnh Quảng Ngãi`: a province's name that lost its marks is still that name."""
    for place, word in enumerate(words):
        if fold_words(word) == "tinh" and place + 1 < len(words):
            for count in (3, 2):
                name = words[place + 1 : place + 1 + count]
                unit = province_named(" ".join(name), least=100) if len(name) == count else None
                if unit is not None:
                    return [*words[:place], "tỉnh", unit.name, *words[place + 1 + count :]]
    return words


def tidy_name(text: str) -> str:
    """A row of a letterhead without rules and specks at its ends."""
    return re.sub(r"^[\W\d_]+|[\W_]+$", "", one_line(text))
