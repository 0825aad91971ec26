"""`sohoa watch`: a hot folder. Files are taken when they are complete, and go when their record is safe."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import SohoaError, UsageError

SETTLED = {"done", "review", "failed"}


def register(app: typer.Typer) -> None:
    app.command()(watch)


def watch(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Thư mục máy quét ghi vào. (Where the scanner writes.)")
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Mã hồ sơ của mọi tệp. (Dossier code.)")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Nhận hết tệp đang có rồi thôi. (Take what is there, then stop.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Theo dõi thư mục quét: nhận khi tệp ghi xong, cho đi khi đã lưu an toàn. (Hot folder.)"""
    from config.settings import load
    from scanners.hotfolder import HotFolder, Watch, check_apart

    session: Session = context.obj
    settings = load(session.paths.root)
    place = folder or settings.watch.folder
    if place is None or not place.expanduser().is_dir():
        raise UsageError(
            f"{place or 'no folder'} cannot be watched; give --folder, or set watch.folder in sohoa.toml",
            vi="Chưa có thư mục để theo dõi; dùng --folder hoặc đặt watch.folder trong sohoa.toml",
        )
    place = place.expanduser().absolute()
    check_apart(place, [session.paths.root])
    desk = _Desk(session, dossier, quiet=as_json)
    hot = HotFolder(path=place, quiet=settings.watch.quiet, polling=settings.watch.polling)
    watcher = Watch(hot, desk.take, desk.follow)
    signal.signal(signal.SIGTERM, lambda *_: watcher.stop())
    if not as_json:
        typer.echo(f"Đang theo dõi {place}; dừng bằng Ctrl+C. (Watching; Ctrl+C stops.)", err=True)
    try:
        if once:
            while watcher.once() or desk.open:
                time.sleep(0.3)
        else:
            watcher.run()
    except KeyboardInterrupt:
        watcher.stop()
    answer({"batches": desk.settled}, as_json=as_json, show=lambda _: None, code=desk.exit_code())


class _Desk:
    """Hands stacks to the home and follows them; a home that is down is asked again at the next look."""

    def __init__(self, session: Session, dossier: str | None, *, quiet: bool) -> None:
        self._session = session
        self._dossier = dossier
        self._quiet = quiet
        self.open: set[str] = set()
        self.settled: list[dict[str, Any]] = []

    def take(self, stack: Any) -> bool:
        """Queue a stack durably; False when that was not possible now. Raises UsageError for a wrong code."""
        request = {
            "folder": str(stack.folder),
            "files": [str(path) for path in stack.files],
            "dossier": self._dossier,
        }
        try:
            found = self._session.call("take", request, quiet=True)
        except UsageError:
            raise
        except SohoaError as error:
            self._say(f"{stack.folder}: {error.both}")
            return False
        self.open.update(found["batches"])
        self._say(f"{stack.folder}: đã nhận {len(stack.files)} tệp (taken in)")
        return True

    def follow(self) -> None:
        """Let go the files of what is settled."""
        for batch in sorted(self.open):
            try:
                view = self._session.call("status", {"batch": batch, "text": False}, quiet=True)["batches"][0]
                if view["state"] not in SETTLED:
                    continue
                released = self._session.call("release", {"batch": batch}, quiet=True)
            except SohoaError as error:
                self._say(f"{batch}: {error.both}")
                continue
            gone = sum(_let_go(Path(source), digest) for source, digest in released["files"].items())
            self.open.discard(batch)
            self.settled.append(view)
            self._report(view, gone)

    def exit_code(self) -> int:
        from pipeline.commands.intake import exit_code

        return exit_code(self.settled) if self.settled else 0

    def _report(self, view: dict[str, Any], gone: int) -> None:
        stored = sum(paper["state"] == "stored" for paper in view["documents"])
        aside = [page for page in view["pages"] if page["state"] not in ("stored", "blank", "separator")]
        self._say(f"{view['id']}: {stored} giấy tờ đã lưu, {gone} tệp đã rời thư mục (stored; files let go)")
        for page in aside:
            self._say(f"  giữ lại {Path(page['source']).name}: {page['reason'] or page['state']}")

    def _say(self, line: str) -> None:
        if not self._quiet:
            typer.echo(line, err=True)


def _let_go(path: Path, digest: str) -> bool:
    """Remove a file whose bytes are safe in the store; one that changed meanwhile stays."""
    from pipeline.files import hash_file

    try:
        if path.is_symlink() or hash_file(path) != digest:
            return False
        path.unlink()
    except OSError:
        return False
    _tidy(path.parent)
    return True


def _tidy(folder: Path) -> None:
    """The mark of a finished stack goes with its last file."""
    left = [entry for entry in folder.iterdir() if entry.suffix.lower() != ".done" and entry.name != ".done"]
    if not left:
        for mark in folder.iterdir():
            mark.unlink(missing_ok=True)
