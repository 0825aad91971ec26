"""Whom to believe, and from when until when: certificates an administrator put into a folder, and the demo root.

A folder may hold certificates alone, each trusted for its own term, and `trust.json`, the history that `sohoa trust`
keeps: one entry a root with its SHA-256, which pins the file, and the days between which it was trusted. A root that is
no longer trusted stays there: what was proven to be signed while it was, still leads to it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from asn1crypto import pem, x509

from pipeline.errors import UsageError

HISTORY = "trust.json"
KINDS = (".crt", ".cer", ".pem", ".der", ".p7b", ".p7c")
MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A certificate with the days (None: open) between which it is trusted, both included."""

    sha256: str
    name: str
    begins: str | None = None
    ends: str | None = None
    note: str = ""
    demo: bool = False

    def trusted_on(self, day: dt.date) -> bool:
        return (self.begins or "") <= day.isoformat() and (not self.ends or day.isoformat() <= self.ends)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """`anchors` are DER certificates; `demo` is the digest of the demo root among them, if any; `roots` their terms."""

    anchors: tuple[bytes, ...]
    demo: str | None
    roots: tuple[Root, ...] = ()

    @classmethod
    def of(cls, *places: Path, demo_root: Path | None = None) -> TrustStore:
        """Certificates in folders or files; nothing is trusted by default. Raises UsageError."""
        anchors: dict[str, bytes] = {}
        roots: dict[str, Root] = {}
        for place in places:
            known = {root.sha256: root for root in _history(place)} if place.is_dir() else {}
            for path in _files(place):
                for der in read_certificates(path):
                    digest = hashlib.sha256(der).hexdigest()
                    anchors[digest] = der
                    roots[digest] = known.get(digest) or Root(sha256=digest, name=name_of(der))
            for digest, root in known.items():
                if digest not in anchors:
                    raise UsageError(
                        f"the certificate of {root.name} ({digest[:16]}…) is no longer in {place}, or was changed",
                        vi=f"Chứng thư của {root.name} ({digest[:16]}…) không còn trong {place}, hoặc đã bị thay",
                    )
        demo = None
        if demo_root is not None:
            der = read_certificates(demo_root)[0]
            demo = hashlib.sha256(der).hexdigest()
            anchors[demo] = der
            roots[demo] = Root(sha256=demo, name=name_of(der), demo=True)
        return cls(tuple(anchors.values()), demo, tuple(roots.values()))

    @property
    def only_demo(self) -> bool:
        """Whether the demo root is all that is trusted."""
        return self.demo is not None and len(self.anchors) == 1

    @property
    def mark(self) -> str:
        """A digest of all that is trusted and when, for caches of verdicts."""
        lines = sorted(json.dumps(asdict(root), sort_keys=True) for root in self.roots)
        known = sorted(hashlib.sha256(der).hexdigest() for der in self.anchors)
        return hashlib.sha256("\n".join(known + lines).encode()).hexdigest()

    def root(self, der: bytes) -> Root | None:
        """The entry of a certificate, None when it has none."""
        digest = hashlib.sha256(der).hexdigest()
        return next((root for root in self.roots if root.sha256 == digest), None)


def add_root(
    folder: Path, source: Path, *, begins: str | None, ends: str | None, pin: str | None, note: str
) -> list[Root]:
    """Keep the certificates of a file, trusted in that term; with `pin`, only the one of that SHA-256.

    Raises UsageError when a certificate is no authority's, or the pin fits none.
    """
    wanted = (pin or "").lower().replace(":", "")
    added = []
    for der in read_certificates(source):
        digest = hashlib.sha256(der).hexdigest()
        if wanted and digest != wanted:
            continue
        if not x509.Certificate.load(der).ca:
            raise UsageError(
                f"{name_of(der)} is no certificate of an authority",
                vi=f"{name_of(der)} không phải chứng thư của cơ quan chứng thực",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(folder / f"{digest}.der", der)
        added.append(Root(sha256=digest, name=name_of(der), begins=begins, ends=ends, note=note))
    if not added:
        raise UsageError(
            f"no certificate in {source} has the SHA-256 {pin}",
            vi=f"Không chứng thư nào trong {source} có SHA-256 {pin}",
        )
    known = {root.sha256: root for root in _history(folder)} | {root.sha256: root for root in added}
    _keep(folder, known)
    return added


def remove_root(folder: Path, sha256: str, *, ends: str) -> Root:
    """End the trust in a root on a day; the certificate and its history stay. Raises UsageError."""
    digest = sha256.lower().replace(":", "")
    store = TrustStore.of(folder)
    fitting = [root for root in store.roots if len(digest) >= 8 and root.sha256.startswith(digest)]
    if len(fitting) != 1:
        raise UsageError(
            f"{sha256} names {len(fitting)} trusted roots; `sohoa trust list` shows them",
            vi=f"{sha256} ứng với {len(fitting)} gốc tin cậy; xem `sohoa trust list`",
        )
    ended = replace(fitting[0], ends=ends)
    _keep(folder, {root.sha256: root for root in _history(folder)} | {ended.sha256: ended})
    return ended


def read_certificates(path: Path) -> list[bytes]:
    """DER certificates of a file: PEM, DER, or a PKCS#7 bundle. Raises UsageError."""
    from asn1crypto import cms

    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
        parts = (
            [der for _, _, der in pem.unarmor(content, multiple=True)] if pem.detect(content) else [content]
        )
        found: list[bytes] = []
        for der in parts:
            if path.suffix.lower() in (".p7b", ".p7c"):
                bundle = cms.ContentInfo.load(der)["content"]["certificates"]
                found += [one.chosen.dump() for one in bundle if one.name == "certificate"]
            else:
                one = x509.Certificate.load(der, strict=True)
                one.subject.native, one.public_key.algorithm  # noqa: B018 (raises over what is no certificate)
                found.append(one.dump())
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} is no certificate; name another file, or remove it from the trust folder",
            vi=f"{path} không phải chứng thư; hãy nêu tệp khác, hoặc bỏ tệp ấy khỏi thư mục tin cậy",
        ) from error
    if not found:
        raise UsageError(f"{path} holds no certificate", vi=f"{path} không chứa chứng thư nào")
    return found


def name_of(der: bytes) -> str:
    """The common name of a certificate, else its whole name."""
    subject = x509.Certificate.load(der).subject
    return str(subject.native.get("common_name") or subject.human_friendly)


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from (path for path in sorted(place.iterdir()) if path.suffix.lower() in KINDS)
    elif place.exists():
        yield place


def _history(folder: Path) -> list[Root]:
    try:
        entries: Any = json.loads((folder / HISTORY).read_text("utf-8"))
        return [Root(**entry) for entry in entries["roots"]]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{folder / HISTORY} is damaged: {error}", vi=f"Tệp {folder / HISTORY} bị hỏng: {error}"
        ) from error


def _keep(folder: Path, roots: dict[str, Root]) -> None:
    entries = [asdict(root) for root in sorted(roots.values(), key=lambda root: root.sha256)]
    _write(
        folder / HISTORY, json.dumps({"version": 1, "roots": entries}, ensure_ascii=False, indent=1).encode()
    )


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
