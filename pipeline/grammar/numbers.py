"""Number and symbol of documents (Nghị định 30/2020/NĐ-CP, Phụ lục I mục II.3 and Phụ lục III).

`Số: 15/QĐ-BNV` is the number, a slash and the symbol: abbreviation of the kind, dash, issuing body. An official
letter (công văn) has no kind: body, dash, unit (`12/UBND-VX`). Normative documents have the year between
(`20/2020/QĐ-TTg`). Numbers below ten are written `04`; they are kept as written, without spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from pipeline.grammar.folding import fold, nfc

# Phụ lục III of Nghị định 30/2020: the 27 kinds with an abbreviation, then the three kinds of copies.
ABBREVIATIONS: dict[str, str] = {
    "NQ": "nghi_quyet", "QĐ": "quyet_dinh", "CT": "chi_thi", "QC": "quy_che", "QyĐ": "quy_dinh",
    "TC": "thong_cao", "TB": "thong_bao", "HD": "huong_dan", "CTr": "chuong_trinh", "KH": "ke_hoach",
    "PA": "phuong_an", "ĐA": "de_an", "DA": "du_an", "BC": "bao_cao", "BB": "bien_ban", "TTr": "to_trinh",
    "HĐ": "hop_dong", "CĐ": "cong_dien", "BGN": "ban_ghi_nho", "BTT": "ban_thoa_thuan",
    "GUQ": "giay_uy_quyen", "GM": "giay_moi", "GGT": "giay_gioi_thieu", "GNP": "giay_nghi_phep",
    "PG": "phieu_gui", "PC": "phieu_chuyen", "PB": "phieu_bao",
    "SY": "sao_y", "TrS": "trich_sao", "SL": "sao_luc",
}  # fmt: skip

# Parts of symbols seen everywhere: bodies and units. A part outside this list is not wrong, only less sure.
_PARTS = """
    UBND HĐND UBMTTQ MTTQ CP TTg CTN QH UBTVQH VPQH VPCP BTP BNV BCA BTC BTNMT BNNMT BNNPTNT BXD BGTVT BYT BGDĐT
    BTTTT BKHCN BKHĐT BLĐTBXH BVHTTDL BCT BQP BNG NHNN TTCP KTNN TANDTC VKSNDTC VP VX NC NV TH KT KTTH KTN KTNS
    TD NĐ UB HC HCTC TCHC TCCB TC TNMT NNMT NNPTNT XD GTVT LĐTBXH GDĐT YT VHTT VHTTDL KHĐT KHCN TTTT CTh DTTG
    NgV KHTC QLNN PC TTr TTra TTT NL QLXD ĐT HT ĐTXD STC STNMT SNNMT SNNPTNT SXD SGTVT SNV STP SYT SKHĐT SKHCN
    SGDĐT SLĐTBXH SVHTTDL SVHTT SCT STTTT SDTTG SNgV TP PTP PNV PTNMT PNNMT PKT PKTHT PTCKH PVHXH PVHTT PLĐTBXH
    PGDĐT VHXH KTHT TCKH QLĐT KTHTĐT ĐKĐĐ VPĐK VPĐKĐĐ CNVPĐK CNVPĐKĐĐ CNVPĐKĐĐKV QLĐĐ ĐĐ QSDĐ TTPTQĐ PTQĐ PVHCC
    TTPVHCC TTHCC HCC BPMC BPTN BPTNTKQ MC TNTKQ TNHS KSTT KSTTHC TTHC VPUB HSTN TKQ BNHS GTN GBN PTN PHT PYC
    PTCTN PKS PXL TBD BSHS HTKT XNTTHN TTHN XNHN GXN XN GXNTTHN GXNHN GXNKT XNCT XNNCT XNKT HĐCN HĐTC HĐUQ HĐMB
    HĐTL HĐĐC HĐTCQSDĐ HĐCNQSDĐ HĐTChap VBTT VBKN VBTC VBTK VBTTPCDS TTPCDS PCDS KNDS TCNDS DCHUC CCTTPC CC VPCC
    PCC CCGD CT CTr SCC CCCT GPXD GP GPLX GCN GCNĐKKD GCNHKD GCNDN GCNĐT HKD ĐKKD ĐKHKD GKS GKSBS KS KH KTu
    GCNKH CNKH GCTu TLKS TLKT TLKH TLHT TL BS ĐKKH ĐKKS ĐKKT CCHT HTCC GBT GCS LLTP PLLTP CA CAX CAP CAT CATP
    QLHC QLHCTTXH CSQLHC THADS CCTHADS CTHADS TAND VKSND VKS BQL BQLDA BCĐ BCH HĐQT ĐU TU HU TV NSNN CCT CTT
    CTTPHCM TNDN KBNN BHXH SGD NH SY TrS CV BN TN TNHSTKQ PTNHS PTC PYCBS PBS YCBS BSHS TBDGQ PXLHL GXL PCTTĐC PLYK
    TT BVĐK BV TTYT TYT TCT TPĐC
