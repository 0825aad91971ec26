"""Files become ours: copied into the spool, flushed and hashed, before anybody is told that they are in.

Each folder is one batch (a stack, in natural order of file names), each multi-page file too. Names are
hostile: links, pipes and devices are refused, and every refusal stays visible as a rejected page.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pipeline.companions.matching import Matched, belongs_to
from pipeline.errors import DiskFull, UsageError
from pipeline.files import chunks, write_whole
from pipeline.model import Intake, Lane, Listed, Sha256, ShelfMark, SourceFile

SIDECARS = {
    ".json",
    ".csv",
    ".xlsx",
    ".xls",
    ".xml",
    ".txt",
    ".md",
    ".done",
    ".md5",
    ".sha256",
    ".ini",
    ".db",
    ".log",
}
"""Companions of scans that are no paper; they are named in the answer, never read as pages."""

COMPANIONS = {".json", ".csv", ".xlsx", ".xls", ".xml", ".txt"}
"""Those that may say something of the papers: kept with them, and read where `pipeline/companions` can."""

PARTIAL = {".part", ".tmp", ".crdownload", ".filepart"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What the person, the counter or a side-car said about a stack."""

    agency: str
    actor: str
    dossier: str | None = None
    procedure: str | None = None
    sheets: int | None = None
    sides: int | None = None
    lane: Lane | None = None
    shelf: ShelfMark | None = None
    companions: tuple[SourceFile, ...] = ()
    remarks: tuple[str, ...] = ()
    listed: Listed | None = None
    request: str | None = None


