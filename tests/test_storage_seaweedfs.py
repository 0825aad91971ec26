"""The embedded store: hardened, private, surviving kill -9, never left behind."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.model import Sha256
from storage.s3 import Bucket
from storage.seaweedfs import EmbeddedStore
from storage.seaweedfs_config import SERVICES, ensure_config, free_ports, is_free, save

PARENT = """
import sys, time
from pathlib import Path
from storage.seaweedfs import EmbeddedStore
store = EmbeddedStore.at(Path(sys.argv[1]), bucket="sohoa")
store.start()
print(store.pid, flush=True)
time.sleep(60)
"""


def put(store: EmbeddedStore, key: str, content: bytes) -> None:
    Bucket(store.endpoint()).put_new(
        key,
        content,
        sha256=Sha256(hashlib.sha256(content).hexdigest()),
        media_type="application/pdf",
        lock_until=datetime.now(UTC) + timedelta(days=1),
    )


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not running(pid)


def pid_of(store: EmbeddedStore) -> int:
    assert store.pid is not None
    return store.pid


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of this test's own, to be killed at will."""
    store = EmbeddedStore.at(tmp_path / "store", bucket="sohoa")
    store.start()
    yield store
    store.stop(0.1)


OUTSIDE = {
    "/": {"master": 200},  # its page of names and numbers, no way to act
    "/ui/index.html": {"master": 200},
    "/status": {"volume": 200},
    "/dir/assign": {},
    "/col/delete?collection=sohoa": {},
    "/buckets/sohoa/": {},
    "/1,0123456789": {},
}


