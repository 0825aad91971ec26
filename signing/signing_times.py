"""When a signature says that it was made, against when it is proven to have been.

Official signing programs are reported to write the local time of Vietnam marked as UTC: seven hours ahead. That is
named, never a failure; a proven time always wins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from pyhanko.pdf_utils.generic import parse_pdf_date
from pyhanko.sign.validation.generic_cms import extract_self_reported_ts
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.signature_fields import UNREADABLE

VIETNAM = dt.timezone(dt.timedelta(hours=7))
AHEAD = dt.timedelta(hours=7)
SLACK = dt.timedelta(minutes=10)


def claimed_times(one: EmbeddedPdfSignature) -> list[dt.datetime]:
    """The signing time of the object, then that of the PDF dictionary; those without a zone are UTC."""
    return [moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC) for moment in _claims(one)]


def _claims(one: EmbeddedPdfSignature) -> Iterator[dt.datetime]:
    readers: tuple[Callable[[], Any], ...] = (
        lambda: extract_self_reported_ts(one.signer_info),
        lambda: parse_pdf_date(one.sig_object["/M"], strict=False),
    )
    for read in readers:
        try:
            moment = read()
        except UNREADABLE:
            continue
        if isinstance(moment, dt.datetime):
            yield moment


def seven_hours_ahead(claims: list[dt.datetime], proven: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a claim is local time marked as UTC: seven hours ahead of proof, of another claim, or of the clock."""
    others = [*claims, *([proven] if proven else [])]
    if any(abs(claim - other - AHEAD) <= SLACK for claim in claims for other in others):
        return True
    return any(now + SLACK < claim <= now + AHEAD + SLACK for claim in claims)


def in_vietnam(moment: dt.datetime) -> str:
    """As clerks read it."""
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S %z")
