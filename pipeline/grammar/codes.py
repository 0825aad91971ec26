"""Codes of dossiers, procedures and digitised papers: grammars with effective dates, found in OCR text.

OLD  `V1V2V3.Z1Z2.Y1Y2.MX1X2-YYMMDD-XXXX`  Thông tư 01/2018/TT-VPCP Điều 19; MX1X2 is the level-1 unit.
NEW  `MX1X2[.group...]-YYMMDD-XXXX`        identity code of Quyết định 20/2020/QĐ-TTg (at most 35 signs, highest
     level first), receipt date, serial of the day (Thông tư 13/2023/TT-BNV; Thông tư 03/2025/TT-VPCP).

OCR noise is repaired only where the grammar leaves one reading: dashes are one, spaces around dots and
dashes go, O is 0 and I, l, | are 1 in slots of digits. What was repaired, or does not fit its date, is not
`certain`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.errors import UsageError
from pipeline.grammar.folding import nfc
from pipeline.grammar.provinces import province

LONGEST_ORGANISATION = 35
OLD_SINCE = date(2018, 6, 21)  # Nghị định 61/2018/NĐ-CP in force
NEW_SINCE = date(2020, 9, 15)  # Quyết định 20/2020/QĐ-TTg in force

_DIGIT = r"[0-9OoQIl|]"
_GROUP = r"[0-9A-Za-z|]"
_DASH = r"\s*[-‐‑‒–—−]\s*"
_DOT = r"\s*[.·,]\s*"
_TAIL = rf"(?P<ymd>{_DIGIT}{{6}}){_DASH}(?P<n>{_DIGIT}{{4,6}})(?![0-9A-Za-z])"
_OLD = re.compile(
    rf"(?<![0-9A-Za-z.])(?P<v>{_GROUP}{{3}}){_DOT}(?P<z>{_GROUP}{{2}}){_DOT}(?P<y>{_GROUP}{{2}}){_DOT}"
    rf"(?P<m>[A-Za-z]{_DIGIT}{{2}}){_DASH}{_TAIL}"
)
_NEW = re.compile(
    rf"(?<![0-9A-Za-z.·,])(?P<m>[A-Za-z]{_DIGIT}{{2}})(?P<org>(?:{_DOT}{_GROUP}{{1,4}}){{0,7}}){_DASH}{_TAIL}"
)
_PROCEDURE = re.compile(r"(?<![\d.])([1-3]\.\d{6})(?:\.(?:000\.00\.00\.)?([A-Z]\d{2}))?(?!\d)")
_COMPONENT = re.compile(r"(?<![A-Z])(TP|KQ)[-.]([A-Z]\d{2})\.(\d{6})(?!\d)")
_RESULT = re.compile(r"^(?P<dossier>.+)-KQ(?P<n>\d{1,3})$")
_GROUPS_BEFORE = re.compile(r"\d[\d\s.,·:|]*$")
_CLEAN = str.maketrans({"O": "0", "o": "0", "Q": "0", "I": "1", "l": "1", "|": "1"})


class CodeForm(StrEnum):
    """Which rule a dossier code follows."""

    OLD = "tt01_2018"
    NEW = "qd20_2020"


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierCode:
    """A dossier code in parts; `text` is its canonical spelling."""

    text: str
    form: CodeForm
    organisation: str
    level1: str
    received: date
    serial: str

    def doubts(self, on: date | None = None) -> str | None:
        """Why the code, though well formed, may be misread (`on`: today); None when nothing speaks against it."""
        unit = province(self.level1)
        if unit is None and self.level1[0] == "H":
            return "không có mã tỉnh này"
        if unit is not None and not unit.open_on(self.received):
            return "mã tỉnh đã đóng trước ngày tiếp nhận"
        if on is not None and self.received > on:
            return "ngày trong mã ở tương lai"
        if self.received < (OLD_SINCE if self.form is CodeForm.OLD else NEW_SINCE):
            return "ngày trong mã có trước khi có quy định về mã"
        if self.organisation == self.level1:
            # Degraded print loses the middle groups more often than a province receives a dossier itself.
            return "mã chỉ có mã tỉnh"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFound:
    """A dossier code in a text at [start, end).

    `repaired`: a sign was not read as it must be. `cut`: perhaps the tail of a longer code. `certain`: nothing was
    repaired, nothing speaks against it.
    """

    code: DossierCode
    start: int
    end: int
    written: str
    repaired: bool
    certain: bool
    doubt: str | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentCode:
    """`TP-H05.000026`: a kind of paper (TP) or of result (KQ) in the catalogue of a level-1 unit."""

    kind: str
    level1: str
    serial: str

    @property
    def text(self) -> str:
        return f"{self.kind}-{self.level1}.{self.serial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCode:
    """`<mã hồ sơ>-KQn`: the n-th result of a dossier (Nghị định 45/2020/NĐ-CP Điều 14 khoản 3)."""

    dossier: DossierCode
    number: int

    @property
    def text(self) -> str:
        return f"{self.dossier.text}-KQ{self.number}"


def checked_dossier_code(text: str) -> str:
    """The canonical form of the code that a person wrote. Raises UsageError, with an example, for anything else."""
    code = parse_dossier_code(text)
    if code is None:
        raise UsageError(
            f"{text} is no dossier code; a code looks like 000.00.03.H24-250820-7308 or H24.12-250820-0001",
            vi=f"{text} không phải mã hồ sơ; ví dụ đúng: 000.00.03.H24-250820-7308",
        )
    return code.text


def parse_dossier_code(text: str, on: date | None = None) -> DossierCode | None:
    """The code that `text` is as a whole, or None.

    Spaces and kinds of dashes are forgiven and letters may be small; nothing else is repaired. None too when
    its date is not real or after `on`, or when there is no such level-1 unit. A code of a closed province is
    accepted: see `DossierCode.doubts`.
    """
    tidy = re.sub(r"\s+", "", re.sub(r"[‐‑‒–—−]", "-", nfc(text))).upper()
    for pattern, form in ((_OLD, CodeForm.OLD), (_NEW, CodeForm.NEW)):
        match = pattern.fullmatch(tidy)
        if match and _canonical(match, form)[1] is False:
            code = _build(match, form)
            if code and not (on and code.received > on) and not _unknown_unit(code):
                return code
    return None


def find_dossier_codes(text: str, on: date | None = None) -> tuple[CodeFound, ...]:
    """Every dossier code in OCR text, in order; `on` (today) bars codes of the future from being certain."""
    text = nfc(text)
    found: list[CodeFound] = []
    for pattern, form in ((_OLD, CodeForm.OLD), (_NEW, CodeForm.NEW)):
        for match in pattern.finditer(text):
            if any(item.start < match.end() and match.start() < item.end for item in found):
                continue
            code = _build(match, form)
            if code is None:
                continue
            repaired = _canonical(match, form)[1]
            cut = form is CodeForm.NEW and _cut_short(text[: match.start()])
            doubt = code.doubts(on) or ("có ký tự phải sửa khi đọc" if repaired else None)
            doubt = doubt or ("có thể thiếu phần đầu" if cut else None)
            found.append(
                CodeFound(
                    code=code,
                    start=match.start(),
                    end=match.end(),
                    written=match.group(),
                    repaired=repaired,
                    certain=doubt is None,
                    doubt=doubt,
                    cut=cut,
                )
            )
    return tuple(sorted(found, key=lambda item: item.start))


def _cut_short(before: str) -> bool:
    """Whether groups of digits stand before: `002 00 63 H01-230616-1749` is an old code whose points were lost."""
    line = before.rpartition("\n")[2]
    groups = _GROUPS_BEFORE.search(line)
    return groups is not None and sum(sign.isdigit() for sign in groups.group()) > 2


def find_procedure_codes(text: str) -> tuple[str, ...]:
    """Codes of procedures such as `2.000635` or `1.000948.H38`, without the empty middle groups."""
    return tuple(f"{m[1]}.{m[2]}" if m[2] else m[1] for m in _PROCEDURE.finditer(text))


def parse_procedure_code(text: str) -> str | None:
    """The procedure code that `text` is as a whole, without the empty middle groups, or None."""
    match = _PROCEDURE.fullmatch(nfc(text).strip().upper())
    return (f"{match[1]}.{match[2]}" if match[2] else str(match[1])) if match else None


def parse_component_code(text: str) -> ComponentCode | None:
    """The code of a kind of paper or result that `text` is as a whole, or None."""
    match = _COMPONENT.fullmatch(nfc(text).strip().upper())
    return ComponentCode(kind=match[1], level1=match[2], serial=match[3]) if match else None


def find_component_codes(text: str) -> tuple[ComponentCode, ...]:
    """Codes of kinds of papers and results in a text."""
    return tuple(ComponentCode(kind=m[1], level1=m[2], serial=m[3]) for m in _COMPONENT.finditer(text))


def parse_result_code(text: str) -> ResultCode | None:
    """The result code that `text` is as a whole, or None."""
    match = _RESULT.match(nfc(text).strip())
    code = parse_dossier_code(match["dossier"]) if match else None
    return ResultCode(dossier=code, number=int(match["n"])) if match and code and int(match["n"]) else None


def _unknown_unit(code: DossierCode) -> bool:
    return code.level1[0] == "H" and province(code.level1) is None


def _canonical(match: re.Match[str], form: CodeForm) -> tuple[str, bool]:
    """The organisation part as it should be written, and whether any sign of the code had to be repaired."""
    repaired = "," in match.group() or "·" in match.group() or _letter_digits(match["ymd"] + match["n"])
    level1 = match["m"][0].upper() + match["m"][1:].translate(_CLEAN)
    repaired = repaired or _letter_digits(match["m"][1:])
    if form is CodeForm.OLD:
        groups = [match["v"], match["z"], match["y"]]
    else:
        groups = re.findall(rf"{_GROUP}+", match["org"])
    tidy = []
    for group in groups:
        digits = group.translate(_CLEAN)
        # A group may hold letters (000.A0.01.H26), but the letters that look like digits are never issued.
        repaired = repaired or digits != group
        tidy.append(digits.upper())
    return ".".join([*tidy, level1] if form is CodeForm.OLD else [level1, *tidy]), repaired


def _letter_digits(slot: str) -> bool:
    return not slot.isascii() or not slot.isdigit()


def _build(match: re.Match[str], form: CodeForm) -> DossierCode | None:
    organisation, _ = _canonical(match, form)
    ymd, serial = match["ymd"].translate(_CLEAN), match["n"].translate(_CLEAN)
    try:
        received = date(2000 + int(ymd[:2]), int(ymd[2:4]), int(ymd[4:]))
    except ValueError:
        return None
    if len(organisation) > LONGEST_ORGANISATION:
        return None
    level1 = organisation[-3:] if form is CodeForm.OLD else organisation[:3]
    return DossierCode(
        text=f"{organisation}-{ymd}-{serial}",
        form=form,
        organisation=organisation,
        level1=level1,
        received=received,
        serial=serial,
    )