"""
KNOWN_PARTS = frozenset(_PARTS.split())

# Letters that print and OCR take for each other.
_ALIKE = tuple(
    frozenset(shape) for shape in ("OQCGDĐB", "EFPRBDK", "ILTJY", "UVYN", "NHMK", "SZG", "XKY", "AÂĂ", "VW")
)

_LETTER = "A-Za-zĐđỹ"
_SYMBOL = rf"[A-ZĐ][{_LETTER}0-9]*(?:\s*[-–—&.]\s*[A-ZĐ0-9][{_LETTER}0-9.&]*)*"
_PATTERN = re.compile(rf"(?P<n>\d{{1,6}})\s*[/⁄]\s*(?:(?P<y>(?:19|20)\d{{2}})\s*[/⁄]\s*)?(?P<s>{_SYMBOL})")
_SPACE = re.compile(r"\s+")
_SINGLE = re.compile("ĐĐ+")
"""The stroke of one Đ is read as another; no kind of document has two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNumber:
    """A number with its symbol. `text` is canonical: no spaces, plain dashes."""

    number: str
    year: str | None
    symbol: str

    @property
    def text(self) -> str:
        return "/".join(part for part in (self.number, self.year, self.symbol) if part)

    @property
    def kind(self) -> str | None:
        """The kind of document that the symbol names, as a key of the catalogue of types."""
        return kind_of_symbol(self.symbol)

    @property
    def familiar(self) -> bool:
        """Whether each part of the symbol is an abbreviation in general use."""
        return all(_known(part) for part in self._parts)

    @property
    def usual(self) -> bool:
        """Whether one part at least is in general use and the others are no misreading of such a part."""
        return any(map(_known, self._parts)) and all(_known(part) or _own(part) for part in self._parts)

    @property
    def _parts(self) -> list[str]:
        return [part for part in re.split(r"[-.&]", self.symbol) if part]


def kind_of_symbol(symbol: str) -> str | None:
    """The kind of document that a symbol names (`QĐ` of `QĐ-UBND`), as a key of the catalogue of types."""
    return ABBREVIATIONS.get(symbol.split("-")[0])


def _known(part: str) -> bool:
    return part in KNOWN_PARTS or part in ABBREVIATIONS


def _own(part: str) -> bool:
    """An abbreviation of an office's own: letters, and no misreading of one in general use.

    A misreading loses or gains a letter, or takes one for another of its shape (Q for O).
    """
    return len(part) >= 3 and part.isalpha() and not any(_misread(part, known) for known in KNOWN_PARTS)


def _misread(part: str, known: str) -> bool:
    if len(part) != len(known):
        return Levenshtein.distance(part, known, score_cutoff=1) == 1
    other = [pair for pair in zip(part, known, strict=True) if pair[0] != pair[1]]
    return len(other) == 1 and any({*other[0]} <= shape for shape in _ALIKE)


def parse_number(text: str) -> DocumentNumber | None:
    """The number that `text` is as a whole, or None."""
    found = find_number(text)
    tidy = _SPACE.sub("", nfc(text)).strip(".,;:")
    return found if found and len(found.text) == len(tidy) else None


def find_number(text: str) -> DocumentNumber | None:
    """The first number with a symbol in `text`."""
    match = _PATTERN.search(nfc(text))
    if not match:
        return None
    symbol = _SPACE.sub("", match["s"].replace("–", "-").replace("—", "-")).rstrip(".&-")
    return DocumentNumber(number=match["n"], year=match["y"], symbol=_settle_kind(symbol))


def symbol_of(text: str) -> str | None:
    """The symbol that follows a slash when the number before it cannot be read (`/CT-UBND`)."""
    match = re.search(rf"[/⁄]\s*(?P<s>{_SYMBOL})", nfc(text))
    if not match:
        return None
    return _settle_kind(_SPACE.sub("", match["s"].replace("–", "-").replace("—", "-")).rstrip(".&-"))


def _settle_kind(symbol: str) -> str:
    """`QD-UBND` is `QĐ-UBND`, and so is `QĐĐ-UBND`: where only one kind of document is meant, Đ is read otherwise."""
    first, dash, rest = symbol.partition("-")
    if first in ABBREVIATIONS or first in KNOWN_PARTS or not dash:
        return symbol
    first = _SINGLE.sub("Đ", first)
    twins = [kind for kind in ABBREVIATIONS if fold(kind) == fold(first)]
    return twins[0] + dash + rest if len(twins) == 1 else symbol
