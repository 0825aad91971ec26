"""A bucket's locks changed: longer, never shorter; legal holds; and versions removed where no lock stands."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

from minio.error import S3Error
from minio.retention import Retention

from storage.keeping import COMPLIANCE, GOVERNANCE
from storage.s3 import ABSENT
from storage.versions import Lock, VersionedBucket

WHOLE = timedelta(seconds=1)
"""A store keeps a lock's end to the second."""


class LockingBucket(VersionedBucket):
    """The verbs that change locks. Each may be repeated."""

    def extend(self, key: str, version_id: str, *, until: datetime, mode: str, now: datetime) -> bool:
        """Lock a version at least until a moment, at least in a mode; False when it was so, or the version is gone."""
        there = self.lock_of(key, version_id)
        if there is None:
            return False
        end = max(until, there.until) if there.until else until
        wanted = COMPLIANCE if COMPLIANCE in (mode, there.mode) else mode
        if end <= now or (there.until and there.until + WHOLE > end and there.mode == wanted):
            return False
        with self._errors():
            if there.mode == GOVERNANCE and wanted == COMPLIANCE and there.until and there.until > now:
                self._make_stricter(key, version_id, end)
            else:
                self._client.set_object_retention(
                    self.name, key, Retention(wanted, end), version_id=version_id
                )
        return True

    def _make_stricter(self, key: str, version_id: str, until: datetime) -> None:
        """A store takes any change of a GOVERNANCE lock's mode for a way around it, also this one.

        So the key needs BypassGovernanceRetention, and the SDK has no parameter for the header.
        """
        end = f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        body = (
            f'<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>{COMPLIANCE}</Mode>'
            f"<RetainUntilDate>{end}</RetainUntilDate></Retention>"
        ).encode()
        self._client._execute(
            "PUT",
            self.name,
            key,
            body=body,
            headers={
                "Content-MD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
                "x-amz-bypass-governance-retention": "true",
            },
            query_params={"retention": "", "versionId": version_id},
        )

    def put_hold(self, key: str, version_id: str, on: bool) -> bool:
        """Set or lift the legal hold of a version; False when it was so, or the version is gone."""
        there: Lock | None = self.lock_of(key, version_id)
        if there is None or there.hold == on:
            return False
        with self._errors():
            if on:
                self._client.enable_object_legal_hold(self.name, key, version_id=version_id)
            else:
                self._client.disable_object_legal_hold(self.name, key, version_id=version_id)
        return True

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove one version for good; one that is gone is no error.

        Raises UsageError when a lock or our key forbids it.
        """
        with self._errors():
            try:
                self._client.remove_object(self.name, key, version_id=version_id)
            except S3Error as error:
                if error.code not in ABSENT:
                    raise
