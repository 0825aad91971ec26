"""`sohoa procedure import`: an export of the national catalogue into the home's own folder of procedures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.files import hash_file, write_whole
from pipeline.paths import HomePaths
from pipeline.procedures.importing import known_headlines, read_export
from pipeline.procedures.writing import file_name, to_toml
from pipeline.table_file import read_mapping
from pipeline.wire import Parts
from storage.proof import VIETNAM


def import_procedures(
    parts: Parts, paths: HomePaths, settings: Settings, arguments: dict[str, Any], actor: str
) -> dict[str, Any]:
    """Write each whole procedure as a file; rows at fault are answered, and nothing of their procedure is written."""
    source = Path(str(arguments["file"]))
    mapping = read_mapping(Path(str(arguments["map"])) if arguments.get("map") else None)
    if not source.is_file():
        raise UsageError(f"{source} is no file", vi=f"Không tìm thấy tệp {source}")
    found = read_export(source, mapping, known_headlines(parts.types.all), today=datetime.now(VIETNAM).date())
    folder = settings.procedures.folder or paths.procedures
    parts.records.ledger.note(
        act="import_procedures",
        actor=actor,
        agency=settings.agency.code,
        objects=[item.code for item in found.procedures],
        details={"sha256": hash_file(source), "errors": len(found.errors)},
    )
    for item in found.procedures:
        write_whole(folder / file_name(item), to_toml(item).encode(), "application/toml")
    parts.casework.requests.kept.look_again()
    return {
        "folder": str(folder),
        "procedures": [
            {
                "code": item.code,
                "name": item.name,
                "effective": item.effective.isoformat(),
                "papers": len(item.papers),
            }
            for item in found.procedures
        ],
        "errors": [error.to_json() for error in found.errors],
        "notes": list(found.notes),
    }
