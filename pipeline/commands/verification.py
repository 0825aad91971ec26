"""`sohoa verify`: stored papers by the home, files and whole disks here, with or without a home."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.session import ForceOption, JsonOption, Session, absolute, new_file
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from signing.conditions import Conditions
    from signing.delivery.audit_store import AuditStore
    from signing.trust import TrustStore

KINDS = ("html", "pdf", "xlsx", "json")


def register(app: typer.Typer) -> None:
    app.command()(verify)


def verify(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Tệp, thư mục, mã giấy tờ hay mã hồ sơ. (File, folder, document, dossier.)"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Mọi giấy tờ trong kho. (All that is stored.)")
    ] = False,
    listing: Annotated[
        Path | None, typer.Option("--list", help="Danh sách bàn giao .xlsx hay .csv. (The delivery list.)")
    ] = None,
    report: Annotated[
        str | None, typer.Option(help="html, pdf, xlsx hay json; kèm -o TỆP. (Kind of report, with -o FILE.)")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Tệp báo cáo. (Where to write the report.)")
    ] = None,
    language: Annotated[str, typer.Option(help="vi hay en. (Language of the report.)")] = "vi",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Chỉ kiểm tra N tệp ngẫu nhiên. (A random sample.)")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Lấy lại đúng mẫu cũ. (The same sample again.)")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Xét tại một ngày đã qua, NNNN-TT-NN. (As of a past date.)")
    ] = None,
    online: Annotated[
        bool | None,
        typer.Option("--online/--offline", help="Hỏi máy chủ thu hồi trên mạng. (Ask OCSP and CRL servers.)"),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="Chứng thư gốc, hay thư mục chứng thư, được tin. (Trusted roots; repeatable.)"),
    ] = None,
    progress: Annotated[
        Path | None, typer.Option(help="Tệp tiến độ, để làm tiếp khi bị ngắt. (Where progress is kept.)")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Làm lại từ đầu. (Forget earlier progress.)")
    ] = False,
    kept: Annotated[
        bool,
        typer.Option("--kept", help="Xét lại theo lần đọc trước, không mở tệp. (Judge again, open no file.)"),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Kiểm tra chữ ký, mã băm, sổ cái; cả một đĩa bàn giao. (Signatures, hashes, ledger; a delivered disk.)"""
    from pipeline.commands.verification_view import show_report
    from signing.delivery.report import Report, write_json, write_report
    from signing.delivery.wording import Wording

    session: Session = context.obj
    kind = _check(targets, everything, listing, report, output, language, sample, seed)
    target = Path(new_file(output, force=force)) if output else None
    if kept and (listing is not None or sample is not None or fresh):
        raise UsageError(
            "--kept judges what was read before, as it was chosen then: no --list, --sample or --fresh",
            vi="--kept xét lại đúng những gì đã đọc lần trước: không dùng cùng --list, --sample hay --fresh",
        )
    files, named = _sort(targets or [], progress, kept)
    if listing is not None and not listing.is_file():
        raise UsageError(f"there is no list {listing}", vi=f"Không có danh sách {listing}")
    if listing is not None and not any(f.is_dir() for f in files):
        raise UsageError("--list goes with a folder", vi="--list đi cùng một thư mục")
    moment = _moment(as_of)
    store: AuditStore | None = None
    try:
        believed, conditions = _circumstances(session, files, trust or [], moment, online)
        store = _open_store(files, progress, fresh, kept)
        if files:
            _audit(
                session, store, files, listing, sample, seed, believed, conditions, quiet=as_json, kept=kept
            )
        if named or everything:
            arguments = {
                "files": [], "named": named, "all": everything, "online": online,
                "as_of": moment.isoformat() if moment else None, "stream": True, "kept": kept,
            }  # fmt: skip
            answered = session.call("verify", arguments, quiet=as_json, on=_taker(store))
            store.gone(answered["missing"])
        store.commit()
        subject = ", ".join([*map(str, files), *named]) or str(session.paths.root)
        told = Report(
            store,
            Wording("en" if language == "en" else "vi"),
            subject,
            believed,
            conditions,
            dt.datetime.now(dt.UTC),
            kept,
        )
        if kind and target:
            write_report(told, kind, target)
        if as_json:
            write_json(told, sys.stdout)
        else:
            show_report(told)
            if kind and output:
                typer.echo(f"Báo cáo: {output} (report)")
        raise SystemExit(exit_code(store))
    finally:
        if store is not None:
            store.close()


def _sort(targets: list[str], progress: Path | None, kept: bool) -> tuple[list[Path], list[str]]:
    """Files and folders, and names of stored papers. With `kept` a folder may be gone: its progress file tells it."""
    places = [Path(absolute(Path(t))) for t in targets]
    if kept and (progress is not None or _own_progress(places).exists()):
        return places, []
    there = [Path(t).exists() or (kept and os.sep in t) for t in targets]
    files = [place for place, found in zip(places, there, strict=True) if found]
    if kept and files:
        raise UsageError(
            f"{files[0]} has not been read before; verify it without --kept first",
            vi=f"{files[0]} chưa được đọc lần nào; hãy kiểm tra không có --kept trước",
        )
    return files, [target for target, found in zip(targets, there, strict=True) if not found]


def _taker(store: AuditStore) -> Callable[[dict[str, Any]], None]:
    """Takes results one by one as the home sends them; what is sent again after an interruption replaces itself."""

    def take(event: dict[str, Any]) -> None:
        if "result" in event:
            store.put(event["result"], mark="stored")

    return take


