"""A bucket behind a few verbs, over the `minio` SDK; its types and errors stay in this file.

Every object goes up with its SHA-256, checked by the server. Conditional writes need the header
If-None-Match, for which the SDK has no parameter: passed as metadata it would silently overwrite, so one
private call sends it (`_put`), and a test holds it to a 412. A server that ignores the condition is found at start
(`keeps_conditions`); on one the writers of a key are put in line by the database (storage/write_once.py).
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import mmap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, GOVERNANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.files import chunks, write_whole
from pipeline.model import Blob, Sha256, StoredObject
from storage.write_once import Turn

T = TypeVar("T")
ABSENT = {"NoSuchKey", "NoSuchVersion", "NoSuchObject"}
_OUR_FAULT = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"}
ONCE = "s/once"
BODY_TRIES = 3
"""A body that broke off half way is asked for again so often; the HTTP client repeats only what fails before it."""
PATIENCE = 4
"""Tries more: some three seconds in all. Whoever waits longer is the engine, which shows that it waits."""


_Headers = dict[str, str | list[str] | tuple[str]]


class AlreadyThere(Exception):
    """The key holds an object already; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An S3 endpoint and one identity there; `repr` hides the secret. `timeout` is for an answer, in seconds.

    `turn` is set where the store does not see to it that a key is written once.
    """

    host: str
    secure: bool
    access_key: str
    secret_key: str = field(repr=False)
    region: str
    bucket: str
    timeout: float = 60.0
    turn: Turn | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version at a key. `deleted` marks a delete marker: it hides the versions below it, which stay."""

    key: str
    version_id: str
    latest: bool
    deleted: bool
    size: int
    modified: datetime


