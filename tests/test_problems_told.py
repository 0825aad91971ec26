"""What is wrong with a ledger, as a clerk reads it: every problem that the judge knows has its Vietnamese sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from storage.proof import in_both, in_vietnamese
from tests.home_in_use import ROOT

PARTS = {
    "where": "x/1.ers: time-stamp 2",
    "what": "was revoked on 2026-01-02",
    "problem": "was revoked on 2026-01-02",
    "error": "E-7",
    "whose": " (that of CA)",
}
ENGLISH = re.compile(r"\b(the|that|was|not|does|is|of|one|entry|missing|which|by|no|with)\b")


def sentences() -> Iterator[str]:
    """Every sentence of the judge, its parts filled in."""
    tree = ast.parse((ROOT / "storage" / "proof.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "Broken" or re.fullmatch(r"(\w+\.)*(problems|wrong)\.append", name):
                yield from _texts(node.args[0])
        elif isinstance(node, ast.AugAssign | ast.Assign) and re.search(
            r"\b(problems|wrong)\b",
            ast.unparse(node.target if isinstance(node, ast.AugAssign) else node.targets[0]),
        ):
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.ListComp):
                    yield from _texts(inner.elt)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        filled = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                filled += PARTS.get(ast.unparse(part.value), "5")
            else:
                filled += str(ast.literal_eval(part))
        if filled not in PARTS.values() and filled != "5: E-7":
            yield filled


SENTENCES = sorted(set(sentences()))


def test_the_judge_says_many_things() -> None:
    assert len(SENTENCES) > 40


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_problem_is_told_in_vietnamese(sentence: str) -> None:
    assert not ENGLISH.search(in_vietnamese(sentence)), in_vietnamese(sentence)


def test_the_sentence_of_the_clerk_stands_first() -> None:
    assert in_both("entry 7 was changed") == "mục 7 đã bị sửa (entry 7 was changed)"


def test_a_problem_within_a_problem_is_told_too() -> None:
    found = in_vietnamese(
        "x/2026/03/05/root.json: the signer's certificate was revoked on 2026-01-02 (that of Root CA)"
    )
    assert (
        found == "x/2026/03/05/root.json: chứng thư của người ký đã bị thu hồi ngày 2026-01-02 (của Root CA)"
    )


def test_what_is_not_known_stays_as_it_is() -> None:
    assert in_vietnamese("something else") == "something else"
