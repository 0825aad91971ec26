"""What hot folders of others get wrong, done to ours: slow writers, floods, rivals, files that never end."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.errors import UsageError
from scanners.hotfolder import HotFolder, Stack, Watch, look, watched_alone
from scanners.stability import StabilityTracker
from tests.home_in_use import SCANS, Home, until

pytestmark = pytest.mark.slow

SCAN = SCANS / "chong-2" / "scan-01.jpg"


class Taker:
    """Takes every stack and remembers what each file held at that moment."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.stuck: list[tuple[Path, ...]] = []

    def take(self, stack: Stack) -> bool:
        self.taken += [(str(path.relative_to(stack.folder)), path.read_bytes()) for path in stack.files]
        return True


@contextmanager
def watching(folder: HotFolder, taker: Taker) -> Iterator[Watch]:
    watch = Watch(folder, taker.take, on_stuck=taker.stuck.append)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join(10)


def small(number: int) -> bytes:
    """A blank side of its own: a tiny PNG that no other number gives."""
    pixels = np.full((40, 40), 255, np.uint8)
    pixels[0, :24] = [255 - (number >> bit & 1) for bit in range(24)]
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.parametrize("polling", [False, True])
def test_a_writer_of_a_few_kilobytes_a_second_is_not_taken_early(tmp_path: Path, polling: bool) -> None:
    content, taker = SCAN.read_bytes()[:20_000] + b"\xff\xd9", Taker()
    with watching(HotFolder(path=tmp_path, quiet=0.6, polling=polling), taker):
        with (tmp_path / "a.jpg").open("wb", buffering=0) as out:
            for start in range(0, len(content), 1000):
                out.write(content[start : start + 1000])
                time.sleep(0.2)
                assert taker.taken == [], f"taken after {start + 1000} bytes"
        assert until(lambda: bool(taker.taken), 10)
    assert taker.taken == [("a.jpg", content)]


def test_a_writer_of_one_kilobyte_a_second_is_not_taken_early(tmp_path: Path) -> None:
    content, taker = SCAN.read_bytes()[:5_000] + b"\xff\xd9", Taker()
    with watching(HotFolder(path=tmp_path, quiet=3.0), taker):
        with (tmp_path / "a.jpg").open("wb", buffering=0) as out:
            for start in range(0, len(content), 100):
                out.write(content[start : start + 100])
                time.sleep(0.1)
                assert taker.taken == []
        assert until(lambda: bool(taker.taken), 10)
    assert taker.taken == [("a.jpg", content)]


def test_a_slow_writer_whose_every_pause_is_longer_than_the_quiet_time_is_not_taken_early(
    tmp_path: Path,
) -> None:
    content, taker = SCAN.read_bytes()[:4_000] + b"\xff\xd9", Taker()
    with watching(HotFolder(path=tmp_path, quiet=0.1), taker):
        with (tmp_path / "a.jpg").open("wb", buffering=0) as out:
            for start in range(0, len(content), 1000):
                out.write(content[start : start + 1000])
                time.sleep(0.7)
                assert taker.taken == [] or start + 1000 >= len(content)
        assert until(lambda: bool(taker.taken), 10)
    assert taker.taken == [("a.jpg", content)]


def test_two_thousand_files_dropped_at_once_are_each_offered_once(tmp_path: Path) -> None:
    taker = Taker()
    with watching(HotFolder(path=tmp_path, quiet=0.5), taker):
        for number in range(2000):
            (tmp_path / f"{number:04d}.png").write_bytes(small(number))
        assert until(lambda: len(taker.taken) >= 2000, 60)
        time.sleep(2.5)  # the next full look
    assert Counter(taker.taken) == {(f"{number:04d}.png", small(number)): 1 for number in range(2000)}


def test_a_folder_is_watched_by_one_at_a_time(tmp_path: Path) -> None:
    with watched_alone(tmp_path), pytest.raises(UsageError), watched_alone(tmp_path):
        pass
    with watched_alone(tmp_path):
        pass


def test_a_file_that_never_completes_is_shown_and_holds_nothing_up_for_ever(tmp_path: Path) -> None:
    tracker, folder = StabilityTracker(3, stuck=60), HotFolder(path=tmp_path, quiet=3)
    (tmp_path / "cut.jpg").write_bytes(SCAN.read_bytes()[:5000])
    (tmp_path / "b.pdf.part").write_bytes(b"%PDF-1.4")
    (tmp_path / "whole.jpg").write_bytes(SCAN.read_bytes())
    for now in (0, 30, 59):
        assert look(folder, tracker, now) == () and tracker.stuck(now) == ()
    assert look(folder, tracker, 60) == (Stack(folder=tmp_path, files=(tmp_path / "whole.jpg",)),)
    tracker.mark_taken(tmp_path / "whole.jpg", *facts(tmp_path / "whole.jpg"))
    assert tracker.stuck(60) == (tmp_path / "b.pdf.part", tmp_path / "cut.jpg") and not tracker.waiting(60)
    (tmp_path / "cut.jpg").write_bytes(SCAN.read_bytes())  # copied again
    look(folder, tracker, 70)
    assert tracker.stuck(70) == (tmp_path / "b.pdf.part",)
    assert look(folder, tracker, 73) == (Stack(folder=tmp_path, files=(tmp_path / "cut.jpg",)),)


def facts(path: Path) -> tuple[int, int]:
    return path.stat().st_size, path.stat().st_mtime_ns


def test_a_writer_that_never_stops_is_not_stuck(tmp_path: Path) -> None:
    tracker, folder = StabilityTracker(3, stuck=60), HotFolder(path=tmp_path, quiet=3)
    for now in range(0, 200, 10):
        (tmp_path / "a.jpg").write_bytes(SCAN.read_bytes()[: 100 + now])
        assert look(folder, tracker, now) == () and tracker.stuck(now) == ()


def test_what_is_unfinished_or_waits_for_its_scans_is_in_the_status_while_it_lies_there(
    tmp_path: Path,
) -> None:
    home, hot = (
        Home(tmp_path / "h", {"SOHOA_WATCH_QUIET": "0.3", "SOHOA_WATCH_STUCK_SECONDS": "1"}),
        tmp_path / "hot",
    )
    (hot / "hop-7").mkdir(parents=True)
    cut, lonely = hot / "cut.jpg", hot / "hop-7" / "muc-luc.csv"
    cut.write_bytes(SCAN.read_bytes()[:5000])
    lonely.write_text("Hộp,Kho\n7,2\n", encoding="utf-8")
    watch = home.start("watch", "--folder", str(hot), "--json")

    def shown() -> list[str]:
        found = home.run("status").document["batches"]
        return sorted(page["source"] for batch in found for page in batch["pages"])

    try:
        assert until(lambda: shown() == [str(cut), str(lonely)], 60)
        status = home.run("status")
        assert status.code == 1 and "chưa có bản quét" in status.document["batches"][0]["reason"]
        cut.unlink()
        assert until(lambda: shown() == [str(lonely)], 30)
        (hot / "hop-7" / "001.png").write_bytes(small(1))
        assert until(lambda: shown() == [] and not list((hot / "hop-7").iterdir()), 60), "they went together"
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=60)
        home.run("down")
