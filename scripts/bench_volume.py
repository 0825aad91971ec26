"""Many documents through store, catalogue, search and scrub: is memory flat? Writes docs/benchmarks-volume.md.

    python scripts/bench_volume.py [--documents 2000] [--minutes M] [--folder DIR] [--no-write]

The papers are made up and small (one PDF of some kilobytes each, no OCR, no signature), but what keeps them is the
real code: the embedded S3 server, originals landed and read back, content and sidecar stored, read back and pinned by
chained manifests, catalogue, words and ledger in one transaction. Ends with 1 when something is lost or memory grows.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import platform
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine, func, select

from pipeline.files import blob_of
from pipeline.model import Blob, Document, Field, SourceFile
from pipeline.records import dump
from pipeline.sidecar import sidecar_of
from scripts.bench_search import Paper, papers
from storage.archive import Archive
from storage.batches import Batches
from storage.catalogue import Catalogue
from storage.database import open_database, reading, sqlite_url
from storage.fixity import Fixity
from storage.ledger import Ledger
from storage.s3 import Bucket
from storage.schema import document as documents
from storage.search import Search
from storage.seaweedfs import EmbeddedStore
from storage.segments import Segments
from tests.papers import field, make_document, make_intake, of_text, with_bytes

ROOT = Path(__file__).resolve().parent.parent
LOCK = timedelta(days=1)
A_DOSSIER = 5
"""Papers of one dossier, about as many as a dossier of the one-stop shop has."""
FLAT_MB = 60
"""What memory may grow by between the first tenth and the end: caches fill, one document more must not stay."""
QUERIES = 40
AT_ONCE = 8
"""Dossiers on their way at once, as in a home that takes in many batches: most of one document's time is waiting."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MB: of this process, and of the store."""

    at: str
    own: float
    store: float


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Volume:
    """One store and one database, filled and looked through."""

    def __init__(self, folder: Path, store: EmbeddedStore, database: Engine) -> None:
        self._folder = folder
        self._store = store
        self._bucket = Bucket(store.endpoint("writer"))
        self._archive = Archive(self._bucket)
        self._batches, self._catalogue = Batches(database), Catalogue(database)
        self._database = database
        self._base = make_document(folder)
        self.memory: list[Memory] = []

    def look(self, at: str) -> None:
        gc.collect()
        assert self._store.pid is not None
        self.memory.append(Memory(at, resident(os.getpid()), resident(self._store.pid)))

    def fill(self, count: int, step: Progress, *, until: float) -> tuple[int, float]:
        """Keep so many documents, several dossiers at once, each in its order, or as many as the time allows.

        `until` is of the monotonic clock. Answers how many were kept, and the seconds that it took.
        """
        bar = step.add_task("Lưu (storing)", total=count)
        marks = [(count // 10, "10 %"), (count // 2, "50 %"), (count, "100 %")]
        self.look("0")
        began, kept = time.monotonic(), 0
        with ThreadPoolExecutor(AT_ONCE) as hands:
            under_way: set[Future[int]] = set()
            for dossier in dossiers(count):
                if time.monotonic() > until:
                    break
                under_way.add(hands.submit(self._keep_dossier, dossier))
                if len(under_way) < 2 * AT_ONCE:
                    continue
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                kept += sum(one.result() for one in done)
                step.update(bar, completed=kept)
                while kept >= marks[0][0]:
                    self.look(marks.pop(0)[1])
            kept += sum(one.result() for one in under_way)
        step.update(bar, completed=kept)
        took = time.monotonic() - began
        if marks:
            self.look("100 %" if kept == count else f"{kept:,}")
        return kept, took

    def _keep_dossier(self, dossier: list[tuple[int, Paper]]) -> int:
        """One stack of one dossier: a scan of its own bytes, and a PDF of its own bytes for every paper in it."""
        first = dossier[0][0]
        code = f"H36.1-260101-{first // A_DOSSIER + 1:07d}"
        folder = self._folder / threading.current_thread().name
        folder.mkdir(exist_ok=True)
        scan = folder / "scan.jpg"
        scan.write_bytes("".join(made.text for _, made in dossier).encode() * 3)
        blob = blob_of(scan, "image/jpeg")
        papers_of = [
            self._document(code, place, number, made, blob) for place, (number, made) in enumerate(dossier)
        ]
        until = datetime.now(UTC) + LOCK
        intake = make_intake(papers_of[0])
        self._batches.open(intake)
        self._archive.land(intake, lock_until=until)
        pages = [side for one in papers_of for side in one.pages]
        self._batches.set_pages(intake.id, [side.page for side in pages])
        self._batches.record_read(pages)
        for (number, made), one in zip(dossier, papers_of, strict=True):
            self._batches.open_document(one)
            signed = with_bytes(one, b"%PDF-1.7\n" + made.text.encode() + str(number).encode(), folder)
            stored = self._archive.store(signed, sidecar=dump(sidecar_of(signed)), lock_until=until)
            self._catalogue.commit(stored)
            signed.pdf.path.unlink()
        self._batches.settle(intake.id)
        return len(dossier)

    def _document(self, code: str, place: int, number: int, made: Paper, scan: Blob) -> Document:
        name = hashlib.sha256(f"{number}".encode()).hexdigest()[:20]
        one = of_text(self._base, f"d_{name}", made.text, dossier=code)
        page = replace(one.pages[0].page, id=f"p_{name}", index=place, number=place + 1, file=scan)
        return replace(
            one,
            batch=f"b_{hashlib.sha256(code.encode()).hexdigest()[:20]}",
            pages=(replace(one.pages[0], page=page),),
            originals=(SourceFile(source=str(scan.path), blob=scan),),
            paper=replace(one.paper, pages=(place,), type_name=made.type_name, fields=_fields(made)),
        )

    def search(self, count: int, step: Progress) -> list[float]:
        """Milliseconds of queries for names and sentences that are there; each must find something."""
        bar, took = step.add_task("Tìm (searching)", total=QUERIES), []
        search = Search(self._database)
        for made in list(papers(min(count, QUERIES))):
            began = time.perf_counter()
            found = search.find(made.person)["results"]
            took.append(1000 * (time.perf_counter() - began))
            assert found, made.person
            step.advance(bar)
        self.look("tìm (search)")
        return took

    def scrub(self, step: Progress) -> tuple[int, int, float]:
        """Objects read again, findings, seconds."""
        bar = step.add_task("Rà soát (scrubbing)", total=256)
        fixity = Fixity(
            self._database, Bucket(self._store.endpoint("writer")), mb_per_second=10_000, agency="H26",
            busy=lambda: False,
        )  # fmt: skip
        began = time.monotonic()
        run = fixity.scrub(actor="bench", progress=lambda event: step.update(bar, completed=event["done"]))
        step.update(bar, completed=256)
        took = time.monotonic() - began
        self.look("rà soát (scrub)")
        return run.checked, len(run.findings), took

    def ledger(self) -> bool:
        Segments(self._database, self._bucket, lock=LOCK).publish()
        held = Ledger(self._database).verify().ok
        self.look("sổ cái (ledger)")
        return held

    def count(self) -> int:
        with reading(self._database) as connection:
            query = select(func.count()).select_from(documents).where(documents.c.state == "stored")
            return int(connection.execute(query).scalar_one())


def dossiers(count: int) -> Iterator[list[tuple[int, Paper]]]:
    """The papers, numbered from 1, by dossiers."""
    made = enumerate(papers(count), 1)
    while dossier := list(islice(made, A_DOSSIER)):
        yield dossier


def kind_of_disk(folder: Path) -> str:
    """The file system that a folder is on, as the kernel names it: `tmpfs` is memory, and flushes nothing."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [one for one in mounts if folder.resolve().is_relative_to(one[0])]
    return max(holding, key=lambda one: len(one[0]))[1]


def _fields(made: Paper) -> tuple[Field, ...]:
    return field("title", made.title), field("number", made.code), field("owner", made.person)


@contextmanager
def volume(folder: Path | None) -> Iterator[Volume]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="sohoa-volume-") as name:
        place = Path(name)
        store = EmbeddedStore.at(place / "store", bucket="sohoa")
        store.start()
        database = open_database(sqlite_url(place / "sohoa.sqlite3"))
        try:
            yield Volume(place, store, database)
        finally:
            database.dispose()
            store.stop(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="store no more after so many minutes")
    parser.add_argument("--folder", type=Path, help="where the store grows (25 KB a document)")
    parser.add_argument("--no-write", action="store_true", help="only say it")
    chosen = parser.parse_args()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disk = kind_of_disk(chosen.folder or Path(tempfile.gettempdir()))
    with (
        volume(chosen.folder) as made,
        Progress(*columns, console=Console(stderr=True), refresh_per_second=1) as step,
    ):
        used = resource.getrusage(resource.RUSAGE_SELF)
        kept, seconds = made.fill(chosen.documents, step, until=time.monotonic() + 60 * chosen.minutes)
        after = resource.getrusage(resource.RUSAGE_SELF)
        processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        queries = made.search(kept, step)
        checked, findings, scrubbed = made.scrub(step)
        ledger_ok, count = made.ledger(), made.count()
    grown = {
        name: getattr(made.memory[-1], name) - getattr(made.memory[1], name) for name in ("own", "store")
    }
    flat = grown["own"] <= FLAT_MB
    whole = count == kept and not findings and ledger_ok
    page = _page(kept, seconds, processor, queries, checked, findings, scrubbed, made.memory, ledger_ok, disk)
    sys.stdout.write(page)
    if not chosen.no_write:
        (ROOT / "docs" / "benchmarks-volume.md").write_text(page, "utf-8")
    if not whole:
        sys.stderr.write(f"{count} of {kept} stored, {findings} findings, ledger {ledger_ok}\n")
    if not flat:
        sys.stderr.write(f"memory grew by {grown['own']:.0f} MB\n")
    return 0 if whole and flat else 1


def _page(
    count: int,
    seconds: float,
    processor: float,
    queries: list[float],
    checked: int,
    findings: int,
    scrubbed: float,
    memory: list[Memory],
    ledger_ok: bool,
    disk: str,
) -> str:
    rows = "\n".join(f"| {one.at} | {one.own:.0f} | {one.store:.0f} |" for one in memory)
    p95 = statistics.quantiles(queries, n=20)[-1] if len(queries) > 1 else queries[0]
    state = "holds" if ledger_ok else "DOES NOT HOLD"
    return f"""# Many documents

Made by `make bench-volume` on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}.
Small made-up PDFs without OCR and signature, everything else as in use: embedded S3 server, SQLite, one process storing
{AT_ONCE} dossiers at a time, the {A_DOSSIER} papers of each one after the other; on {disk}.

- {count:,} documents stored in {seconds:.0f} s: {count / seconds:.1f} documents/s;
  {1000 * processor / count:.0f} ms of processor time of ours each
- search: median {statistics.median(queries):.1f} ms, p95 {p95:.1f} ms
- scrub: {checked:,} objects read and hashed again in {scrubbed:.0f} s ({checked / scrubbed:.0f}/s),
  {findings} findings; ledger {state}

| when | memory of sohoa, MB | of the store, MB |
|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.exit(main())
