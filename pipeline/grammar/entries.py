"""What a person types into a field of a paper, checked by the same grammar as what is read."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from pipeline.errors import UsageError
from pipeline.grammar.codes import parse_component_code
from pipeline.grammar.dates import parse_date
from pipeline.grammar.folding import compact, nfc, one_line
from pipeline.grammar.numbers import parse_number

LONGEST = {
    "title": 1000, "issuer": 200, "signer": 100, "owner": 100, "address": 300, "parcel": 100,
    "scope": 300,
}  # fmt: skip
CODES = {"owner_id": re.compile(r"\d{9}|\d{12}|\d{10}(?:-\d{3})?")}
"""CMND of 9 figures, CCCD of 12 (Luật Căn cước 2023), tax code of 10 or 10-3 (Thông tư 86/2024/TT-BTC)."""
DATES = ("date", "birth_date")
TERMS = ("valid_from", "valid_to")
"""Days from and to which a paper holds (thời hạn có giá trị, Thông tư 01/2023/TT-VPCP Điều 9); they may lie ahead."""
ENDLESS = "vô thời hạn"
_ENDLESS = ("vothoihan", "khongthoihan", "khongxacdinhthoihan", "laudai")
COPIES = {
    "ban_chinh": "bản chính",
    "ban_sao_chung_thuc": "bản sao chứng thực",
    "ban_sao": "bản sao",
    "ban_dien_tu": "bản điện tử",
}
"""Kinds of copies as the catalogue of procedures names them, and as people do."""
_COPIES = {compact(name.replace("_", "")): name for name in COPIES}
LONGEST_REASON = 300
NAMES = ("number", *DATES, *TERMS, *LONGEST, *CODES, "copy_kind", "component")
_YEAR = re.compile(r"\d{4}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


def copy_named(text: str) -> str:
    """The kind of copy that a list calls so (`Bản chính`), else the text itself."""
    return _COPIES.get(compact(text), text)


def checked_entry(name: str, text: str, *, today: date) -> str:
    """The value of field `name` in its canonical form; an empty one says that the paper has none.

    Dates are ISO or D/M/Y. Raises UsageError for an unknown field and for what cannot be its value.
    """
    if name not in NAMES:
        raise UsageError(
            f"no field {name}; there are {', '.join(NAMES)}",
            vi=f"Không có trường {name}; có các trường {', '.join(NAMES)}",
        )
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Cn") for sign in text):
        raise UsageError(f"{name} holds signs that cannot be printed", vi=f"Trường {name} có ký tự lạ")
    value = one_line(nfc(text))
    if not value:
        return ""
    if name == "number":
        found = parse_number(value) if len(value) <= 60 else None
        if found is None:
            raise _no(value, "số và ký hiệu", "a number with its symbol, like 04/CT-UBND")
        return found.text
    if name == "component":
        code = parse_component_code(value)
        if code is None:
            raise _no(value, "mã thành phần (TP-H38.000001)", "the code of a component: TP-H38.000001")
        return code.text
    if name == "copy_kind":
        if value not in COPIES:
            raise _no(value, f"loại bản ({', '.join(COPIES)})", f"a kind of copy: {', '.join(COPIES)}")
        return value
    if name == "birth_date" and _YEAR.fullmatch(value) and 1900 <= int(value) <= today.year:
        return value  # many older persons have no day of birth on any paper
    if name == "valid_to" and compact(value) in _ENDLESS:
        return ENDLESS
    if name in TERMS:
        return _date(value, None)
    if name in DATES:
        return _date(value, today)
    if name in CODES:
        if not CODES[name].fullmatch(value):
            raise _no(value, "số định danh hay mã số thuế", "an identity number or tax code")
        return value
    if len(value) > LONGEST[name] or not any(sign.isalpha() for sign in value):
        raise _no(value, f"giá trị của {name}", f"{name}: words, at most {LONGEST[name]} signs")
    return value


def _date(value: str, today: date | None) -> str:
    try:
        found = date.fromisoformat(value) if _ISO.fullmatch(value) else parse_date(value)
    except ValueError:
        found = None
    if found is None or found.year < 1900:
        raise _no(value, "ngày (2024-03-15 hay 15/3/2024)", "a date")
    if today is not None and found > today:
        raise _no(value, "ngày đã qua", "a date that has come")
    return found.isoformat()


def _no(value: str, vi: str, en: str) -> UsageError:
    return UsageError(f"{value[:60]!r} is not {en}", vi=f"“{value[:60]}” không phải {vi}")


def checked_reason(text: str) -> str:
    """Why a person does something, in words, on one line. Raises UsageError for none and for more than fits."""
    reason = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if not any(sign.isalpha() for sign in reason) or len(reason) > LONGEST_REASON:
        raise UsageError(
            f"give a reason in words, at most {LONGEST_REASON} signs",
            vi=f"Cần nêu lý do bằng lời, không quá {LONGEST_REASON} ký tự",
        )
    return reason
