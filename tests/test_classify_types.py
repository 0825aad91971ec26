"""The catalogue: every kind of paper is told by each of its own names, noise does not make it another kind."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from pipeline.classify.headline import match_type
from pipeline.classify.layout import segment_of
from pipeline.classify.types import LETTER, TypeCatalogue
from pipeline.errors import UsageError
from pipeline.grammar.numbers import ABBREVIATIONS
from tests.classify_pages import CODE, TYPES, decision, page, receipt, rows, sort, words

SOURCE = Path(__file__).parents[1] / "config" / "document_types.toml"
NAMES = [
    (row["key"], name)
    for row in tomllib.loads(SOURCE.read_text("utf-8"))["type"]
    for name in row.get("headlines", [row["name"]])
]


@pytest.mark.parametrize(("key", "name"), NAMES)
def test_each_name_tells_its_own_type(key: str, name: str) -> None:
    found = match_type((segment_of(words(name.upper(), 300), 0),), TYPES, "")
    assert found is not None
    assert (found.type.key, found.sure) == (key, True)


def test_noise_makes_a_name_doubtful_rather_than_another() -> None:
    dice = random.Random(20251001)
    sure = 0
    for key, name in NAMES * 3:
        signs = list(name.upper())
        for _ in range(max(1, len(signs) // 14)):
            at = dice.randrange(len(signs))
            signs[at] = dice.choice(["", "I", "E", "Ơ", "N", "T", signs[at] + "I"])
        found = match_type((segment_of(words("".join(signs).strip(), 300), 0),), TYPES, "")
        if found is not None and found.sure:
            sure += 1
            assert found.type.key == key, "".join(signs)
    assert sure > 0.9 * len(NAMES) * 3


def test_the_kinds_of_the_decree_are_in_the_catalogue() -> None:
    """Nghị định 30/2020/NĐ-CP Phụ lục III, without the three kinds of copies."""
    kinds = set(ABBREVIATIONS.values()) - {"sao_y", "trich_sao", "sao_luc"}
    assert kinds <= set(TYPES.types)
    assert LETTER in TYPES.types and TYPES.fallback.key == "khac"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[[type]]\nname = "x"', "key"),
        ('[[type]]\nkey = "khac"\nname = "x"\ncolour = 1', "colour"),
        ('[[type]]\nkey = "a"\nname = "a"', "fallback"),
        ('[[type]]\nkey = "khac"\nname = "a"\n[[type]]\nkey = "khac"\nname = "a"', "twice"),
        ("[[type", "cannot be read"),
    ],
)
def test_a_broken_catalogue_says_what_is_wrong(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "types.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=fault):
        TypeCatalogue.load(path)


def test_a_card_whose_title_is_lost_is_told_by_its_form_mark() -> None:
    lines = rows("Citizen ldentity Card", "Số / No.: 045384019161", "Họ và tên / Full name: TRỊNH KIM KHÁNH")
    found = sort(page(lines, confidence=0.9)).papers[0]
    assert found.type == "can_cuoc_cong_dan"
    field = found.field("type")
    assert field is not None and field.doubtful


def test_a_card_whose_title_is_lost_ends_no_dossier() -> None:
    card = page(rows("Citizen Identity Card", "Số / No.: 045384019161", top=900), confidence=0.9)
    found = sort(receipt(), card, decision())
    assert [paper.dossier for paper in found.papers] == [CODE] * 3