def exit_code(store: AuditStore) -> int:
    """5 when anything failed, is missing or has other pages than listed; 1 when any is open or none was judged."""
    counts, listed = store.counts(), store.get("list") is not None
    forms = store.forms() if listed else {}
    if counts.get("TOTAL_FAILED") or store.missing() or "pages" in forms:
        return 5
    undecided = counts.get("INDETERMINATE") or counts.get("NOT_SIGNED") or not counts
    return 1 if undecided or forms or (listed and (store.extra() or store.duplicates())) else 0


def _check(
    targets: list[str] | None,
    everything: bool,
    listing: Path | None,
    report: str | None,
    output: Path | None,
    language: str,
    sample: int | None,
    seed: int | None,
) -> str | None:
    """The kind of report; raises UsageError over what does not go together."""
    if bool(targets) == everything:
        raise UsageError("give what to verify, or --all", vi="Cần nêu thứ cần kiểm tra, hoặc --all")
    if seed is not None and not sample:
        raise UsageError("--seed goes with --sample", vi="--seed chỉ dùng cùng --sample")
    if sample and not any(Path(t).is_dir() for t in targets or []):
        raise UsageError(
            "--sample goes with a folder",
            vi="--sample đi cùng một thư mục; kho thì dùng `sohoa fixity --sample`",
        )
    if language not in ("vi", "en"):
        raise UsageError("--language is vi or en", vi="--language là vi hoặc en")
    if report is None and output is not None:
        report = output.suffix.lstrip(".").lower()
    if report is not None and report not in KINDS:
        raise UsageError(
            f"--report is one of {', '.join(KINDS)}", vi=f"--report là một trong {', '.join(KINDS)}"
        )
    if report is not None and output is None:
        raise UsageError("--report needs -o FILE", vi="--report cần -o TỆP")
    return report


def _moment(as_of: str | None) -> dt.datetime | None:
    """The end of that day in Vietnam, or the very moment when a time is given."""
    from signing.signing_times import VIETNAM

    if as_of is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(as_of)
    except ValueError as error:
        raise UsageError(
            f"{as_of} is no date like 2026-03-31", vi=f"{as_of} không phải ngày dạng 2026-03-31"
        ) from error
    if len(as_of) <= 10:
        moment = moment.replace(hour=23, minute=59, second=59)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    if moment > dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        raise UsageError(f"{as_of} has not come yet", vi=f"Ngày {as_of} chưa tới")
    return min(moment, dt.datetime.now(dt.UTC))


def _circumstances(
    session: Session, files: list[Path], trust: list[Path], moment: dt.datetime | None, online: bool | None
) -> tuple[TrustStore, Conditions]:
    """Whom to believe and whether to ask: by the home, if there is one, which notes it; else by the options alone."""
    from signing.conditions import Conditions
    from signing.trust import Root, TrustStore

    for place in trust:
        if not place.exists():
            raise UsageError(f"there is no {place} to trust", vi=f"Không có {place} để tin")
    given = TrustStore.of(*trust)
    if not session.paths.root.exists():
        return given, Conditions(as_of=moment, online=bool(online))
    if not files:
        about = session.call("trust", {"action": "list"}, quiet=True)
    else:
        about = session.call("trust", {"action": "use", "files": len(files)}, quiet=True)
    anchors = {
        hashlib.sha256(der).hexdigest(): der for der in (bytes.fromhex(one["der"]) for one in about["roots"])
    }
    roots = {
        one["sha256"]: Root(**{key: one[key] for key in Root.__dataclass_fields__}) for one in about["roots"]
    }
    anchors |= {hashlib.sha256(der).hexdigest(): der for der in given.anchors}
    roots |= {root.sha256: root for root in given.roots}
    demo = next((root.sha256 for root in roots.values() if root.demo), None)
    return (
        TrustStore(tuple(anchors.values()), demo, tuple(roots.values())),
        Conditions(
            as_of=moment,
            online=about["online"] if online is None else online,
            timeout=about["timeout"],
            hosts=tuple(about["hosts"]),
        ),
    )


def _open_store(files: list[Path], progress: Path | None, fresh: bool, kept: bool) -> AuditStore:
    """Folders leave their progress in a file; single files and stored papers need none."""
    from signing.delivery.audit_store import AuditStore

    if progress is None and not any(file.is_dir() for file in files) and not (kept and files):
        return AuditStore()
    if kept and progress is not None and not progress.expanduser().is_file():
        raise UsageError(f"there is no progress file {progress}", vi=f"Không có tệp tiến độ {progress}")
    place = progress.expanduser().absolute() if progress else _own_progress(files)
    if fresh:
        for suffix in ("", "-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return AuditStore(place)


def _own_progress(files: list[Path]) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(
        "\0".join(str(file.resolve()) for file in files).encode("utf-8", "surrogateescape")
    )
    return base / "sohoa" / "verify" / f"{digest.hexdigest()[:24]}.sqlite3"


def _audit(
    session: Session,
    store: AuditStore,
    files: list[Path],
    listing: Path | None,
    sample: int | None,
    seed: int | None,
    believed: TrustStore,
    conditions: Conditions,
    *,
    quiet: bool,
    kept: bool,
) -> None:
    from signing.delivery.audit import Audit, run_audit

    audit = Audit(
        targets=tuple(files),
        listing=listing.expanduser().absolute() if listing else None,
        sample=sample,
        seed=seed,
        conditions=conditions,
        workers=os.cpu_count() or 1,
        kept=kept,
    )
    if quiet or not sys.stderr.isatty():
        run_audit(audit, store, believed, lambda done, total: None)
        return
    from pipeline.commands.progress import shown

    with shown() as show:
        run_audit(
            audit,
            store,
            believed,
            lambda done, total: show({"stage": "verify", "done": done, "total": total}),
        )
