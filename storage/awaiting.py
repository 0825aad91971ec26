"""Documents that an officer signs on another machine: what was laid ready for it, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, exists, or_, select

from pipeline.model import Blob, Sha256
from storage import ledger
from storage.database import insert, reading, writing
from storage.page_tables import page_change
from storage.schema import document
from storage.signing_tables import awaiting, signed_elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An unsigned file that waits: whose it is, its bytes' digest and size, where they lie."""

    document: str
    batch: str
    dossier: str | None
    title: str
    sha256: Sha256
    size: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """A file with the officer's signature; `cms` when that is no PAdES one."""

    sha256: Sha256
    key: str
    cms: bool


class Awaiting:
    """Working state in the database."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def put(self, name: str, pdf: Blob, key: str) -> None:
        """Lay a file ready; made anew with other bytes it replaces the one before, which then signs nothing."""
        with writing(self._database) as connection:
            values = {
                "sha256": pdf.sha256,
                "size": pdf.size,
                "key": key,
                "since": datetime.now(UTC).isoformat(),
            }
            connection.execute(
                insert(awaiting)
                .values(document=name, **values)
                .on_conflict_do_update(
                    index_elements=["document"], set_=values, where=awaiting.c.sha256 != pdf.sha256
                )
            )

    def all(self) -> list[Waiting]:
        """Every file that waits, oldest first."""
        query = (
            select(awaiting, document.c.batch, document.c.dossier, document.c.title, document.c.type_name)
            .join(document, document.c.id == awaiting.c.document)
            .where(_waits())
            .order_by(awaiting.c.since, awaiting.c.document)
        )
        with reading(self._database) as connection:
            return [
                Waiting(
                    document=row.document,
                    batch=row.batch,
                    dossier=row.dossier,
                    title=row.title or row.type_name,
                    sha256=Sha256(row.sha256),
                    size=row.size,
                    key=row.key,
                )
                for row in connection.execute(query)
            ]

    def came_back(self, sha256: Sha256) -> str | None:
        """The document that was signed with these very bytes before."""
        query = select(signed_elsewhere.c.document).where(signed_elsewhere.c.sha256 == sha256)
        with reading(self._database) as connection:
            return connection.execute(query).scalar()

    def prefixes(self) -> Sequence[tuple[int, str, str]]:
        """Size, digest and document of every file that was ever handed out and not replaced."""
        with reading(self._database) as connection:
            rows = connection.execute(select(awaiting.c.size, awaiting.c.sha256, awaiting.c.document))
            return [(row.size, row.sha256, row.document) for row in rows]

    def back(self, name: str, unsigned: Sha256) -> Back | None:
        """What came back for these unsigned bytes of a document."""
        query = select(signed_elsewhere).where(
            signed_elsewhere.c.document == name, signed_elsewhere.c.unsigned_sha256 == unsigned
        )
        with reading(self._database) as connection:
            row = connection.execute(query).one_or_none()
        return Back(sha256=Sha256(row.sha256), key=row.key, cms=bool(row.cms)) if row else None

    def accept(
        self, item: Waiting, *, sha256: Sha256, key: str, signer: str, cms: bool, actor: str, agency: str
    ) -> bool:
        """Take one signed file for a document, once; False when another came first."""
        with writing(self._database) as connection:
            still = connection.execute(
                select(awaiting.c.document)
                .join(document, document.c.id == awaiting.c.document)
                .where(awaiting.c.document == item.document, awaiting.c.sha256 == item.sha256, _waits())
            ).first()
            if still is None:
                return False
            connection.execute(
                delete(signed_elsewhere).where(
                    signed_elsewhere.c.document == item.document,
                    signed_elsewhere.c.unsigned_sha256 != item.sha256,
                )
            )
            won = connection.execute(
                insert(signed_elsewhere)
                .values(
                    document=item.document,
                    unsigned_sha256=item.sha256,
                    sha256=sha256,
                    key=key,
                    signer=signer,
                    cms=int(cms),
                    at=datetime.now(UTC).isoformat(),
                )
                .on_conflict_do_nothing()
            )
            if won.rowcount:
                ledger.append(
                    connection,
                    act="sign_import",
                    actor=actor,
                    agency=agency,
                    objects=[item.document, item.sha256, sha256],
                    details={"signer": signer, "cms": cms},
                )
            return bool(won.rowcount)

    def batches_of(self, documents: Sequence[str]) -> list[str]:
        """The batches that these documents belong to."""
        query = select(document.c.batch).where(document.c.id.in_(documents)).distinct()
        with reading(self._database) as connection:
            return list(connection.execute(query).scalars())


def _waits() -> ColumnElement[bool]:
    """A paper that waits for its first signature, or a stored one that waits for those of its changed pages."""
    pages = exists().where(
        and_(
            page_change.c.document == awaiting.c.document,
            page_change.c.unsigned_sha256 == awaiting.c.sha256,
            page_change.c.staged_sha256.is_(None),
        )
    )
    return or_(document.c.state == "awaiting_signature", pages)
