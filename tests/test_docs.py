"""What the documents say is so: commands and settings exist, links lead somewhere, the demo's words are its output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from config.settings import known_keys
from pipeline.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/manual.md"]
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = set(re.findall(r"(?:^|`|bin/)sohoa ([a-z]{2,})\b", text, re.MULTILINE))
    assert named <= COMMANDS, named - COMMANDS


def test_every_command_is_in_the_manual_or_the_readme() -> None:
    text = "".join((ROOT / page).read_text("utf-8") for page in ("README.md", "docs/manual.md"))
    missing = {name for name in COMMANDS if not re.search(rf"sohoa {name}\b", text)}
    assert missing <= {"demo"}, missing


def test_every_setting_is_in_the_manual() -> None:
    text = (ROOT / "docs/manual.md").read_text("utf-8")
    missing = [key for key in known_keys() if f"`{key.rpartition('.')[2]}`" not in text]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    broken = [t for t in targets if "://" not in t and not ((ROOT / page).parent / t).exists()]
    assert broken == []


def test_make_targets_of_the_readme_exist() -> None:
    wanted = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8")))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert wanted and wanted <= targets
