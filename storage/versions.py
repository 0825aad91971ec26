"""A bucket version by version: read with its lock, put again elsewhere in the same order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from minio.error import S3Error

from pipeline.errors import Tampered
from pipeline.files import chunks
from storage.s3 import ABSENT, Bucket, view_of

SOON = timedelta(seconds=30)
"""A lock that ends sooner is over before the store has looked at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """How a version is locked: mode and end of its retention, and whether it is on legal hold."""

    mode: str | None = None
    until: datetime | None = None
    hold: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"mode": self.mode, "until": self.until.isoformat() if self.until else None, "hold": self.hold}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Lock:
        until = values.get("until")
        return cls(
            mode=values.get("mode"),
            until=datetime.fromisoformat(until) if until else None,
            hold=bool(values.get("hold")),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One version being read: what it is called by the store, and its bytes."""

    media_type: str
    lock: Lock
    blocks: Iterator[bytes]


class VersionedBucket(Bucket):
    """The verbs that know versions and locks."""

    @contextmanager
    def reading(self, key: str, version_id: str | None) -> Iterator[Reading]:
        """A version as a stream. Raises Tampered when it is gone, Unavailable."""
        with self._errors():
            try:
                with self._open(key, version_id) as stream:
                    media_type = stream.headers.get("Content-Type") or "application/octet-stream"
                    yield Reading(media_type, _lock(stream.headers), iter(chunks(stream)))
            except S3Error as error:
                if error.code in ABSENT:
                    raise Tampered(f"{key} is missing in the store", vi=f"{key} đã mất trong kho") from error
                raise

    def lock_of(self, key: str, version_id: str | None) -> Lock | None:
        """How a version is locked now, None when it is gone."""
        with self._errors():
            try:
                found = self._client.stat_object(self.name, key, version_id=version_id)
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise
        return _lock(found.metadata or {})

    def put_version(
        self, key: str, content: bytes | Path, *, sha256: str, media_type: str, lock: Lock
    ) -> str | None:
        """Put one more version at a key, locked as it was unless that is over; returns its id."""
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Content-Type": media_type,
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
        }
        if lock.mode and lock.until and lock.until > datetime.now(UTC) + SOON:
            headers["x-amz-object-lock-mode"] = lock.mode
            headers["x-amz-object-lock-retain-until-date"] = lock.until.astimezone(UTC).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            )
        if lock.hold:
            headers["x-amz-object-lock-legal-hold"] = "ON"
        with view_of(content) as data:
            if hashlib.sha256(data).hexdigest() != sha256:
                raise Tampered(f"{key}: the bytes to be put are not the ones that were recorded")
            with self._errors():
                answer: Any = self._client._execute("PUT", self.name, key, body=data, headers=headers)  # type: ignore[arg-type]
        return str(answer.headers.get("x-amz-version-id") or "") or None

    def hide(self, key: str) -> None:
        """Put a delete marker over a key. Raises UsageError when our key may not."""
        self.delete(key)


def _lock(headers: Any) -> Lock:
    found = {str(name).lower(): value for name, value in headers.items()}
    until = found.get("x-amz-object-lock-retain-until-date")
    return Lock(
        mode=found.get("x-amz-object-lock-mode"),
        until=datetime.fromisoformat(until) if until else None,
        hold=str(found.get("x-amz-object-lock-legal-hold", "")).upper() == "ON",
    )
