"""The dossier code in what a receipt's QR holds: plain, in an address, or among fields, as a site's system writes it.

What the one-stop systems print differs from system to system (Thông tư 01/2023/TT-VPCP only lists what must be in it),
so a site names its forms. A form that fits decides alone: a receipt may name a second dossier too. Without one, any
single code in the text counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.grammar.codes import CodeFound, find_dossier_codes, parse_dossier_code


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptForm:
    """How one system writes its codes.

    `plain`: the code behind `prefix`. `url`: the value of `parameter`, or the last step of the path without one; `host`
    narrows it. `fields`: number `field` (from 1) of what `delimiter` parts.
    """

    kind: Literal["plain", "url", "fields"]
    prefix: str = ""
    host: str = ""
    parameter: str = ""
    delimiter: str = "|"
    field: int = 1

    def pick(self, text: str) -> str | None:
        """The part that should be the code; None when the text is of another form."""
        if not text.startswith(self.prefix):
            return None
        text = text[len(self.prefix) :].strip()
        if self.kind == "plain":
            return text
        if self.kind == "fields":
            fields = text.split(self.delimiter)
            return fields[self.field - 1].strip() if 1 < len(fields) >= self.field else None
        try:
            address = urlsplit(text)
        except ValueError:
            return None
        if address.scheme not in ("http", "https") or (self.host and address.hostname != self.host.lower()):
            return None
        if not self.parameter:
            return unquote(address.path.rstrip("/").rpartition("/")[2])
        # Single-page portals put their parameters behind the #.
        given = {**parse_qs(urlsplit(address.fragment).query), **parse_qs(address.query)}
        values = {name.lower(): value for name, value in given.items()}.get(self.parameter.lower(), [])
        return values[0].strip() if len(values) == 1 else None


def codes_of_receipt(
    text: str, forms: Sequence[ReceiptForm] = (), on: date | None = None
) -> tuple[CodeFound, ...]:
    """The code that the first fitting form names; without one, every code in the text. `on` is today."""
    for form in forms:
        part = form.pick(text.strip())
        code = parse_dossier_code(part) if part else None
        if part and code is not None:
            doubt = code.doubts(on)
            return (
                CodeFound(
                    code=code,
                    start=0,
                    end=len(part),
                    written=part,
                    repaired=False,
                    certain=doubt is None,
                    doubt=doubt,
                ),
            )
    # A bar parts fields here; in print it may be a misread 1.
    return find_dossier_codes(unquote(text).replace("|", "\n"), on)
