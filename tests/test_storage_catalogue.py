"""The catalogue: rows follow what is stored, the same again changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from pipeline.errors import Unavailable, UsageError
from pipeline.model import Document
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, reading, sqlite_url, writing
from storage.ledger import Ledger
from storage.search import Search
from tests.papers import as_stored, make_intake, with_bytes
from tests.postgres_server import Server


@pytest.fixture
def database(any_database: Engine) -> Engine:
    return any_database


@pytest.fixture
def catalogue(database: Engine, document: Document) -> Catalogue:
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.open_document(document)
    return Catalogue(database)


def test_stored_document_is_listed_with_its_dossier(
    catalogue: Catalogue, document: Document, tmp_path: Path
) -> None:
    stored = as_stored(with_bytes(document, b"signed", tmp_path))
    assert document.paper.dossier
    assert catalogue.documents() == []
    catalogue.commit(stored)
    assert catalogue.documents() == [document.id]
    assert catalogue.documents(dossier=document.paper.dossier) == [document.id]
    assert catalogue.documents(dossier="another") == []
    view = catalogue.dossier(document.paper.dossier)
    assert view is not None
    (shown,) = view["documents"]
    assert (shown["state"], shown["pdf_sha256"], shown["key"]) == (
        "stored",
        stored.pdf.sha256,
        stored.pdf.key,
    )
    assert view["light"] == "amber"
    assert catalogue.dossier("another") is None


def test_same_document_again_adds_no_row_and_no_entry(
    catalogue: Catalogue, database: Engine, document: Document, tmp_path: Path
) -> None:
    stored = as_stored(with_bytes(document, b"signed", tmp_path))
    for _ in range(3):
        catalogue.commit(stored)
    assert len(catalogue.objects(document.id, original=False, version=None)) == 1
    assert Ledger(database).verify().entries == 2  # taken in, stored
    assert len(Search(database).find("chứng nhận")["results"]) == 1


def test_originals_are_handed_out_under_their_own_names(
    catalogue: Catalogue, document: Document, tmp_path: Path
) -> None:
    odd = replace(document.originals[0], source="/scans/../../etc/Đơn số 1.jpg")
    catalogue.commit(as_stored(with_bytes(replace(document, originals=(odd,)), b"signed", tmp_path)))
    (held,) = catalogue.objects(document.id, original=True, version=None)
    assert held.name == "Đơn số 1.jpg"
    assert held.sha256 == odd.blob.sha256


def test_incoming_file_is_its_own_original(catalogue: Catalogue, document: Document, tmp_path: Path) -> None:
    signed = with_bytes(document, b"signed by others", tmp_path)
    own = replace(document, originals=(replace(document.originals[0], blob=signed.pdf),))
    catalogue.commit(as_stored(replace(signed, document=own)))
    (held,) = catalogue.objects(document.id, original=True, version=None)
    assert held.sha256 == signed.pdf.sha256


def test_newest_version_is_handed_out_unless_one_is_named(
    catalogue: Catalogue, document: Document, tmp_path: Path
) -> None:
    first, again = (with_bytes(document, content, tmp_path) for content in (b"signed", b"signed anew"))
    catalogue.commit(as_stored(first))
    catalogue.commit(as_stored(again, version=2, generation=2))
    found = [
        [held.sha256 for held in catalogue.objects(document.id, original=False, version=version)]
        for version in (None, 1, 2, 3)
    ]
    assert found == [[again.pdf.sha256], [first.pdf.sha256], [again.pdf.sha256], []]
    assert len(catalogue.objects(document.id, original=True, version=None)) == 2


def test_nothing_is_stored_without_key_digest_and_generation(catalogue: Catalogue, database: Engine) -> None:
    with pytest.raises(IntegrityError), writing(database) as connection:
        connection.execute(text("update document set state = 'stored'"))
    with pytest.raises(IntegrityError), writing(database) as connection:
        connection.execute(text("update document set light = 'green'"))
    assert catalogue.documents() == []


FAIL = {
    "sqlite": ["create trigger fail before insert on ledger begin select raise(abort, 'no'); end"],
    "postgresql": [
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$",
        "create trigger fail before insert on ledger for each row execute function fail()",
    ],
}


def test_failed_commit_leaves_neither_row_nor_word_nor_entry(
    catalogue: Catalogue, database: Engine, document: Document, tmp_path: Path
) -> None:
    stored = as_stored(with_bytes(document, b"signed", tmp_path))
    with writing(database) as connection:
        for statement in FAIL[database.dialect.name]:
            connection.execute(text(statement))
    with pytest.raises(DatabaseError, match="no"):
        catalogue.commit(stored)
    assert catalogue.documents() == []
    assert catalogue.objects(document.id, original=False, version=None) == []
    assert Search(database).find("chứng nhận")["results"] == []


def test_locked_database_is_a_dependency_that_is_down(database: Engine) -> None:
    impatient = open_database(database.url)
    wait = {"sqlite": "pragma busy_timeout=50", "postgresql": "set lock_timeout to 50"}[database.dialect.name]
    with reading(impatient) as connection:
        connection.exec_driver_sql(wait)
        connection.commit()
    with (
        writing(database),
        pytest.raises(Unavailable),
        writing(impatient),
    ):
        pass
    impatient.dispose()


def test_text_that_a_database_may_not_like_is_kept(
    catalogue: Catalogue, database: Engine, document: Document, tmp_path: Path
) -> None:
    odd = replace(document.paper, dossier=f"H26-{'x' * 300}\0")
    item = replace(document, id="d_odd", paper=odd)
    Batches(database).open_document(item)
    catalogue.commit(as_stored(with_bytes(item, b"odd", tmp_path)))
    assert catalogue.documents() == ["d_odd"] and catalogue.dossier(f"H26-{'x' * 300}\0") is not None


def test_file_that_is_no_database_is_a_dependency_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "sohoa.sqlite3").write_bytes(b"this is no database file, but long enough" * 100)
    with pytest.raises(Unavailable):
        open_database(sqlite_url(tmp_path / "sohoa.sqlite3"))


def test_server_that_is_not_there_is_a_dependency_that_is_down_and_the_password_stays_unsaid() -> None:
    with pytest.raises(Unavailable) as told:
        open_database("postgresql://sohoa:Mat-khau-9@127.0.0.1:1/sohoa")
    assert "127.0.0.1" in str(told.value) and "Mat-khau-9" not in told.value.both


@pytest.mark.parametrize(
    "url", ["mysql://localhost/sohoa", "postgresql://localhost", "sohoa", "", "://", "http://x/y"]
)
def test_another_kind_of_database_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(UsageError, match=r"database\.url"):
        open_database(url)


def test_postgres_of_another_encoding_is_refused_with_the_remedy(postgres: Server) -> None:
    url = postgres.database(options="encoding 'LATIN1' locale 'C'")
    with pytest.raises(UsageError, match="createdb"):
        open_database(url)
