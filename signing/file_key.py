"""A key in a PKCS#12 file: parsed once, again when the file was exchanged, gone when the file is gone."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import Unavailable, UsageError
from signing.keys import Identity, Scheme, from_pkcs12
from signing.pin import PinSource


class FileKey:
    """A key source over a PKCS#12 file. All that is wrong with it is Unavailable: documents wait for a right one."""

    def __init__(
        self, role: str, path: Path, password: PinSource, *, chain: Sequence[bytes] = (), pss: bool = False
    ) -> None:
        self._role = role
        self._path = path
        self._password = password
        self._above = tuple(chain)
        self._pss = pss
        self._parsed: tuple[tuple[int, int, int], Identity] | None = None
        self._refused: tuple[tuple[int, int, int], bytes] | None = None
        self._lock = threading.Lock()

    @property
    def certificate(self) -> bytes:
        return self._identity().certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        return tuple(dict.fromkeys([*self._above, *self._identity().chain]))

    @property
    def scheme(self) -> Scheme:
        return self._identity().scheme

    def sign_digest(self, digest: bytes) -> bytes:
        """Signature over a SHA-256 digest. Raises Unavailable."""
        return self._identity().sign_digest(digest)

    def close(self) -> None:
        """Forget the parsed key."""
        with self._lock:
            self._parsed = None

    def _identity(self) -> Identity:
        with self._lock:
            now = self._mark()
            if self._parsed is None or self._parsed[0] != now or not self._password.valid:
                self._parsed = None
                self._parsed = (now, self._open(now))
            return self._parsed[1]

    def _mark(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            self._parsed = None
            raise Unavailable(
                f"the {self._role}'s key file {self._path} is not there ({error.strerror}); documents wait for it",
                vi=f"Không có tệp khóa {self._path} ({self._role}); hãy đặt lại, văn bản chờ",
            ) from error
        if found.st_mode & 0o077:
            raise Unavailable(
                f"the {self._role}'s key file {self._path} is open to others; run `chmod 600` on it",
                vi=f"Tệp khóa {self._path} người khác đọc được; hãy chạy `chmod 600`",
            )
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _open(self, mark: tuple[int, int, int]) -> Identity:
        password = self._password.ask()
        tried = (mark, hashlib.sha256(b"sohoa pin" + password).digest())
        try:
            if tried == self._refused:  # deriving the key again costs time, and says the same
                raise UsageError("the password is wrong still", vi="vẫn sai mật khẩu")
            return from_pkcs12(self._path, password, pss=self._pss)
        except UsageError as error:
            self._refused = tried
            self._password.refused()
            raise Unavailable(
                f"the {self._role}'s key does not open: {error}",
                vi=f"Không mở được khóa ký ({self._role}): {error.vi}",
            ) from error
