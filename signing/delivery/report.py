"""What every form of the report is made from, and which writer makes which form."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from signing.conditions import Conditions
from signing.delivery.audit import totals
from signing.delivery.audit_store import AuditStore
from signing.delivery.form_rules import TEXTS
from signing.delivery.wording import Wording, duplicate_text
from signing.signing_times import in_vietnam
from signing.trust import Root, TrustStore

MOST_NAMES = 200
"""Of a list in a report for people; the workbook and the JSON hold all."""


@dataclass(frozen=True, slots=True)
class Report:
    """An audit that is done, with the words to tell it."""

    store: AuditStore
    words: Wording
    subject: str
    trust: TrustStore
    conditions: Conditions
    made: dt.datetime
    kept: bool = False

    @property
    def demo(self) -> bool:
        return self.trust.demo is not None

    def summary(self) -> str:
        """The plain sentence, and what a sample supports."""
        missing = len(self.store.missing())
        text = self.words.summary(self.store.counts(), missing=missing, demo=self.trust.only_demo)
        sample = totals(self.store).get("sample")
        if sample:
            key = "statement_vi" if self.words.language == "vi" else "statement"
            text = f"{text} {sample[key]}"
        return text

    def circumstances(self) -> Iterator[tuple[str, str]]:
        """Label and value of under which conditions it was judged."""
        words = self.words
        yield words["target"], self.subject
        yield words["made"], in_vietnam(self.made)
        if self.kept and (between := self.store.read_between()):
            first, last = (in_vietnam(dt.datetime.fromisoformat(one)) for one in between)
            yield words["read"], words["read_before"].format(first, last)
        yield words["as_of"], in_vietnam(self.conditions.as_of) if self.conditions.as_of else words["now"]
        yield words["online"], words["yes"] if self.conditions.online else words["no"]
        sample = totals(self.store).get("sample")
        if sample:
            yield words["sample"], f"{sample['size']} / {self.store.population()}, seed {sample['seed']}"
        roots = [
            f"{'DEMO: ' if root.demo else ''}{root.name} ({self._term(root)}), SHA-256 {root.sha256}"
            for root in self.trust.roots
        ]
        yield words["trust"], "\n".join(roots) or words["nobody"]

    def _term(self, root: Root) -> str:
        if not root.begins and not root.ends:
            return self.words["always"]
        return f"{root.begins or '…'} – {root.ends or '…'}"

    def lists(
        self, *, most: int | None = MOST_NAMES, by_reason: bool = True
    ) -> Iterator[tuple[str, list[str]]]:
        """Heading and lines of each list that is not empty; without `by_reason`, those of the verdicts are left out."""
        store, words = self.store, self.words
        names = most if most is not None else -1
        for group in store.groups(names=names) if by_reason else ():
            heading = f"{words.reason(group.verdict, group.sub)}: {group.count}"
            if group.verdict != "TOTAL_PASSED":
                yield heading, self._cut(list(group.names), group.count)
            else:
                yield heading, []
        for code, (count, first) in store.forms(names=most or 1 << 30).items():
            yield f"{words['forms']}: {words.pick(TEXTS[code])}: {count}", self._cut(list(first), count)
        for label, found in (
            ("missing", store.missing()),
            ("extra", store.extra()),
            ("duplicates", [duplicate_text(one, words.language) for one in store.duplicates()]),
        ):
            if found:
                yield f"{words[label]}: {len(found)}", self._cut(found[: most or None], len(found))

    def _cut(self, names: list[str], count: int) -> list[str]:
        left = count - len(names)
        return [*names, self.words["more"].format(left)] if left > 0 else names


def signature_lines(signature: dict[str, Any], words: Wording) -> Iterator[tuple[str, str]]:
    """Label and value of all that is known of one signature."""
    role = f" ({words.role(signature['role'])})" if signature["role"] else ""
    yield words["signer"], f"{signature['signer']}{role}"
    yield words["level"], signature["level"]
    for label, key in (("signed_at", "signed_at"), ("proven_at", "proven_at")):
        moment = signature.get(key)
        if moment:
            yield words[label], in_vietnam(dt.datetime.fromisoformat(moment))
    yield words["path"], " → ".join(signature.get("path") or ()) or words["none"]
    yield words["strength"], signature.get("strength") or "?"
    yield words["covers"], words.covers(signature["covers"])
    yield words["changed"], words.finding(signature["changed_after"] or words["none"])
    yield words["revoked"], words.revoked(signature["revoked"])
    yield words["verdict"], words.cause(signature.get("sub_indication"))


def write_json(report: Report, out: IO[str]) -> None:
    """The contract's document, result by result: 40,000 are never held at once."""
    out.write('{"results": [')
    for number, result in enumerate(report.store.results()):
        out.write(("," if number else "") + "\n " + json.dumps(result, ensure_ascii=False))
    store = report.store
    rest = {
        "missing": store.missing(),
        "extra": store.extra(),
        "duplicates": store.duplicates(),
        "forms": {code: count for code, (count, _) in store.forms().items()},
        "summary": {**totals(store), "sentence": report.summary()},
        "as_of": report.conditions.as_of.isoformat() if report.conditions.as_of else None,
        "read": list(store.read_between() or ()) if report.kept else None,
    }
    out.write(
        "\n]" + "".join(f',\n"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in rest.items())
    )
    out.write("}\n")


def write_report(report: Report, kind: str, path: Path) -> None:
    """Write `html`, `pdf`, `xlsx` or `json` whole, or nothing."""
    from signing.delivery.report_html import write_html
    from signing.delivery.report_pdf import write_pdf
    from signing.delivery.report_xlsx import write_xlsx

    part = path.with_name(path.name + ".part")
    try:
        if kind in ("html", "json"):
            writers: dict[str, Callable[[Report, IO[str]], None]] = {"html": write_html, "json": write_json}
            with part.open("w", encoding="utf-8") as out:
                writers[kind](report, out)
                out.flush()
                os.fsync(out.fileno())
        else:
            {"pdf": write_pdf, "xlsx": write_xlsx}[kind](report, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
