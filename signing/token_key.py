"""A key on a PKCS#11 token or HSM. It may be pulled out at any moment and comes back by itself.

The module lives in a child process (`token_host`). A failed signature is tried once more on a new child; what is
signed is checked against the certificate before anybody sees it. A wrong PIN is never offered twice, since a token
locks itself after a few.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Unavailable
from signing.keys import Scheme, fits, holder, scheme_of
from signing.pin import PinSource

SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where a key is: the driver (`.so`), the token's label or slot number, the key's label or hexadecimal id."""

    module: Path
    token: str | None = None
    slot: int | None = None
    label: str | None = None
    id: str | None = None


class TokenFault(Unavailable):
    """What is wrong with a token, as a sentence; `word` is its key in FAULTS."""

    word = "driver"


class TokenKey:
    """A key source on a token. `certificate` in a file is for tokens that hold only the key."""

    def __init__(
        self,
        role: str,
        place: TokenPlace,
        pin: PinSource,
        *,
        certificate: bytes | None = None,
        chain: Sequence[bytes] = (),
        pss: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._role = role
        self._place = place
        self._pin = pin
        self._given = certificate
        self._known = certificate
        self._above = tuple(chain)
        self._on_token: tuple[bytes, ...] = ()
        self._pss = pss
        self._seconds = seconds
        self._host: _Host | None = None
        self._refused: bytes | None = None
        self._lock = threading.Lock()

    @property
    def certificate(self) -> bytes:
        """DER of the certificate beside the key. Raises Unavailable while the token was never seen."""
        with self._lock:
            if self._known is None:
                self._open()
            assert self._known is not None
            return self._known

    @property
    def chain(self) -> tuple[bytes, ...]:
        return tuple(dict.fromkeys([*self._above, *self._on_token]))

    @property
    def scheme(self) -> Scheme:
        return scheme_of(self.certificate, pss=self._pss)

    def sign_digest(self, digest: bytes) -> bytes:
        """Signature over a SHA-256 digest. Raises Unavailable with what is wrong with the token."""
        with self._lock:
            if not self._pin.valid:  # the shift is over
                self._close()
            if self._host is not None:
                try:
                    return self._signed(self._host, digest)
                except Unavailable:
                    self._close()  # handles of a token that was away are worth nothing
            known = self._known
            host = self._open()
            if known is not None and self._known != known:
                raise Unavailable(
                    f"another token with another certificate is in the reader for the {self._role}; trying again",
                    vi=f"Đã cắm token khác có chứng thư khác ({self._role}); sẽ thử lại",
                )
            try:
                return self._signed(host, digest)
            except Unavailable:
                self._close()
                raise

    def close(self) -> None:
        """End the driver's process; the PIN in it is gone with it."""
        with self._lock:
            self._close()

    def _signed(self, host: _Host, digest: bytes) -> bytes:
        assert self._known is not None
        scheme = scheme_of(self._known, pss=self._pss)
        asked = {"verb": "sign", "digest": base64.b64encode(digest).decode(), "scheme": scheme.value}
        signature = base64.b64decode(self._told(host.ask(asked))["signature"])
        if not fits(self._known, scheme, digest, signature):
            raise Unavailable(
                f"the token of {holder(self._known)} gave a signature that does not fit its certificate",
                vi=f"Token của {holder(self._known)} ký không khớp chứng thư; hãy kiểm tra token",
            )
        return signature

    def _open(self) -> _Host:
        if self._host is not None:
            return self._host
        pin = self._pin.ask()
        mark = hashlib.sha256(b"sohoa pin" + pin).digest()
        if mark == self._refused:
            raise self._fault("pin_wrong", "")
        place = self._place
        host = _Host(self._seconds)
        try:
            told = self._told(
                host.ask(
                    {
                        "verb": "open",
                        "module": str(place.module),
                        "token": place.token,
                        "slot": place.slot,
                        "label": place.label,
                        "id": place.id,
                        "pin": base64.b64encode(pin).decode(),
                        "by_hand": self._pin.by_hand,
                    }
                )
            )
            own = self._given or (base64.b64decode(told["own"]) if told["own"] else None)
            if own is None:
                raise self._fault("no_certificate", "")
        except TokenFault as fault:
            host.close()
            if fault.word == "pin_wrong":
                self._refused = mark
                self._pin.refused()
            raise
        self._refused = None
        self._known = own
        others = (base64.b64decode(one) for one in told["certificates"])
        self._on_token = tuple(one for one in others if one != own)
        self._host = host
        return host

    def _close(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    def _told(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "fault" in answer:
            raise self._fault(str(answer["fault"]), str(answer.get("text", "")))
        return answer

    def _fault(self, word: str, text: str) -> TokenFault:
        english, vietnamese = FAULTS.get(word, FAULTS["driver"])
        more = f" ({text})" if text else ""
        fault = TokenFault(
            f"the {self._role}'s token: {english}{more}", vi=f"Token ký ({self._role}): {vietnamese}{more}"
        )
        fault.word = word
        return fault


FAULTS = {
    "absent": (
        "it is not in the reader; put it in, documents wait and are signed then",
        "chưa cắm; hãy cắm lại, văn bản chờ và sẽ được ký",
    ),
    "pin_wrong": (
        "wrong PIN; it is not tried again by itself: give the right one in the PIN file or by `sohoa sign unlock`",
        "sai PIN; máy không tự thử lại: sửa tệp PIN hoặc chạy `sohoa sign unlock`",
    ),
    "pin_locked": (
        "its PIN is locked after too many wrong ones; unlock it with the vendor's tool",
        "PIN đã bị khóa do nhập sai nhiều lần; hãy mở khóa bằng công cụ của nhà cung cấp",
    ),
    "last_try": (
        "one try of the PIN is left, and that is a person's: run `sohoa sign unlock`",
        "chỉ còn một lần thử PIN; hãy tự nhập bằng `sohoa sign unlock`",
    ),
    "no_key": ("it holds no such key; see label and id", "không có khóa này; xem lại label, id"),
    "many_keys": ("several keys fit; name one by label or id", "có nhiều khóa; hãy nêu label hoặc id"),
    "many_tokens": (
        "several tokens fit; name one by token or slot",
        "có nhiều token; hãy nêu token hoặc slot",
    ),
    "no_certificate": (
        "it holds no certificate for the key; name a file as `certificate`",
        "không có chứng thư của khóa; hãy nêu tệp ở `certificate`",
    ),
    "module": ("its driver cannot be loaded", "không nạp được trình điều khiển (module)"),
    "driver": ("its driver fails; it is tried again", "trình điều khiển lỗi; sẽ thử lại"),
    "silent": (
        "its driver does not answer; it is started anew",
        "trình điều khiển không trả lời; sẽ khởi động lại",
    ),
}


class _Host:
    """The child and its pipes. Used by one thread at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._child = subprocess.Popen(
            [sys.executable, "-m", "signing.token_host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The child's answer, or a fault when it died or is silent."""
        assert self._child.stdin is not None and self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
            line = self._line(self._child.stdout.fileno())
            answer: dict[str, Any] = json.loads(line) if line else {"fault": "driver", "text": "died"}
        except (OSError, ValueError):
            answer = {"fault": "driver", "text": "died"}
        except TimeoutError:
            answer = {"fault": "silent", "text": ""}
        return answer

    def _line(self, handle: int) -> bytes:
        deadline, line = time.monotonic() + self._seconds, b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise TimeoutError
            block = os.read(handle, 65536)
            if not block:
                return b""
            line += block
        return line

    def close(self) -> None:
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._child.wait()
