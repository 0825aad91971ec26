"""A second opinion on types: learned from papers on record, held out, read without running anything, never over a rule."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.classify.learning import Example, Lesson, chosen, learn, without_headline
from pipeline.classify.second_opinion import has_say, weighed, with_opinion
from pipeline.classify.type_model import TypeModel, best, read_model, version_of
from pipeline.errors import UsageError
from pipeline.model import Field, Paper, ReadPage
from samples.sheet import LEFT, RIGHT, Sheet
from tests.classify_pages import TYPES, decision, page, rows, sort, title
from tests.home_in_use import Home, papers

NAMES = (
    "Trần Văn Nam", "Lê Thị Hoa", "Hoàng Thị Mận", "Bùi Quốc Khánh", "Vi Văn Thắng", "Đỗ Thùy Trang",
    "Nguyễn Đức Minh", "Phạm Thị Lan",
)  # fmt: skip
SAY = {
    "giay_uy_quyen": (
        "GIẤY ỦY QUYỀN",
        "Bên ủy quyền: ông (bà) {}, thường trú tại xã Thanh Ba",
        "Bên được ủy quyền thay mặt tôi nộp hồ sơ và nhận kết quả",
        "Phạm vi ủy quyền: ký các giấy tờ có liên quan",
        "Thời hạn ủy quyền là 30 ngày kể từ ngày ký",
    ),
    "to_khai_khai_sinh": (
        "TỜ KHAI ĐĂNG KÝ KHAI SINH",
        "Họ, chữ đệm, tên người yêu cầu: {}",
        "Đề nghị đăng ký khai sinh cho người dưới đây",
        "Quê quán, dân tộc, quốc tịch của trẻ, giới tính nữ",
        "Họ tên mẹ, họ tên cha, nơi cư trú hiện nay",
    ),
    "don_tach_thua": (
        "ĐƠN ĐỀ NGHỊ TÁCH THỬA ĐẤT, HỢP THỬA ĐẤT",
        "Người sử dụng đất: {}",
        "Thửa đất gốc, tờ bản đồ, diện tích trước khi tách",
        "Lý do tách thửa, hợp thửa: chia cho các con",
        "Giấy tờ nộp kèm theo đơn này gồm bản vẽ",
    ),
}


def said(kind: str, name: str, *, headline: bool = True) -> list[str]:
    return [text.format(name) for text in SAY[kind]][0 if headline else 1 :]


def sheet(kind: str, name: str, *, headline: bool = True) -> ReadPage:
    """The page as OCR would give it; without its headline as when a stain or a fold took it."""
    top = title(SAY[kind][0]) if headline else []
    return page(top, rows(*said(kind, name, headline=False)))


def example(kind: str, name: str, *, by_person: bool = False) -> Example:
    text = "\n".join(said(kind, name, headline=not by_person))
    return Example(document=f"d_{kind}_{name}", type=kind, text=text, by_person=by_person)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return chosen([example(kind, name) for kind in SAY for name in NAMES])


@pytest.fixture(scope="module")
def lesson(examples: list[Example]) -> Lesson:
    return learn(examples, TYPES, day="2026-10-01")


@pytest.fixture(scope="module")
def model(lesson: Lesson) -> TypeModel:
    return read_model(lesson.model.to_bytes())


def test_the_types_of_this_test_are_types_of_the_catalogue() -> None:
    for kind in SAY:
        (paper,) = sort(sheet(kind, NAMES[0])).papers
        assert paper.type == kind and not paper.field("type").doubtful  # type: ignore[union-attr]


def test_every_paper_is_scored_by_a_model_that_has_not_seen_it(
    lesson: Lesson, examples: list[Example]
) -> None:
    held = lesson.model.head["held_out"]
    assert held["papers"] == len(examples) == len(SAY) * len(NAMES)
    assert held["right"] == held["papers"]
    assert {kind: row["papers"] for kind, row in held["types"].items()} == dict.fromkeys(SAY, len(NAMES))
    assert set(lesson.held_out) == {item.document for item in examples}


def test_labels_that_mean_nothing_get_no_say(examples: list[Example]) -> None:
    """The held-out score must be able to be bad: here types are dealt out at random."""
    kinds = sorted(SAY)
    dealt = [
        replace(item, type=kinds[(n * 7 + n // 3) % 3], by_person=True)
        for n, item in enumerate(sorted(examples, key=lambda one: one.document))
    ]
    blind = learn(dealt, TYPES, day="2026-10-01").model
    assert blind.head["held_out"]["right"] < 0.7 * len(dealt)
    assert not any(has_say(blind, kind) for kind in kinds)


def test_the_same_papers_give_the_same_bytes(lesson: Lesson, examples: list[Example]) -> None:
    again = learn(chosen(list(reversed(examples))), TYPES, day="2026-10-01")
    assert version_of(again.model.to_bytes()) == version_of(lesson.model.to_bytes())


def test_a_model_that_was_read_back_says_what_the_one_that_was_learned_says(
    lesson: Lesson, model: TypeModel
) -> None:
    text = "\n".join(said("giay_uy_quyen", "Cao Bá Quát", headline=False))
    assert best(model.probabilities(text))[0] == "giay_uy_quyen"
    assert model.probabilities(text) == pytest.approx(lesson.model.probabilities(text), abs=1e-3)


def test_no_word_of_one_paper_alone_and_no_number_is_in_a_model(examples: list[Example]) -> None:
    told = [
        replace(item, text=f"{item.text}\nsố định danh 025174003216" + ("\nmynhanvatrieng" if n < 2 else ""))
        for n, item in enumerate(examples)
    ]
    words = set(learn(told, TYPES, day="2026-10-01").model.vocabulary)
    assert "dinh danh" in words and "mynhanvatrieng" not in words
    assert not any(sign.isdigit() for word in words for sign in word)


def test_the_headline_is_taken_away_before_the_score(model: TypeModel) -> None:
    kind = TYPES["to_khai_khai_sinh"]
    rest = without_headline("\n".join(said(kind.key, NAMES[0])), kind)
    assert "TỜ KHAI" not in rest and NAMES[0] in rest
    worn = without_headline("TỜ KHAI ĐĂNG KY KHAI S1NH\nQuê quán", kind)
    assert worn == "Quê quán"


def test_where_the_rules_found_no_type_one_is_suggested_as_doubtful(model: TypeModel) -> None:
    bare = sheet("to_khai_khai_sinh", "Cao Bá Quát", headline=False)
    found = sort(bare)
    (before,) = found.papers
    assert before.type == TYPES.fallback.key
    (after,) = with_opinion(found, [bare], model, TYPES).papers
    field = after.field("type")
    assert (after.type, after.type_name) == ("to_khai_khai_sinh", TYPES["to_khai_khai_sinh"].name)
    assert field is not None and field.doubtful and field.evidence == "model"
    assert (after.pages, after.dossier, after.review) == (before.pages, before.dossier, before.review)


def test_a_match_of_the_rules_is_never_overruled(model: TypeModel) -> None:
    """A sure headline over the words of another type stays what it is, and stays certain."""
    odd = page(title("GIẤY ỦY QUYỀN"), rows(*said("don_tach_thua", "Cao Bá Quát", headline=False)))
    found = sort(odd)
    assert with_opinion(found, [odd], model, TYPES) == found
    plain = decision()
    assert with_opinion(sort(plain), [plain], model, TYPES) == sort(plain)


def test_a_weak_match_that_the_model_denies_becomes_doubtful_and_keeps_its_type(model: TypeModel) -> None:
    text = "\n".join(said("don_tach_thua", "Cao Bá Quát", headline=False))
    sure = model.probabilities(text)["don_tach_thua"]
    (base,) = sort(sheet("giay_uy_quyen", NAMES[0])).papers

    def weak(confidence: float) -> Paper:
        kind = Field(name="type", value="giay_uy_quyen", confidence=confidence, doubtful=False)
        return replace(base, fields=(*(one for one in base.fields if one.name != "type"), kind))

    denied = weighed(weak(0.8), text, model, TYPES)
    assert denied.type == "giay_uy_quyen"
    assert denied.field("type").doubtful is (sure >= 0.9)  # type: ignore[union-attr]
    assert sure >= 0.9
    assert weighed(weak(0.95), text, model, TYPES) == weak(0.95)
    agreed = "\n".join(said("giay_uy_quyen", "Cao Bá Quát", headline=False))
    assert weighed(weak(0.8), agreed, model, TYPES) == weak(0.8)


def test_a_headline_that_is_badly_read_is_a_weak_match() -> None:
    (paper,) = sort(
        page(title("GIẤY UỲ QUYẼNII"), rows(*said("giay_uy_quyen", NAMES[0], headline=False)))
    ).papers
    field = paper.field("type")
    assert field is not None and field.confidence < 0.9


def test_a_type_without_enough_papers_is_not_learned() -> None:
    few = [example(kind, name) for kind in SAY for name in NAMES]
    few = [item for item in few if item.type != "giay_uy_quyen"] + few[:3]
    assert "giay_uy_quyen" not in {item.type for item in chosen(few)}
    with pytest.raises(UsageError, match="not enough"):
        chosen([example("giay_uy_quyen", name) for name in NAMES])
    with pytest.raises(UsageError, match="not enough"):  # one text many times is one paper
        chosen([replace(example(kind, NAMES[0]), document=f"d_{n}") for kind in SAY for n in range(9)])


def _rewritten(content: bytes, **changed: object) -> bytes:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        every = {name: arrays[name] for name in arrays.files}
    every |= {name: value for name, value in changed.items() if value is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **every)
    return buffer.getvalue()


class _Bomb:
    """Runs when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.mark,)  # type: ignore[return-value]


