"""What is told beside a stored paper: that it came after its dossier had ended, that its file's text was in an old code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine

from pipeline.commands.tables import show_papers
from pipeline.home.case_view import likely_twice
from pipeline.model import Document, Field
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import insert, writing
from storage.dossier_tables import dossier
from storage.ledger import Ledger
from tests.papers import as_stored, make_intake, of_text, with_bytes

CODE = "H26-d_tre"


def stored(database: Engine, paper: Document, folder: Path) -> dict[str, object]:
    batches, catalogue = Batches(database), Catalogue(database)
    batches.open(make_intake(paper))
    batches.open_document(paper)
    catalogue.commit(as_stored(with_bytes(paper, b"bytes", folder)))
    found = catalogue.dossier(CODE)
    assert found is not None
    (one,) = found["documents"]
    return dict(one)


def ended(database: Engine, state: str) -> None:
    with writing(database) as connection:
        connection.execute(
            insert(dossier).values(
                code=CODE, state=state, record_number=1, record_key="k", record_sha256="0" * 64, record="{}",
                changed_at=datetime(2026, 3, 1, tzinfo=UTC).isoformat(),
            )
        )  # fmt: skip


@pytest.mark.parametrize(("state", "said"), [("closed", "đã đóng"), ("withdrawn", "đã rút")])
def test_a_paper_of_a_dossier_that_has_ended_is_stored_and_told_of(
    any_database: Engine, document: Document, tmp_path: Path, state: str, said: str
) -> None:
    ended(any_database, state)
    one = stored(any_database, of_text(document, "d_tre", "Đơn", dossier=CODE), tmp_path)
    assert one["state"] == "stored" and said in str(one["reason"])
    entries = [entry for entry in Ledger(any_database).entries() if '"store"' in entry.body]
    assert f'"dossier_state":"{state}"' in entries[-1].body.replace('": "', '":"')


@pytest.mark.parametrize("state", ["open", "supplement", None])
def test_a_paper_of_a_dossier_at_work_is_simply_stored(
    any_database: Engine, document: Document, tmp_path: Path, state: str | None
) -> None:
    if state:
        ended(any_database, state)
    one = stored(any_database, of_text(document, "d_tre", "Đơn", dossier=CODE), tmp_path)
    assert one["reason"] is None and one["remarks"] == []


@pytest.mark.parametrize(
    ("value", "said"),
    [("TCVN3", ["bảng mã TCVN3"]), ("VNI differs", ["bảng mã VNI", "khác với chữ trên trang"])],
)
def test_text_in_an_old_code_is_told_beside_the_paper(
    any_database: Engine, document: Document, tmp_path: Path, value: str, said: list[str]
) -> None:
    paper = of_text(document, "d_tre", "Đơn", dossier=CODE)
    field = Field(name="own_text", value=value, confidence=1.0, doubtful=False, evidence="layer")
    one = stored(any_database, replace(paper, paper=replace(paper.paper, fields=(field,))), tmp_path)
    remarks = one["remarks"]
    assert isinstance(remarks, list) and len(remarks) == len(said)
    assert all(words in remark for words, remark in zip(said, remarks, strict=True))
    console = Console(width=400, record=True, highlight=False)
    show_papers([one], console)
    assert said[0] in console.export_text()


def shown(name: str, **changes: object) -> dict[str, object]:
    values = {
        "id": name, "type": "quyet_dinh", "number": "15/QĐ-UBND", "date": "2026-03-01", "issuer": "UBND xã",
        "state": "stored", "doubtful": [], "fields": {},
    }  # fmt: skip
    return values | changes


def test_the_same_paper_twice_in_a_dossier_is_told_of() -> None:
    (note,) = likely_twice([shown("d_tif"), shown("d_khac", number="16/QĐ-UBND"), shown("d_pdf")])
    assert "d_tif, d_pdf" in note and "d_khac" not in note and "--misfiled" in note


@pytest.mark.parametrize(
    "other",
    [
        {"number": "16/QĐ-UBND"},
        {"date": "2026-03-02"},
        {"type": "to_trinh"},
        {"issuer": "UBND huyện"},
        {"doubtful": ["number"]},
        {"state": "review"},
        {"fields": {"copy_kind": Field(name="copy_kind", value="certified", confidence=1.0, doubtful=False, evidence="text")}},
    ],
    ids=str,
)  # fmt: skip
def test_papers_that_differ_or_are_in_doubt_are_not(other: dict[str, object]) -> None:
    assert likely_twice([shown("d_1"), shown("d_2", **other)]) == []


def test_papers_without_a_number_are_not_guessed_at() -> None:
    assert likely_twice([shown("d_1", number=None), shown("d_2", number=None)]) == []
