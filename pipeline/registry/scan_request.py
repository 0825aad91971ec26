"""What the one-stop system asks to be digitised: this paper of that dossier. Checked as everything from outside is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.grammar.codes import parse_component_code, parse_dossier_code
from pipeline.grammar.dates import parse_date
from pipeline.grammar.entries import COPIES, copy_named
from pipeline.grammar.folding import compact
from pipeline.registry.outside import text_of

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,79}")
MOST_PAPERS = 99
_YES = ("1", "x", "co", "true", "huy", "dahuy", "cancelled")
_NO = ("", "0", "khong", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """One request. `id` is the one-stop system's own; the same id again says anew what is asked.

    `copy` is a key of `grammar.entries.COPIES`, `asked_at` and `due` are ISO; all three may be empty. `cancelled`: it
    is asked for no longer.
    """

    id: str
    dossier: str
    component: str
    name: str = ""
    count: int = 1
    copy: str = ""
    asked_by: str = ""
    asked_at: str = ""
    due: str = ""
    cancelled: bool = False


def scan_request(values: Mapping[str, Any]) -> ScanRequest:
    """A request from outside values. Raises ValueError that says in Vietnamese what is wrong."""
    name = request_id(text_of(values, "id", 80))
    stated = text_of(values, "dossier", 80)
    dossier = parse_dossier_code(stated)
    if dossier is None:
        raise ValueError(f"{name}: {stated!r} không phải mã hồ sơ")
    stated = text_of(values, "component", 40)
    component = parse_component_code(stated)
    if component is None:
        raise ValueError(f"{name}: {stated!r} không phải mã thành phần; ví dụ đúng: TP-H38.000001")
    try:
        return ScanRequest(
            id=name,
            dossier=dossier.text,
            component=component.text,
            name=text_of(values, "name", 300),
            count=_count(values.get("count")),
            copy=_copy(text_of(values, "copy", 40)),
            asked_by=text_of(values, "asked_by", 200),
            asked_at=_moment(text_of(values, "asked_at", 40)),
            due=_day(text_of(values, "due", 40)),
            cancelled=_cancelled(values.get("cancelled")),
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def request_id(text: str) -> str:
    """The id as it is kept. Raises ValueError."""
    if not _ID.fullmatch(text):
        raise ValueError(
            f"{text!r} không phải mã yêu cầu quét: chỉ chữ không dấu, số và . _ : / -, tối đa 80 ký tự"
        )
    return text


def _count(value: Any) -> int:
    if value is None or value == "":
        return 1
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= MOST_PAPERS:
        raise ValueError(f"số lượng {str(value)[:20]!r} phải là số từ 1 đến {MOST_PAPERS}")
    return int(text)


def _copy(text: str) -> str:
    found = copy_named(text)
    if found and found not in COPIES:
        raise ValueError(f"loại bản {text!r} không phải một trong {', '.join(COPIES)}")
    return found


def _moment(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        return _day(text)


def _day(text: str) -> str:
    """A date: ISO, with or without a time behind it, or D/M/Y."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text).date() if re.match(r"\d{4}-", text) else parse_date(text)
    except ValueError:
        found = None
    if found is None or not date(2000, 1, 1) <= found < date(2200, 1, 1):
        raise ValueError(f"{text!r} không phải ngày; ví dụ đúng: 2026-12-03, 03/12/2026")
    return found.isoformat()


def _cancelled(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return bool(value)
    said = compact(value) if isinstance(value, str) else ""
    if said in _YES or (said in _NO and isinstance(value, str)):
        return said in _YES
    raise ValueError(f"cột hủy {str(value)[:20]!r} phải là có hoặc không")
