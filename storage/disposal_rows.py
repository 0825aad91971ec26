"""What the catalogue says of disposed papers: their rows go, the note that they are gone on purpose stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from pipeline.errors import UsageError
from storage.copy_tables import copy_item
from storage.database import insert, reading
from storage.disposal_certificate import Gone
from storage.keeping_tables import disposed_object, disposed_paper
from storage.link_tables import signing_link
from storage.page_tables import changed_side, page_change, stack_order
from storage.review_tables import amendment
from storage.schema import document, held, page
from storage.search import words_of
from storage.signing_tables import awaiting, evidence_end, signed_elsewhere

REASON = "Đã hủy theo biên bản, hết thời hạn bảo quản (disposed of by certificate)"


def note_gone(
    connection: Connection,
    dossier: str,
    papers: Iterable[str],
    gone: Sequence[Gone],
    certificate: str,
    at: str,
) -> None:
    """The papers and objects that a certificate names; what is noted already stays."""
    for name in papers:
        connection.execute(
            insert(disposed_paper)
            .values(document=name, dossier=dossier, certificate=certificate, at=at)
            .on_conflict_do_update(
                index_elements=["document", "dossier"], set_={"certificate": certificate, "at": at}
            )
        )
    for one in gone:
        connection.execute(
            insert(disposed_object)
            .values(key=one.key, dossier=dossier, sha256=one.sha256)
            .on_conflict_do_nothing()
        )


def forget(connection: Connection, papers: Sequence[str], folder: str, gone: Sequence[Gone]) -> None:
    """Rows, words and texts of papers that are in this dossier, and rows of those that have left it before."""
    mine = held.c.key.startswith(f"{folder}/", autoescape=True)
    connection.execute(delete(held).where(held.c.document.in_(papers), mine))
    for one in gone:
        connection.execute(delete(copy_item).where(copy_item.c.key == one.key))
    for name in papers:
        row = connection.execute(select(document).where(document.c.id == name)).first()
        if row is None or not str(row.key or "").startswith(f"{folder}/"):
            continue  # it is in another dossier by now
        words_of(connection.engine).drop(connection, name)
        for table in (
            held, amendment, page_change, stack_order, awaiting, signed_elsewhere, signing_link, evidence_end,
        ):  # fmt: skip
            connection.execute(delete(table).where(table.c.document == name))
        connection.execute(delete(document).where(document.c.id == name))
        _clear_pages(connection, row)


def _clear_pages(connection: Connection, row: Any) -> None:
    """The sides that a paper has or had and no other paper has: no text any more, and the reason why they are gone."""
    others = connection.execute(select(document.c.pages).where(document.c.batch == row.batch)).scalars()
    used = {index for pages in others for index in json.loads(pages)}
    had = select(page.c.idx).join(changed_side, changed_side.c.page == page.c.id)
    left = connection.execute(had.where(changed_side.c.document == row.id)).scalars()
    alone = [index for index in (*json.loads(row.pages), *left) if index not in used]
    connection.execute(
        update(page)
        .where(page.c.batch == row.batch, page.c.idx.in_(alone))
        .values(text=None, state="rejected", reason=REASON)
    )


def where_it_went(database: Engine, name: str) -> tuple[str, str] | None:
    """Certificate and time of a disposed paper or dossier, None when it is none."""
    query = (
        select(disposed_paper.c.certificate, disposed_paper.c.at)
        .where((disposed_paper.c.document == name) | (disposed_paper.c.dossier == name))
        .order_by(disposed_paper.c.at.desc())
    )
    with reading(database) as connection:
        row = connection.execute(query).first()
    return (row.certificate, row.at) if row else None


def refuse_disposed(database: Engine, name: str) -> None:
    """Raises UsageError for what is gone on purpose, with the certificate that says so."""
    went = where_it_went(database, name)
    if went is not None:
        raise UsageError(
            f"{name} was disposed of, approved {went[1][:10]}; the certificate is {went[0]}",
            vi=f"{name} đã hủy do hết thời hạn bảo quản, duyệt ngày {went[1][:10]}; biên bản: {went[0]}",
        )
