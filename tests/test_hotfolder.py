"""The hot folder: half-written files are left alone, whole ones are taken once and go when they are safe."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from scanners.hotfolder import HotFolder, Stack, check_apart, look
from scanners.stability import StabilityTracker, looks_finished
from tests.home_in_use import SCANS, Home, until

SCAN = SCANS / "chong-2" / "scan-01.jpg"


def watched(folder: Path, tracker: StabilityTracker, now: float) -> list[Path]:
    found = look(HotFolder(path=folder, quiet=3), tracker, now)
    return [path for stack in found for path in stack.files]


def test_a_file_is_left_alone_until_it_is_quiet(tmp_path: Path) -> None:
    tracker = StabilityTracker(3)
    file = tmp_path / "a.jpg"
    file.write_bytes(SCAN.read_bytes())
    assert watched(tmp_path, tracker, 0) == []
    assert watched(tmp_path, tracker, 2) == []
    assert watched(tmp_path, tracker, 3) == [file]


def test_a_file_that_grows_starts_its_quiet_time_again(tmp_path: Path) -> None:
    tracker, content = StabilityTracker(3), SCAN.read_bytes()
    file = tmp_path / "a.jpg"
    file.write_bytes(content[:1000])
    watched(tmp_path, tracker, 0)
    file.write_bytes(content)
    assert watched(tmp_path, tracker, 3) == []
    assert watched(tmp_path, tracker, 6) == [file]


def test_a_half_copied_file_is_left_alone_however_long_it_pauses(tmp_path: Path) -> None:
    tracker, content = StabilityTracker(3), SCAN.read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    for now in (0, 10, 10_000):
        assert watched(tmp_path, tracker, now) == []


def test_the_stack_waits_for_its_slowest_file(tmp_path: Path) -> None:
    tracker, content = StabilityTracker(3), SCAN.read_bytes()
    (tmp_path / "a.jpg").write_bytes(content)
    (tmp_path / "b.jpg").write_bytes(content[:5000])
    watched(tmp_path, tracker, 0)
    assert watched(tmp_path, tracker, 5) == []
    (tmp_path / "b.jpg").write_bytes(content)
    watched(tmp_path, tracker, 6)
    assert len(watched(tmp_path, tracker, 9)) == 2


def test_done_closes_a_stack_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(SCAN.read_bytes())
    (tmp_path / ".done").touch()
    assert watched(tmp_path, StabilityTracker(3600), 0) == [tmp_path / "a.jpg"]


def test_partial_and_hidden_files_are_not_seen(tmp_path: Path) -> None:
    tracker = StabilityTracker(0)
    for name in ("a.jpg.part", "b.tmp", ".c.jpg", "~$d.jpg", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    watched(tmp_path, tracker, 0)
    assert watched(tmp_path, tracker, 9) == []


def test_what_was_taken_is_not_offered_again_unless_it_changes(tmp_path: Path) -> None:
    tracker = StabilityTracker(0)
    file = tmp_path / "a.jpg"
    file.write_bytes(SCAN.read_bytes())
    watched(tmp_path, tracker, 0)
    assert watched(tmp_path, tracker, 1) == [file]
    facts = file.stat()
    tracker.mark_taken(file, facts.st_size, facts.st_mtime_ns)
    assert watched(tmp_path, tracker, 2) == []
    os.utime(file, ns=(1, 1))
    watched(tmp_path, tracker, 3)
    assert watched(tmp_path, tracker, 4) == [file]


def test_each_folder_below_is_a_stack_of_its_own(tmp_path: Path) -> None:
    tracker = StabilityTracker(0)
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(SCAN.read_bytes())
    look(HotFolder(path=tmp_path, quiet=0), tracker, 0)
    found = look(HotFolder(path=tmp_path, quiet=0), tracker, 1)
    assert found == tuple(
        Stack(folder=tmp_path / name, files=(tmp_path / name / "a.jpg",)) for name in ("x", "y")
    )


def test_a_folder_that_would_feed_on_itself_is_refused(tmp_path: Path) -> None:
    for watched_folder, home in ((tmp_path, tmp_path / "h"), (tmp_path / "h" / "x", tmp_path / "h")):
        with pytest.raises(UsageError):
            check_apart(watched_folder, [home])


@pytest.mark.parametrize(
    ("name", "whole", "broken"),
    [
        ("a.pdf", b"%PDF-1.4 ... %%EOF\n", b"%PDF-1.4 ..."),
        ("a.png", b"\x89PNG....IEND\xaeB`\x82", b"\x89PNG...."),
        ("a.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"II*\0\xff\0\0\0\0\0"),
        ("a.jpg", b"\xff\xd8....\xff\xd9", b"\xff\xd8...."),
    ],
)
def test_the_end_of_a_file_is_known_by_its_structure(
    tmp_path: Path, name: str, whole: bytes, broken: bytes
) -> None:
    (tmp_path / name).write_bytes(whole)
    assert looks_finished(tmp_path / name)
    (tmp_path / name).write_bytes(broken)
    assert not looks_finished(tmp_path / name)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "h", {"SOHOA_WATCH_QUIET": "0.5"})
    yield place
    place.run("down")


def test_files_leave_the_folder_when_their_record_is_safe_and_the_rest_stays(
    home: Home, tmp_path: Path
) -> None:
    hot = tmp_path / "hot"
    (hot / "chong").mkdir(parents=True)
    child = home.start("watch", "--folder", str(hot), "--json")
    for name in ("scan-00.jpg", "scan-01.jpg"):
        (hot / "chong" / name).write_bytes((SCANS / "chong-2" / name).read_bytes())
    (hot / "chong" / "hong.pdf").write_text("không phải PDF")
    assert until(lambda: [p.name for p in (hot / "chong").iterdir()] == ["hong.pdf"], 120)
    stored = home.run("find", "cấp giấy phép xây dựng").document["results"]
    assert stored, "let go before it was stored"
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    acts = home.run("status", "--all").document["batches"]
    assert {page["state"] for batch in acts for page in batch["pages"]} == {"stored", "rejected"}


def test_watch_without_a_folder_is_wrong_usage(home: Home) -> None:
    assert home.run("watch").code == 2
    assert home.run("watch", "--folder", "/khong/co").code == 2
