"""A backup folder: parts named by what they hold, and one sealed list for each run. Nothing in it is ever changed.

sohoa-backup.json        what this is; which key (not the key)
parts/ab/abcdef…         content in parts of at most 4 MiB, each written once
sets/20261125T070000Z-….set   one run: what the home held, as a list that is itself kept in parts
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.files import held_alone, write_whole
from storage.sealing import SCRYPT, Seal, key_from

PART = 4 << 20
HEADER = "sohoa-backup.json"
CONTRACT = "backup-1"
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Content:
    """What parts hold in order: digest and size of the whole, digests of the parts."""

    sha256: str
    size: int
    parts: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "size": self.size, "parts": list(self.parts)}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Content:
        return cls(str(values["sha256"]), int(values["size"]), tuple(map(str, values["parts"])))

    def sizes(self) -> Iterator[int]:
        """Size of each part in bytes."""
        for number in range(len(self.parts)):
            yield min(PART, self.size - number * PART)


@dataclass(slots=True)
class Written:
    """How much a run added."""

    parts: int = 0
    size: int = 0


class Vault:
    """One folder under one key. Threads may put at the same time."""

    def __init__(self, folder: Path, seal: Seal, identity: str) -> None:
        self.folder = folder
        self.seal = seal
        self.id = identity
        self.written = Written()
        self._counting = threading.Lock()

    @classmethod
    def make(cls, folder: Path, key_file: Path | None) -> Vault:
        """A new backup in an empty or absent folder. Raises UsageError when other things lie there."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(one.name != "lock" for one in folder.iterdir()):
            raise UsageError(
                f"{folder} is no backup and not empty; name an empty folder",
                vi=f"{folder} không phải bản sao lưu và không trống; hãy chọn thư mục trống",
            )
        salt = secrets.token_bytes(16)
        seal = Seal(key_from(key_file, salt) if key_file else None)
        header = {
            "contract": CONTRACT,
            "id": str(uuid.uuid4()),
            "created": datetime.now(UTC).isoformat(),
            "encrypted": seal.encrypts,
            "cipher": "AES-256-GCM" if seal.encrypts else None,
            "kdf": {"name": "scrypt", "salt": salt.hex(), **SCRYPT} if seal.encrypts else None,
            "check": seal.check,
        }
        write_whole(folder / HEADER, json.dumps(header, indent=1).encode(), "application/json")
        return cls(folder, seal, str(header["id"]))

    @classmethod
    def open(cls, folder: Path, key_file: Path | None) -> Vault:
        """A backup that is there. Raises UsageError for a wrong or missing key and for what is no backup."""
        try:
            header = json.loads((folder / HEADER).read_text("utf-8"))
            encrypted, salt = bool(header["encrypted"]), (header["kdf"] or {}).get("salt", "")
            known = header["contract"] == CONTRACT
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{folder} is no sohoa backup ({HEADER} is missing or damaged)",
                vi=f"{folder} không phải bản sao lưu của sohoa (thiếu hoặc hỏng {HEADER})",
            ) from error
        if not known:
            raise UsageError(f"{folder} is a backup of contract {header['contract']}, not {CONTRACT}")
        if encrypted and key_file is None:
            raise UsageError(
                f"the backup {folder} is encrypted; name its key: SOHOA_BACKUP_KEY_FILE",
                vi=f"Bản sao lưu {folder} đã mã hóa; cần khóa: SOHOA_BACKUP_KEY_FILE",
            )
        seal = Seal(key_from(key_file, bytes.fromhex(salt)) if encrypted and key_file else None)
        if seal.check != header["check"]:
            raise UsageError(
                f"the key {key_file} is not the one of the backup {folder}",
                vi=f"Khóa {key_file} không phải khóa của bản sao lưu {folder}",
            )
        return cls(folder, seal, str(header["id"]))

    @staticmethod
    def is_one(folder: Path) -> bool:
        return (folder / HEADER).exists()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for writing, rid of what a killed run left. Raises Unavailable when another one writes."""
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        busy = Unavailable(
            f"another backup writes to {self.folder}", vi=f"Một lần sao lưu khác đang ghi vào {self.folder}"
        )
        with held_alone(handle, busy, locks_needed=False):
            for left in (*self.folder.glob("parts/*/.part-*"), *self.folder.glob("sets/.part-*")):
                left.unlink(missing_ok=True)
            yield

    def put(self, blocks: Iterable[bytes]) -> Content:
        """Keep content, given in blocks of any size; what is there already is not written again."""
        whole, names, size = hashlib.sha256(), [], 0
        for block in _in_parts(blocks):
            whole.update(block)
            size += len(block)
            names.append(self._put_part(block))
        return Content(whole.hexdigest(), size, tuple(names))

    def put_file(self, path: Path) -> Content:
        with path.open("rb") as stream:
            return self.put(_blocks(stream))

    def has(self, content: Content) -> bool:
        """Whether every part lies there in its full size."""
        for sha256, size in zip(content.parts, content.sizes(), strict=True):
            try:
                if self._path(self.seal.name(sha256)).stat().st_size != self.seal.size(size):
                    return False
            except FileNotFoundError:
                return False
        return True

    def read(self, content: Content) -> Iterator[bytes]:
        """The content part by part, each checked. Raises Tampered, at the end also for the whole."""
        whole = hashlib.sha256()
        for sha256 in content.parts:
            block = self._read_part(sha256)
            whole.update(block)
            yield block
        if whole.hexdigest() != content.sha256:
            raise Tampered("parts of the backup do not make the whole that its list names")

    def sets(self) -> list[str]:
        """Ids of all runs, oldest first."""
        folder = self.folder / "sets"
        return sorted(one.stem for one in folder.glob("*.set")) if folder.is_dir() else []

    def write_set(self, values: dict[str, Any], lines: Path) -> str:
        """Make a run count: its list, a line an item, and `values` about it. Returns its id."""
        identity = f"{datetime.now(UTC):%Y%m%dT%H%M%S}{datetime.now(UTC).microsecond:06d}Z"
        content = {**values, "id": identity, "listing": self.put_file(lines).to_json()}
        name = self.seal.name(f"set:{identity}")
        sealed = self.seal.seal(json.dumps(content, ensure_ascii=False).encode(), name)
        write_whole(self.folder / "sets" / f"{identity}.set", sealed, OCTETS)
        return identity

    def read_set(self, identity: str | None = None) -> dict[str, Any]:
        """What is known of a run, the newest unless one is named. Raises UsageError, Tampered."""
        known = self.sets()
        if not known:
            raise UsageError(
                f"{self.folder} holds no finished backup; run `sohoa backup` again",
                vi=f"{self.folder} chưa có lần sao lưu nào hoàn tất; hãy chạy lại `sohoa backup`",
            )
        if identity is not None and identity not in known:
            raise UsageError(f"{self.folder} has no set {identity}; there are {', '.join(known[-5:])}")
        name = identity or known[-1]
        path = self.folder / "sets" / f"{name}.set"
        content = self.seal.open(path.read_bytes(), self.seal.name(f"set:{name}"), path)
        found = json.loads(content)
        if not isinstance(found, dict) or found.get("id") != name:
            raise Tampered(
                f"{path} is the list of another run", vi=f"{path} là danh sách của lần sao lưu khác"
            )
        return found

    def items(self, run: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every item of a run, read as it is asked for."""
        rest = b""
        for block in self.read(Content.of(run["listing"])):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def _put_part(self, block: bytes) -> str:
        sha256 = hashlib.sha256(block).hexdigest()
        name = self.seal.name(sha256)
        path = self._path(name)
        if not path.exists() or path.stat().st_size != self.seal.size(len(block)):
            write_whole(path, self.seal.seal(block, name), OCTETS)
            _forget(path)
            if self._read_part(sha256) != block:
                raise Tampered(f"{path} reads back other bytes than were written")
            with self._counting:
                self.written.parts += 1
                self.written.size += len(block)
        return sha256

    def _read_part(self, sha256: str) -> bytes:
        name = self.seal.name(sha256)
        path = self._path(name)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError as error:
            raise Tampered(f"{path} is missing in the backup", vi=f"Bản sao lưu thiếu tệp {path}") from error
        block = self.seal.open(sealed, name, path)
        if hashlib.sha256(block).hexdigest() != sha256:
            raise Tampered(f"{path} is damaged", vi=f"Tệp sao lưu {path} bị hỏng")
        return block

    def _path(self, name: str) -> Path:
        return self.folder / "parts" / name[:2] / name


def _in_parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for block in blocks:
        gathered += block
        while len(gathered) >= PART:
            yield bytes(gathered[:PART])
            del gathered[:PART]
    if gathered:
        yield bytes(gathered)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(PART):
        yield block


def _forget(path: Path) -> None:
    """Have the read-back come from the disk, not from memory, as far as the system can."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