def natural(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key: `scan-2` before `scan-10`."""
    parts = re.split(r"(\d+)", unicodedata.normalize("NFC", path.name).casefold())
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)


def stacks(path: Path) -> Iterator[tuple[Path, tuple[Path, ...], tuple[Path, ...]]]:
    """Every (folder or file, its candidate files, what was passed over) at or below `path`."""
    if not path.exists() and not path.is_symlink():
        raise UsageError(f"{path} does not exist", vi=f"Không tìm thấy {path}")
    if path.is_symlink() or not path.is_dir():
        yield (path, (), (path,)) if is_companion(path) else (path, (path,), ())
        return
    try:
        entries = sorted(path.iterdir(), key=natural)
    except OSError:
        yield path, (path,), ()
        return
    files = [e for e in entries if e.is_symlink() or not e.is_dir()]
    passed = [e for e in files if passed_over(e)]
    taken = [e for e in files if e not in passed]
    if taken or passed:
        yield path, tuple(taken), tuple(passed)
    for folder in entries:
        if folder.is_dir() and not folder.is_symlink() and not folder.name.startswith("."):
            yield from stacks(folder)


def is_companion(path: Path) -> bool:
    """Whether a file is a side-car: what it says counts, but it is no page."""
    return path.suffix.lower() in COMPANIONS and not path.is_symlink() and not path.is_dir()


def companions_beside(found: Path, files: Sequence[Path]) -> list[Path]:
    """The side-cars of a folder; beside one file that was given by itself, those that bear its name."""
    alone = found if found.is_symlink() or not found.is_dir() else None
    try:
        there = sorted((found.parent if alone else found).iterdir(), key=natural)
    except OSError:
        return []
    shown = [path for path in there if is_companion(path) and not path.name.startswith((".", "~$"))]
    return [path for path in shown if alone is None or belongs_to(path.name, [alone.name]) is not None]


def passed_over(path: Path) -> bool:
    """Whether a file is none of the papers: hidden, a side-car, half copied."""
    name = path.name
    return name.startswith((".", "~$")) or name == "Thumbs.db" or path.suffix.lower() in SIDECARS | PARTIAL


def claim(path: Path, spool: Path, number: int, *, keep_free: int) -> SourceFile:
    """Copy one file into the spool. What cannot be taken becomes a SourceFile with a reason.

    Raises DiskFull when less than `keep_free` bytes would be left.
    """
    source = str(path.absolute())
    reason = _refusal(path)
    if reason is None:
        size = path.stat().st_size
        spool.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(spool).free < size + keep_free:
            raise DiskFull(
                f"not enough room in {spool} for {path.name}; free some space, then run the same command again",
                vi="Ổ đĩa sắp đầy, chưa nhận thêm; hãy giải phóng dung lượng rồi chạy lại lệnh",
            )
        target = spool / f"{number:06d}{_suffix(path)}"
        try:
            with path.open("rb") as stream:
                return SourceFile(
                    source=source, blob=write_whole(target, chunks(stream), "application/octet-stream")
                )
        except PermissionError:
            reason = "Không có quyền đọc tệp này (no permission to read this file)"
    empty = write_whole(spool / f"{number:06d}.refused", b"", "application/octet-stream")
    return SourceFile(source=source, blob=empty, reason=reason)


def _refusal(path: Path) -> str | None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return "Không nhận liên kết mềm (symbolic links are not taken)"
        if stat.S_ISDIR(mode):
            return "Không có quyền đọc thư mục này (no permission to read this folder)"
        if not stat.S_ISREG(mode):
            return "Không phải tệp thường (not a regular file: pipe, socket or device)"
    except OSError as error:
        return f"Không đọc được tệp này (cannot be read: {error.strerror})"
    return None


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else ".bin"


def batches(
    found: Path,
    files: tuple[SourceFile, ...],
    sides: Callable[[SourceFile], int],
    bound: Bound,
    received_at: datetime,
) -> Iterable[Intake]:
    """One intake for the single-page files of a folder together, and one for each multi-page file."""
    several = {file.source for file in files if sides(file) > 1}
    stack = tuple(file for file in files if file.source not in several)
    if stack:
        yield _intake(str(found.absolute()), stack, bound, received_at)
    for file in files:
        if file.source in several:
            yield _intake(file.source, (file,), bound, received_at)


def portions(
    files: Sequence[SourceFile], sides: Callable[[SourceFile], int], bound: Bound, matched: Matched
) -> list[tuple[Bound, tuple[SourceFile, ...]]]:
    """The files of a folder by what their side-cars say of them: those of one kind stay one stack, in order.

    A person's word and a side-car's that name two dossiers cancel each other: somebody has to look.
    """
    names = [Path(file.source).name for file in files]
    groups: dict[tuple[object, ...], list[tuple[Bound, SourceFile]]] = {}
    for name, file in zip(names, files, strict=True):
        said = _said(bound, matched, name)
        shelf = replace(said.shelf, leaf_from=None, leaf_to=None) if said.shelf else None
        key = (said.dossier, said.procedure, shelf, file.source if sides(file) > 1 else "")
        groups.setdefault(key, []).append((said, file))
    found = []
    rest = tuple(matched.remarks)
    for members in groups.values():
        inside = [Path(file.source).name for _, file in members]
        beside = tuple(
            one
            for one in bound.companions
            if (belongs_to(Path(one.source).name, names) or inside[0]) in inside
        )
        remarks = rest + tuple(text for said, _ in members for text in said.remarks)
        rest = ()
        told = replace(
            members[0][0],
            shelf=_joined([said.shelf for said, _ in members]),
            companions=beside,
            remarks=tuple(dict.fromkeys(remarks)),
        )
        found.append((told, tuple(file for _, file in members)))
    return found


def _said(bound: Bound, matched: Matched, name: str) -> Bound:
    """What holds for one file."""
    entry, remarks = matched.entries.get(name), list(matched.of_files.get(name, ()))
    if entry is None:
        return replace(bound, remarks=tuple(remarks))
    dossier = bound.dossier or entry.dossier
    if bound.dossier and entry.dossier and bound.dossier != entry.dossier:
        dossier = None
        remarks.append(
            f"{name}: người nhập gắn {bound.dossier}, tệp kèm ghi {entry.dossier}; chờ người quyết (they disagree)"
        )
    return replace(
        bound,
        dossier=dossier,
        procedure=bound.procedure or entry.procedure,
        shelf=entry.shelf,
        remarks=tuple(remarks),
    )


def _joined(marks: list[ShelfMark | None]) -> ShelfMark | None:
    """One mark for sides that differ in their leaves only."""
    if marks[0] is None:
        return None
    first = [mark.leaf_from for mark in marks if mark and mark.leaf_from is not None]
    last = [mark.leaf_to for mark in marks if mark and mark.leaf_to is not None]
    return replace(marks[0], leaf_from=min(first, default=None), leaf_to=max(last, default=None))


def batch_id(files: tuple[SourceFile, ...], bound: Bound, salt: str = "") -> str:
    """The same bytes in the same order for the same dossier are the same batch."""
    seed = "\n".join(
        [bound.agency, bound.dossier or "", salt, *(f.blob.sha256 + (f.reason or "") for f in files)]
    )
    return "b_" + Sha256(hashlib.sha256(seed.encode()).hexdigest())[:20]


def _intake(source: str, files: tuple[SourceFile, ...], bound: Bound, received_at: datetime) -> Intake:
    return Intake(
        id=batch_id(files, bound),
        source=source,
        agency=bound.agency,
        actor=bound.actor,
        received_at=received_at,
        files=files,
        dossier=bound.dossier,
        procedure=bound.procedure,
        sheets=bound.sheets,
        sides=bound.sides,
        lane=bound.lane,
        shelf=bound.shelf,
        companions=bound.companions,
        remarks=bound.remarks,
        listed=bound.listed,
        request=bound.request,
    )
