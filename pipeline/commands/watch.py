"""`sohoa watch`: a hot folder. Files are taken when they are complete, and go when their record is safe."""

from __future__ import annotations

import contextlib
import signal
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.session import JsonOption, Session, answer
from pipeline.errors import SohoaError, UsageError

if TYPE_CHECKING:
    from config.settings import Settings
    from scanners.hotfolder import HotFolder, Stack, Watch

SETTLED = {"done", "review", "failed"}


def register(app: typer.Typer) -> None:
    app.command()(watch)


def watch(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Thư mục máy quét ghi vào; bỏ trống: mọi thư mục trong cấu hình. (Where scanners write.)"
        ),
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Mã hồ sơ của mọi tệp. (Dossier code.)")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Nhận hết tệp đang có rồi thôi. (Take what is there, then stop.)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Theo dõi thư mục quét: nhận khi tệp ghi xong, cho đi khi đã lưu an toàn. (Hot folder.)"""
    from config.settings import load
    from scanners.hotfolder import Watch, check_apart, watched_alone

    session: Session = context.obj
    settings = load(session.paths.root)
    places = _places(settings, folder)
    for place in places:
        others = [other.folder.path for other in places if other is not place]
        check_apart(place.folder.path, [session.paths.root, *others])
    desks = [_Desk(session, place, dossier, quiet=as_json) for place in places]
    watchers = [Watch(desk.place.folder, desk.take, desk.follow, desk.show_stuck) for desk in desks]

    def stop(*_: Any) -> None:
        for watcher in watchers:
            watcher.stop()

    signal.signal(signal.SIGTERM, stop)
    with contextlib.ExitStack() as held:
        for desk in desks:
            held.enter_context(watched_alone(desk.place.folder.path))
            held.callback(desk.close)
            if not as_json:
                typer.echo(
                    f"Đang theo dõi {desk.place.folder.path}; dừng bằng Ctrl+C. (Watching; Ctrl+C stops.)",
                    err=True,
                )
        try:
            if once:
                while not watchers[0].stopped and any(
                    [watcher.once() or bool(desk.open) for watcher, desk in zip(watchers, desks, strict=True)]
                ):
                    time.sleep(0.3)
            else:
                _run(watchers)
        except KeyboardInterrupt:
            stop()
    settled = [view for desk in desks for view in desk.settled]
    stuck = [str(path) for desk in desks for path in [*desk.stuck, *sorted(desk.lonely)]]
    code = max([desk.exit_code() for desk in desks])
    answer({"batches": settled, "unfinished": stuck}, as_json=as_json, show=lambda _: None, code=code)


