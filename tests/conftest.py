"""Real parts, started once a session: one S3 store, one demo infrastructure of keys, one signed file a level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from minio.deleteobjects import DeleteObject
from sqlalchemy import Engine

from pipeline.model import Document, Level, SignedDocument
from signing.demo_pki import DemoPki, ensure_demo_pki
from signing.trust import TrustStore
from storage.archive import Archive
from storage.database import open_database, sqlite_url
from storage.s3 import Bucket
from storage.seaweedfs import EmbeddedStore
from tests.papers import AGENCY, OFFICER, make_document, make_signer
from tests.postgres_server import Server, server
from tests.repository import Repository, fill


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """SeaweedFS as a home runs it."""
    store = EmbeddedStore.at(tmp_path_factory.mktemp("home") / "store", bucket="sohoa")
    store.start()
    yield store
    store.stop(0.1)


@pytest.fixture(scope="session")
def bucket(store: EmbeddedStore) -> Bucket:
    """The bucket as the writer."""
    return Bucket(store.endpoint("writer"))


@pytest.fixture(scope="session")
def archive(bucket: Bucket) -> Archive:
    return Archive(bucket)


@pytest.fixture(scope="session")
def spare(store: EmbeddedStore) -> Bucket:
    """A second bucket, as the administrator; the store has room for few."""
    bucket = Bucket(replace(store.endpoint("admin"), bucket="spare"))
    bucket.ensure()
    return bucket


@pytest.fixture
def own_bucket(spare: Bucket) -> Bucket:
    """The second bucket, emptied of all versions, locked ones too, as only an administrator can."""
    there = spare._client.list_objects("spare", recursive=True, include_version=True)
    for_removal = [DeleteObject(str(one.object_name), one.version_id) for one in there]
    assert not list(spare._client.remove_objects("spare", for_removal, bypass_governance_mode=True))
    return spare


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def new_postgres(postgres: Server) -> Callable[[], str]:
    """Databases with every table in place."""
    template = postgres.database()
    open_database(template).dispose()
    return lambda: postgres.database(template=template.rpartition("/")[2])


DATABASES = ["sqlite", "postgresql"]


@pytest.fixture(params=DATABASES)
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Either database; a test module that is to hold on both lets its `database` be this."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path / "sohoa.sqlite3")
    else:
        url = request.getfixturevalue("new_postgres")()
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(sqlite_url(tmp_path / "sohoa.sqlite3"))
    yield engine
    engine.dispose()


@pytest.fixture
def repository(database: Engine, own_bucket: Bucket, document: Document, tmp_path: Path) -> Repository:
    return fill(database, own_bucket, document, tmp_path)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return ensure_demo_pki(tmp_path_factory.mktemp("keys") / "demo", agency=AGENCY, officer=OFFICER)


@pytest.fixture(scope="session")
def trust(pki: DemoPki, tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    return TrustStore.of(tmp_path_factory.mktemp("trust"), demo_root=pki.certificate("root"))


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """One paper of two printed pages."""
    return make_document(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="session")
def signed(
    document: Document, pki: DemoPki, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Level], SignedDocument]:
    """The document signed at a level, once a session."""
    folder = tmp_path_factory.mktemp("signed")
    made: dict[Level, SignedDocument] = {}

    def at(level: Level) -> SignedDocument:
        if level not in made:
            made[level] = make_signer(pki, level).sign(document, folder / f"{level.value}.pdf")
        return made[level]

    return at
