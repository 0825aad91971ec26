"""A delivered folder judged: every file in a child process, against its list, with what was done kept on the way.

Needs no home and no server. Memory does not grow with the number of files: they are walked in order, a few are under
way at a time, and results go to the store.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import Unavailable, UsageError
from signing.conditions import OFFLINE, Conditions
from signing.delivery import sampling
from signing.delivery.audit_store import AuditStore, Pending
from signing.delivery.delivery_list import read_list
from signing.delivery.form_rules import breaches
from signing.isolation import MEMORY, IsolatedVerifier, Kept
from signing.reading import PLAIN, RULES, Reading, to_bytes
from signing.trust import TrustStore
from signing.verdict import FileVerdict, Verdict, no_pdf

BATCH = 10
CHUNK = 1 << 20
NOT_READ = (
    "Lần này không đọc được tệp; xét theo lần đọc trước (not readable now, judged as it was read before)"
)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is asked. `targets` are files and folders; `sample` and `seed` limit it to a random part.

    `kept`: nothing is opened, nor looked for; what was read before is judged again.
    """

    targets: tuple[Path, ...]
    listing: Path | None = None
    sample: int | None = None
    seed: int | None = None
    conditions: Conditions = OFFLINE
    workers: int = 1
    seconds: float = 60.0
    memory: int = MEMORY
    kept: bool = False

    def mark(self, trust: TrustStore) -> str:
        """What a verdict depends on beside the file."""
        return f"{RULES}|{trust.mark}|{self.conditions.mark}"


def run_audit(audit: Audit, store: AuditStore, trust: TrustStore, progress: Progress) -> None:
    """Judge what has no verdict yet. Raises UsageError, Unavailable; may be stopped at any time and run again."""
    verifier = IsolatedVerifier(
        trust,
        seconds=audit.seconds,
        conditions=audit.conditions,
        workers=audit.workers,
        memory=audit.memory,
    )
    stop = threading.Event()
    try:
        if not audit.kept:
            _look(audit, store, verifier)
        store.commit()
        _judge_all(audit, store, verifier, audit.mark(trust), progress, stop)
    finally:
        stop.set()
        store.commit()
        verifier.close()


def _look(audit: Audit, store: AuditStore, verifier: IsolatedVerifier) -> None:
    """What is listed, what is there, and which of it is to be judged."""
    if audit.listing is not None:
        store.take_list(verifier.run(read_list, audit.listing))
        store.set("list", audit.listing.name)
    else:
        store.take_list(())
        store.unset("list")
    _walk(audit, store)
    store.index()
    store.match()
    _choose(audit, store)


def _walk(audit: Audit, store: AuditStore) -> None:
    walk = time.time_ns()
    leave = {audit.listing.resolve()} if audit.listing else set()
    several = len(audit.targets) > 1 or not audit.targets[0].is_dir()

    def files() -> Iterator[tuple[str, str, bytes, int, int, int]]:
        for target in audit.targets:
            for path in _below(target):
                if path.resolve() in leave:
                    continue
                if audit.listing is None and target.is_dir() and path.suffix.lower() != ".pdf":
                    continue  # nothing says that it should be there, and it carries no signature of its own
                about = path.lstat()
                shown = str(path) if several else str(path.relative_to(target))
                name = unicodedata.normalize("NFC", os.fsencode(shown).decode("utf-8", "replace"))
                base = name.rpartition("/")[2]
                yield name, base, os.fsencode(path), about.st_size, about.st_mtime_ns, about.st_ctime_ns

    store.take_files(files(), walk)


def _below(target: Path) -> Iterator[Path]:
    """Files of a folder in order; links are not followed, they may lead anywhere."""
    if not target.is_dir():
        yield target
        return
    try:
        with os.scandir(target) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise Unavailable(
            f"the folder {target} cannot be read: {error.strerror}", vi=f"Không đọc được thư mục {target}"
        ) from error
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
            yield Path(entry.path)


def _choose(audit: Audit, store: AuditStore) -> None:
    if audit.sample is None:
        store.unset("sample", "seed")
        store.choose(None)
        return
    population = store.population()
    seed = audit.seed if audit.seed is not None else sampling.seeds()
    store.set("sample", str(min(audit.sample, population)))
    store.set("seed", str(seed))
    store.choose(sampling.draw(population, audit.sample, seed))