@pytest.mark.parametrize("path", list(OUTSIDE))
def test_nothing_but_s3_gives_takes_or_deletes_over_http(store: EmbeddedStore, path: str) -> None:
    put(store, f"h/{hashlib.sha256(path.encode()).hexdigest()}", b"still here")
    assert store.process.config is not None
    for service in ("master", "volume", "filer"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            connection = HTTPConnection("127.0.0.1", store.process.config.ports[service], timeout=5)
            connection.request(method, path)
            answer = connection.getresponse()
            expected = {OUTSIDE[path].get(service), *((400, 401) if service == "volume" else (404,))}
            assert answer.status in expected, (service, method, path)
            assert all(
                store.endpoint(role).secret_key.encode() not in answer.read() for role in ("admin", "writer")
            )
            connection.close()
    kept = Bucket(store.endpoint()).read(f"h/{hashlib.sha256(path.encode()).hexdigest()}")
    assert kept == b"still here"


@pytest.mark.parametrize("service", ["master", "volume", "filer"])
def test_internal_ports_speak_to_nobody_without_a_certificate(store: EmbeddedStore, service: str) -> None:
    assert store.process.config is not None
    context = ssl.create_default_context(cafile=str(store.process.etc / "ca.crt"))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    address = ("127.0.0.1", store.process.config.ports[service] + 10_000)
    with (
        pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
        socket.create_connection(address, timeout=5) as plain,
        context.wrap_socket(plain) as secure,
    ):
        secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while secure.recv(4096):
            pass


def test_everything_listens_on_loopback_only(store: EmbeddedStore) -> None:
    sockets = {
        str(link.readlink())
        for link in Path(f"/proc/{pid_of(store)}/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    listening = [
        row.split()[1]
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if row.split()[3] == "0A" and f"socket:[{row.split()[9]}]" in sockets
    ]
    assert listening
    for address in listening:
        host = address.split(":")[0]
        assert host == "0100007F" or host.endswith("0100007F"), address


def test_files_are_private_to_their_owner(store: EmbeddedStore) -> None:
    """Ours are 0600; those that the store makes itself stand behind folders of 0700."""
    for path in [store._folder, *store._folder.rglob("*")]:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            assert stat.S_IMODE(mode) == 0o700, path
        elif path.parent in (store._folder, store.process.etc) and stat.S_ISREG(mode):
            assert stat.S_IMODE(mode) & 0o177 == 0, path
    assert {"s3.json", "security.toml", "home.json", "node.key"} <= {
        path.name for path in store.process.etc.iterdir()
    }


def test_no_credential_stands_on_the_command_line_or_in_the_environment(store: EmbeddedStore) -> None:
    shown = b"".join(Path(f"/proc/{pid_of(store)}/{name}").read_bytes() for name in ("cmdline", "environ"))
    assert b"-disableHttp" in shown
    for role in ("admin", "writer", "reader"):
        endpoint = store.endpoint(role)
        assert endpoint.secret_key.encode() not in shown and endpoint.access_key.encode() not in shown


def test_logs_hold_no_secret(store: EmbeddedStore) -> None:
    text = b"".join(path.read_bytes() for path in (store._folder / "logs").iterdir() if path.is_file())
    assert text
    for role in ("admin", "writer", "reader"):
        assert store.endpoint(role).secret_key.encode() not in text


def test_objects_survive_kill_9_and_ports_taken_meanwhile(own: EmbeddedStore) -> None:
    put(own, "d/1", b"before the crash")
    pid, endpoint, secrets = pid_of(own), own.endpoint(), (own.process.etc / "s3.json").read_bytes()
    os.kill(pid, signal.SIGKILL)
    assert own.process._child is not None
    own.process._child.wait(5)
    assert not own.alive()
    with pytest.raises(Unavailable):
        Bucket(endpoint).read("d/1")
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", int(endpoint.host.split(":")[1])))
        thief.listen()
        own.start()
        assert own.endpoint().host != endpoint.host
    bucket = Bucket(own.endpoint())
    assert bucket.read("d/1") == b"before the crash"
    put(own, "d/2", b"after it")
    assert (own.process.etc / "s3.json").read_bytes() == secrets
    with pytest.raises(Exception, match="denies"):
        bucket.delete("d/1")


@pytest.mark.slow
def test_store_of_a_killed_parent_ends_and_the_next_one_finds_the_objects(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    heir = EmbeddedStore.at(folder, bucket="sohoa")
    put(heir, "d/1", b"kept")
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    assert ended(pid)
    try:
        heir.start()
        assert Bucket(heir.endpoint()).read("d/1") == b"kept"
    finally:
        heir.stop(0.1)


def test_orphan_named_in_the_folder_is_ended_and_a_stranger_is_not(tmp_path: Path) -> None:
    """The record holds the start time, since numbers of processes come again."""
    orphan, stranger = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    try:
        store = EmbeddedStore.at(tmp_path, bucket="sohoa")
        store.process._remember(orphan.pid)
        store.process._end_orphan()
        assert orphan.wait(5) == -signal.SIGKILL
        (tmp_path / "pid").write_text(f"{stranger.pid} 12345")
        store.process._end_orphan()
        assert stranger.poll() is None and not (tmp_path / "pid").exists()
        for nonsense in ("", "abc", "1", "-1 2", "9" * 30 + " 1", "\x00"):
            (tmp_path / "pid").write_text(nonsense)
            store.process._end_orphan()
    finally:
        for child in (orphan, stranger):
            child.kill()
            child.wait(5)


def test_stopped_store_is_gone_and_answers_unavailable(own: EmbeddedStore) -> None:
    pid, endpoint = pid_of(own), own.endpoint()
    own.stop(0.1)
    assert ended(pid) and not own.alive()
    assert not (own.process.folder / "pid").exists()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        Bucket(endpoint).probe()
    assert time.monotonic() - began < 5


def test_store_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    store = EmbeddedStore.at(tmp_path / "store", bucket="sohoa")
    ensure_config(tmp_path / "store" / "etc", bucket="sohoa")
    (tmp_path / "store" / "etc" / "s3.json").write_text("{ this is no configuration")
    with pytest.raises(Unavailable, match="logs"):
        store.start()
    store.stop(0.1)


def test_configuration_is_made_once_and_hides_its_secrets(tmp_path: Path) -> None:
    first = ensure_config(tmp_path, bucket="sohoa")
    assert ensure_config(tmp_path, bucket="sohoa") == first
    assert len({who.secret_key for who in first.identities.values()}) == 3
    for who in first.identities.values():
        assert who.secret_key not in repr(first)
    assert ensure_config(tmp_path / "other", bucket="sohoa").identities != first.identities


def test_half_made_configuration_is_made_anew(tmp_path: Path) -> None:
    first = ensure_config(tmp_path, bucket="sohoa")
    (tmp_path / "home.json").unlink()
    again = ensure_config(tmp_path, bucket="sohoa")
    assert again.identities["writer"].secret_key in (tmp_path / "s3.json").read_text()
    assert again != first


def test_ports_are_free_apart_and_leave_room_for_their_twins() -> None:
    ports = free_ports()
    both = [port + shift for port in ports.values() for shift in (0, 10_000)]
    assert set(ports) == set(SERVICES) and len(set(both)) == 8
    assert max(both) <= 55_535 and all(is_free(port) for port in both)


def test_no_port_is_the_twin_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([3_001, 13_001, 4_001, 3_001, 14_001, 5_001, 6_001, 7_001, 8_001, 9_001])
    monkeypatch.setattr("storage.seaweedfs_config.secrets.randbelow", lambda most: next(drawn))
    monkeypatch.setattr("storage.seaweedfs_config.is_free", lambda port: True)
    assert list(free_ports().values()) == [23_001, 24_001, 25_001, 26_001]


def test_a_store_whose_ports_stand_in_each_other_s_way_gets_others_and_starts(tmp_path: Path) -> None:
    config = ensure_config(tmp_path / "store" / "etc", bucket="sohoa")
    ports = free_ports()
    save(tmp_path / "store" / "etc", replace(config, ports={**ports, "s3": ports["volume"] + 10_000}))
    store = EmbeddedStore.at(tmp_path / "store", bucket="sohoa")
    store.start()
    try:
        Bucket(store.endpoint()).probe()
        assert store.endpoint().access_key == config.identities["writer"].access_key
    finally:
        store.stop(0.1)


@pytest.mark.slow
def test_a_store_that_was_moved_still_has_its_objects(tmp_path: Path) -> None:
    store = EmbeddedStore.at(tmp_path / "cu", bucket="kho-so-hoa")
    store.start()
    content = b"ban goc"
    digest = Sha256(hashlib.sha256(content).hexdigest())
    try:
        Bucket(store.endpoint()).put_new(
            "d/x", content, sha256=digest, media_type="text/plain", lock_until=None
        )
    finally:
        store.stop(0.1)
    (tmp_path / "cu").rename(tmp_path / "moi")
    moved = EmbeddedStore.at(tmp_path / "moi", bucket="kho-so-hoa")
    moved.start()
    try:
        assert Bucket(moved.endpoint()).read("d/x") == content
    finally:
        moved.stop()
    assert not (tmp_path / "cu").exists(), "nothing points to the old place"
