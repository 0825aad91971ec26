"""sohoa unchanged against another S3 server's API, the one that the environment names; `make test-s3` brings up Ceph.

SOHOA_TEST_S3_ENDPOINT, SOHOA_TEST_S3_ACCESS_KEY and SOHOA_TEST_S3_SECRET_KEY: an identity that may make buckets.
SOHOA_TEST_S3_WRITER_USER, …_WRITER_ACCESS_KEY, …_WRITER_SECRET_KEY: another one, to which a policy gives what a writer needs.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine

from pipeline.errors import Unavailable, UsageError
from storage import s3
from storage.locking import LockingBucket
from storage.s3 import AlreadyThere, Bucket, Endpoint
from storage.write_once import turns
from tests.home_in_use import SCANS, Home, papers, until
from tests.test_storage_s3 import digest, new_key, put
from tests.test_two_hosts import both_survive_in_order

NAMED = os.environ.get("SOHOA_TEST_S3_ENDPOINT", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NAMED, reason="SOHOA_TEST_S3_ENDPOINT names no server; `make test-s3` starts one"),
]
WRITER = [
    f"s3:{verb}"
    for verb in (
        "PutObject", "GetObject", "GetObjectVersion", "ListBucket", "ListBucketVersions", "PutObjectRetention",
        "GetObjectRetention", "PutObjectLegalHold", "GetObjectLegalHold", "GetBucketObjectLockConfiguration",
    )
]  # fmt: skip
DAY = timedelta(days=1)


def of_environment(role: str = "") -> Endpoint:
    address = urlsplit(NAMED)
    return Endpoint(
        host=address.netloc,
        secure=address.scheme == "https",
        access_key=os.environ[f"SOHOA_TEST_S3_{role}ACCESS_KEY"],
        secret_key=os.environ[f"SOHOA_TEST_S3_{role}SECRET_KEY"],
        region=os.environ.get("SOHOA_TEST_S3_REGION", "us-east-1"),
        bucket=f"sohoa-test-{secrets.token_hex(4)}",
    )


def in_use(endpoint: Endpoint, database: Engine) -> Endpoint:
    """As `open_store` would have it: where the condition is not kept, the database puts writers in line."""
    return endpoint if Bucket(endpoint).keeps_conditions() else replace(endpoint, turn=turns(database))


@pytest.fixture
def endpoint(database: Engine) -> Endpoint:
    made = of_environment()
    Bucket(made).ready_for_records()
    return in_use(made, database)


@pytest.fixture
def there(endpoint: Endpoint) -> LockingBucket:
    return LockingBucket(endpoint)


def test_what_is_written_once_stays_and_what_came_changed_is_refused(there: LockingBucket) -> None:
    key = new_key()
    first = put(there, key, b"first")
    with pytest.raises(AlreadyThere):
        put(there, key, b"second")
    assert there.read(key) == b"first" and there.read(key, version_id=first) == b"first"
    headers = {**s3._headers(digest(b"other"), "text/plain", None), "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    changed = new_key()
    with pytest.raises((Unavailable, UsageError), match=r"BadDigest|InvalidDigest|Checksum"):
        there._put(changed, memoryview(b"these bytes"), headers)
    assert there.stat(changed) is None
    for size in (0, 9_000_000):
        content = os.urandom(size)
        put(there, f"{key}/{size}", content)
        assert there.hash(f"{key}/{size}") == digest(content)
    assert there.read("t/none") is None and there.stat("t/none") is None
    assert there.read(key, version_id=secrets.token_hex(16)) is None
    names = [f"{key}/Hồ sơ {n} +%2F.pdf" for n in range(3)]
    for name in names:
        put(there, name, name.encode())
    assert list(there.keys(f"{key}/H")) == names


def test_locks_hold_are_lengthened_made_stricter_and_never_shortened(there: LockingBucket) -> None:
    key, now = new_key(), datetime.now(UTC).replace(microsecond=0)
    version = put(there, key, b"locked", locked=True)
    lock = there.lock_of(key, version)
    assert lock is not None and lock.mode == "GOVERNANCE" and lock.until is not None and not lock.hold
    with pytest.raises(UsageError):
        there.delete(key, version_id=version)
    assert there.extend(key, version, until=now + 4 * DAY, mode="GOVERNANCE", now=now)
    assert not there.extend(key, version, until=now + 2 * DAY, mode="GOVERNANCE", now=now)
    with pytest.raises(UsageError):
        there.set_lock(key, now + 2 * DAY, version_id=version)
    assert there.put_hold(key, version, True) and not there.put_hold(key, version, True)
    held = there.lock_of(key, version)
    assert held is not None and held.hold and held.until == now + 4 * DAY
    assert there.put_hold(key, version, False)
    assert there.extend(key, version, until=now + 5 * DAY, mode="COMPLIANCE", now=now)
    stricter = there.lock_of(key, version)
    assert stricter is not None and (stricter.mode, stricter.until) == ("COMPLIANCE", now + 5 * DAY)
    there.hide(key)
    assert there.read(key) is None and there.read(key, version_id=version) == b"locked"
    assert {(v.version_id == version, v.deleted) for v in there.versions(key)} == {
        (True, False),
        (False, True),
    }
    free = new_key()
    there.remove_version(free, put(there, free, b"unlocked"))
    assert list(there.versions(free)) == []


def test_a_writer_may_write_and_never_delete(there: LockingBucket, endpoint: Endpoint) -> None:
    if not os.environ.get("SOHOA_TEST_S3_WRITER_USER"):
        pytest.skip("SOHOA_TEST_S3_WRITER_USER names no second identity")
    user = os.environ["SOHOA_TEST_S3_WRITER_USER"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]},
                "Action": WRITER,
                "Resource": [f"arn:aws:s3:::{endpoint.bucket}", f"arn:aws:s3:::{endpoint.bucket}/*"],
            }
        ],
    }
    there._client.set_bucket_policy(endpoint.bucket, json.dumps(policy))
    keys = of_environment("WRITER_")
    writer = LockingBucket(replace(endpoint, access_key=keys.access_key, secret_key=keys.secret_key))
    writer.ready_for_records()
    writer.probe()
    key, now = new_key(), datetime.now(UTC)
    version = put(writer, key, b"mine", locked=True)
    free = put(writer, f"{key}/free", b"unlocked")
    with pytest.raises(AlreadyThere):
        put(writer, key, b"again")
    assert writer.read(key) == b"mine" and writer.extend(
        key, version, until=now + 3 * DAY, mode="GOVERNANCE", now=now
    )
    with pytest.raises(UsageError, match="denies"):
        writer.delete(f"{key}/free")
    with pytest.raises(UsageError, match="denies"):
        writer.remove_version(f"{key}/free", free)
    assert writer.read(f"{key}/free") == b"unlocked"


def test_a_bucket_without_object_lock_or_with_a_wrong_key_is_refused(endpoint: Endpoint) -> None:
    plain = replace(endpoint, bucket=f"{endpoint.bucket}-plain")
    Bucket(endpoint)._client.make_bucket(plain.bucket)
    with pytest.raises(UsageError, match="Object Lock"):
        Bucket(plain).ready_for_records()
    for wrong in (replace(endpoint, secret_key="0" * 48), replace(endpoint, access_key="nobody")):
        with pytest.raises(UsageError, match="check endpoint"):
            Bucket(wrong).probe()


def test_two_hosts_write_one_dossier_there(
    endpoint: Endpoint, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    both_survive_in_order(
        replace(endpoint, turn=None), new_postgres(), tmp_path, in_line=endpoint.turn is not None
    )


@pytest.fixture
def home(endpoint: Endpoint, tmp_path: Path) -> Iterator[Home]:
    settings = {
        "SOHOA_S3_ENDPOINT": NAMED,
        "SOHOA_S3_ACCESS_KEY": endpoint.access_key,
        "SOHOA_S3_SECRET_KEY": endpoint.secret_key,
        "SOHOA_S3_BUCKET": endpoint.bucket,
        "SOHOA_S3_REGION": endpoint.region,
    }
    made = Home(tmp_path / "h", settings)
    yield made
    made.run("down")


def test_a_home_works_there(home: Home, endpoint: Endpoint, tmp_path: Path) -> None:
    if endpoint.turn is not None:
        refused = home.run("ingest", str(SCANS / "chong-2"))
        assert refused.code == 2 and "write_once" in refused.log and "If-None-Match" in refused.log
        home.run("down")
        home.settings["SOHOA_S3_WRITE_ONCE"] = "database"
    done = home.run("ingest", str(SCANS / "chong-2"), timeout=400)
    assert done.code == 0, done.log
    found = papers(done.document)
    assert [paper["state"] for paper in found] == ["stored"] * 3
    assert home.run("get", found[0]["id"], "-o", str(tmp_path / "one.pdf")).code == 0
    assert digest((tmp_path / "one.pdf").read_bytes()) == found[0]["pdf_sha256"]
    hits = sorted(hit["document"] for hit in home.run("find", found[0]["type_name"]).document["results"])
    assert found[0]["id"] in hits

    def whole() -> None:
        assert {r["verdict"] for r in home.run("verify", "--all").document["results"]} == {"TOTAL_PASSED"}
        assert home.run("fixity").document["findings"] == []
        assert home.run("ledger", "verify").document["ok"]

    whole()
    home.run("down")
    rebuilt = home.run("rebuild", "--fresh")
    assert (rebuilt.document["documents"], rebuilt.document["problems"]) == (3, []), rebuilt.log
    assert sorted(h["document"] for h in home.run("find", found[0]["type_name"]).document["results"]) == hits
    whole()


def test_the_second_copy_goes_there(endpoint: Endpoint, tmp_path: Path) -> None:
    settings = {
        "SOHOA_SECOND_COPY_ENDPOINT": NAMED,
        "SOHOA_SECOND_COPY_ACCESS_KEY": endpoint.access_key,
        "SOHOA_SECOND_COPY_SECRET_KEY": endpoint.secret_key,
        "SOHOA_SECOND_COPY_BUCKET": endpoint.bucket,
        "SOHOA_SECOND_COPY_REGION": endpoint.region,
    }
    home, there = Home(tmp_path / "h", settings), LockingBucket(endpoint)
    try:
        done = home.run("ingest", str(SCANS / "chong-2"), timeout=400)
        assert done.code == 0, done.log
        wanted = {paper["key"]: paper["pdf_sha256"] for paper in papers(done.document)}
        assert until(lambda: all(there.stat(key) is not None for key in wanted), 60), "not copied"
        for key, sha256 in wanted.items():
            assert there.hash(key) == sha256
            lock = there.lock_of(key, None)
            assert lock is not None and lock.mode == "GOVERNANCE"
            assert len([v for v in there.versions(key) if v.key == key]) == 1
    finally:
        home.run("down")
