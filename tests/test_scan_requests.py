"""Scan requests: hostile words refused, each id one request, papers answer one each, and every change is told once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

import config
from pipeline.classify.requested import Asked, as_asked
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import Unavailable
from pipeline.model import Document, Field, Origin, Paper, Sorting
from pipeline.procedures.catalogue import Level, Procedure, Requirement
from pipeline.procedures.completeness import HeldPaper, judge
from pipeline.procedures.requested import Offered, Wanted, answers
from pipeline.registry.file_registry import read_requests
from pipeline.registry.http import HttpClient, HttpRegistry
from pipeline.registry.scan_request import scan_request
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, sqlite_url, writing
from storage.ledger import Ledger
from storage.outbox import Outbox
from storage.registered import Registered
from storage.scan_requests import Answered, ScanRequests, Taken
from storage.schema import document as papers
from storage.transfer import snapshot
from tests.one_stop import TOKEN, OneStop
from tests.papers import as_stored, make_intake, with_bytes

CODE, OTHER = "H38.20-261002-0007", "H38.20-261001-0001"
FORM = "TP-H00.000011"
GOOD = {"id": "YC-1", "dossier": CODE, "component": FORM}


@pytest.fixture
def database(any_database: Engine) -> Engine:
    return any_database


@pytest.fixture
def kept(database: Engine) -> ScanRequests:
    return ScanRequests(database)


def take(kept: ScanRequests, *items: dict[str, Any], strange: str = "", dry: bool = False) -> Taken:
    told = [scan_request(item) for item in items]
    values = [{name: getattr(item, name) for name in item.__dataclass_fields__} for item in told]
    return kept.take(
        values, "file", actor="nhung", agency="H38.20", unknown=lambda code: code == strange, dry=dry
    )


HOSTILE = [
    ({"id": ""}, "mã yêu cầu"),
    ({"id": "../../etc/passwd\n"}, "mã yêu cầu"),
    ({"id": "YC 1"}, "mã yêu cầu"),
    ({"id": "x" * 81}, "80"),
    ({"dossier": "H38.20-269902-0007"}, "mã hồ sơ"),
    ({"dossier": None}, "mã hồ sơ"),
    ({"component": "TP-H38.0001"}, "mã thành phần"),
    ({"component": "'; drop table scan_request; --"}, "mã thành phần"),
    ({"component": ["TP-H00.000011"]}, "phải là chữ"),
    ({"count": 0}, "số lượng"),
    ({"count": True}, "số lượng"),
    ({"count": "1e3"}, "số lượng"),
    ({"count": "٣"}, "số lượng"),
    ({"copy": "bản fax"}, "loại bản"),
    ({"due": "2026-02-30"}, "ngày"),
    ({"due": "hôm qua"}, "ngày"),
    ({"asked_at": "9999"}, "ngày"),
    ({"cancelled": "có lẽ"}, "cột hủy"),
    ({"name": "a\x1b[2J"}, "ký tự điều khiển"),
]


@pytest.mark.parametrize(("wrong", "words"), HOSTILE)
def test_what_cannot_be_is_refused_with_a_sentence(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scan_request({**GOOD, **wrong})


def test_values_are_kept_in_one_form() -> None:
    found = scan_request(
        {"id": "YC/2026:1", "dossier": "h38.20–261002–0007", "component": "tp-h00.000011", "count": "2",
         "copy": "Bản chính", "due": "3/12/2026", "asked_at": "2026-11-30T08:00:00+07:00", "cancelled": "Không"}
    )  # fmt: skip
    assert (found.dossier, found.component, found.count) == (CODE, FORM, 2)
    assert (found.copy, found.due, found.cancelled) == ("ban_chinh", "2026-12-03", False)
    assert scan_request({**GOOD, "cancelled": "Đã hủy"}).cancelled


def test_a_file_gives_its_good_rows_and_names_the_others(tmp_path: Path) -> None:
    file = tmp_path / "yeu-cau.csv"
    file.write_text(
        f"Mã yêu cầu;Mã hồ sơ;Mã thành phần;Hạn;Hủy\nYC-1;{CODE};{FORM};03/12/2026;\n"
        f"YC-2;sai;{FORM};;\nYC-3;{CODE};{FORM};32/12/2026;\nYC-1;{CODE};{FORM};04/12/2026;có\n",
        "utf-8",
    )
    found = read_requests(file, {})
    assert [(one.id, one.due, one.cancelled) for one in found.items] == [("YC-1", "2026-12-04", True)]
    assert [error.row for error in found.errors] == [3, 4]
    assert all("YC-" in error.problem for error in found.errors)
    as_json = tmp_path / "yeu-cau.json"
    as_json.write_text(json.dumps({"requests": [{**GOOD, "count": 2, "cancelled": False}]}), "utf-8")
    (one,) = read_requests(as_json, {}).items
    assert (one.id, one.count, one.cancelled) == ("YC-1", 2, False)


@pytest.fixture
def system() -> Iterator[OneStop]:
    made = OneStop()
    yield made
    made.close()


def registry(system: OneStop) -> HttpRegistry:
    return HttpRegistry(HttpClient(f"{system.url}/api", timeout=5), token=lambda: TOKEN)


def test_requests_come_by_slices_over_http_and_a_system_without_them_is_no_trouble(system: OneStop) -> None:
    link = registry(system)
    assert list(link.requests("")) == [] and link.request("YC-1") is None
    system.requests = [GOOD, {**GOOD, "id": "YC-2"}, {**GOOD, "id": "YC-3"}]
    slices = list(link.requests(""))
    assert [[one.id for one in part.requests] for part in slices] == [["YC-1", "YC-2"], ["YC-3"]]
    assert next(iter(link.requests(slices[-1].place))).requests == ()
    found = link.request("YC-3")
    assert found is not None and found.dossier == CODE
    system.strict = False
    system.requests += [{"id": "YC-4", "dossier": CODE, "component": "<script>"}, {**GOOD, "id": "YC-5"}]
    (part, *rest) = list(link.requests("3"))
    assert rest == [] and [one.id for one in part.requests] == ["YC-5"]
    assert "YC-4" in part.problems[0] and "mã thành phần" in part.problems[0]
    system.silent = True
    with pytest.raises(Unavailable):
        list(link.requests(""))


def test_an_id_is_one_request_that_is_kept_changed_withdrawn_and_asked_for_anew(
    kept: ScanRequests, database: Engine
) -> None:
    asked = {**GOOD, "asked_by": "Bà Nguyễn Thị Lan", "due": "2026-12-03"}
    assert take(kept, asked, dry=True).new == ["YC-1"] and kept.listed(everything=True) == []
    assert take(kept, asked).new == ["YC-1"]
    before = len(list(Ledger(database).entries()))
    assert take(kept, asked).same == ["YC-1"]
    assert len(list(Ledger(database).entries())) == before, "the same word again is no act"
    assert take(kept, {**asked, "due": "2026-12-01"}).changed == ["YC-1"]
    row = kept.get("YC-1")
    assert row is not None and row["due"] == "2026-12-01" and row["state"] == "open"
    assert take(kept, {**asked, "cancelled": True}).withdrawn == ["YC-1"]
    assert take(kept, {**asked, "cancelled": True}).same == ["YC-1"]
    assert kept.listed() == [] and kept.count() == {"withdrawn": 1}
    assert take(kept, asked).changed == ["YC-1"] and [one["id"] for one in kept.listed()] == ["YC-1"]
    entries = [json.loads(entry.body) for entry in Ledger(database).entries()]
    acts = [entry["act"] for entry in entries]
    assert acts == ["request_take", "request_change", "request_withdraw", "request_change"]
    assert all(entry["objects"] == ["YC-1", CODE] for entry in entries)
    assert "Lan" not in json.dumps(entries, ensure_ascii=False), "the ledger has no names"


def test_open_ones_come_first_by_the_day_they_are_due(kept: ScanRequests) -> None:
    days = {"YC-1": "", "YC-2": "2026-12-09", "YC-3": "2026-12-01", "YC-4": "2026-01-01"}
    take(kept, *({**GOOD, "id": name, "due": day} for name, day in days.items()))
    take(kept, {**GOOD, "id": "YC-4", "cancelled": True}, {**GOOD, "id": "YC-5", "dossier": OTHER})
    assert [one["id"] for one in kept.listed()] == ["YC-3", "YC-2", "YC-1", "YC-5"]
    assert [one["id"] for one in kept.listed(everything=True)][-1] == "YC-4"
    assert [one["id"] for one in kept.listed(code=OTHER)] == ["YC-5"]


def test_a_request_of_an_unknown_dossier_waits_until_that_is_known(
    kept: ScanRequests, database: Engine
) -> None:
    take(kept, GOOD, strange=CODE)
    (row,) = kept.listed()
    assert row["state"] == "orphan" and CODE in row["reason"]
    assert kept.accepted(agency="H38.20") == [] and kept.touched() == []
    known = dict.fromkeys(("procedure", "applicant", "owner_id", "address", "phone", "email"), "")
    Registered(database).take([{**known, "code": CODE}], "file")
    assert kept.accepted(agency="H38.20") == ["YC-1"]
    (row,) = kept.listed()
    assert (row["state"], row["reason"]) == ("open", "")


@pytest.fixture
def paper(database: Engine, document: Document, tmp_path: Path) -> Document:
    """One stored paper of the dossier."""
    document = replace(document, paper=replace(document.paper, dossier=CODE))
    batches = Batches(database)
    batches.open(make_intake(document))
    batches.set_pages(document.batch, [page.page for page in document.pages])
    batches.record_read(document.pages)
    batches.open_document(document)
    Catalogue(database).commit(as_stored(with_bytes(document, b"%PDF-1.7", tmp_path)))
    return document


def settle(
    kept: ScanRequests, *documents: str, request: str = "YC-1", reason: str = "", tell: bool = True
) -> None:
    found = Answered(
        request=request, documents=documents, fulfilled=bool(documents), reason=reason,
        payload={"request": request},
    )  # fmt: skip
    kept.settle(CODE, [found], stamp=kept.stamp(CODE), agency="H38.20", tell=tell)


def test_each_fulfilment_and_each_reopening_is_told_once_and_is_on_the_ledger(
    kept: ScanRequests, database: Engine, paper: Document
) -> None:
    take(kept, GOOD)
    assert kept.touched() == [CODE]
    for _ in range(2):
        settle(kept, paper.id)
        assert kept.touched() == []
    row = kept.get("YC-1")
    assert row is not None and (row["state"], row["documents"]) == ("fulfilled", [paper.id])
    assert row["callback"]["state"] == "waiting" and row["callback"]["event"] == "request.fulfilled"
    for _ in range(2):
        settle(kept, reason="giấy đã ra khỏi hồ sơ")
    settle(kept, paper.id)
    events = [message["event"] for message in Outbox(database).due(10)]
    assert events == ["request.fulfilled", "request.reopened", "request.fulfilled"]
    acts = [json.loads(entry.body)["act"] for entry in Ledger(database).entries()]
    assert acts[-3:] == ["request_fulfil", "request_reopen", "request_fulfil"]
    (message, *_) = Outbox(database).due(1)
    Outbox(database).done(message, actor="system", agency="H38.20", host="một cửa")
    take(kept, {**GOOD, "cancelled": True})
    settle(kept, paper.id)
    row = kept.get("YC-1")
    assert row is not None and (row["state"], row["documents"]) == ("withdrawn", [])


def test_a_change_of_the_dossiers_papers_is_noticed(
    kept: ScanRequests, database: Engine, paper: Document
) -> None:
    take(kept, GOOD)
    settle(kept, paper.id)
    assert kept.touched() == []
    with writing(database) as connection:  # as an amendment that moves it, with its entry
        connection.execute(update(papers).where(papers.c.id == paper.id).values(dossier=OTHER))
    Ledger(database).note(act="link", actor="nhung", agency="H38.20", objects=[paper.id])
    assert kept.touched() == [CODE]
    take(kept, {**GOOD, "id": "YC-2", "dossier": OTHER})
    taken_over = Answered(request="YC-2", documents=(paper.id,), fulfilled=True, reason="", payload={})
    kept.settle(OTHER, [taken_over], stamp=kept.stamp(OTHER), agency="H38.20", tell=False)
    row = kept.get("YC-1")
    assert row is not None and row["documents"] == [], "a paper answers one request"


def test_requests_go_with_a_database_on_a_server_into_its_backup(
    new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    engine = open_database(new_postgres())
    take(ScanRequests(engine), GOOD)
    snapshot(engine, tmp_path / "copy.sqlite3")
    copy = open_database(sqlite_url(tmp_path / "copy.sqlite3"))
    assert [row["id"] for row in ScanRequests(copy).listed()] == ["YC-1"]
    copy.dispose()
    engine.dispose()


def offered(name: str, component: str | None = FORM, **changes: Any) -> Offered:
    return Offered(id=name, component=component, **changes)


def test_a_paper_answers_one_request_and_stays_with_it() -> None:
    two = [Wanted(id="YC-1", component=FORM), Wanted(id="YC-2", component=FORM)]
    found = answers(two, [offered("d_1")])
    assert (found["YC-1"].documents, found["YC-2"].fulfilled) == (("d_1",), False)
    kept = [Wanted(id="YC-1", component=FORM), Wanted(id="YC-2", component=FORM, held=("d_1",))]
    found = answers(kept, [offered("d_1")])
    assert (found["YC-1"].fulfilled, found["YC-2"].documents) == (False, ("d_1",))
    found = answers(two, [offered("d_1", request="YC-2"), offered("d_2")])
    assert (found["YC-1"].documents, found["YC-2"].documents) == (("d_2",), ("d_1",))


def test_what_does_not_answer_yet_says_why() -> None:
    asked = [Wanted(id="YC-1", component=FORM, count=2, copy="ban_chinh")]
    found = answers(asked, [offered("d_1"), offered("d_2", copy="ban_sao"), offered("d_3", "TP-H00.000099")])
    assert not found["YC-1"].fulfilled and found["YC-1"].documents == ("d_1",)
    assert "1/2" in found["YC-1"].reason and "bản sao" in found["YC-1"].reason
    assert "d_3" not in found["YC-1"].reason
    doubt = answers([Wanted(id="YC-1", component=FORM)], [offered("d_1", doubt="loại giấy tờ còn ngờ")])
    assert doubt["YC-1"].reason == "d_1: loại giấy tờ còn ngờ"


@pytest.fixture(scope="module")
def types() -> TypeCatalogue:
    return TypeCatalogue.load(Path(config.__path__[0]) / "document_types.toml")


def make_paper(types: TypeCatalogue, kind: str, *, page: int = 0, dossier: str | None = CODE) -> Paper:
    return Paper(
        pages=(page,), dossier=dossier, type=kind, type_name=types[kind].name, origin=Origin.CAPTURED
    )


ASKED = Asked(
    request="YC-1",
    dossier=CODE,
    component=FORM,
    name="Đơn đề nghị",
    types=frozenset({"don_cap_phep_xay_dung"}),
)


def against(
    types: TypeCatalogue, *papers: Paper, asked: Asked = ASKED, decided: tuple[int, ...] = ()
) -> tuple[Paper, ...]:
    return as_asked(Sorting(papers=papers), asked, types, decided).papers


def test_the_component_is_the_papers_when_the_type_agrees(types: TypeCatalogue) -> None:
    receipt, form = against(
        types, make_paper(types, "giay_tiep_nhan"), make_paper(types, "don_cap_phep_xay_dung", page=1)
    )
    assert receipt.review is None and receipt.field("component") is None
    component = form.field("component")
    assert component is not None and (component.value, component.doubtful, component.evidence) == (
        FORM, False, "request"
    )  # fmt: skip


def test_a_disagreement_waits_for_a_person_and_is_no_vote(types: TypeCatalogue) -> None:
    other = make_paper(types, "quyet_dinh")
    (found,) = against(types, other)
    assert found.review is not None and "YC-1" in found.review and FORM in found.review
    assert found.field("component") is None
    (found,) = against(types, other, decided=(0,))
    assert found.review is None and found.field("component") is None, "what a person said stays"
    (found,) = against(
        types, replace(other, type="don_cap_phep_xay_dung"), asked=replace(ASKED, dossier=OTHER)
    )
    assert found.review is not None and OTHER in found.review and CODE in found.review


def test_while_no_list_says_what_a_component_is_the_request_only_suggests(types: TypeCatalogue) -> None:
    (found,) = against(types, make_paper(types, "quyet_dinh"), asked=replace(ASKED, types=frozenset()))
    component = found.field("component")
    assert found.review is None and component is not None and component.doubtful
    said = Field(name="component", value="TP-H00.000099", confidence=1.0, doubtful=False, evidence="operator")
    (found,) = against(types, replace(make_paper(types, "don_cap_phep_xay_dung"), fields=(said,)))
    assert found.field("component") == said, "a person's word stays"


def test_a_component_on_record_tells_papers_of_one_type_apart() -> None:
    item = Procedure(
        code="1.000001", name="Thử", level=Level.COMMUNE, effective=date(2026, 1, 1),
        papers=(Requirement(code="TP-H00.000001", name="Một", types=("quyet_dinh",)),
                Requirement(code="TP-H00.000002", name="Hai", types=("quyet_dinh",))),
    )  # fmt: skip
    held = HeldPaper(id="d_1", type="quyet_dinh", role="directive", settled=True)
    received = date(2026, 10, 2)

    def component(paper: HeldPaper) -> str | None:
        return judge(item, [paper], [], received=received).component_of("d_1")

    assert component(held) == "TP-H00.000001"
    assert component(replace(held, component="TP-H00.000002")) == "TP-H00.000002"
    assert component(replace(held, component="TP-H00.000099")) == "TP-H00.000001"
    other = replace(held, type="to_khai_cu_tru", component="TP-H00.000002")
    assert component(other) is None, "the type was corrected since"
    assert component(replace(other, by_person=True)) == "TP-H00.000002"
