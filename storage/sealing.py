"""Parts of a backup sealed and opened: AES-256-GCM under keys made from one key file, or plain in demo mode.

A part is at most a few megabytes, so it is sealed in one call and memory stays flat. Each part has a key of its own
(HKDF over a random salt), and its name is authenticated with it: a part under another's name does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pipeline.errors import Tampered, UsageError

MAGIC = b"sohoa-backup-1\n"
PLAIN, SEALED = b"\0", b"\1"
SALT, NONCE, TAG, NAME = 16, 12, 16, 32
LEAST_KEY, MOST_KEY = 32, 64 << 10
"""A key file holds at least 32 bytes; a short password is none."""
SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
REMEDY = "head -c 32 /dev/urandom | base64 > KEY && chmod 600 KEY"


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals under a key, or not at all when there is none. `name` of a part is 64 hexadecimal digits."""

    key: bytes | None = field(default=None, repr=False)

    @property
    def encrypts(self) -> bool:
        return self.key is not None

    @property
    def check(self) -> str:
        """Tells this key from another one, and nothing more of it."""
        return "" if self.key is None else hmac.new(self.key, b"check", hashlib.sha256).hexdigest()

    def name(self, identity: str) -> str:
        """Name of the part that holds what `identity` says (a SHA-256 of content, or `set:ID`).

        Keyed, so that who sees the folder cannot tell whether a file that he knows is in there.
        """
        if self.key is None:
            return hashlib.sha256(f"name\n{identity}".encode()).hexdigest()
        return hmac.new(self.key, f"name\n{identity}".encode(), hashlib.sha256).hexdigest()

    def size(self, content: int) -> int:
        """Bytes of a part on the disk that holds so many bytes of content."""
        return len(MAGIC) + 1 + NAME + content + (SALT + NONCE + TAG if self.encrypts else 0)

    def seal(self, content: bytes, name: str) -> bytes:
        """The part as it stands on the disk."""
        if self.key is None:
            return MAGIC + PLAIN + bytes.fromhex(name) + content
        head = MAGIC + SEALED + bytes.fromhex(name)
        salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
        return head + salt + nonce + AESGCM(self._part_key(salt)).encrypt(nonce, content, head)

    def open(self, sealed: bytes, name: str, where: Path) -> bytes:
        """The content of a part. Raises Tampered when it is damaged or another part's."""
        head, rest = sealed[: len(MAGIC) + 1 + NAME], sealed[len(MAGIC) + 1 + NAME :]
        if len(head) < len(MAGIC) + 1 + NAME or not head.startswith(MAGIC):
            raise _damaged(where)
        if head[-NAME:] != bytes.fromhex(name):
            raise Tampered(
                f"{where} holds another part of the backup than its name says: files were swapped",
                vi=f"{where} chứa phần khác với tên của nó: tệp sao lưu đã bị tráo",
            )
        if self.key is None:
            if head[len(MAGIC) : len(MAGIC) + 1] != PLAIN:
                raise _damaged(where)
            return rest
        try:
            salt, nonce = rest[:SALT], rest[SALT : SALT + NONCE]
            return AESGCM(self._part_key(salt)).decrypt(nonce, rest[SALT + NONCE :], head)
        except (InvalidTag, ValueError) as error:
            raise _damaged(where) from error

    def _part_key(self, salt: bytes) -> bytes:
        assert self.key is not None
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"sohoa backup part").derive(self.key)


def key_from(file: Path, salt: bytes) -> bytes:
    """The key that a key file stands for in the backup with this salt. Raises UsageError for a file that is no key."""
    if not file.is_absolute():
        raise UsageError(f"backup.key_file {file} must be an absolute path")
    try:
        mode = file.stat().st_mode
        content = file.read_bytes() if stat.S_ISREG(mode) and file.stat().st_size <= MOST_KEY else b""
    except OSError as error:
        raise UsageError(
            f"the backup key {file} cannot be read ({error.strerror})",
            vi=f"Không đọc được khóa sao lưu {file}",
        ) from error
    if mode & stat.S_IROTH and os.name == "posix":
        raise UsageError(
            f"everybody can read the backup key {file}; chmod 600 it",
            vi=f"Ai cũng đọc được khóa {file}; chạy chmod 600",
        )
    if len(content.strip()) < LEAST_KEY:
        raise UsageError(
            f"{file} is no backup key: it needs {LEAST_KEY} bytes or more; make one: {REMEDY}",
            vi=f"{file} không phải khóa sao lưu (cần ít nhất {LEAST_KEY} byte); tạo khóa: {REMEDY}",
        )
    return Scrypt(salt=salt, length=32, **SCRYPT).derive(content.strip())


def _damaged(where: Path) -> Tampered:
    return Tampered(
        f"{where} is damaged: remove it and run `sohoa backup` again while the home still holds its content",
        vi=f"Tệp sao lưu {where} bị hỏng; xóa nó rồi chạy lại `sohoa backup` khi kho vẫn còn nội dung",
    )
