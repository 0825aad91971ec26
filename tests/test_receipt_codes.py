"""What a receipt's QR holds, by the forms that a site names: at the counter's QR gun and on pages alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import load
from pipeline.errors import UsageError
from pipeline.grammar.receipt_codes import ReceiptForm, codes_of_receipt
from pipeline.home.counter_desk import code_in
from pipeline.wire import receipt_forms
from tests.classify_pages import CODE, OTHER, TODAY, decision, intake, letterhead, page, rows, title

SETTINGS = """
[receipt.cong]
kind = "url"
host = "dichvucong.gov.vn"
parameter = "ma_ho_so"
[receipt.phieu]
kind = "fields"
delimiter = "|"
field = 3
[receipt.cu]
kind = "plain"
prefix = "MHS:"
"""


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReceiptForm, ...]:
    home = tmp_path_factory.mktemp("h")
    (home / "sohoa.toml").write_text(SETTINGS)
    return receipt_forms(load(home))


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        f" {CODE.lower()}\r",
        f"MHS: {CODE}",
        f"https://dichvucong.gov.vn/tra-cuu?cu={OTHER}&ma_ho_so={CODE}",
        f"https://dichvucong.gov.vn/#/tra-cuu?MA_HO_SO={CODE.replace('-', '%2D')}&cu={OTHER}",
        f"1.000948.H38|{OTHER}|{CODE}|079123456789|Nguyễn Văn A",
        f"https://khac.gov.vn/{CODE.replace('-', '%2D')}",
        f"Giấy tiếp nhận {CODE}; 20/10/2026",
    ],
)
def test_the_dossier_is_what_the_sites_form_says(forms: tuple[ReceiptForm, ...], text: str) -> None:
    assert code_in(text, forms) == CODE
    assert [item.code.text for item in codes_of_receipt(text, forms, TODAY)] == [CODE]


@pytest.mark.parametrize(
    "text", ["", "MHS:", f"{CODE};{OTHER}", f"https://khac.gov.vn/?a={CODE}&b={OTHER}", "http://[x"]
)
def test_what_names_none_or_two_is_asked_again(forms: tuple[ReceiptForm, ...], text: str) -> None:
    with pytest.raises(UsageError):
        code_in(text, forms)


def test_without_a_form_two_codes_are_nobodys() -> None:
    with pytest.raises(UsageError):
        code_in(f"1.000948.H38|{OTHER}|{CODE}")
    assert code_in(f"https://cong.vn/ho-so/{CODE}/in", (ReceiptForm(kind="url"),)) == CODE


@given(st.text(max_size=80))
def test_any_text_is_safe(text: str) -> None:
    forms = (
        ReceiptForm(kind="url", parameter="ma"),
        ReceiptForm(kind="fields", field=2),
        ReceiptForm(kind="plain"),
    )
    codes_of_receipt(text, forms, TODAY)


def test_a_receipt_on_the_glass_binds_the_papers_behind_it_by_the_sites_form(
    forms: tuple[ReceiptForm, ...],
) -> None:
    from dataclasses import replace

    from pipeline.classify.sorting import sort_pages
    from tests.classify_pages import TYPES

    head = letterhead("UBND XÃ HẠ HÒA", "TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG", number="Số: 101/TNHS")
    receipt = page(
        head,
        title("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ"),
        rows("Ông Nguyễn Văn A"),
        qr=f"1.0|{OTHER}|{CODE}|x",
    )
    pages = [replace(item, page=replace(item.page, index=n)) for n, item in enumerate((receipt, decision()))]

    def whose(use: tuple[ReceiptForm, ...]) -> set[str | None]:
        found = sort_pages(intake(), pages, types=TYPES, today=TODAY, receipts=use)
        return {paper.dossier for paper in found.papers}

    assert whose(forms) == {CODE}
    assert CODE not in whose(()), "two codes without a rule are a question"
