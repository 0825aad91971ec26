"""Probes of a home, each with what was found and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from config.settings import Settings
from ocr.reader import default_engine
from pipeline.errors import SohoaError
from pipeline.home.signing_desk import unfinished
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from signing.signer import KeyState
from storage.renewals import Renewals

OK, WARNING, ERROR = "ok", "warning", "error"
KEYS = "Khóa ký (signing key)"
ENDS_SOON = timedelta(days=60)


def probes(parts: Parts, paths: HomePaths, settings: Settings) -> list[dict[str, Any]]:
    """Every probe, run now."""
    return [
        *_machine(paths, settings),
        _probe("Kho S3 (store)", lambda: _store(parts)),
        _probe("Cơ sở dữ liệu (database)", lambda: (OK, parts.records.describe(), "")),
        _probe("Sổ cái (ledger)", lambda: _ledger(parts)),
        _probe("Niêm phong ngày (signed days)", lambda: _sealed(parts)),
        *_keys(parts, settings),
        _probe("Chờ ký ở máy khác (to be signed elsewhere)", lambda: _elsewhere(parts)),
        _probe("Chờ dấu cơ quan, nâng mức (agency and level to follow)", lambda: _following(parts)),
        _probe("Gia hạn bằng chứng (evidence to renew)", lambda: _renewals(parts, settings)),
        _probe("Bản sao thứ hai (second copy)", lambda: _second(parts, paths, settings)),
        _probe("Lô chờ dịch vụ (waiting for a service)", lambda: _waiting(parts)),
    ]


def probes_alone(paths: HomePaths, settings: Settings, reason: SohoaError) -> list[dict[str, Any]]:
    """What can be said of a home that does not come up, and why it does not."""

    def why() -> tuple[str, str, str]:
        raise reason

    return [*_machine(paths, settings), _probe("Sẵn sàng làm việc (ready)", why)]


def _machine(paths: HomePaths, settings: Settings) -> list[dict[str, Any]]:
    return [
        _probe("Python", lambda: (OK, sys.version.split()[0], "")),
        _probe("OCR", lambda: (OK, default_engine().version(), "")),
        _probe("Ổ đĩa (disk)", lambda: _disk(paths, settings)),
    ]


def _probe(name: str, look: Callable[[], tuple[str, str, str]]) -> dict[str, Any]:
    try:
        state, found, remedy = look()
    except SohoaError as error:
        state, found, remedy = ERROR, error.vi, str(error)
    return {"name": name, "state": state, "found": found, "remedy": remedy}


def _disk(paths: HomePaths, settings: Settings) -> tuple[str, str, str]:
    free = shutil.disk_usage(paths.root).free >> 20
    if free < settings.limits.free_disk_mb:
        return ERROR, f"còn {free} MB", "giải phóng dung lượng; sohoa tạm không nhận thêm (free some space)"
    state = WARNING if free < 4 * settings.limits.free_disk_mb else OK
    return state, f"còn {free} MB", "" if state == OK else "sắp đầy (nearly full)"


def _store(parts: Parts) -> tuple[str, str, str]:
    parts.archive.probe()
    return OK, parts.describe_store(), ""


def _ledger(parts: Parts) -> tuple[str, str, str]:
    report = parts.records.ledger.verify()
    if report.ok:
        return OK, f"{report.entries} mục, nguyên vẹn", ""
    return ERROR, "; ".join(report.problems[:3]), "so với bản sao lưu (compare with the backup)"


def _sealed(parts: Parts) -> tuple[str, str, str]:
    last, overdue = parts.roots.sealed(), parts.roots.overdue()
    if overdue:
        remedy = "sohoa tự thử lại mỗi 5 phút; xem khóa ký và dấu thời gian (tried again; see keys and time-stamps)"
        return WARNING, f"ngày {overdue} chưa niêm phong", remedy
    return OK, last or "chưa có ngày nào đã hết", ""


def _keys(parts: Parts, settings: Settings) -> list[dict[str, Any]]:
    """A probe for each role: its key signs a few bytes now, or the reason why it does not."""
    return [
        _probe(f"{KEYS} {one.role.value}", partial(_key, one, settings)) for one in parts.signer.key_states()
    ]


def _key(state: KeyState, settings: Settings) -> tuple[str, str, str]:
    if state.error is not None:
        raise state.error
    ends = state.ends
    found = f"{state.holder}, đến {ends:%d/%m/%Y}" if ends else str(state.holder)
    if settings.mode == "demo":
        return WARNING, f"{found}; chế độ DEMO", 'đặt mode = "production" và khóa thật khi dùng chính thức'
    if ends is not None and ends - datetime.now(UTC) < ENDS_SOON:
        return WARNING, found, "sắp hết hạn, hãy xin cấp lại chứng thư (renew the certificate)"
    return OK, found, ""


def _second(parts: Parts, paths: HomePaths, settings: Settings) -> tuple[str, str, str]:
    told = parts.second.state() if parts.second is not None else None
    if told is None and settings.storage.second_copy_waived_by:
        return WARNING, f"không có; {settings.storage.second_copy_waived_by} chịu trách nhiệm (waived)", ""
    if told is None:
        remedy = "đặt second_copy.folder hoặc second_copy.endpoint; bắt buộc khi dùng chính thức (set one)"
        return (OK if settings.mode == "demo" else ERROR), "chưa cấu hình (none)", remedy
    figures = told.to_json()
    found = f"{told.place}: {told.copied} đối tượng, còn {told.waiting}, trễ {figures['lag_seconds']} giây"
    if told.trouble:
        return (
            ERROR,
            f"{found}; {told.trouble}",
            "gắn ổ đĩa hoặc xem máy chủ đó; sohoa tự chép tiếp (mount it)",
        )
    if told.problems:
        return ERROR, f"{found}; {told.problems} đối tượng không chép được", "`sohoa fixity --repair`"
    folder = settings.second_copy.folder
    if folder is not None and folder.exists() and folder.stat().st_dev == paths.root.stat().st_dev:
        return (
            WARNING,
            found,
            "cùng một ổ đĩa với kho: không phải phương tiện độc lập (the same disk as the home)",
        )
    return OK, found, ""


def _elsewhere(parts: Parts) -> tuple[str, str, str]:
    waiting = len(parts.awaiting.all())
    if waiting:
        return WARNING, f"{waiting} giấy tờ", "`sohoa sign export`, ký, rồi `sohoa sign import`"
    return OK, "không có", ""


def _renewals(parts: Parts, settings: Settings) -> tuple[str, str, str]:
    """By the calendar as far as it is known; reading what nobody has looked at yet is the clock's work."""
    now, own = datetime.now(UTC), settings.signing
    calendar = Renewals(parts.records.database)
    ended = calendar.due(now)
    due = calendar.due(now + timedelta(days=own.renew_days))
    if ended:
        return (
            ERROR,
            f"{len(ended)} giấy tờ đã hết hạn bằng chứng",
            "`sohoa renew --due`, `sohoa verify` (evidence ended)",
        )
    if due:
        by_itself = "sohoa tự gia hạn (renewed by itself)" if own.renew_hours else "chạy `sohoa renew`"
        return WARNING, f"{len(due)} giấy tờ đến hạn trong {own.renew_days} ngày", by_itself
    return OK, "không có", ""


def _following(parts: Parts) -> tuple[str, str, str]:
    waiting = len(unfinished(parts))
    if waiting:
        return (
            WARNING,
            f"{waiting} giấy tờ",
            "sohoa tự ký tiếp khi khóa và máy chủ sẵn sàng (follows by itself)",
        )
    return OK, "không có", ""


def _waiting(parts: Parts) -> tuple[str, str, str]:
    waiting = parts.records.batches.retriable()
    if waiting:
        return WARNING, f"{len(waiting)} lô", "sohoa tự thử lại; làm ngay: `sohoa retry`"
    return OK, "không có", ""
