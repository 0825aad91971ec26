"""The digitisation indicators: what counts, in which month, by which formula, and why something does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, insert, text

import config
from pipeline.errors import UsageError
from pipeline.model import Document
from storage.batches import Batches
from storage.database import writing
from storage.dossier_tables import registered
from storage.indicators import NOTHING, count, facts, last_day, load_indicators, without_dossier
from storage.workbook import Sheet, write_workbook
from tests.papers import make_intake, of_text

FORMULAS = Path(config.__path__[0]) / "indicators.toml"
TODAY = date(2026, 11, 25)


def take_in(
    database: Engine, document: Document, *, procedure: str | None = None, state: str = "stored"
) -> None:
    batches = Batches(database)
    batches.open(replace(make_intake(document), procedure=procedure))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.open_document(document)
    with writing(database) as connection:
        connection.execute(
            text(
                "update document set state = :s, signature_level = 'B-LTA', key = 'k', pdf_sha256 = 'x', generation = 1,"
                " reason = :r where id = :d"
            ),
            {"s": state, "d": document.id, "r": "ranh giới chưa rõ" if state == "review" else None},
        )


@pytest.fixture
def filled(database: Engine, document: Document) -> Engine:
    def of(name: str, dossier: str | None, batch: str) -> Document:
        made = replace(of_text(document, name, "đơn", dossier=dossier), batch=batch)
        pages = tuple(replace(p, page=replace(p.page, id=f"p_{name}{n}")) for n, p in enumerate(made.pages))
        return replace(made, pages=pages)

    take_in(database, of("d_1", "H26.19-261101-0001", "b_1"), procedure="1.000110")
    take_in(database, of("d_2", "H26.19-261130-0002", "b_2"), procedure="1.000110", state="review")
    take_in(database, of("d_3", "H26.19-261201-0003", "b_3"), procedure="2.000635")
    take_in(database, of("d_4", None, "b_4"))
    take_in(database, of("d_5", "H26.19-261130-0002", "b_5"))
    return database


def test_a_dossier_counts_when_every_paper_of_it_is_stored(filled: Engine) -> None:
    counts = count(facts(filled), load_indicators(FORMULAS, TODAY), by=None, month="2026-11")
    assert counts.totals == {"ho_so": [1, 2], "giay_to": [2, 3]}
    (left,) = counts.open
    assert (left["dossier"], left["reasons"]) == ("H26.19-261130-0002", ["ranh giới chưa rõ"])
    assert [paper["id"] for paper in left["papers"]] == ["d_2"]
    assert without_dossier(filled) == 1


def test_figures_split_by_month_and_procedure(filled: Engine) -> None:
    formulas = load_indicators(FORMULAS, TODAY)
    months = count(facts(filled), formulas, by="month", month=None).groups
    assert {name: sums["ho_so"] for name, sums in months.items()} == {"2026-11": [1, 2], "2026-12": [1, 1]}
    procedures = count(facts(filled), formulas, by="procedure", month=None).groups
    assert {name: sums["giay_to"] for name, sums in procedures.items()} == {
        "1.000110": [2, 3],
        "2.000635": [1, 1],
    }


def test_a_dossier_that_was_received_and_never_scanned_is_in_the_denominator(filled: Engine) -> None:
    with writing(filled) as connection:
        unsaid = dict.fromkeys(
            ("applicant", "owner_id", "address", "phone", "email", "source", "told_at"), ""
        )
        connection.execute(insert(registered).values(code="H26.19-261105-0009", procedure="1.9", **unsaid))
    counts = count(facts(filled), load_indicators(FORMULAS, TODAY), by=None, month="2026-11")
    assert counts.totals["ho_so"] == [1, 3]
    assert {"H26.19-261105-0009": [NOTHING]}.items() <= {
        one["dossier"]: one["reasons"] for one in counts.open
    }.items()


def test_the_formula_is_the_one_of_the_day(tmp_path: Path) -> None:
    assert load_indicators(FORMULAS, date(2022, 6, 22)) == []
    assert [one.key for one in load_indicators(FORMULAS, TODAY)] == ["ho_so", "giay_to"]
    assert all(one.source for one in load_indicators(FORMULAS, TODAY))
    wrong = tmp_path / "i.toml"
    wrong.write_text(FORMULAS.read_text("utf-8").replace("every_paper_stored", "made_up"), "utf-8")
    with pytest.raises(UsageError, match="unknown unit or condition"):
        load_indicators(wrong, TODAY)
    assert last_day("2026-02", TODAY) == date(2026, 2, 28) and last_day(None, TODAY) == TODAY
    with pytest.raises(UsageError, match="no month"):
        last_day("11/2026", TODAY)


def test_a_cell_is_never_a_formula(tmp_path: Path) -> None:
    rows: list[list[Any]] = [['=HYPERLINK("http://x")', "a\x00b", 3], ["@SUM(1)", "ă" * 40_000, None]]
    write_workbook([Sheet("Một", ["Cơ quan"], [("A", 10), ("B", 10), ("C", 10)], rows)], tmp_path / "a.xlsx")
    page = load_workbook(tmp_path / "a.xlsx")["Một"]
    assert page["A3"].value == rows[0][0] and page["A3"].data_type == "s"
    assert page["B3"].value == "ab" and page["C3"].value == 3 and len(page["B4"].value) == 32_000
    with pytest.raises(UsageError):
        write_workbook([], tmp_path)
