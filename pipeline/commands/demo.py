"""`sohoa demo`: the main job on the bundled samples, then verified, then told in plain words."""

from __future__ import annotations

import shutil
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer

if TYPE_CHECKING:
    from rich.console import Console

EXPECTED_DOSSIERS = {"000.12.08.H44-260907-0101", "000.03.27.H24-260915-0042", "H38.20-261002-0007"}
EXPECTED_PAPERS = 9


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(context: typer.Context, as_json: JsonOption = False) -> None:
    """Chạy thử trên hồ sơ mẫu: nhận, đọc, ký, lưu, kiểm tra. (The main job on sample dossiers.)"""
    session: Session = context.obj
    started = time.monotonic()
    scans = Path(str(files("samples"))) / "scans"
    result = session.call("ingest", {"paths": [str(scans)], "wait": True}, quiet=as_json)
    taken = time.monotonic() - started
    report = session.call("verify", {"files": [], "named": [], "all": True}, quiet=as_json)
    document = {
        "batches": result["batches"],
        "verification": report,
        "seconds": {"ingest": round(taken, 1), "all": round(time.monotonic() - started, 1)},
        "home": str(session.paths.root),
        "surprises": surprises(result["batches"], report),
    }
    answer(document, as_json=as_json, show=_show, code=1 if document["surprises"] else 0)


def program() -> str:
    """How the user can call this program again from the same place."""
    called = Path(sys.argv[0])
    known = shutil.which("sohoa")
    if known and called.exists() and Path(known).samefile(called):
        return "sohoa"
    return near(str(called)) if called.name == "sohoa" else "sohoa"


def near(path: str) -> str:
    """A path as seen from the working folder, when it lies below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def surprises(batches: list[dict[str, Any]], report: dict[str, Any]) -> list[str]:
    """What differs from what the samples should give; an empty list is a good demo."""
    papers = [paper for batch in batches for paper in batch["documents"]]
    stored = [paper for paper in papers if paper["state"] == "stored"]
    found = {paper["dossier"] for paper in stored}
    wrong = [f"hồ sơ {code} không có (dossier missing)" for code in sorted(EXPECTED_DOSSIERS - found)]
    if len(stored) != EXPECTED_PAPERS:
        wrong.append(f"{len(stored)} giấy tờ được lưu, đáng lẽ {EXPECTED_PAPERS} (papers stored)")
    verdicts = {r["target"]: r["verdict"] for r in report["results"]}
    wrong += [
        f"{p['id']}: {verdicts.get(p['id'])}" for p in stored if verdicts.get(p["id"]) != "TOTAL_PASSED"
    ]
    return wrong


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console

    show_demo(document, Console(highlight=False))


def show_demo(document: dict[str, Any], console: Console) -> None:
    """The demo's outcome in plain words."""
    from pipeline.commands.tables import show_batches

    batches = document["batches"]
    show_batches(batches, console)
    pages = [page for batch in batches for page in batch["pages"]]
    papers = [paper for batch in batches for paper in batch["documents"]]
    stored = [paper for paper in papers if paper["state"] == "stored"]
    dossiers = {paper["dossier"] for paper in stored if paper["dossier"]}
    doubts = [paper for paper in papers if paper["doubtful"]]
    waiting = [paper for paper in papers if paper["state"] != "stored"]
    passed = sum(r["verdict"] == "TOTAL_PASSED" for r in document["verification"]["results"])
    levels = sorted({paper["signature_level"] or "không ký" for paper in stored})
    example = stored[0]["id"] if stored else "d_…"
    console.print()
    taken = document["seconds"]["ingest"]
    earlier = taken < max((batch["seconds"] or 0 for batch in batches), default=0) / 2
    console.print(
        f"[bold]{len(dossiers)} hồ sơ, {len(stored)} giấy tờ, {len(pages)} mặt giấy[/] đã được số hóa "
        + ("từ lần chạy trước" if earlier else f"trong {taken:.0f} giây")
    )
    console.print(
        f"Chữ ký mức {', '.join(levels)}, khóa DEMO; kiểm tra lại: đạt {passed}/{len(stored)} giấy tờ"
    )
    console.print(f"Chờ người xem: {len(waiting)} giấy tờ; còn ngờ loại, số hay ngày: {len(doubts)} giấy tờ")
    console.print("Đèn luôn VÀNG ở chế độ demo: khóa thử không có giá trị pháp lý, đừng trả bản giấy.")
    console.print(f"Dữ liệu ở {document['home']}. Xem tiếp:")
    home = f"{program()} --home {near(document['home'])}"
    for command in (
        f'{home} find "hop dong chuyen nhuong"',
        f"{home} get {example} -o thu.pdf",
        f"{home} verify --all",
        f"{home} down",
    ):
        console.print(f"  {command}", style="cyan", highlight=False, soft_wrap=True)
    for line in document["surprises"]:
        console.print(f"KHÁC DỰ KIẾN: {line}", style="red")