def test_a_file_with_a_pickle_in_it_is_refused_and_not_run(model: TypeModel, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil = np.array([_Bomb(mark)], dtype=object)
    for place in ("head", "weights", "idf"):
        with pytest.raises(UsageError, match="no model"):
            read_model(_rewritten(model.to_bytes(), **{place: evil}))
    assert not mark.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"weights": np.zeros((2, 2), np.float16)},
        {"bias": np.array([np.nan, 0, 0], np.float32)},
        {"head": np.frombuffer(b"[1]", np.uint8)},
        {"head": np.frombuffer(json.dumps({"format": "type-model-9"}).encode(), np.uint8)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(model: TypeModel, change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        read_model(_rewritten(model.to_bytes(), **change))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", b"\x80\x04N."])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        read_model(content)


def test_nothing_that_sorts_or_answers_imports_what_learning_needs() -> None:
    code = (
        "import sys, pipeline.wire, pipeline.home.service, pipeline.cli\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sklearn', 'scipy', 'joblib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def scanned(path: Path, kind: str, name: str, *, headline: bool = True) -> None:
    """The same paper as a scanner gives it."""
    drawn = Sheet()
    if headline:
        drawn.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", style="Bold", centre=(LEFT + RIGHT) // 2)
        drawn.line("Độc lập - Tự do - Hạnh phúc", style="Bold", centre=(LEFT + RIGHT) // 2)
        drawn.y += 40
        drawn.title(SAY[kind][0])
    for text in said(kind, name, headline=False):
        drawn.paragraph(text)
    drawn.picture.save(path, dpi=(200, 200))


@pytest.mark.slow
def test_a_home_learns_shows_and_asks_only_once_it_is_told_to(tmp_path: Path) -> None:
    """The whole way with the real reader: papers on record, a score, nothing in use, in use, off, all on the ledger."""
    code = "H38.20-261002-0007"
    stack = tmp_path / "chong"
    stack.mkdir()
    kinds = ("giay_uy_quyen", "to_khai_khai_sinh")
    for n, (name, kind) in enumerate((name, kind) for name in NAMES[:5] for kind in kinds):
        scanned(stack / f"{n:02}.png", kind, name)
    bare = [tmp_path / f"mat-ten-{n}.png" for n in range(3)]
    for path, name in zip(bare, NAMES[5:], strict=True):
        scanned(path, kinds[1], name, headline=False)
    home = Home(tmp_path / "h")
    try:
        assert home.run("learn").code == 2, "nothing to learn from yet"
        stored = papers(home.run("ingest", str(stack), "--dossier", code).document)
        assert [paper["type"] for paper in stored] == [*kinds] * 5
        (before,) = papers(home.run("ingest", str(bare[0]), "--dossier", code).document)
        assert before["type"] == "khac"

        learned = home.run("learn")
        assert learned.code == 0, learned.log
        told = learned.document
        assert (told["examples"], told["in_use"]) == (10, None)
        assert told["held_out"]["papers"] == 10 and told["held_out"]["right"] >= 9
        assert told["would"]["suggested"] == 1
        assert told["would"]["papers"][0]["document"] == before["id"]
        (unasked,) = papers(home.run("ingest", str(bare[1]), "--dossier", code).document)
        assert unasked["type"] == "khac", "nothing is in use because it was learned"

        assert home.run("learn", "--use", "v000000000000").code == 2
        used = home.run("learn", "--use", told["version"])
        assert used.code == 0 and used.document["in_use"] == told["version"]
        (asked,) = papers(home.run("ingest", str(bare[2]), "--dossier", code).document)
        assert asked["type"] == kinds[1] and "type" in asked["doubtful"]
        assert home.run("learn", "--list").document["versions"][0]["version"] == told["version"]
        assert home.run("learn", "--off").document == {
            "action": "off", "in_use": None, "before": told["version"],
        }  # fmt: skip
        target = tmp_path / "so-cai.jsonl"
        assert home.run("ledger", "export", "-o", str(target), "--force").code == 0
        acts = re.findall(r'"act\\?": ?\\?"(learn\w*)', target.read_text("utf-8"))
        assert acts == ["learn", "learn_use", "learn_off"]
    finally:
        home.run("down")
