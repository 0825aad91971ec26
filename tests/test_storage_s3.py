"""The bucket against the real store: what it refuses, what it keeps, and how it says that it is down."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from minio import Minio
from minio.deleteobjects import DeleteObject

from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.model import Sha256
from storage import layout
from storage.s3 import AlreadyThere, Bucket, Endpoint
from storage.seaweedfs import EmbeddedStore

SOON = timedelta(days=1)


def digest(content: bytes) -> Sha256:
    return Sha256(hashlib.sha256(content).hexdigest())


def new_key() -> str:
    return f"t/{secrets.token_hex(8)}"


def put(bucket: Bucket, key: str, content: bytes, *, locked: bool = False) -> str:
    until = datetime.now(UTC) + SOON if locked else None
    stored = bucket.put_new(
        key, content, sha256=digest(content), media_type="application/pdf", lock_until=until
    )
    assert stored.version_id
    return stored.version_id


def raw(endpoint: Endpoint) -> Minio:
    """The SDK without our bucket around it."""
    return Minio(
        endpoint.host,
        access_key=endpoint.access_key,
        secret_key=endpoint.secret_key,
        secure=endpoint.secure,
        region=endpoint.region,
    )


@pytest.fixture
def admin(store: EmbeddedStore) -> Bucket:
    return Bucket(store.endpoint("admin"))


def test_second_write_to_a_key_is_refused_and_the_first_object_stays(bucket: Bucket) -> None:
    key = new_key()
    version = put(bucket, key, b"first")
    with pytest.raises(AlreadyThere):
        put(bucket, key, b"second")
    assert bucket.read(key) == b"first"
    found = bucket.stat(key)
    assert found is not None
    assert found.version_id == version


def test_condition_as_metadata_would_overwrite_silently(store: EmbeddedStore, bucket: Bucket) -> None:
    """Why `put_new` uses a private call: the public one turns the condition into a mere label."""
    key = new_key()
    put(bucket, key, b"first")
    raw(store.endpoint()).put_object("sohoa", key, io.BytesIO(b"second"), 6, metadata={"If-None-Match": "*"})
    assert bucket.read(key) == b"second"


def test_of_many_writers_at_once_exactly_one_wins(bucket: Bucket) -> None:
    key, start, wins, losses = new_key(), threading.Barrier(3), [], []

    def write(number: int) -> None:
        content = f"writer {number}".encode()
        start.wait()
        try:
            put(bucket, key, content)
            wins.append(content)
        except AlreadyThere:
            losses.append(content)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1 and len(losses) == 2
    assert bucket.read(key) == wins[0]


def test_bytes_other_than_recorded_are_not_sent(bucket: Bucket, tmp_path: Path) -> None:
    key, path = new_key(), tmp_path / "changed.pdf"
    path.write_bytes(b"changed since")
    with pytest.raises(Tampered):
        bucket.put_new(
            key, path, sha256=digest(b"as recorded"), media_type="application/pdf", lock_until=None
        )
    assert bucket.stat(key) is None


def test_server_refuses_a_wrong_checksum_and_stores_nothing(bucket: Bucket) -> None:
    key = new_key()
    wrong = base64.b64encode(hashlib.sha256(b"other bytes").digest()).decode()
    headers: dict[str, str | list[str] | tuple[str]] = {"If-None-Match": "*", "x-amz-checksum-sha256": wrong}
    with pytest.raises(Unavailable, match=r"BadDigest|Checksum"):
        bucket._put(key, memoryview(b"these bytes"), headers)
    assert bucket.stat(key) is None
    assert list(bucket.keys(key)) == []


def test_large_and_empty_files_come_back_as_they_were(bucket: Bucket, tmp_path: Path) -> None:
    for size in (0, 1, 9_000_000):
        key, path = new_key(), tmp_path / str(size)
        path.write_bytes(os.urandom(size))
        content = path.read_bytes()
        stored = bucket.put_new(key, path, sha256=digest(content), media_type="image/tiff", lock_until=None)
        assert stored.size == size
        assert bucket.hash(key) == digest(content)
        bucket.fetch(key, digest(content), tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content


def test_writer_may_delete_nothing(bucket: Bucket) -> None:
    key = new_key()
    version = put(bucket, key, b"unlocked")
    with pytest.raises(UsageError):
        bucket.delete(key)
    with pytest.raises(UsageError):
        bucket.delete(key, version_id=version)
    assert bucket.read(key) == b"unlocked"


def test_writer_may_not_delete_by_the_list_either(store: EmbeddedStore, bucket: Bucket) -> None:
    key = new_key()
    version = put(bucket, key, b"unlocked")
    wanted = [DeleteObject(key, version)]
    refused = list(raw(store.endpoint()).remove_objects("sohoa", wanted, bypass_governance_mode=True))
    assert [one.code for one in refused] == ["AccessDenied"]
    assert bucket.read(key, version_id=version) == b"unlocked"


def test_writer_may_not_lift_the_denial(store: EmbeddedStore) -> None:
    with pytest.raises(UsageError):
        Bucket(store.endpoint("writer")).deny_deletion("somebody-else")


def test_locked_version_outlives_the_admin_without_bypass(bucket: Bucket, admin: Bucket) -> None:
    key = new_key()
    version = put(bucket, key, b"locked", locked=True)
    for who in (bucket, admin):
        with pytest.raises(UsageError):
            who.delete(key, version_id=version)
    assert bucket.read(key, version_id=version) == b"locked"


def test_lock_is_what_stops_the_admin(bucket: Bucket, admin: Bucket) -> None:
    key = new_key()
    version = put(bucket, key, b"unlocked")
    admin.delete(key, version_id=version)
    assert bucket.read(key, version_id=version) is None


def test_locks_are_extended_and_never_shortened(bucket: Bucket, store: EmbeddedStore) -> None:
    key, later = new_key(), datetime.now(UTC).replace(microsecond=0) + 5 * SOON
    version = put(bucket, key, b"locked", locked=True)
    bucket.set_lock(key, later, version_id=version)
    with pytest.raises(UsageError):
        bucket.set_lock(key, later - 3 * SOON, version_id=version)
    found = raw(store.endpoint("admin")).get_object_retention("sohoa", key, version)
    assert found is not None
    assert found.mode == "GOVERNANCE"
    assert found.retain_until_date == later


def test_overwriting_a_locked_object_keeps_the_locked_version(bucket: Bucket, store: EmbeddedStore) -> None:
    key = new_key()
    version = put(bucket, key, b"locked", locked=True)
    raw(store.endpoint()).put_object("sohoa", key, io.BytesIO(b"other"), 5)
    assert bucket.read(key, version_id=version) == b"locked"


def test_reader_reads_and_cannot_write(store: EmbeddedStore, bucket: Bucket) -> None:
    key, reader = new_key(), Bucket(store.endpoint("reader"))
    put(bucket, key, b"for all")
    assert reader.read(key) == b"for all"
    assert list(reader.keys(key)) == [key]
    with pytest.raises(UsageError):
        put(reader, new_key(), b"not allowed")
    with pytest.raises(UsageError):
        reader.delete(key)
    with pytest.raises(UsageError):
        reader.probe()


def test_missing_and_changed_objects_are_told_apart(bucket: Bucket, tmp_path: Path) -> None:
    key, out = new_key(), tmp_path / "out.pdf"
    put(bucket, key, b"stored bytes")
    with pytest.raises(Tampered, match="other bytes"):
        bucket.fetch(key, digest(b"recorded bytes"), out)
    with pytest.raises(Tampered, match="missing"):
        bucket.fetch(new_key(), digest(b"recorded bytes"), out)
    assert list(tmp_path.iterdir()) == []
    absent = new_key()
    assert bucket.read(absent) is None
    assert bucket.hash(absent) is None
    assert bucket.stat(absent) is None


def test_keys_are_listed_in_order_and_only_below_the_prefix(bucket: Bucket) -> None:
    prefix = new_key()
    for name in ("m/000002.json", "m/000001.json", "c/x.pdf"):
        put(bucket, f"{prefix}/{name}", name.encode())
    assert list(bucket.keys(f"{prefix}/m/")) == [f"{prefix}/m/000001.json", f"{prefix}/m/000002.json"]


def test_secrets_stand_in_no_repr(store: EmbeddedStore) -> None:
    for role in ("admin", "writer", "reader"):
        endpoint = store.endpoint(role)
        shown = f"{endpoint!r} {endpoint} {Bucket(endpoint)!r} {store!r} {store.process.config!r}"
        assert endpoint.secret_key not in shown


def test_wrong_key_or_bucket_is_a_matter_of_configuration(store: EmbeddedStore) -> None:
    endpoint = store.endpoint()
    for wrong in (
        replace(endpoint, secret_key="0" * 48),
        replace(endpoint, access_key="nobody"),
        replace(store.endpoint("admin"), bucket="no-such-bucket"),
    ):
        with pytest.raises(UsageError):
            Bucket(wrong).probe()


def test_nobody_reads_without_a_key(store: EmbeddedStore, bucket: Bucket) -> None:
    key = new_key()
    put(bucket, key, b"private")
    with pytest.raises(Exception, match="AccessDenied"):
        Minio(store.endpoint().host, secure=False, region="us-east-1").get_object("sohoa", key)


def test_dead_store_is_reported_within_seconds_by_every_verb(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: whoever knocks is refused
        gone = Endpoint(
            host=f"127.0.0.1:{taken.getsockname()[1]}", secure=False, access_key="a",
            secret_key="b", region="us-east-1", bucket="sohoa",
        )  # fmt: skip
        bucket = Bucket(gone)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            list(bucket.keys("d/"))
        assert time.monotonic() - began < 5
        hasty = Bucket(gone, patient=False)
        verbs: list[Callable[[], object]] = [
            lambda: hasty.read("k"),
            lambda: hasty.stat("k"),
            lambda: hasty.hash("k"),
            lambda: hasty.probe(),
            lambda: hasty.ensure(),
            lambda: hasty.fetch("k", digest(b""), tmp_path / "out"),
            lambda: put(hasty, "k", b"x"),
            lambda: list(hasty.keys("d/")),
        ]
        began = time.monotonic()
        for verb in verbs:
            with pytest.raises(Unavailable):
                verb()
        assert time.monotonic() - began < 2
    assert list(tmp_path.iterdir()) == []


class _Gateway(BaseHTTPRequestHandler):
    """A proxy in front of a store that is gone: pages of its own, or half an answer."""

    status, kind, body, claimed = 502, "text/html", b"<html>Bad gateway</html>", None

    def _answer(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(self.claimed or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_PUT = do_HEAD = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    handler = type("Handler", (_Gateway,), request.param)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host = f"127.0.0.1:{server.server_address[1]}"
    yield Bucket(
        Endpoint(host=host, secure=False, access_key="a", secret_key="b", region="us-east-1", bucket="sohoa"),
        patient=False,
    )
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "gateway",
    [
        {},
        {"status": 200, "kind": "application/xml", "body": b"<not finished", "claimed": 5000},
        {"status": 503, "kind": "application/xml", "body": b"<not xml"},
        {"status": 500, "kind": "application/xml", "body": b"\xff\xfe\x00"},
        {"status": 502, "kind": "text/html", "body": b"\xff\xff not utf-8"},
    ],
    indirect=True,
)
def test_strange_answers_are_a_dependency_that_is_down(gateway: Bucket, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        gateway.read("key")
    with pytest.raises(Unavailable):
        list(gateway.keys("d/"))
    with pytest.raises(Unavailable):
        gateway.fetch("key", digest(b""), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../q/b_1",
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "a\0b",
        "a\nb",
        "Hồ sơ số 1/Đ",
        "%2e%2e%2f",
        "…",
        "a" * 66,
    ],
)
def test_no_dossier_name_leaves_its_folder(name: str, bucket: Bucket) -> None:
    try:
        folder = layout.dossier_folder(name)
    except UsageError:
        assert name in (".", "..")
        return
    parts = folder.split("/")
    assert len(parts) == 4 and parts[0] == "d"
    assert parts[3].isascii() and parts[3] not in (".", "..") and "\0" not in folder
    key = layout.content(name, digest(name.encode()), "application/pdf")
    put(bucket, key, name.encode())
    assert list(bucket.keys(f"{folder}/c/")) == [key]
    assert bucket.read(key) == name.encode()


@pytest.mark.parametrize("name", ["", "a" * 201, "ộ" * 40])
def test_names_that_no_folder_can_bear_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        layout.dossier_folder(name)


def test_different_dossiers_never_share_a_folder() -> None:
    names = ["a/b", "a%2Fb", "a b", "a+b", "A", "a", "Đ", "đ", "hòa", "hoà"]
    assert len({layout.dossier_folder(name) for name in names}) == len(names)


@pytest.mark.parametrize("part", ["../x", "a/b", "", "b 1", "b\0", "x" * 81, "bé"])
def test_ids_that_are_no_plain_words_make_no_key(part: str) -> None:
    for make in (layout.landing, layout.staging):
        with pytest.raises(UsageError):
            make(part, digest(b""))


@pytest.mark.parametrize("source", ["x.PDF/../../y", "x.tar.gz.%00", "no suffix", "x.ảnh", ".."])
def test_suffix_of_a_hostile_file_name_adds_nothing_to_the_key(source: str) -> None:
    key = layout.content("H1", digest(b""), "application/octet-stream", source)
    assert key.count("/") == 5
    assert key.rpartition(".")[2].isalnum() and key.isascii()
