"""The report as one HTML page without scripts, pictures or links: it opens in twenty years."""

from __future__ import annotations

from html import escape
from typing import IO, TYPE_CHECKING

from signing.delivery.form_rules import TEXTS, breaches

if TYPE_CHECKING:
    from signing.delivery.report import Report

_STYLE = """body{font:16px/1.5 'Times New Roman',Tinos,serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
.first{font-size:1.15rem;font-weight:bold;border-left:.4rem solid #888;padding:.4rem .8rem}
.mark{border-left:.4rem solid;padding-left:.6rem}
.TOTAL_FAILED{border-color:#b00020}.TOTAL_PASSED{border-color:#1b7f3b}.INDETERMINATE,.NOT_SIGNED{border-color:#b26a00}
dl{display:grid;grid-template-columns:12rem 1fr;gap:.1rem .8rem;margin:.2rem 0 .7rem}dt{color:#555}
section p{margin:.2rem 0}
dd{margin:0;white-space:pre-line;
overflow-wrap:anywhere}li{overflow-wrap:anywhere}section{border-top:1px solid #ccc;padding:.4rem 0}
section,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}@media print{body{margin:0}}"""


def write_html(report: Report, out: IO[str]) -> None:
    """The sentence, the conditions, what is wrong by reason, then every file with its evidence."""
    from signing.delivery.report import signature_lines

    words = report.words
    title = escape(words["title"])
    worst = next(iter(report.store.counts()), "NOT_SIGNED")
    worst = "TOTAL_FAILED" if report.store.missing() else worst
    out.write(
        f'<!DOCTYPE html>\n<html lang="{words.language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>\n'
        f'<h1>{title}</h1>\n<p class="first {worst}">{escape(report.summary())}</p>\n<dl>'
    )
    for label, value in report.circumstances():
        out.write(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n")
    out.write(f"</dl>\n<h2>{escape(words['groups'])}</h2>\n")
    for heading, names in report.lists():
        out.write(f"<h3>{escape(heading)}</h3>\n")
        if names:
            out.write("<ul>" + "".join(f"<li>{escape(name)}</li>\n" for name in names) + "</ul>\n")
    out.write(f"<h2>{escape(words['files'])}</h2>\n")
    for result in report.store.results():
        sentence = words.reason(result["verdict"], result["sub_indication"])
        out.write(
            f'<section><h3 class="mark {result["verdict"]}">{escape(result["target"])}</h3><p>{escape(sentence)}</p>\n'
        )
        for problem in result["problems"]:
            out.write(f"<p>{escape(words.finding(problem))}</p>\n")
        for signature in result["signatures"]:
            out.write("<dl>")
            for label, value in signature_lines(signature, words):
                out.write(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>")
            out.write("</dl>\n")
        archive = result.get("archive")
        if archive:
            wrong = "; ".join(words.pick(TEXTS[code]) for code in breaches(archive))
            shown = (
                f"PDF/A {archive['pdfa'] or '–'}, {archive['dpi'] or '?'} dpi, {archive['colour'] or '?'}, "
            )
            shown += f"{words['pages'].lower()} {archive['pages']}"
            shown += f"; {wrong}" if wrong else ""
            out.write(f"<dl><dt>{escape(words['forms'])}</dt><dd>{escape(shown)}</dd></dl>")
        out.write(f"<dl><dt>SHA-256</dt><dd>{escape(result.get('sha256') or '?')}</dd></dl></section>\n")
    out.write("</body></html>\n")
