"""The chain of a dossier's manifests: whatever is done to it is found and named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.errors import Tampered
from pipeline.model import Sha256
from storage.manifest import Entry, Manifest, check_chain, decode, digest, encode


def entry(name: str) -> Entry:
    return Entry(
        document=name, version=1, role="document", key=f"d/{name}", sha256=Sha256("ab" * 32), size=5,
        media_type="application/pdf", title="Đơn đề nghị", retain_until=datetime(2030, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture
def chain() -> list[tuple[str, bytes]]:
    made: list[tuple[str, bytes]] = []
    entries: tuple[Entry, ...] = ()
    for number in range(1, 5):
        entries += (entry(f"d_{number}"),)
        manifest = Manifest(
            dossier="H26-1", number=number, previous=digest(made[-1][1]) if made else None,
            created=datetime(2026, 3, number, tzinfo=UTC), agency="H26", actor="nhung", entries=entries,
        )  # fmt: skip
        made.append((f"m/{number:06d}.json", encode(manifest)))
    return made


def test_whole_chain_holds(chain: list[tuple[str, bytes]]) -> None:
    assert check_chain(chain) == []
    assert check_chain(chain[:1]) == []


def test_reading_gives_what_was_written(chain: list[tuple[str, bytes]]) -> None:
    for key, content in chain:
        assert encode(decode(content, key)) == content


def test_changed_generation_is_named(chain: list[tuple[str, bytes]]) -> None:
    key, content = chain[1]
    manifest = decode(content, key)
    chain[1] = (key, encode(replace(manifest, actor="somebody else")))
    (problem,) = check_chain(chain)
    assert problem.startswith("m/000003.json")  # the one after it no longer fits


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_truncated_generation_is_named(chain: list[tuple[str, bytes]], cut: int) -> None:
    key, content = chain[2]
    chain[2] = (key, content[:cut])
    problems = check_chain(chain)
    assert any(problem.startswith("m/000003.json is no whole manifest") for problem in problems)
    assert any(problem.startswith("m/000004.json") for problem in problems)


def test_missing_generation_is_named(chain: list[tuple[str, bytes]]) -> None:
    for missing in (0, 1, 2):
        assert any(
            f"{missing + 2:06d}" in problem for problem in check_chain(chain[:missing] + chain[missing + 1 :])
        )


def test_reordered_generations_are_named(chain: list[tuple[str, bytes]]) -> None:
    keys = [key for key, _ in chain]
    swapped = [chain[0][1], chain[2][1], chain[1][1], chain[3][1]]
    problems = check_chain(list(zip(keys, swapped, strict=True)))
    assert any("000002" in problem and "number 3 where 2" in problem for problem in problems)
    assert any("000003" in problem and "number 2 where 3" in problem for problem in problems)


def test_inserted_generation_is_named(chain: list[tuple[str, bytes]]) -> None:
    manifest = decode(chain[1][1], "x")
    forged = replace(manifest, number=2, entries=())
    assert check_chain([chain[0], ("m/000002.json", encode(forged)), *chain[1:]])


def test_last_generation_alone_does_not_pass_for_a_chain(chain: list[tuple[str, bytes]]) -> None:
    assert check_chain(chain[-1:])


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"contract":"manifest-1"}', b"[" * 9999]
)
def test_what_is_no_manifest_is_refused_with_its_key(content: bytes) -> None:
    with pytest.raises(Tampered, match="the-key"):
        decode(content, "the-key")


def test_manifest_of_another_contract_is_refused(chain: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Tampered, match="contract"):
        decode(chain[0][1].replace(b"manifest-1", b"manifest-9"), "the-key")


def test_versions_are_counted_by_document(chain: list[tuple[str, bytes]]) -> None:
    manifest = decode(chain[-1][1], "x")
    other = replace(entry("d_1"), version=2, sha256=Sha256("cd" * 32))
    manifest = replace(manifest, entries=(*manifest.entries, other))
    assert (
        manifest.version_of("d_1") == 2
        and manifest.version_of("d_2") == 1
        and manifest.version_of("d_9") == 0
    )
    assert manifest.version_with("d_1", Sha256("ab" * 32)) == 1
    assert manifest.version_with("d_1", Sha256("cd" * 32)) == 2
    assert manifest.holds("d_1", Sha256("cd" * 32)) and not manifest.holds("d_2", Sha256("cd" * 32))
