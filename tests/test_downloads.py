"""`sohoa get` in all its forms, with the real command on one home: what comes out, what is refused, what the ledger keeps."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pikepdf
import pytest

from tests.home_in_use import SCANS, Answer, Home, papers
from tests.verapdf import broken_rules

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    place = Home(tmp_path_factory.mktemp("home") / "h")
    yield place
    place.run("down")


@pytest.fixture(scope="module")
def paper(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The paper with most pages of a stack, from a folder where two originals could have one name."""
    stack = tmp_path_factory.mktemp("stack") / "chong-2"
    shutil.copytree(SCANS / "chong-2", stack)
    taken = papers(home.run("ingest", str(stack)).document)
    return max(taken, key=lambda one: len(one["pages"]))


def get(home: Home, paper: dict[str, Any], output: Path | str, *words: str) -> Answer:
    return home.run("get", paper["id"], "-o", str(output), *words)


def test_compact_copy_is_small_valid_and_names_the_signed_file(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    got = get(home, paper, tmp_path / "gon.pdf", "--profile", "compact")
    assert got.code == 0
    content = (tmp_path / "gon.pdf").read_bytes()
    assert got.document["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert broken_rules(tmp_path / "gon.pdf") == []
    assert f"{paper['id']} sha256:{paper['pdf_sha256']}".encode() in content
    get(home, paper, tmp_path / "ky.pdf")
    assert len(content) < 0.5 * (tmp_path / "ky.pdf").stat().st_size
    assert home.run("verify", str(tmp_path / "gon.pdf")).document["results"][0]["verdict"] == "NOT_SIGNED"
    get(home, paper, tmp_path / "lai.pdf", "--profile", "compact")
    assert (tmp_path / "lai.pdf").read_bytes() == content
    assert not list(home.paths.work.glob("copies/*")), "nothing of it stays in the home"


def test_halves_of_a_large_sheet_are_joined_as_the_person_says(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    """No scanner said so of these pages: whoever asks does."""
    count = len(paper["pages"])
    for words in ([], ["--halves", str(count)], ["--halves", "1", "--halves", "2"]):
        assert get(home, paper, tmp_path / "a3.pdf", "--profile", "joined", *words).code == 2
    assert get(home, paper, tmp_path / "a3.pdf", "--profile", "joined", "--halves", "1").code == 0
    assert get(home, paper, tmp_path / "ky.pdf").code == 0
    with pikepdf.open(tmp_path / "ky.pdf") as signed, pikepdf.open(tmp_path / "a3.pdf") as joined:
        assert len(joined.pages) == count - 1
        first, second = (float(page.MediaBox[2]) for page in signed.pages[:2])
        assert float(joined.pages[0].MediaBox[2]) == pytest.approx(first + second, abs=0.1)
    assert broken_rules(tmp_path / "a3.pdf") == []


def test_text_comes_as_alto_hocr_and_plain_with_the_same_words(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    for form in ("alto", "hocr", "txt"):
        assert get(home, paper, f"{tmp_path}/chu/", "--format", form).code == 0
    plain = (tmp_path / "chu" / f"{paper['id']}.txt").read_text("utf-8")
    assert len(plain.split("\f")) == len(paper["pages"])
    words = [word for line in plain.replace("\f", "\n").splitlines() for word in line.split(" ") if word]
    alto = Xml.parse(tmp_path / "chu" / f"{paper['id']}.alto.xml").getroot()
    strings = list(alto.iter(f"{ALTO}String"))
    assert [one.attrib["CONTENT"] for one in strings] == words
    pages = list(alto.iter(f"{ALTO}Page"))
    assert len(pages) == len(paper["pages"])
    for page in pages:
        for one in page.iter(f"{ALTO}String"):
            assert 0 <= int(one.attrib["HPOS"]) < int(page.attrib["WIDTH"])
            assert int(one.attrib["VPOS"]) + int(one.attrib["HEIGHT"]) <= int(page.attrib["HEIGHT"])
            assert 0 <= float(one.attrib["WC"]) <= 1
    hocr = Xml.parse(tmp_path / "chu" / f"{paper['id']}.hocr").getroot()
    spans = [one for one in hocr.iter(f"{XHTML}span") if one.attrib["class"] == "ocrx_word"]
    assert [one.text for one in spans] == words
    boxes = [re.match(r"bbox (\d+) (\d+) (\d+) (\d+); x_wconf \d+$", one.attrib["title"]) for one in spans]
    places = [(int(box[1]), int(box[2])) for box in boxes if box]
    assert places == [(int(one.attrib["HPOS"]), int(one.attrib["VPOS"])) for one in strings]


def test_a_file_that_is_there_is_overwritten_only_by_force(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    target = tmp_path / "thu.pdf"
    target.write_bytes(b"mine")
    refused = get(home, paper, target)
    assert refused.code == 2 and "--force" in refused.log and target.read_bytes() == b"mine"
    assert get(home, paper, target, "--force").code == 0
    assert target.read_bytes().startswith(b"%PDF")
    inside = get(home, paper, f"{target}/")
    assert inside.code == 2 and target.read_bytes().startswith(b"%PDF")


def test_a_path_that_ends_in_a_slash_is_a_folder(home: Home, paper: dict[str, Any], tmp_path: Path) -> None:
    one = min(papers(home.run("status", "--all").document), key=lambda other: len(other["pages"]))
    assert get(home, one, f"{tmp_path}/moi/", "--original").code == 0
    assert (tmp_path / "moi").is_dir() and len(list((tmp_path / "moi").iterdir())) == len(one["pages"])
    assert get(home, paper, f"{tmp_path}/ky/").code == 0
    assert (tmp_path / "ky" / f"{paper['id']}.pdf").exists()


def test_a_version_that_is_not_there_is_said_to_be_so(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    refused = get(home, paper, tmp_path / "x.pdf", "--version", "9")
    assert refused.code == 2 and f"{paper['id']} has no version 9; there is 1" in refused.log
    assert get(home, paper, tmp_path / "x.pdf", "--version", "1").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--profile", "compact", "--format", "txt"),
        ("--original", "--profile", "compact"),
        ("--format", "pdf"),
    ],
)
def test_contradictory_wishes_are_refused(
    home: Home, paper: dict[str, Any], tmp_path: Path, words: tuple[str, ...]
) -> None:
    child = home.start("get", paper["id"], "-o", str(tmp_path / "x"), *words)
    child.communicate(timeout=60)
    assert child.returncode == 2 and not (tmp_path / "x").exists()


def test_each_download_is_on_the_ledger_with_what_left(
    home: Home, paper: dict[str, Any], tmp_path: Path
) -> None:
    for words in (["--profile", "compact"], ["--format", "alto"], ["--original"], []):
        get(home, paper, f"{tmp_path}/{len(words)}{words[-1:]}/", *words, "--purpose", "thử ghi sổ")
    home.run("ledger", "export", "-o", str(tmp_path / "so.jsonl"))
    entries = [json.loads(line) for line in (tmp_path / "so.jsonl").read_text("utf-8").splitlines()]
    kept = [json.dumps(entry, ensure_ascii=False) for entry in entries if "thử ghi sổ" in str(entry)]
    assert len(kept) == 4
    for what in ("compact", "alto", "originals", "faithful"):
        assert any(f'"{what}"' in entry or f'\\"{what}\\"' in entry for entry in kept), what
    assert home.run("ledger", "verify").document["ok"]
