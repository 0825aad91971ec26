"""The report as a workbook: summary, one row a file, one row a signature. Rows are written as they come."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signing.delivery.form_rules import TEXTS, breaches

if TYPE_CHECKING:
    from signing.delivery.report import Report

MOST_CELL = 32_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_xlsx(report: Report, path: Path) -> None:
    """Sheets: summary, files, signatures, lists."""
    import openpyxl

    words, store = report.words, report.store
    book = openpyxl.Workbook(write_only=True)
    first = book.create_sheet(words["title"][:31].replace("/", " "))
    first.append([cell(report.summary())])
    for label, value in report.circumstances():
        first.append([label, cell(value)])
    first.append([])
    for heading, names in report.lists(most=None):
        first.append([cell(heading)])
        for name in names:
            first.append(["", cell(name)])
    files = book.create_sheet(words["files"])
    files.append(
        [words["file"], words["verdict"], words["reason"], "ETSI", "SHA-256", "PDF/A", "dpi", words["colour"],
         words["text_layer"], words["pages"], words["forms"], words["problems"]]
    )  # fmt: skip
    for result in store.results():
        archive = result.get("archive") or {}
        wrong = breaches(archive) if archive else []
        files.append(
            [cell(value) for value in (
                result["target"], words.verdict(result["verdict"]),
                words.reason(result["verdict"], result["sub_indication"]), result["sub_indication"],
                result.get("sha256"), archive.get("pdfa"), archive.get("dpi"), archive.get("colour"),
                archive.get("text_layer"), archive.get("pages"),
                "; ".join(words.pick(TEXTS[code]) for code in wrong), "\n".join(result["problems"]),
            )]
        )  # fmt: skip
    signatures = book.create_sheet(words["signatures"])
    keys = ("signer", "role", "level", "signed_at", "proven_at", "intact", "trusted", "revoked", "covers",
            "changed_after", "strength", "sub_indication")  # fmt: skip
    signatures.append([words["file"], *keys, "path"])
    for result in store.results():
        for one in result["signatures"]:
            row = [result["target"], *(one.get(key) for key in keys), " → ".join(one.get("path") or ())]
            signatures.append([cell(value) for value in row])
    book.save(path)


def cell(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that begin like a formula get an apostrophe's worth of distance."""
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(" ", value)[:MOST_CELL]
    return "\u200b" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
