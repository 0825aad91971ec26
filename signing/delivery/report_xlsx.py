"""The report as a workbook: summary, one row a file, one row a signature. Rows are written as they come."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signing.delivery.form_rules import TEXTS, breaches
from signing.signing_times import in_vietnam

if TYPE_CHECKING:
    from signing.delivery.report import Report

MOST_CELL = 32_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_xlsx(report: Report, path: Path) -> None:
    """Sheets: summary, files, signatures, lists."""
    import openpyxl

    words, store = report.words, report.store
    book = openpyxl.Workbook(write_only=True)
    first = _sheet(book, words["title"][:31].replace("/", " "), (60, 70), header=False)
    first.append([cell(report.summary())])
    for label, value in report.circumstances():
        first.append([label, cell(value)])
    first.append([])
    for heading, names in report.lists(most=None):
        first.append([cell(heading)])
        for name in names:
            first.append(["", cell(name)])
    files = _sheet(book, words["files"], (44, 16, 50, 24, 20, 8, 8, 10, 10, 10, 40, 80))
    files.append(
        [words["file"], words["verdict"], words["reason"], "ETSI", "SHA-256", "PDF/A", "dpi", words["colour"],
         words["text_layer"], words["pages"], words["forms"], words["problems"]]
    )  # fmt: skip
    for result in store.results():
        archive = result.get("archive") or {}
        wrong = breaches(archive) if archive else []
        findings = "\n".join(words.finding(problem) for problem in result["problems"])
        files.append(
            [cell(value) for value in (
                result["target"], words.verdict(result["verdict"]),
                words.reason(result["verdict"], result["sub_indication"]), result["sub_indication"],
                result.get("sha256"), archive.get("pdfa"), archive.get("dpi"), archive.get("colour"),
                words.answer(archive.get("text_layer")), archive.get("pages"),
                "; ".join(words.pick(TEXTS[code]) for code in wrong), findings,
            )]
        )  # fmt: skip
    signatures = _sheet(book, words["signatures"], (44, 36, 12, 8, 26, 26, 12, 10, 16, 24, 40, 20, 40, 60))
    labels = ("file", "signer", "role", "level", "signed_at", "proven_at", "intact", "trusted", "revoked", "covers",
              "changed", "strength", "verdict", "path")  # fmt: skip
    signatures.append([words[label] for label in labels])
    for result in store.results():
        for one in result["signatures"]:
            row = [
                result["target"], one["signer"], words.role(one["role"]), one["level"], _moment(one.get("signed_at")),
                _moment(one.get("proven_at")), words.answer(one["intact"]), words.answer(one["trusted"]),
                words.revoked(one["revoked"]), words.covers(one["covers"]),
                words.finding(one["changed_after"] or words["none"]), one.get("strength"),
                words.cause(one.get("sub_indication")), " → ".join(one.get("path") or ()),
            ]  # fmt: skip
            signatures.append([cell(value) for value in row])
    book.save(path)


def _sheet(book: Any, title: str, widths: Sequence[int], *, header: bool = True) -> Any:
    """A sheet with columns wide enough to be read; its first row stays in sight."""
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    if header:
        sheet.freeze_panes = "B2"
    return sheet


def _moment(moment: str | None) -> str | None:
    return in_vietnam(dt.datetime.fromisoformat(moment)) if moment else None


def cell(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that begin like a formula get an apostrophe's worth of distance."""
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(" ", value)[:MOST_CELL]
    return "\u200b" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
