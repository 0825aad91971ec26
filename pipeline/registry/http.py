"""HTTP to other systems, and only here: no redirects, bounded answers, secrets in headers and nowhere else."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from pipeline.errors import Unavailable, UsageError
from pipeline.registry.connector import RegisteredDossier, RequestSlice, Slice, registered
from pipeline.registry.scan_request import ScanRequest, scan_request

MOST_BYTES = 32 << 20
MOST_SLICES = 10_000
SLICE = 500
T = TypeVar("T")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class HttpClient:
    """One address of one other system."""

    def __init__(self, url: str, *, timeout: float) -> None:
        """Raises UsageError when the address is not https, but for this machine itself."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
            raise UsageError(
                "an address of another system is a plain https address, without a password in it"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise UsageError(
                f"the address at {parts.hostname} must be https: citizens' data go there",
                vi=f"Địa chỉ {parts.hostname} phải là https vì có dữ liệu công dân",
            )
        self.host = parts.netloc
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=min(timeout, 10.0), read=timeout),
            retries=False,
            cert_reqs="CERT_REQUIRED",
        )

    def ask(self, path: str, headers: dict[str, str]) -> Any | None:
        """GET a JSON document; None on 404. Raises Unavailable."""
        status, content = self._send("GET", path, headers, None)
        if status == 404:
            return None
        if status != 200:
            raise Unavailable(f"{self.host} answered {status}", vi=f"Hệ thống {self.host} trả lời {status}")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Unavailable(
                f"{self.host} sent no JSON", vi=f"Hệ thống {self.host} trả về sai dạng"
            ) from error

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        """POST to the address itself; returns the status. Raises Unavailable when nobody answers."""
        return self._send("POST", "", headers, body)[0]

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        try:
            answer = self._pool.request(
                method, self._url + path, headers=headers, body=body, redirect=False, preload_content=False
            )
            try:
                content = answer.read(MOST_BYTES + 1, decode_content=True)
                status = answer.status
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            # the error's own text may hold the address; its class says enough
            reason = type(error).__name__
            raise Unavailable(
                f"{self.host} cannot be reached ({reason})", vi=f"Không kết nối được {self.host} ({reason})"
            ) from None
        if len(content) > MOST_BYTES:
            raise Unavailable(f"{self.host} sent too much", vi=f"Hệ thống {self.host} trả về quá nhiều")
        return status, content


class HttpRegistry:
    """A registry that speaks docs/registry.openapi.json."""

    def __init__(self, client: HttpClient, *, token: Callable[[], str | None]) -> None:
        self.name = client.host
        self._client = client
        self._token = token

    def slices(self, place: str) -> Iterator[Slice]:
        """Pages of at most 500 until the system says that there is no more."""
        for found, there, more, problems in self._pages("dossiers", place, registered):
            yield Slice(found, there, more, problems)

    def lookup(self, code: str) -> RegisteredDossier | None:
        """Raises Unavailable, also when the answer is about something else."""
        found = self._one("dossiers", code, registered)
        return found if found and found.code == code else None

    def requests(self, place: str) -> Iterator[RequestSlice]:
        """As for dossiers; a system that answers 404 makes no requests."""
        for found, there, more, problems in self._pages("scan-requests", place, scan_request, optional=True):
            yield RequestSlice(found, there, more, problems)

    def request(self, name: str) -> ScanRequest | None:
        """Raises Unavailable, also when the answer is about something else."""
        found = self._one("scan-requests", name, scan_request)
        return found if found and found.id == name else None

    def _pages(
        self, what: str, place: str, read: Callable[[Mapping[str, Any]], T], *, optional: bool = False
    ) -> Iterator[tuple[tuple[T, ...], str, bool, tuple[str, ...]]]:
        key = what.replace("scan-", "")
        for _ in range(MOST_SLICES):
            query = urlencode({"limit": SLICE, **({"since": place} if place else {})})
            raw = self._client.ask(f"/{what}?{query}", self._headers())
            if raw is None and optional:
                return
            if not isinstance(raw, dict) or not isinstance(raw.get(key), list):
                raise Unavailable(
                    f"{self.name} sent no list of {key}",
                    vi=f"Hệ thống {self.name} không trả về danh sách {key}",
                )
            found, problems = [], []
            for item in raw[key]:
                try:
                    found.append(read(item if isinstance(item, dict) else {}))
                except ValueError as error:
                    problems.append(str(error))
            following = raw.get("next")
            following = following if isinstance(following, str) and len(following) <= 500 else place
            more = raw.get("more") is True
            yield tuple(found), following, more, tuple(problems)
            if not more or following == place:
                return
            place = following

    def _one(self, what: str, name: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        raw = self._client.ask(f"/{what}/{quote(name, safe='')}", self._headers())
        if raw is None:
            return None
        try:
            return read(raw if isinstance(raw, dict) else {})
        except ValueError as error:
            raise Unavailable(f"{self.name}: {error}", vi=f"Hệ thống {self.name}: {error}") from error

    def _headers(self) -> dict[str, str]:
        token = self._token()
        return {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}


def signed_headers(secret: str, body: bytes, *, event: str, delivery: str, media_type: str) -> dict[str, str]:
    """Headers of a message: `X-Sohoa-Signature: sha256=HMAC(secret, timestamp "." body)`, time in seconds since 1970.

    The time is signed too, so that a message that was overheard cannot be sent again later.
    """
    moment = str(int(time.time()))
    signature = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": media_type,
        "X-Sohoa-Event": event,
        "X-Sohoa-Delivery": delivery,
        "X-Sohoa-Timestamp": moment,
        "X-Sohoa-Signature": f"sha256={signature}",
    }
