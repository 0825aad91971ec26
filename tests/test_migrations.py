"""The database's schema by revisions: new, old, newer; and that no table is added without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, Integer, Table, create_engine, text

from pipeline.errors import Unavailable, UsageError
from pipeline.grammar.folding import fold
from pipeline.model import Document
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, parse_url, reading, sqlite_url, writing
from storage.ledger import Ledger
from storage.migrate import bring_up, differences, everything
from storage.search import Search
from storage.words import pieces_of
from storage.words_postgres import row
from tests.papers import as_stored, make_intake, of_text, with_bytes
from tests.postgres_server import Server

HOW = "tables differ from the revisions: run `make migration NAME=what_it_is_for`, read the file, commit it"
FIRST_VERSIONS = (
    "create virtual table document_words using fts5("
    'document unindexed, folded, exact, tokenize="unicode61 remove_diacritics 0")',
    "create trigger ledger_no_update before update on ledger "
    "begin select raise(abort, 'the ledger is append-only'); end",
)


def test_the_revisions_make_what_the_code_says(any_database: Engine) -> None:
    assert differences(any_database) == [], HOW


def test_a_table_without_a_revision_is_noticed(any_database: Engine) -> None:
    extra = Table("not_in_any_revision", everything(), Column("id", Integer, primary_key=True))
    try:
        assert differences(any_database)
    finally:
        everything().remove(extra)


def test_a_database_of_the_first_versions_is_taken_over_with_what_it_holds(
    document: Document, tmp_path: Path
) -> None:
    url = sqlite_url(tmp_path / "old.sqlite3")
    old = create_engine(url)
    with old.begin() as connection:
        bring_up(connection, "sohoa", until="0001")
        for name in ("alembic_version", "copy_cursor", "copy_item", "words_row", "document_words"):
            connection.execute(text(f"drop table {name}"))  # one that had no second copy yet
        for name in ("ledger_no_update", "ledger_no_delete"):
            connection.execute(text(f"drop trigger {name}"))
        for statement in FIRST_VERSIONS:
            connection.execute(text(statement))
        connection.execute(
            text(
                "insert into document_words (document, folded, exact) values ('d_old', 'thua dat cu', 'thửa đất cũ')"
            )
        )
        connection.execute(
            text(
                "insert into batch (id, source, agency, actor, received_at, intake, state, attempt, opened_at) "
                "values ('b_old', '/x', 'H26', 'a', '2025-01-01T00:00:00+00:00', '{}', 'done', 1, 0)"
            )
        )
        connection.execute(
            text(
                "insert into document (id, batch, dossier, origin, agency, type, type_name, paper, doubtful, pages, "
                "state, light, key, pdf_sha256, generation) values ('d_old', 'b_old', 'H26-1', 'captured', 'H26', 'x', "
                "'Đơn', '{}', '[]', '[0]', 'stored', 'amber', 'k', 'h', 1)"
            )
        )
    old.dispose()
    for _ in range(2):
        database = open_database(url)
        assert differences(database) == []
        assert [hit["document"] for hit in Search(database).find("thửa đất")["results"]] == ["d_old"]
        Ledger(database).note(act="view", actor="a", agency="H26", objects=["d_old"])
        database.dispose()
    database = open_database(url)
    paper = of_text(document, "d_new", "thửa đất mới", dossier="H26-2")
    Batches(database).open(make_intake(document))
    Batches(database).open_document(paper)
    Catalogue(database).commit(as_stored(with_bytes(paper, b"new", tmp_path)))
    assert len(Search(database).find("thửa đất")["results"]) == 2
    assert Ledger(database).verify().entries == 4
    database.dispose()


def test_on_postgres_words_of_the_versions_before_blocks_are_found_as_new_ones(
    postgres: Server,
) -> None:
    url = postgres.database()
    old = create_engine(parse_url(url), connect_args={"options": "-c search_path=sohoa"})
    exact, number = "Quyết định số 15/QĐ-UBND về thửa đất cũ", 3 * 16384 + 5
    with old.begin() as connection:
        bring_up(connection, "sohoa", until="0007")
        connection.execute(
            text(
                "insert into document_words (number, document, exact, size, folded, toned) values "
                "(:n, 'd_old', :e, 10, array_to_tsvector(:f), array_to_tsvector(:t))"
            ),
            {"n": number, "e": exact, "f": before_blocks(fold(exact)), "t": before_blocks(exact.casefold())},
        )
    old.dispose()
    database = open_database(url)
    with reading(database) as connection:
        found = connection.execute(text("select tsvector_to_array(lexemes) from document_words")).scalar_one()
    assert set(found) == set(row("d_old", exact, number)["lexemes"])  # type: ignore[call-overload]
    assert len([one for one in found if one.startswith("3t^")]) > 8 and "3f=thua dat" in found
    database.dispose()


def before_blocks(line: str) -> list[str]:
    """Lexemes as they were: words, and pairs of neighbours."""
    words = pieces_of(line)
    return sorted({*words, *(f"={left} {right}" for left, right in pairwise(words))})


def test_a_database_of_a_newer_version_is_left_alone(any_database: Engine) -> None:
    with writing(any_database) as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(UsageError, match="newer version") as told:
        open_database(any_database.url)
    assert "mới hơn" in told.value.vi


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "half.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table words_row (other text)")  # stands in the revision's way
        connection.commit()
    with pytest.raises(Unavailable):
        open_database(sqlite_url(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("words_row",)]


def test_on_postgres_text_has_neither_length_nor_locale(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    query = (
        "select data_type, collation_name, count(*) from information_schema.columns where table_schema = 'sohoa' "
        "and table_name <> 'alembic_version' and data_type in ('text', 'character varying') group by 1, 2"
    )
    with reading(database) as connection:
        found = connection.execute(text(query)).all()
    assert [(row[0], row[1]) for row in found] == [("text", "C")]
    database.dispose()
