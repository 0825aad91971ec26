"""The lists of dossiers and of scan requests from CSV or JSON files of the one-stop system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.registry.connector import RegisteredDossier, registered
from pipeline.registry.scan_request import ScanRequest, scan_request
from pipeline.table_file import RowError, columns_of, read_rows

COLUMNS = {
    "code": ("mã hồ sơ", "số hồ sơ", "dossier_code", "code"),
    "procedure": ("mã thủ tục", "mã tthc", "procedure_code", "procedure"),
    "applicant": ("người nộp", "tên người nộp", "chủ hồ sơ", "họ tên", "applicant"),
    "owner_id": ("số định danh", "số cccd", "cccd", "mã định danh", "mst", "owner_id"),
    "address": ("địa chỉ", "address"),
    "phone": ("số điện thoại", "điện thoại", "phone"),
    "email": ("email", "thư điện tử"),
}
REQUEST_COLUMNS = {
    "id": ("mã yêu cầu", "số yêu cầu", "request_id", "id"),
    "dossier": ("mã hồ sơ", "số hồ sơ", "dossier_code", "dossier"),
    "component": ("mã thành phần", "mã giấy tờ", "component_code", "component"),
    "name": ("tên thành phần", "tên giấy tờ", "component_name", "name"),
    "count": ("số lượng", "số bản", "count"),
    "copy": ("loại bản", "bản", "copy_kind", "copy"),
    "asked_by": ("người yêu cầu", "đơn vị yêu cầu", "asked_by"),
    "asked_at": ("ngày yêu cầu", "thời điểm yêu cầu", "asked_at"),
    "due": ("hạn", "hạn số hóa", "hạn xử lý", "due"),
    "cancelled": ("hủy", "huỷ", "đã hủy", "cancelled"),
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadFile(Generic[T]):
    """What can be used, and rows that cannot."""

    items: tuple[T, ...]
    errors: tuple[RowError, ...]


def read_registry(path: Path, mapping: Mapping[str, str]) -> ReadFile[RegisteredDossier]:
    """Every row; of a dossier that stands there twice the last counts. Raises UsageError."""
    return _read(path, mapping, COLUMNS, registered, "code")


def read_requests(path: Path, mapping: Mapping[str, str]) -> ReadFile[ScanRequest]:
    """Every row; of a request that stands there twice the last counts. Raises UsageError."""
    return _read(path, mapping, REQUEST_COLUMNS, scan_request, "id", "dossier", "component")


def _read(
    path: Path,
    mapping: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    read: Callable[[Mapping[str, Any]], T],
    key: str,
    *needed: str,
) -> ReadFile[T]:
    rows = read_rows(path)
    columns = columns_of(rows, known, mapping, needed=(key, *needed))
    found: dict[str, T] = {}
    errors = []
    for row in rows:
        try:
            item = read({name: row.text(columns, name) for name in known})
        except ValueError as error:
            errors.append(RowError(row.number, str(error)))
        else:
            found[getattr(item, key)] = item
    return ReadFile(tuple(found.values()), tuple(errors))
