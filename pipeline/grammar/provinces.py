"""Level-1 codes of provinces, with the mergers of 01/7/2025.

Codes: Quyết định 20/2020/QĐ-TTg (the alphabetical list of 2016). Closings: Quyết định 09/2025/QĐ-TTg: a
merged province that keeps the name of an old one keeps its code, the other codes are closed. Closed codes
stay readable on old paper; they only cannot be given to a dossier received later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rapidfuzz import fuzz, process

from pipeline.grammar.folding import compact, fold_words

LAST_DAY_BEFORE_MERGER = date(2025, 6, 30)

_NAMES = [
    "An Giang",
    "Bắc Giang",
    "Bắc Kạn",
    "Bạc Liêu",
    "Bắc Ninh",
    "Bà Rịa - Vũng Tàu",
    "Bến Tre",
    "Bình Định",
    "Bình Dương",
    "Bình Phước",
    "Bình Thuận",
    "Cà Mau",
    "Cần Thơ",
    "Cao Bằng",
    "Đắk Lắk",
    "Đắk Nông",
    "Đà Nẵng",
    "Điện Biên",
    "Đồng Nai",
    "Đồng Tháp",
    "Gia Lai",
    "Hà Giang",
    "Hải Dương",
    "Hải Phòng",
    "Hà Nam",
    "Hà Nội",
    "Hà Tĩnh",
    "Hòa Bình",
    "Hồ Chí Minh",
    "Hậu Giang",
    "Hưng Yên",
    "Khánh Hòa",
    "Kiên Giang",
    "Kon Tum",
    "Lai Châu",
    "Lâm Đồng",
    "Lạng Sơn",
    "Lào Cai",
    "Long An",
    "Nam Định",
    "Nghệ An",
    "Ninh Bình",
    "Ninh Thuận",
    "Phú Thọ",
    "Phú Yên",
    "Quảng Bình",
    "Quảng Nam",
    "Quảng Ngãi",
    "Quảng Ninh",
    "Quảng Trị",
    "Sóc Trăng",
    "Sơn La",
    "Tây Ninh",
    "Thái Bình",
    "Thái Nguyên",
    "Thanh Hóa",
    "Huế",
    "Tiền Giang",
    "Trà Vinh",
    "Tuyên Quang",
    "Vĩnh Long",
    "Vĩnh Phúc",
    "Yên Bái",
]

# successor: the codes it closed
_MERGED = {
    "H44": "H62 H28", "H38": "H63", "H24": "H23", "H29": "H09 H06", "H60": "H22", "H55": "H03",
    "H05": "H02", "H31": "H54", "H42": "H25 H40", "H50": "H46", "H17": "H47", "H48": "H34", "H21": "H08",
    "H32": "H43", "H36": "H16 H11", "H15": "H45", "H19": "H10", "H53": "H39", "H13": "H51 H30",
    "H61": "H07 H59", "H20": "H58", "H12": "H04", "H01": "H33",
}  # fmt: skip
_SUCCESSOR = {closed: heir for heir, codes in _MERGED.items() for closed in codes.split()}
_CITIES = {"H13", "H17", "H24", "H26", "H29", "H57"}
OLD_NAMES = {"thuathienhue": "H57", "tphcm": "H29", "thanhphohochiminh": "H29"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """A level-1 unit. `valid_to` is its last day and `successor` the code that goes on, when it was closed."""

    code: str
    name: str
    city: bool
    valid_to: date | None = None
    successor: str | None = None

    @property
    def full_name(self) -> str:
        return f"{'thành phố' if self.city else 'tỉnh'} {self.name}"

    def open_on(self, day: date) -> bool:
        """Whether the code could be given to a dossier received that day."""
        return self.valid_to is None or day <= self.valid_to


def _province(position: int, name: str) -> Province:
    code = f"H{position:02d}"
    heir = _SUCCESSOR.get(code)
    return Province(
        code=code,
        name=name,
        city=code in _CITIES,
        valid_to=LAST_DAY_BEFORE_MERGER if heir else None,
        successor=heir,
    )


PROVINCES: dict[str, Province] = {
    item.code: item for item in (_province(n, name) for n, name in enumerate(_NAMES, 1))
}
_BY_NAME = {compact(item.name): item for item in PROVINCES.values()} | {
    name: PROVINCES[code] for name, code in OLD_NAMES.items()
}


def province(code: str) -> Province | None:
    """The unit of a level-1 code, open or closed."""
    return PROVINCES.get(code)


def province_named(text: str, *, least: float = 86.0) -> Province | None:
    """The province that `text` names, tolerant of OCR noise (similarity in per cent); None when none is near."""
    name = compact(text)
    exact = _BY_NAME.get(name)
    if exact or len(name) < 3:
        return exact
    best = process.extractOne(name, list(_BY_NAME), scorer=fuzz.ratio, score_cutoff=least)
    return _BY_NAME[best[0]] if best else None


_WORDS = {fold_words(item.name): item.code for item in PROVINCES.values()}


def provinces_named(text: str) -> frozenset[str]:
    """Codes of all provinces whose names stand in a text, whole words, diacritics left aside."""
    words = f" {fold_words(text)} "
    return frozenset(code for name, code in _WORDS.items() if f" {name} " in words)


def one_province(code: str) -> frozenset[str]:
    """The codes that are one province today: its own, those it took in, or the one that took it in."""
    heir = _SUCCESSOR.get(code, code)
    return frozenset([code, heir, *_MERGED.get(heir, "").split()])