def _run(watchers: list[Watch]) -> None:
    """Every folder in a thread of its own: a share that does not answer holds up no other."""
    with ThreadPoolExecutor(len(watchers), thread_name_prefix="watch") as threads:
        running = [threads.submit(watcher.run) for watcher in watchers]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            for watcher in watchers:
                watcher.stop()
        for ended in running:
            ended.result()


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to watch, and the counter it is of."""

    folder: HotFolder
    counter: str | None = None


def _places(settings: Settings, folder: Path | None) -> list[Place]:
    """The folder that was named, else every one of the settings. Raises UsageError when none can be watched."""
    from scanners.hotfolder import HotFolder

    watch = settings.watch

    def place(path: Path, polling: bool, counter: str | None = None) -> Place:
        path = path.expanduser()
        if not path.is_dir():
            raise UsageError(
                f"{path} cannot be watched: there is no such folder",
                vi=f"Không có thư mục {path} để theo dõi",
            )
        hot = HotFolder(path=path.absolute(), quiet=watch.quiet, polling=polling, stuck=watch.stuck_seconds)
        return Place(hot, counter)

    counters = [place(one.folder, one.polling, name) for name, one in settings.counter.items()]
    if folder is not None:
        mine = [one for one in counters if one.folder.path == folder.expanduser().absolute()]
        return mine or [place(folder, watch.polling)]
    found = [*counters, *([place(watch.folder, watch.polling)] if watch.folder else [])]
    if not found:
        raise UsageError(
            "no folder to watch; give --folder, or set watch.folder or [counter.NAME] in sohoa.toml",
            vi="Chưa có thư mục để theo dõi; dùng --folder, hoặc đặt watch.folder hay [counter.TÊN] trong sohoa.toml",
        )
    return found


class _Desk:
    """Hands stacks of one folder to the home and follows them; a home that is down is asked again at the next look."""

    def __init__(self, session: Session, place: Place, dossier: str | None, *, quiet: bool) -> None:
        self._session = session
        self.place = place
        self._dossier = dossier
        self._quiet = quiet
        self.open: set[str] = set()
        self.settled: list[dict[str, Any]] = []
        self.stuck: tuple[Path, ...] = ()
        self.lonely: set[Path] = set()
        self._shown: tuple[tuple[Path, ...], frozenset[Path]] = ((), frozenset())
        self._told: set[str] = set()

    def take(self, stack: Stack) -> bool:
        """Queue a stack durably; False when that was not possible now. Raises UsageError for a wrong code."""
        from pipeline.acquire import is_companion

        request = {
            "folder": str(stack.folder),
            "files": [str(path) for path in stack.files],
            "dossier": self._dossier,
            "counter": self.place.counter,
            "ages": list(stack.ages),
        }
        try:
            found = self._session.call("take", request, quiet=True)
        except UsageError:
            raise
        except SohoaError as error:
            self._say(f"{stack.folder}: {error.both}")
            return False
        if not found["batches"]:
            self._leave_alone([path for path in stack.files if is_companion(path)])
            return True
        # Side-cars that lay there before their scans went with them.
        self.lonely = {path for path in self.lonely if path.parent != stack.folder}
        self._show_unfinished()
        self.open.update(found["batches"])
        whose = f", hồ sơ {found['dossier']}" if found["dossier"] else ""
        self._say(f"{stack.folder}: đã nhận {len(stack.files)} tệp{whose} (taken in)")
        return True

    def _leave_alone(self, companions: list[Path]) -> None:
        """Side-cars whose scans are not there: kept, and shown until the scans come or somebody takes them away."""
        if companions:
            self._say(
                f"{companions[0].parent}: tệp kèm đến mà không có bản quét nào (side-cars without scans)"
            )
            self.lonely.update(companions)
            self._show_unfinished()

    def show_stuck(self, paths: tuple[Path, ...]) -> None:
        """Say which files never became whole; `sohoa status` shows them too while this command runs."""
        self.stuck = paths
        for path in paths:
            self._say(f"{path}: mãi chưa ghi xong, hãy quét hoặc chép lại (never completed)")
        self._show_unfinished()

    def _show_unfinished(self) -> None:
        """Write anew what `sohoa status` shows of this folder, when it is another than before."""
        from pipeline.commands.watch_view import show_unfinished

        shown = (self.stuck, frozenset(self.lonely))
        if shown != self._shown:
            show_unfinished(self._session.paths, self.place.folder.path, self.stuck, self.lonely)
            self._shown = shown

    def close(self) -> None:
        """What is shown about this folder ends with the watch."""
        from pipeline.commands.watch_view import show_unfinished

        show_unfinished(self._session.paths, self.place.folder.path, ())

    def follow(self) -> None:
        """Let go the files of what is settled; forget side-cars that somebody took away."""
        if self.lonely:
            self.lonely = {path for path in self.lonely if path.exists()}
            self._show_unfinished()
        if not self.open:
            return
        try:
            standing = self._session.call("follow", {"batches": sorted(self.open)}, quiet=True)["batches"]
        except SohoaError as error:
            self._say(f"{self.place.folder.path}: {error.both}")
            return
        for one in standing:
            self._alarm(one["alarms"])
            if one["state"] in SETTLED:
                self._release(one["id"])

    def _release(self, batch: str) -> None:
        try:
            released = self._session.call("release", {"batch": batch}, quiet=True)
        except SohoaError as error:
            self._say(f"{batch}: {error.both}")
            return
        gone = [Path(source) for source, digest in released["files"].items() if _let_go(Path(source), digest)]
        for folder in {path.parent for path in gone}:
            _tidy(folder)
        _let_companions_go(released["companions"])
        self.open.discard(batch)
        self.settled.append(released["batch"])
        self._report(released["batch"], len(gone))

    def _alarm(self, alarms: list[dict[str, Any]]) -> None:
        """Say at once which sides should be scanned again, before the citizen leaves."""
        for side in alarms:
            if side["id"] not in self._told:
                self._told.add(side["id"])
                self._say(f"\a{side['source']}: {side['reason']}")

    def exit_code(self) -> int:
        from pipeline.commands.intake import exit_code

        code = exit_code(self.settled) if self.settled else 0
        return code or (1 if self.stuck or self.lonely else 0)

    def _report(self, view: dict[str, Any], gone: int) -> None:
        stored = sum(paper["state"] == "stored" for paper in view["documents"])
        aside = [page for page in view["pages"] if page["state"] not in ("stored", "blank", "separator")]
        self._say(f"{view['id']}: {stored} giấy tờ đã lưu, {gone} tệp đã rời thư mục (stored; files let go)")
        for remark in view.get("remarks", []):
            self._say(f"  {remark}")
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
    return True


def _let_companions_go(companions: dict[str, str]) -> None:
    """Side-cars go when no scan is left beside them: a later one may need them too."""
    from pipeline.acquire import is_companion

    for source, digest in companions.items():
        path = Path(source)
        with contextlib.suppress(OSError):
            left = [p for p in path.parent.iterdir() if not p.name.endswith(".done") and not p.is_dir()]
            if all(is_companion(one) for one in left) and _let_go(path, digest):
                _tidy(path.parent)


def _tidy(folder: Path) -> None:
    """The mark of a finished stack goes with its last file."""
    with contextlib.suppress(OSError):
        there = list(folder.iterdir())
        if all(entry.suffix.lower() == ".done" or entry.name == ".done" for entry in there):
            for mark in there:
                mark.unlink(missing_ok=True)
