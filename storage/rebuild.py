"""The catalogue made anew from the bucket alone: ledger segments and roots, manifests, sidecars.

Of a key with several versions the one counts whose digest is on record; what somebody put over it, a delete marker
too, changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, insert

from pipeline.errors import Tampered, Unavailable
from pipeline.model import Intake
from pipeline.raster.inspect import page_id
from pipeline.records import dump, load
from pipeline.sidecar import SideAside, Sidecar, SidecarPage
from storage.batches import described
from storage.catalogue import index_words
from storage.database import insert as insert_once
from storage.database import writing
from storage.disposal_certificate import DISPOSED
from storage.dossier_rebuild import put_back, records_of
from storage.manifest import Entry, Manifest, check_chain, decode, digest
from storage.page_tables import changed_side
from storage.proof import Chain, entry_of, walk
from storage.s3 import Bucket, Version
from storage.schema import batch, day_root, document, held, ledger, ledger_segment, page

NOT_REBUILT = (
    "trạng thái làm việc của các lô: thư mục nguồn, số tờ đã khai, thời gian, số lần thử (working state of batches)",
    "mã băm ảnh đã xử lý của từng mặt giấy (digests of page pictures)",
    "mặt trắng, tờ phân cách, trang bị loại hoặc trùng; giấy tờ chưa lưu (sides and papers that were never stored)",
    "hàng đợi và điểm dừng của máy xử lý (queues and checkpoints)",
    "khóa đang giữ (locks)",
    "bản chép danh sách hồ sơ của hệ thống một cửa, tin chưa gửi đi: nhập hoặc đồng bộ lại (registry copy, outbox)",
    "yêu cầu quét của hệ thống một cửa: nhập hoặc đồng bộ lại, máy tự đối chiếu với giấy đã lưu (scan requests)",
    "mô hình phân loại đã học: chạy lại `sohoa learn` (learned models of types)",
    "đề nghị đang chờ người thứ hai: nêu lại (proposals that wait for a second person)",
    "tên người ứng với khóa ẩn danh (names of actors)",
    "các mục sổ cái chưa kịp vào kho, nhiều nhất một phút (ledger entries of the last minute)",
)
"""What stands in no bucket; told after each rebuild."""

Progress = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Rebuilt:
    """What came back; `unstored` are batches whose originals are in the bucket without any stored paper."""

    documents: int = 0
    dossiers: int = 0
    entries: int = 0
    problems: list[str] = field(default_factory=list)
    unstored: list[str] = field(default_factory=list)


class Rebuilder:
    """Reads one bucket, fills one empty database."""

    def __init__(self, bucket: Bucket, database: Engine, progress: Progress) -> None:
        self._bucket = bucket
        self._database = database
        self._progress = progress
        self._manifests: dict[str, str] = {}
        self._stores: dict[tuple[str, str], tuple[int, str]] = {}
        self._amended: dict[tuple[str, int], str] = {}
        self._places: dict[str, int] = {}
        self._left: list[dict[str, Any]] = []
        self._batches: set[str] = set()
        self._disposed: set[str] = set()
        self.outcome = Rebuilt()

    def run(self) -> Rebuilt:
        """Fill the database. Raises Unavailable; what is damaged is passed over and named."""
        self._ledger()
        self._roots()
        for spread in range(256):
            self._progress({"stage": "rebuild", "done": spread, "total": 256})
            found = self._bucket.versions(f"d/{spread:02x}/")
            for folder, versions in by_folder(found):
                self._dossier(folder, versions)
        self._leave()
        batches = {key.split("/")[1] for key in self._bucket.keys("q/")}
        self.outcome.unstored = sorted(batches - self._batches)
        return self.outcome

    def _ledger(self) -> None:
        """Segments in order of number, hidden ones too."""
        keys = {one.key for one in self._bucket.versions("l/")}
        ordered = sorted(keys, key=lambda key: PurePosixPath(key).stem)
        with writing(self._database) as connection:
            chain = walk(entry for key in ordered for entry in self._segment(connection, key))
        self.outcome.entries, self.outcome.problems = chain.entries, list(chain.problems)

    def _segment(self, connection: Connection, key: str) -> Iterator[Any]:
        content = self._oldest(key)
        lines = [json.loads(line) for line in content.splitlines()] if content else []
        first, last = (int(number) for number in PurePosixPath(key).stem.split("-"))
        connection.execute(
            insert(ledger_segment).values(first=first, last=last, key=key, sha256=digest(content or b""))
        )
        for line in lines:
            entry = entry_of(line)
            self._remember(entry.seq, json.loads(entry.body))
            connection.execute(
                insert_once(ledger)
                .values(
                    seq=entry.seq,
                    previous=entry.previous,
                    hash=entry.hash,
                    body=entry.body,
                    request=line.get("request"),
                )
                .on_conflict_do_nothing()
            )
            yield entry

    def _remember(self, seq: int, body: dict[str, Any]) -> None:
        details = body.get("details") or {}
        if "record" in details:
            self._manifests[details["record"]] = details["record_sha256"]
        if body.get("act") == "dispose":
            self._manifests[details["manifest"]] = details["manifest_sha256"]
        elif body.get("act") == "store" and "manifest" in details:
            self._manifests[details["manifest"]] = details["manifest_sha256"]
            self._stores.setdefault((body["objects"][0], body["objects"][1]), (seq, details["manifest"]))
        elif "manifest_sha256" in details and "version" in details:
            self._manifests[details["manifest"]] = details["manifest_sha256"]
            self._amended[(body["objects"][0], int(details["version"]))] = details["manifest"]
            if "from" in details:
                self._manifests[details["from"]] = details["from_sha256"]

    def _roots(self) -> None:
        with writing(self._database) as connection:
            for key in sorted({one.key for one in self._bucket.versions("x/")}):
                content = self._oldest(key) if key.endswith("/root.json") else None
                if content is not None:
                    stated = json.loads(content)
                    connection.execute(
                        insert(day_root).values(
                            day=stated["day"],
                            first=stated["first"],
                            last=stated["last"],
                            key=key,
                            sha256=digest(content),
                        )
                    )

    def _dossier(self, folder: str, versions: dict[str, list[Version]]) -> None:
        generations = []
        for key in sorted(k for k in versions if k.startswith(f"{folder}/m/") and k.endswith(".json")):
            content = whole(self._bucket, versions[key], self._manifests.get(key))
            if content is None:
                self.outcome.problems.append(f"{key} cannot be read as it was written")
            else:
                generations.append((key, content))
        self._records(folder, versions)
        self.outcome.problems += check_chain(generations)
        decoded = []
        for key, content in generations:
            try:
                decoded.append((key, content, decode(content, key)))
            except Tampered:
                continue  # check_chain has named it
        if not decoded:
            return
        self.outcome.dossiers += 1
        newest = decoded[-1][2]
        with writing(self._database) as connection:
            for name in dict.fromkeys(e.document for e in newest.entries):
                mine = [e for e in newest.entries if e.document == name and e.role != DISPOSED]
                if not mine:  # gone on purpose; the home goes through the certificate when it starts
                    self._disposed.add(name)
                    continue
                self._document(connection, name, mine, decoded, versions)

    def _records(self, folder: str, versions: dict[str, list[Version]]) -> None:
        """State, procedure and issued codes of the dossier."""
        found: list[tuple[str, bytes]] = []
        for key in records_of(folder, versions):
            content = whole(self._bucket, versions[key], self._manifests.get(key))
            if content is None:
                self.outcome.problems.append(f"{key} cannot be read as it was written")
            else:
                found.append((key, content))
        with writing(self._database) as connection:
            self.outcome.problems += put_back(connection, found)

    def _document(
        self,
        connection: Connection,
        name: str,
        entries: list[Entry],
        generations: list[tuple[str, bytes, Manifest]],
        versions: dict[str, list[Version]],
    ) -> None:
        top = max(e.version for e in entries)
        pdf = next((e for e in entries if e.version == top and e.role == "document"), None)
        if pdf is None or self._places.get(name, 0) > top:  # it has moved to another dossier
            self._left += [{"document": name, **row} for row in self._rows(name, entries, generations)]
            self._places.setdefault(name, 0)
            return
        side = next((e for e in entries if e.version == top and e.role == "sidecar"), None)
        content = whole(self._bucket, versions.get(side.key, []), side.sha256) if side else None
        if content is None:
            self.outcome.problems.append(
                f"{name}: its sidecar is missing or damaged; only its objects come back"
            )
            return
        found = load(Sidecar, content)
        self._batch(connection, found)
        _, manifest, number = self._generation(name, pdf, generations)
        latest = versions.get(pdf.key, [])
        values = dict(
            batch=found.batch,
            state="stored",
            light="amber",
            **described(found.paper, agency=found.agency),
            signature_level=found.level,
            roles=json.dumps(list(found.roles)) if found.roles else None,
            pdf_sha256=pdf.sha256,
            bucket=self._bucket.name,
            key=pdf.key,
            version_id=latest[-1].version_id if latest else None,
            generation=number,
            stored_at=manifest.created.isoformat(),
        )
        again = self._places.get(name, 0) > 0  # a crash between two dossiers: the newer version rules
        connection.execute(
            insert_once(document)
            .values(id=name, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )
        self._places[name] = top
        for one in self._rows(name, entries, generations):
            connection.execute(insert_once(held).values(document=name, **one).on_conflict_do_nothing())
        sources = {e.sha256: e.source for e in entries if e.source}
        for side_page in found.pages:
            self._page(connection, found, side_page, sources.get(side_page.source_sha256))
        for left in found.aside:
            self._page(connection, found, left.side, sources.get(left.side.source_sha256), left)
        words = "\n".join("\n".join(line.text for line in one.lines) for one in found.pages)
        row = self._stores.get((name, pdf.sha256), (None, ""))[0]
        index_words(connection, name, found.paper, words, row=row)
        self.outcome.documents += not again

    def _rows(
        self, name: str, entries: list[Entry], generations: list[tuple[str, bytes, Manifest]]
    ) -> Iterator[dict[str, Any]]:
        """What the catalogue holds of a document in one dossier: its objects, and their generations."""
        for item in entries:
            yield {
                "version": item.version, "role": item.role, "key": item.key, "sha256": item.sha256,
                "size": item.size, "source": item.source,
            }  # fmt: skip
        for item in (e for e in entries if e.role in ("document", "moved")):
            key, _, _ = self._generation(name, item, generations)
            size, sha256 = next((len(c), digest(c)) for k, c, _ in generations if k == key)
            yield {
                "version": item.version, "role": "manifest", "key": key, "sha256": sha256,
                "size": size, "source": "",
            }  # fmt: skip

    def _leave(self) -> None:
        """Objects of the dossiers that papers have left; the paper itself must be somewhere else."""
        with writing(self._database) as connection:
            for row in self._left:
                if self._places[row["document"]]:
                    connection.execute(insert_once(held).values(**row).on_conflict_do_nothing())
        for name in sorted(name for name, version in self._places.items() if not version):
            if name in self._disposed:
                continue
            self.outcome.problems.append(f"{name}: it left its dossier, and no other one holds it")

    def _generation(
        self, name: str, item: Entry, generations: list[tuple[str, bytes, Manifest]]
    ) -> tuple[str, Manifest, int]:
        """The generation that committed this version: the one on the ledger, else the first that holds it."""
        stated = self._amended.get((name, item.version))
        if stated is None and item.version == self._first(name, item, generations):
            stated = self._stores.get((name, item.sha256), (0, ""))[1]
        if stated not in [key for key, _, _ in generations]:
            stated = None
        for key, _, manifest in generations:
            holds = any(e.document == name and e.version == item.version for e in manifest.entries)
            if key == stated or (stated is None and holds):
                return key, manifest, manifest.number
        key, _, manifest = generations[-1]
        return key, manifest, manifest.number

    @staticmethod
    def _first(name: str, item: Entry, generations: list[tuple[str, bytes, Manifest]]) -> int:
        """The version that had these bytes first; later ones with the same bytes are amendments."""
        return min(
            (
                e.version
                for e in generations[-1][2].entries
                if e.document == name and e.role == "document" and e.sha256 == item.sha256
            ),
            default=0,
        )

    def _batch(self, connection: Connection, found: Sidecar) -> None:
        self._batches.add(found.batch)
        source = f"s3://{self._bucket.name}/q/{found.batch}/"
        intake = Intake(
            id=found.batch,
            source=source,
            agency=found.agency,
            actor=found.actor,
            received_at=found.captured_at,
            files=(),
            shelf=found.shelf,
        )
        connection.execute(
            insert_once(batch)
            .values(
                id=found.batch,
                source=source,
                agency=found.agency,
                actor=found.actor,
                received_at=found.captured_at.isoformat(),
                intake=dump(intake).decode(),
                state="done",
                attempt=1,
                opened_at=found.captured_at.timestamp(),
            )
            .on_conflict_do_nothing()
        )

    @staticmethod
    def _page(
        connection: Connection,
        found: Sidecar,
        side: SidecarPage,
        path: str | None,
        left: SideAside | None = None,
    ) -> None:
        """One side; `left` says why it is no page any more."""
        batch_id = found.batch
        several = f"#{side.number}" if side.source.endswith(f"#{side.number}") else ""
        source = f"{path}{several}" if path else side.source
        name = page_id(batch_id, side.index, source, side.source_sha256)
        connection.execute(
            insert_once(page)
            .values(
                id=name,
                batch=batch_id,
                idx=side.index,
                source=source,
                source_sha256=side.source_sha256,
                state="rejected" if left else "read",
                reason=left.reason if left else None,
                turn=side.turn,
                skew=side.skew,
                confidence=side.confidence,
                text="\n".join(line.text for line in side.lines),
            )
            .on_conflict_do_nothing()
        )
        if left is not None or side.role is not None:
            since = left.since if left else 0
            connection.execute(
                insert_once(changed_side)
                .values(page=name, document=found.document, version=since, role=side.role)
                .on_conflict_do_nothing()
            )

    def _oldest(self, key: str) -> bytes | None:
        return whole(self._bucket, [one for one in self._bucket.versions(key) if one.key == key], None)


def by_folder(versions: Iterable[Version]) -> Iterator[tuple[str, dict[str, list[Version]]]]:
    """Versions of one dossier after another, by key, the newest first."""

    def folder(one: Version) -> str:
        return "/".join(one.key.split("/")[:4])

    # the listing is by key, but delete markers come in a list of their own
    for name, mine in groupby(sorted(versions, key=folder), key=folder):
        found: dict[str, list[Version]] = {}
        for one in mine:
            found.setdefault(one.key, []).append(one)
        yield name, {key: sorted(all_, key=lambda v: not v.latest) for key, all_ in found.items()}


def whole(bucket: Bucket, versions: list[Version], sha256: str | None) -> bytes | None:
    """The bytes that were recorded, from whichever version holds them; without a record those of the oldest."""
    for one in reversed([v for v in versions if not v.deleted]):
        try:
            content = bucket.read(one.key, version_id=one.version_id)
        except Unavailable:
            bucket.probe()  # the store answers, so it is this version that it cannot give
            continue
        if content is not None and (sha256 is None or hashlib.sha256(content).hexdigest() == sha256):
            return content
    return None


__all__ = ["NOT_REBUILT", "Chain", "Rebuilder", "Rebuilt", "by_folder", "whole"]