class Bucket:
    """One bucket as one identity. `patient` retries what a busy or restarting server refuses."""

    def __init__(self, endpoint: Endpoint, *, patient: bool = True) -> None:
        retries = urllib3.Retry(
            total=PATIENCE if patient else 0,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
        )
        self.name = endpoint.bucket
        self._tries = BODY_TRIES if patient else 1
        self._host = endpoint.host
        self._turn = endpoint.turn
        self._client = Minio(
            endpoint.host,
            access_key=endpoint.access_key,
            secret_key=endpoint.secret_key,
            secure=endpoint.secure,
            region=endpoint.region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=5, read=endpoint.timeout), maxsize=16, retries=retries
            ),
        )

    def ensure(self) -> None:
        """Create the bucket with versioning and Object Lock when it is missing. Needs the admin identity."""
        with self._errors():
            if not self._client.bucket_exists(self.name):
                self._client.make_bucket(self.name, object_lock=True)
            self._client.set_bucket_versioning(self.name, VersioningConfig(ENABLED))

    def ready_for_records(self) -> None:
        """Make the bucket when it is missing and we may; refuse one without Object Lock.

        Raises UsageError with what to do, Unavailable when the store does not answer. What our key may not ask is
        left to the first locked write, which a bucket without Object Lock refuses.
        """
        try:
            self.ensure()
            with self._errors():
                self._client.get_object_lock_config(self.name)
        except UsageError as error:
            if error.__cause__ is None or getattr(error.__cause__, "code", "") != "AccessDenied":
                raise
        except Unavailable as error:
            if getattr(error.__cause__, "code", "") != "ObjectLockConfigurationNotFoundError":
                raise
            raise UsageError(
                f"the bucket {self.name} has no Object Lock; name another one, or make it anew with Object Lock",
                vi=f"Bucket {self.name} chưa bật Object Lock; hãy dùng bucket khác có Object Lock",
            ) from error

    def deny_deletion(self, user: str) -> None:
        """A bucket policy that refuses every deletion to `user`."""
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                    "Resource": [f"arn:aws:s3:::{self.name}/*"],
                    "Condition": {"StringEquals": {"aws:username": user}},
                }
            ],
        }
        with self._errors():
            self._client.set_bucket_policy(self.name, json.dumps(policy))

    def probe(self) -> None:
        """Write and read one small object, at a key of its own. Raises Unavailable."""
        content = datetime.now(UTC).isoformat().encode()
        with self._errors():
            self._client.put_object(self.name, "s/probe", io.BytesIO(content), len(content))
            if self._bytes("s/probe") != content:
                raise Unavailable("the store returned other bytes than were written")

    def keeps_conditions(self) -> bool:
        """Whether the store refuses a second write to a key when told to. Some answer 200 and overwrite.

        It is asked at a key of its own, which from then on is there: the next start costs one request.
        """
        content = b"If-None-Match"
        headers = _headers(Sha256(hashlib.sha256(content).hexdigest()), "text/plain", None)
        for _ in range(2):
            try:
                self._put(ONCE, memoryview(content), headers)
            except AlreadyThere:
                return True
        return False

    def put_new(
        self, key: str, content: bytes | Path, *, sha256: Sha256, media_type: str, lock_until: datetime | None
    ) -> StoredObject:
        """Write an object that must not exist yet. Raises AlreadyThere, Unavailable, Tampered."""
        with view_of(content) as data:
            if hashlib.sha256(data).hexdigest() != sha256:
                raise Tampered(f"{key}: the bytes to be stored are not the ones that were recorded")
            headers = _headers(sha256, media_type, lock_until)
            version = (
                self._put_in_turn(key, data, sha256, headers) if self._turn else self._put(key, data, headers)
            )
            return StoredObject(key=key, sha256=sha256, size=len(data), version_id=version)

    def _put_in_turn(self, key: str, data: memoryview, sha256: Sha256, headers: _Headers) -> str | None:
        """Look and write while nobody else may; then look whether a write that was given up has come late."""
        assert self._turn is not None
        with self._turn(key):
            before = self._versions_at(key)
            if any(one.latest and not one.deleted for one in before):
                raise AlreadyThere(key)
            version = self._put(key, data, headers)
            known = {one.version_id for one in before} | {version}
            for one in self._versions_at(key):
                if one.version_id not in known and self.hash(key, version_id=one.version_id) != sha256:
                    raise Unavailable(
                        f"another write of {key} came late and lies over ours; the next try goes on from there",
                        vi="Có lệnh ghi cũ đến muộn trên cùng đối tượng; sẽ thử lại",
                    )
            return version

    def _versions_at(self, key: str) -> list[Version]:
        return [one for one in self.versions(key) if one.key == key]

    def _put(self, key: str, data: memoryview, headers: _Headers) -> str | None:
        with self._errors():
            try:
                answer: Any = self._client._execute(
                    "PUT",
                    self.name,
                    key,
                    body=data,  # type: ignore[arg-type]  # any buffer goes through, unread and uncopied
                    headers=headers,
                )
            except S3Error as error:
                if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                    raise AlreadyThere(key) from error
                raise
        return str(answer.headers.get("x-amz-version-id") or "") or None

    def stat(self, key: str) -> StoredObject | None:
        """Size and version of the newest object at a key, None when there is none. The hash is not checked."""
        with self._errors():
            try:
                found = self._client.stat_object(self.name, key)
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise
        return StoredObject(
            key=key, sha256=Sha256(""), size=int(found.size or 0), version_id=found.version_id
        )

    def read(self, key: str, *, version_id: str | None = None) -> bytes | None:
        """The whole object, None when it is missing."""
        with self._errors():
            try:
                return self._whole(lambda: self._bytes(key, version_id))
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise

    def hash(self, key: str, *, version_id: str | None = None) -> Sha256 | None:
        """SHA-256 of what the store returns now, None when the object is missing."""
        found = self.hashes(key, "sha256", version_id=version_id)
        return Sha256(found[0]) if found else None

    def hashes(self, key: str, *algorithms: str, version_id: str | None = None) -> list[str] | None:
        """Digests by several algorithms of what the store returns now, None when the object is missing."""

        def walk() -> list[str]:
            digests = [hashlib.new(name) for name in algorithms]
            with self._open(key, version_id) as stream:
                for block in stream.stream(1 << 20):
                    for digest in digests:
                        digest.update(block)
            return [digest.hexdigest() for digest in digests]

        with self._errors():
            try:
                return self._whole(walk)
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise

    def fetch(self, key: str, sha256: Sha256, into: Path, *, version_id: str | None = None) -> None:
        """Write the object to a file. Raises Tampered when its bytes are other than recorded."""

        def write() -> Blob:
            with self._open(key, version_id) as stream:
                return write_whole(into, chunks(stream), "application/octet-stream")

        with self._errors():
            try:
                blob = self._whole(write)
            except S3Error as error:
                if error.code in ABSENT:
                    raise Tampered(
                        f"{key} is missing in the store", vi="Đối tượng đã mất trong kho"
                    ) from error
                raise
        if blob.sha256 != sha256:
            into.unlink(missing_ok=True)
            raise Tampered(
                f"{key} holds other bytes than recorded", vi="Nội dung trong kho khác với lúc ghi nhận"
            )

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, in order."""
        with self._errors():
            for item in self._client.list_objects(self.name, prefix=prefix, recursive=True):
                yield str(item.object_name)

    def versions(self, prefix: str) -> Iterator[Version]:
        """Every version and delete marker below a prefix; of a key's versions the newest comes first."""
        with self._errors():
            for item in self._client.list_objects(
                self.name, prefix=prefix, recursive=True, include_version=True
            ):
                yield Version(
                    key=str(item.object_name),
                    version_id=str(item.version_id or ""),
                    latest=str(item.is_latest).lower() == "true",
                    deleted=bool(item.is_delete_marker),
                    size=int(item.size or 0),
                    modified=item.last_modified or datetime.now(UTC),
                )

    def set_lock(self, key: str, until: datetime, *, version_id: str | None = None) -> None:
        """Extend the retention of an object (shortening is refused by the store)."""
        with self._errors():
            self._client.set_object_retention(
                self.name, key, Retention(GOVERNANCE, until.astimezone(UTC)), version_id=version_id
            )

    def delete(self, key: str, *, version_id: str | None = None) -> None:
        """Remove an unlocked object. Raises UsageError when the store denies it."""
        with self._errors():
            self._client.remove_object(self.name, key, version_id=version_id)

    def _bytes(self, key: str, version_id: str | None = None) -> bytes:
        with self._open(key, version_id) as stream:
            return bytes(stream.read())

    def _whole(self, read: Callable[[], T]) -> T:
        """What `read` reads to the end; begun again when the connection breaks off half way."""
        for left in range(self._tries - 1, -1, -1):
            try:
                return read()
            except urllib3.exceptions.ProtocolError:
                if not left:
                    raise
                time.sleep(0.2)
        raise AssertionError("there is at least one try")

    @contextmanager
    def _open(self, key: str, version_id: str | None) -> Iterator[Any]:
        stream = self._client.get_object(self.name, key, version_id=version_id)
        try:
            yield stream
        finally:
            stream.close()
            stream.release_conn()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            if error.code == "AccessDenied":
                raise UsageError(f"the store denies this to our key: {error.message}") from error
            if error.code in ABSENT:
                raise
            if error.code in _OUR_FAULT:
                raise UsageError(
                    f"the store at {self._host} answers {error.code}; check endpoint, bucket and key",
                    vi=f"Kho lưu trữ báo lỗi {error.code}; hãy kiểm tra cấu hình kho",
                ) from error
            raise Unavailable(
                f"the store at {self._host} answers {error.code}",
                vi=f"Kho lưu trữ báo lỗi {error.code}; sẽ thử lại",
            ) from error
        except (MinioException, ParseError, UnicodeDecodeError) as error:  # a proxy's page, or half an answer
            raise Unavailable(
                f"what answers at {self._host} is no S3 store ({type(error).__name__})",
                vi="Máy chủ trả lời không phải kho lưu trữ S3; sẽ thử lại",
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(
                f"the store at {self._host} does not answer ({type(error).__name__})",
                vi="Kho lưu trữ không trả lời; sẽ thử lại",
            ) from error


def _headers(sha256: Sha256, media_type: str, lock_until: datetime | None) -> _Headers:
    headers: _Headers = {
        "Content-Type": media_type,
        "If-None-Match": "*",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
    }
    if lock_until is not None:
        headers["x-amz-object-lock-mode"] = GOVERNANCE
        headers["x-amz-object-lock-retain-until-date"] = lock_until.astimezone(UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )
    return headers


@contextmanager
def view_of(content: bytes | Path) -> Iterator[memoryview]:
    """The bytes to send; of a file they are mapped, so that a large original never fills the memory."""
    if isinstance(content, bytes):
        yield memoryview(content)
        return
    with content.open("rb") as stream:
        if stream.seek(0, io.SEEK_END) == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view
