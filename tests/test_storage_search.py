"""Search over stored documents: Vietnamese spellings, ranking, paging, and queries meant to break it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from pipeline.errors import UsageError
from pipeline.model import Document, Field
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, sqlite_url
from storage.search import Search, snippet
from tests.conftest import DATABASES
from tests.papers import as_stored, make_intake, of_text, with_bytes

TEXTS = {
    "d_bay": "Đơn của ông Trần Văn Bảy về đất đai tại Đức Trọng",
    "d_bay_khong_dau": "Don cua ong Tran Van Bay ve dat dai tai Duc Trong",
    "d_hoa": "Trường Tiểu học Hòa Bình, số 04/QĐ-UBND",
    "d_hoa_moi": "Trường Trung học cơ sở Hoà Bình, số 05/QĐ-UBND",
    "d_khai_sinh": "Giấy khai sinh số 17/2024 của Nguyễn Thị Nhung",
    "d_chung_nhan": "Giấy chứng nhận quyền sử dụng đất số BK 123456",
}


@pytest.fixture
def database(any_database: Engine) -> Engine:
    return any_database


@pytest.fixture(scope="module", params=DATABASES)
def search(
    request: pytest.FixtureRequest, document: Document, tmp_path_factory: pytest.TempPathFactory
) -> Search:
    folder = tmp_path_factory.mktemp("search")
    sqlite = request.param == "sqlite"
    url = sqlite_url(folder / "sohoa.sqlite3") if sqlite else request.getfixturevalue("new_postgres")()
    database = open_database(url)
    fill(database, document, folder, TEXTS)
    return Search(database)


def fill(database: Engine, document: Document, folder: Path, texts: dict[str, str]) -> None:
    batches, catalogue = Batches(database), Catalogue(database)
    batches.open(make_intake(document))
    for name, text in texts.items():
        paper = of_text(document, name, text, dossier=f"H26-{name}")
        batches.open_document(paper)
        catalogue.commit(as_stored(with_bytes(paper, name.encode(), folder)))


@pytest.fixture(scope="module")
def found(search: Search) -> Callable[[str], list[str]]:
    return lambda query: [hit["document"] for hit in search.find(query)["results"]]


@pytest.mark.parametrize(
    "query", ["Trần Văn Bảy", "tran van bay", "TRẦN VĂN BẢY", "trần van bảy", "Trần Văn Bảy"]
)
def test_person_is_found_with_and_without_diacritics(found: Callable[[str], list[str]], query: str) -> None:
    assert set(found(query)) == {"d_bay", "d_bay_khong_dau"}


@pytest.mark.parametrize("query", ["đất đai", "dat dai", "Đất Đai", "ĐẤT ĐAI", "Ðất Ðai"])
def test_both_forms_of_d_with_a_stroke_are_one(found: Callable[[str], list[str]], query: str) -> None:
    assert set(found(query)) == {"d_bay", "d_bay_khong_dau"}


@pytest.mark.parametrize("query", ["Hòa Bình", "Hoà Bình", "hoa binh", "HOÀ BÌNH"])
def test_both_places_of_the_tone_mark_are_one(found: Callable[[str], list[str]], query: str) -> None:
    assert set(found(query)) == {"d_hoa", "d_hoa_moi"}


def test_exact_tones_rank_first(found: Callable[[str], list[str]]) -> None:
    assert found("Trần Văn Bảy")[0] == "d_bay"
    assert found("Tran Van Bay")[0] == "d_bay_khong_dau"


def test_both_tone_styles_rank_as_exact(search: Search) -> None:
    for query in ("Hòa Bình", "Hoà Bình"):
        hits = search.find(query)["results"]
        assert len(hits) == 2 and all(hit["score"] > 1 for hit in hits)


def test_wrong_tones_rank_below_right_ones(search: Search) -> None:
    right, wrong = (search.find(query)["results"] for query in ("khai sinh", "khải sinh"))
    assert right[0]["document"] == wrong[0]["document"] == "d_khai_sinh"
    assert right[0]["score"] > wrong[0]["score"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"khai sinh"', ["d_khai_sinh"]),
        ('"sinh khai"', []),
        ("sinh khai", ["d_khai_sinh"]),
        ('"quyền sử dụng" đất', ["d_chung_nhan"]),
        ("chứ*", ["d_chung_nhan"]),
        ("chu*", ["d_chung_nhan"]),
        ("chứ", []),
        ("04/QĐ-UBND", ["d_hoa"]),
        ("04/qd-ubnd", ["d_hoa"]),
        ("17/2024", ["d_khai_sinh"]),
        ("BK 123456", ["d_chung_nhan"]),
        ("H26-d_hoa", ["d_hoa"]),
        ("khai sinh không có", []),
    ],
)
def test_phrases_prefixes_numbers_and_codes(
    found: Callable[[str], list[str]], query: str, expected: list[str]
) -> None:
    got = found(query)
    assert got[: len(expected) or None] == expected


def test_search_can_be_kept_to_one_dossier(search: Search) -> None:
    hits = search.find("truong", dossier="H26-d_hoa")["results"]
    assert [hit["document"] for hit in hits] == ["d_hoa"]


def test_hit_is_shown_as_printed_with_the_words_marked(search: Search) -> None:
    (hit,) = search.find("quyen su dung")["results"]
    assert "Giấy chứng nhận «quyền sử dụng» đất số BK 123456" in hit["snippet"]


def test_a_quoted_phrase_is_shown_as_a_whole_and_not_its_words_elsewhere() -> None:
    text = "Đất này để sử dụng; quyền sử\u2011dụng đất của ông Lê"
    assert snippet(text, '"quyền sử dụng" lê') == "Đất này để sử dụng; «quyền sử\u2011dụng» đất của ông «Lê»"
    assert snippet(text, "quyen sử*") == "Đất này để «sử» dụng; «quyền sử»\u2011dụng đất của ông Lê"


def test_snippet_of_a_long_text_is_short_and_around_the_hit() -> None:
    text = "mở đầu " * 500 + "Quyết định\nsố 7 về việc thu hồi đất " + "kết thúc " * 500
    shown = snippet(text, "quyet dinh")
    assert "«Quyết định» số 7" in shown
    assert len(shown) < 200 and shown.startswith("…") and shown.endswith("…")


def test_the_passage_shown_is_the_one_with_most_of_the_words() -> None:
    text = (
        "Giấy tiếp nhận hồ sơ. "
        + "Xây nhà ở riêng lẻ. " * 20
        + "Đơn đề nghị cấp giấy phép xây dựng, sửa chữa."
    )
    shown = snippet(text, "giay phep xay dung")
    assert "«giấy phép xây dựng»" in shown and "tiếp nhận" not in shown


@pytest.mark.parametrize("many", [1000, 5])
def test_pages_follow_without_repeats_or_gaps(
    database: Engine, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    for module in ("words_sqlite", "words_postgres", "search"):
        monkeypatch.setattr(f"storage.{module}.MANY", many)
    names = {f"d_{number}": f"Tờ khai {'khai ' * (number % 5)} {number}" for number in range(23)}
    fill(database, document, tmp_path, names)
    search, seen, after = Search(database), [], None
    while True:
        page = search.find("tờ khai", limit=5, after=after)
        seen += [hit["document"] for hit in page["results"]]
        after = page["next"]
        if after is None:
            break
        assert len(page["results"]) == 5
    assert len(seen) == 23 and set(seen) == set(names)
    assert seen == [hit["document"] for hit in search.find("tờ khai", limit=50)["results"]]


def test_of_what_stands_everywhere_the_newest_come_first(
    database: Engine, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("words_sqlite", "words_postgres", "search"):
        monkeypatch.setattr(f"storage.{module}.MANY", 3)
    fill(database, document, tmp_path, {f"d_{number}": f"Giấy số {number}" for number in range(6)})
    find = Search(database).find
    assert [hit["document"] for hit in find("giấy")["results"]] == [f"d_{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert [hit["document"] for hit in find("giấy số 2")["results"]] == ["d_2"]
    assert [hit["document"] for hit in find("giấy", dossier="H26-d_4")["results"]] == ["d_4"]


def test_a_phrase_of_three_words_is_not_met_by_its_pairs(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    texts = {
        "d_pairs": "quyền sử, rồi sử dụng; quyền dụng. Sử dụng đất",
        "d_phrase": "mọi quyền sử dụng đất ở, và còn nhiều chữ nữa sau đó",
    }
    fill(database, document, tmp_path, texts)
    find = Search(database).find
    assert [hit["document"] for hit in find('"quyền sử dụng"')["results"]] == ["d_phrase"]
    assert [hit["document"] for hit in find('"quyen su dung"')["results"]] == ["d_phrase"]
    assert len(find("quyền sử dụng")["results"]) == 2


HOSTILE = [
    "", " ", '"', '""', "*", "**", '"*"', "AND", "OR", "NOT", "NEAR", "a AND", "NEAR(a b)", "a NOT b", "folded : a",
    "{folded exact} : a", "^a", "a^", "(", ")", "((((", "'", "'; drop table document; --", '" OR 1=1', "a\0b", "\0",
    "%", "_", "a_b", "+", "-a", "\\", "🙂", "đ" * 5000, "a " * 5000, '"' * 999, "a* " * 300, "\ud800", "a\ud800", "ﬁ", "½", "٣", "漢字",
    "ª", "İ", "ß", "\u0301", "a\u0301\u0302\u0303",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_is_an_error(search: Search, query: str) -> None:
    result = search.find(query)
    assert set(result) == {"results", "next", "newest_first"}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(alphabet=st.one_of(st.sampled_from('"*()^:{}+-_ ANDORNEAR đất'), st.characters()), max_size=60)
)
def test_no_text_at_all_is_an_error(search: Search, query: str) -> None:
    assert set(search.find(query)) == {"results", "next", "newest_first"}


@pytest.mark.parametrize(
    "token",
    [
        "garbage", "%%%", "AAAA", "ộ",
        *(
            base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
            for value in (1, [], [0, 0], [0, 0, 10**30], [10**400, 0, 0], [None, 0, 0], ["x", 0, 0], {"a": 1})
        ),
        *(base64.urlsafe_b64encode(raw).decode() for raw in (b"[Infinity, 0, 0]", b"[0, NaN, 0]", b"[" * 50_000)),
    ],
)  # fmt: skip
def test_a_damaged_page_token_is_refused(search: Search, token: str) -> None:
    with pytest.raises(UsageError) as refused:
        search.find("khai sinh", after=token)
    assert "--after" in refused.value.vi


def test_an_old_page_token_goes_on_where_it_stood(search: Search) -> None:
    old = base64.urlsafe_b64encode(b"[3, 0, 0.25, 999999]").decode()
    assert search.find("khai sinh", after=old)["next"] is None
    assert search.find("khai sinh", after="")["results"]


@pytest.mark.parametrize("limit", [-5, 0, 1, 10**9])
def test_any_limit_is_bounded(search: Search, limit: int) -> None:
    assert search.find("truong", limit=limit)["results"]


def test_words_side_by_side_rank_above_the_same_words_scattered(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    texts = {
        "d_don": "Đơn đăng ký biến động, theo hợp đồng đã ký; nhận chuyển giao, không nhượng lại; hợp đồng, chuyển",
        "d_hop_dong": "Hợp đồng chuyển nhượng quyền sử dụng đất, các bên cùng thỏa thuận những điều sau đây",
    }
    fill(database, document, tmp_path, texts)
    for query in ("hợp đồng chuyển nhượng", "hop dong chuyen nhuong"):
        assert [hit["document"] for hit in Search(database).find(query)["results"]] == ["d_hop_dong", "d_don"]


def test_a_day_is_found_as_people_write_it_and_type_keys_are_nobodys_words(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    fields = (
        Field(name="type", value="quyet-dinh-khac", confidence=1.0, doubtful=False),
        Field(name="date", value="2023-07-08", confidence=1.0, doubtful=False),
    )
    plain = of_text(document, "d_mot", "ngày 08 tháng 7 năm 2023", dossier="H26-mot")
    dated = replace(plain, paper=replace(plain.paper, fields=fields))
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.open_document(dated)
    Catalogue(database).commit(as_stored(with_bytes(dated, b"mot", tmp_path)))
    find = Search(database).find
    assert [hit["document"] for hit in find("08/07/2023")["results"]] == ["d_mot"]
    assert find("2023-07-08")["results"]
    assert not find("quyet-dinh-khac")["results"]


def test_the_paper_of_a_number_stands_above_those_that_mention_it(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    batches, catalogue = Batches(database), Catalogue(database)
    batches.open(make_intake(document))
    texts = {f"d_nhac_{n}": "Biên nhận kèm 15/QĐ-UBND" for n in range(3)}
    texts["d_quyet_dinh"] = "Quyết định số 15/QĐ-UBND về việc chuyển mục đích sử dụng đất " * 5
    for name, text in texts.items():
        paper = of_text(document, name, text, dossier=f"H26-{name}")
        if name == "d_quyet_dinh":
            number = Field(name="number", value="15/QĐ-UBND", confidence=1.0, doubtful=False, evidence="text")
            paper = replace(paper, paper=replace(paper.paper, fields=(number,)))
        batches.open_document(paper)
        catalogue.commit(as_stored(with_bytes(paper, name.encode(), tmp_path)))
    search = Search(database)
    for query in ("15/QĐ-UBND", "15/qđ-ubnd", '"15/QĐ-UBND"'):
        found = search.find(query)["results"]
        assert found[0]["document"] == "d_quyet_dinh", "longer, and still first"
        assert len({hit["document"] for hit in found}) == len(found) == 4
        assert [hit["score"] for hit in found] == sorted((hit["score"] for hit in found), reverse=True)
    pages, after = [], None
    while True:
        page = search.find("15/QĐ-UBND", limit=2, after=after)
        pages += [hit["document"] for hit in page["results"]]
        if not (after := page["next"]):
            break
    assert set(pages) == set(texts)


def test_a_paper_that_is_called_so_stands_above_a_shorter_one_that_mentions_it(
    database: Engine, document: Document, tmp_path: Path
) -> None:
    batches, catalogue = Batches(database), Catalogue(database)
    batches.open(make_intake(document))
    texts = {
        "d_bien_nhan": "Biên nhận về cải chính hộ tịch",
        "d_quyet_dinh": "Quyết định về việc thay đổi, cải chính hộ tịch " + "cho bà Hạnh " * 20,
    }
    for name, text in texts.items():
        title = "Về việc thay đổi, cải chính hộ tịch" if name == "d_quyet_dinh" else "Biên nhận"
        field = Field(name="title", value=title, confidence=1.0, doubtful=False, evidence="text")
        paper = of_text(document, name, text, dossier=f"H26-{name}")
        paper = replace(paper, paper=replace(paper.paper, fields=(field,)))
        batches.open_document(paper)
        catalogue.commit(as_stored(with_bytes(paper, name.encode(), tmp_path)))
    search = Search(database)
    for query in ("cải chính hộ tịch", "cai chinh ho tich", '"cải chính" hộ tịch', "cải chính hộ tị*"):
        found = search.find(query)["results"]
        assert [hit["document"] for hit in found] == ["d_quyet_dinh", "d_bien_nhan"], query
        assert found[0]["score"] > found[1]["score"]
    assert [hit["document"] for hit in search.find("biên nhận")["results"]] == ["d_bien_nhan"]
