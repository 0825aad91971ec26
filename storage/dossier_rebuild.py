"""State, procedure and issued codes of dossiers, back from their records in the bucket."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from pipeline.errors import Tampered
from storage.dossier_record import check_records, decode_record
from storage.dossiers import put_row


def records_of(folder: str, keys: Iterable[str]) -> list[str]:
    """Keys of a dossier's records, in order of number."""
    return sorted(key for key in keys if key.startswith(f"{folder}/h/") and key.endswith(".json"))


def put_back(connection: Connection, contents: list[tuple[str, bytes]]) -> list[str]:
    """The newest whole record as a row, with the codes of every record; returns what does not hold."""
    problems = check_records(contents)
    for key, content in contents:
        try:
            record = decode_record(content, key)
        except Tampered:
            continue  # named among the problems
        put_row(connection, record, content, key, said=True)
    return problems
