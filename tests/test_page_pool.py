"""The pool of readers: a child that dies takes its page with it, never the pool."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import Rejected
from pipeline.files import blob_of
from pipeline.model import SourceFile
from pipeline.page_pool import PagePool
from pipeline.raster.limits import RasterLimits
from tests.home_in_use import SCANS, children_of


def name() -> int:
    return os.getpid()


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def grow() -> int:
    return len(bytearray(3 << 30))


@pytest.fixture
def pool() -> Iterator[PagePool]:
    made = PagePool(workers=2, seconds=5, memory_mb=1024)
    yield made
    made.close()


def test_a_child_that_dies_while_idle_is_replaced(pool: PagePool) -> None:
    """Killing idle children once broke the pool for good; only a restart of the home helped."""
    for _ in range(3):
        children = {task.result(30) for task in [pool.submit(sleep, 0.2) for _ in range(4)]}
        for child in children:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.5)
        assert pool.submit(name).result(30) not in children


def test_a_page_under_which_two_children_die_is_set_aside_alone(pool: PagePool) -> None:
    with pytest.raises(Rejected):
        pool.submit(die).result(30)
    assert pool.submit(name).result(30)


def die_once(mark: Path) -> int:
    if not mark.exists():
        mark.touch()
        die()
    return os.getpid()


def test_a_child_that_is_killed_is_not_its_page_s_fault(pool: PagePool, tmp_path: Path) -> None:
    """Whoever killed it, the kernel short of memory or a person: the page is read by the next child."""
    assert pool.submit(die_once, tmp_path / "died").result(30)
    assert (tmp_path / "died").exists()


def test_work_that_takes_too_long_or_too_much_is_stopped_with_a_reason(pool: PagePool) -> None:
    slow, large = pool.submit(sleep, 60.0), pool.submit(grow)
    with pytest.raises(Rejected, match="too much memory"):
        large.result(30)
    with pytest.raises(Rejected, match="more than 5 s"):
        slow.result(30)
    assert pool.submit(name).result(30)


def test_urgent_work_overtakes_a_queue(pool: PagePool) -> None:
    order: list[str] = []
    for _ in range(6):
        pool.submit(sleep, 0.3, priority=10).add_done_callback(lambda _: order.append("shelf"))
    pool.submit(name, priority=0).add_done_callback(lambda _: order.append("counter"))
    pool.submit(name, priority=20).result(60)
    assert order.index("counter") < len(order) - 2


def test_the_next_stack_is_looked_into_before_the_pages_of_this_one_are_read(pool: PagePool) -> None:
    order: list[str] = []
    for _ in range(8):
        pool.submit(sleep, 0.3, priority=10).add_done_callback(lambda _: order.append("page"))
    scan = SCANS / "chong-1" / "scan-01.jpg"
    file = SourceFile(source=str(scan), blob=blob_of(scan, "image/jpeg"))
    (sides,) = pool.look_into((file,), RasterLimits(), priority=10)
    assert sides.count == 1 and len(order) < 6


def test_whoever_is_killed_whenever_no_task_is_lost(pool: PagePool) -> None:
    """Idle or at work, half of them or all: each task ends, and most of them well."""
    tasks = [pool.submit(sleep, 0.05) for _ in range(120)]
    dice, ended = random.Random(4), 0
    until = time.monotonic() + 20
    while time.monotonic() < until and not all(task.done() for task in tasks):
        for child in children_of(os.getpid()):
            if dice.random() < 0.5:
                os.kill(child, signal.SIGKILL)
                ended += 1
        time.sleep(dice.uniform(0.0, 0.7))
    outcomes = [task.exception(60) for task in tasks]
    assert ended > 5
    assert all(error is None or isinstance(error, Rejected) for error in outcomes)
    assert pool.submit(name).result(30)
