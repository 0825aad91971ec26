"""A dossier's own records are read again too: what befalls one is found and told apart, and the others still count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from storage import layout
from storage.dossier_record import DossierRecord, DossierState
from storage.dossiers import Dossiers
from storage.findings import Kind
from tests.repository import LOCK, Repository
from tests.test_fixity import destroy, fixity, put

CODE = "H26/2"


def key(number: int) -> str:
    return layout.dossier_record(CODE, number)


@pytest.fixture
def decided(repository: Repository) -> Repository:
    """Three records of one dossier."""
    dossiers = Dossiers(repository.database, repository.bucket, lock=LOCK)
    for state in (DossierState.SUPPLEMENT, DossierState.OPEN, DossierState.CLOSED):

        def edit(last: DossierRecord, state: DossierState = state) -> DossierRecord:
            return replace(last, state=state)

        dossiers.change(CODE, edit, act="dossier_state", actor="nhung", agency="H26")
    return repository


def findings(repository: Repository) -> list[tuple[Kind, str]]:
    return [(one.kind, one.key) for one in fixity(repository).scrub(actor="nhung").findings]


def forged(repository: Repository, number: int) -> None:
    content = repository.bucket.read(key(number)) or b""
    put(repository, key(number), content.replace(b"H26", b"H27"))


def gone(repository: Repository, number: int) -> None:
    destroy(repository.bucket, key(number))


def covered_by_a_marker(repository: Repository, number: int) -> None:
    repository.bucket._client.remove_object(repository.bucket.name, key(number))


def rewritten(repository: Repository, number: int) -> None:
    """The locked version is gone, another stands in its place."""
    content = repository.bucket.read(key(number)) or b""
    destroy(repository.bucket, key(number))
    put(repository, key(number), content.replace(b"H26", b"H27"))


def test_whole_records_are_counted_and_without_findings(decided: Repository) -> None:
    run = fixity(decided).scrub(actor="nhung")
    assert run.findings == []
    for number in (1, 2, 3):
        destroy(decided.bucket, key(number))
    bare = fixity(decided).scrub(actor="nhung")
    assert bare.checked == run.checked - 2, (
        "the newest is named by the catalogue, the two before it by nobody now"
    )
    assert {one.kind for one in bare.findings} == {Kind.MISSING} and len(bare.findings) == 3


@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (forged, Kind.COVERED),
        (gone, Kind.MISSING),
        (covered_by_a_marker, Kind.HIDDEN),
        (rewritten, Kind.ROT),
    ],
)
def test_each_harm_is_named(
    decided: Repository, harm: Callable[[Repository, int], None], kind: Kind, number: int
) -> None:
    harm(decided, number)
    assert findings(decided) == [(kind, key(number))]


def test_a_record_that_the_catalogue_does_not_know_yet_must_be_one(decided: Repository) -> None:
    put(decided, key(4), b"{}")
    assert findings(decided) == [(Kind.MANIFEST, key(4))]
