"""No command writes over a file that is there: it refuses before anything is asked or recorded, until told by --force."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.commands.session import new_file
from pipeline.errors import UsageError
from tests.home_in_use import Home


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "export"),
        ("ledger", "export", "--person", "an"),
        ("ledger", "prove", "d_1"),
        ("stats",),
        ("retention", "due"),
        ("verify", "{folder}"),
        ("sheets", "--dossier", "H26.11-250711-0103"),
    ],
    ids=" ".join,
)
def test_a_file_that_is_there_stays_as_it_is(words: tuple[str, ...], tmp_path: Path) -> None:
    target = tmp_path / "bao-cao.xlsx"
    target.write_bytes(b"kept")
    (tmp_path / "dia").mkdir()
    home = Home(tmp_path / "h")
    answer = home.run(*(word.format(folder=tmp_path / "dia") for word in words), "-o", str(target))
    assert answer.code == 2 and "--force" in answer.document["error"]["vi"], answer.log
    assert target.read_bytes() == b"kept"
    assert home.process() is None, "refused before the home was woken"


def test_by_force_it_is_written_over(tmp_path: Path) -> None:
    target = tmp_path / "to.pdf"
    target.write_bytes(b"old")
    words = ("sheets", "--dossier", "H26.11-250711-0103", "-o", str(target), "--force")
    assert Home(tmp_path / "h").run(*words).code == 0
    assert target.read_bytes().startswith(b"%PDF")


def test_the_file_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_file(Path("moi.txt"), force=False) == str(tmp_path / "moi.txt")
    (tmp_path / "moi.txt").touch()
    with pytest.raises(UsageError, match="already"):
        new_file(Path("moi.txt"), force=False)
    assert new_file(Path("moi.txt"), force=True) == str(tmp_path / "moi.txt")


def test_no_folder_is_made_for_a_file_by_a_slip_of_the_hand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        new_file(tmp_path / "khong-co" / "a.xlsx", force=True)
    assert new_file(tmp_path / "a.xlsx", force=False) == str(tmp_path / "a.xlsx")
    assert not (tmp_path / "khong-co").exists()