def _judge_all(
    audit: Audit,
    store: AuditStore,
    verifier: IsolatedVerifier,
    mark: str,
    progress: Progress,
    stop: threading.Event,
) -> None:
    waiting = store.pending(mark, kept=audit.kept)
    done, total = 0, len(waiting)
    progress(done, total)
    under_way: dict[Future[_Judged], Pending] = {}
    names = iter(waiting)
    with ThreadPoolExecutor(max_workers=audit.workers) as threads:
        while True:
            while len(under_way) < 2 * audit.workers and (name := next(names, None)) is not None:
                one, newest = store.one(name), store.newest_window()
                under_way[threads.submit(_judge, verifier, one, newest, audit.kept, stop)] = one
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                one, judged = under_way.pop(future), future.result()
                done += 1
                progress(done, total)
                if judged.verdict is None:
                    continue
                report = judged.verdict.to_json()
                form = breaches(report["archive"], pages=one.pages) if judged.pdf else ()
                store.put(report, mark=mark, form=form, again=judged.again)
                if judged.kept is not None and judged.verdict.sha256:
                    store.keep(
                        judged.verdict.sha256,
                        judged.kept.reading,
                        number=judged.number,
                        window=judged.kept.window,
                        at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    )
                if done % BATCH == 0:
                    store.commit()


@dataclass(frozen=True, slots=True)
class _Judged:
    """`verdict` (None: the earlier one stands), and the reading to be kept, compressed by the window of that number.

    `again`: the file could not be read this time, so it is to be read next time.
    """

    verdict: FileVerdict | None
    pdf: bool
    kept: Kept | None = None
    number: int = 0
    again: bool = False


def _judge(
    verifier: IsolatedVerifier,
    one: Pending,
    newest: tuple[int, bytes],
    only_kept: bool,
    stop: threading.Event,
) -> _Judged:
    path = Path(os.fsdecode(one.path))
    if stop.is_set():
        raise UsageError("stopped")
    shut = one.kept is not None and not only_kept and one.again and not os.access(path, os.R_OK)
    if one.kept is not None and (only_kept or shut or not one.again):
        found = verifier.judge_kept(
            one.kept, expected=one.sha256, target=one.name, like=one.window, sha256=one.read
        )
        if found is not None:
            if shut:
                found = replace(found, problems=(*found.problems, NOT_READ))
            return _Judged(found, found.archive is not None or one.name.lower().endswith(".pdf"), again=shut)
    if only_kept:
        return _Judged(None, pdf=False)
    if path.is_symlink():
        return _Judged(
            FileVerdict(
                target=one.name,
                verdict=Verdict.INDETERMINATE,
                sub_indication="FORMAT_FAILURE",
                problems=("Là liên kết, không phải tệp, nên không mở (a link, no file; it is not followed)",),
            ),
            pdf=False,
        )
    if _is_pdf(one):
        number, like = newest
        verdict, kept = verifier.read_file(path, expected=one.sha256, target=one.name, like=like)
        return _Judged(verdict, pdf=True, kept=kept, number=number)
    verdict = _hash_only(path, one)
    plain = Kept(to_bytes(Reading(sha256=verdict.sha256, opened=PLAIN)), b"") if verdict.sha256 else None
    return _Judged(verdict, pdf=False, kept=plain)


def _is_pdf(one: Pending) -> bool:
    """By name or by how it begins."""
    if one.name.lower().endswith(".pdf"):
        return True
    try:
        with Path(os.fsdecode(one.path)).open("rb") as file:
            return b"%PDF-" in file.read(1024)
    except OSError:
        return False


def _hash_only(path: Path, one: Pending) -> FileVerdict:
    """What is no PDF carries no signature that we judge; its hash can still be compared."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                digest.update(block)
    except OSError as error:
        return FileVerdict(
            target=one.name,
            verdict=Verdict.INDETERMINATE,
            sub_indication="FORMAT_FAILURE",
            problems=(f"Không đọc được tệp (the file cannot be read: {error.strerror})",),
        )
    fits = None if one.sha256 is None else digest.hexdigest() == one.sha256
    failed = fits is False
    told = () if fits else ("Mã băm khác danh sách (the hash is not the listed one)",)
    if fits is None:
        told = (no_pdf(one.name),)
    return FileVerdict(
        target=one.name,
        verdict=Verdict.FAILED if failed else Verdict.NOT_SIGNED,
        sub_indication="HASH_FAILURE" if failed else None,
        hash_ok=fits,
        sha256=digest.hexdigest(),
        problems=told,
    )


def totals(store: AuditStore) -> dict[str, Any]:
    """The figures of an audit, and what a sample says of the whole."""
    counts = store.counts()
    result: dict[str, Any] = {
        "files": store.population(),
        "checked": sum(counts.values()),
        "verdicts": counts,
    }
    if store.get("sample"):
        vi, en = sampling.statement(
            store.population(), int(store.get("sample") or 0), counts.get("TOTAL_FAILED", 0)
        )
        result["sample"] = {"size": int(store.get("sample") or 0), "seed": int(store.get("seed") or 0)}
        result["sample"] |= {"statement": en, "statement_vi": vi}
    return result
