"""Moments as a person in Viet Nam reads them, from the UTC text that records hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))


def vietnam_day(moment: str) -> str:
    """The day in Viet Nam, `2026-11-26`, of an ISO moment with its zone."""
    return datetime.fromisoformat(moment).astimezone(VIETNAM).date().isoformat()


def vietnam_minute(moment: str) -> str:
    """Day and minute in Viet Nam, `26/11/2026 06:10`, of an ISO moment with its zone."""
    return datetime.fromisoformat(moment).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
