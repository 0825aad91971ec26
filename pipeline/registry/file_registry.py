"""The list of dossiers from a CSV or JSON file of the one-stop system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.registry.connector import RegisteredDossier, registered
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


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Dossiers that can be used, and rows that cannot."""

    dossiers: tuple[RegisteredDossier, ...]
    errors: tuple[RowError, ...]


def read_registry(path: Path, mapping: Mapping[str, str]) -> ReadFile:
    """Every row; of a dossier that stands there twice the last counts. Raises UsageError."""
    rows = read_rows(path)
    columns = columns_of(rows, COLUMNS, mapping, needed=("code",))
    found: dict[str, RegisteredDossier] = {}
    errors = []
    for row in rows:
        try:
            item = registered({name: row.text(columns, name) for name in COLUMNS})
        except ValueError as error:
            errors.append(RowError(row.number, str(error)))
        else:
            found[item.code] = item
    return ReadFile(tuple(found.values()), tuple(errors))
