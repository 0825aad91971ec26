"""Models of types kept by version, which of them was in use when, and the papers to learn from."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from pipeline.errors import UsageError
from pipeline.model import Field, Paper
from pipeline.records import load
from storage import ledger
from storage.database import insert, reading, writing
from storage.learned_tables import type_model, type_model_use
from storage.schema import document, page


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPaper:
    """A stored paper with its record; its text is asked for by the place of its first page."""

    id: str
    batch: str
    first: int
    paper: Paper

    @property
    def type(self) -> Field | None:
        return self.paper.field("type")


class Learned:
    """One home's models."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def papers(self) -> Iterator[KnownPaper]:
        """Every stored paper, in order of its name."""
        query = (
            select(document.c.id, document.c.batch, document.c.pages, document.c.paper)
            .where(document.c.state == "stored")
            .order_by(document.c.id)
        )
        with reading(self._database) as connection:
            for row in connection.execute(query).yield_per(500):
                paper = load(Paper, row.paper.encode())
                yield KnownPaper(id=row.id, batch=row.batch, first=json.loads(row.pages)[0], paper=paper)

    def text(self, known: KnownPaper) -> str:
        """What the first page of a paper says."""
        query = select(page.c.text).where(page.c.batch == known.batch, page.c.idx == known.first)
        with reading(self._database) as connection:
            return str(connection.execute(query).scalar() or "")

    def keep(self, version: str, content: bytes, report: dict[str, Any], *, actor: str, agency: str) -> None:
        """A model that was learned; it is in use only once a person says so."""
        sha256 = hashlib.sha256(content).hexdigest()
        values = {
            "version": version,
            "sha256": sha256,
            "at": datetime.now(UTC).isoformat(),
            "report": json.dumps(report, ensure_ascii=False),
            "content": base64.b64encode(content).decode(),
        }
        with writing(self._database) as connection:
            connection.execute(insert(type_model).values(**values).on_conflict_do_nothing())
            ledger.append(
                connection,
                act="learn",
                actor=actor,
                agency=agency,
                objects=[],
                details={"version": version, "sha256": sha256, "examples": report["examples"]},
            )

    def use(self, version: str | None, *, actor: str, agency: str) -> str | None:
        """From now on this version is asked, or none; returns the one before. Raises UsageError."""
        with writing(self._database) as connection:
            row = None
            if version is not None:
                row = connection.execute(
                    select(type_model.c.sha256).where(type_model.c.version == version)
                ).first()
                if row is None:
                    raise UsageError(
                        f"there is no version {version}; see `sohoa learn --list`",
                        vi=f"Không có phiên bản {version}; xem `sohoa learn --list`",
                    )
            newest = select(type_model_use.c.version).order_by(type_model_use.c.seq.desc()).limit(1)
            before: str | None = connection.execute(newest).scalar()
            if before == version:
                return before
            now = datetime.now(UTC).isoformat()
            connection.execute(insert(type_model_use).values(version=version, since=now))
            ledger.append(
                connection,
                act="learn_use" if version else "learn_off",
                actor=actor,
                agency=agency,
                objects=[],
                details={"version": version or before, "before": before}
                | ({"sha256": row.sha256} if row is not None else {}),
            )
            return before

    def in_use(self, at: datetime) -> str | None:
        """The version that was in use at a time: a batch keeps the one it was taken in under, however often it runs."""
        query = (
            select(type_model_use.c.version)
            .where(type_model_use.c.since <= at.astimezone(UTC).isoformat())
            .order_by(type_model_use.c.seq.desc())
            .limit(1)
        )
        with reading(self._database) as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def content(self, version: str) -> bytes:
        """The model's file, checked against its digest. Raises UsageError when it is not what was learned."""
        with reading(self._database) as connection:
            row = connection.execute(select(type_model).where(type_model.c.version == version)).one()
        content = base64.b64decode(row.content)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise UsageError(
                f"model {version} is not what was learned; `sohoa learn --off`, then learn again",
                vi=f"Mô hình {version} đã bị thay đổi; hãy `sohoa learn --off` rồi học lại",
            )
        return content

    def versions(self) -> list[dict[str, Any]]:
        """Every version with what was shown of it, newest first."""
        query = select(type_model.c.version, type_model.c.sha256, type_model.c.at, type_model.c.report)
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(type_model.c.at.desc())).all()
        return [
            {"version": row.version, "sha256": row.sha256, "at": row.at, **json.loads(row.report)}
            for row in rows
        ]
