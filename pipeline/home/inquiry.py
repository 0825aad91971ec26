"""Answering questions: where things are, what was found, whether it still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import Tampered, Unavailable, UsageError
from pipeline.files import hash_file, write_whole
from pipeline.home.copy_desk import told
from pipeline.home.doctor import probes
from pipeline.home.server import Progress
from pipeline.paths import HomePaths
from pipeline.wire import Parts, Records, asking
from signing.conditions import Conditions
from signing.verdict import SENTENCES, FileVerdict, Verdict
from storage.disposal_rows import refuse_disposed
from storage.inclusion import Inclusion


class Inquiry:
    """Read-only but for the ledger: every view and verification is an entry there."""

    def __init__(self, records: Records, parts: Parts | None, paths: HomePaths, settings: Settings) -> None:
        self._records = records
        self._parts = parts
        self._paths = paths
        self._settings = settings

    def status(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """One batch with text (a view, unless only its state is asked for), else the open ones, or all, without."""
        batches = self._records.batches
        one = arguments.get("batch")
        if one:
            if batches.source_of(one) is None:
                raise UsageError(f"no batch {one}", vi=f"Không có lô {one}")
            with_text = bool(arguments.get("text", True))
            view = batches.view(one, with_text=with_text)
            if with_text:
                self._note("view", actor, [one, *(paper["id"] for paper in view["documents"])])
            return {"batches": [view]}
        wanted = batches.list(open_only=not arguments.get("all"))
        views = {"batches": [batches.view(batch, with_text=False) for batch in wanted]}
        copy = told(self._parts)
        return {**views, "second_copy": copy} if copy else views

    def find(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Search; the ledger keeps that it was done, not for what."""
        if not str(arguments["query"]).strip():
            raise UsageError(
                "say what to find: a name, a number, words", vi="Hãy nêu điều cần tìm: tên, số, từ ngữ"
            )
        result = self._records.search.find(
            str(arguments["query"]), limit=int(arguments.get("limit") or 20), after=arguments.get("after")
        )
        self._note("search", actor, [hit["document"] for hit in result["results"]], arguments)
        return result

    def verify(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """Files by themselves; stored documents read back from the bucket and against what was recorded.

        With `stream` each result goes out as an event as soon as it is there, and none is kept. With `kept` a stored
        document is judged by its last reading (`read_at`), if it was read before, and its bytes are not fetched.
        """
        parts = self._need()
        conditions = self._conditions(arguments)
        results: list[dict[str, Any]] = []
        missing: list[str] = []
        targets = [str(f) for file in arguments.get("files") or [] for f in _files(Path(file))]
        for number, name in enumerate(targets):
            results.append(
                parts.verifier.verify_file(Path(name), expected=None, conditions=conditions).to_json()
            )
            progress({"stage": "verify", "done": number + 1, "total": len(targets)})
        wanted = self._stored(arguments)
        if wanted:
            progress({"stage": "verify", "done": 0, "total": len(wanted)})
        ledger_ok = self._records.ledger.verify().ok if wanted else None
        inclusion = Inclusion(self._records.database, parts.archive, parts.trusted)
        for number, document in enumerate(wanted):
            verdict = self._again(parts, document, ledger_ok, conditions) if arguments.get("kept") else None
            verdict = verdict or self._verify_stored(parts, document, ledger_ok, conditions)
            event: dict[str, Any] = {"stage": "verify", "done": number + 1, "total": len(wanted)}
            if verdict is None:
                missing.append(document)
            else:
                _under_root(verdict, document, inclusion, parts)
                if arguments.get("stream"):
                    event["result"] = verdict
                else:
                    results.append(verdict)
            progress(event)
        self._note("verify", actor, wanted, files=len(targets), kept=bool(arguments.get("kept")))
        return {"results": results, "missing": missing, "extra": []}

    def doctor(self, actor: str) -> dict[str, Any]:
        """Probes with remedies."""
        self._note("doctor", actor, [])
        return {"probes": probes(self._need(), self._paths, self._settings)}

    def _conditions(self, arguments: dict[str, Any]) -> Conditions:
        """The home's, but for the day and the asking that the request names."""
        usual, as_of, online = asking(self._settings), arguments.get("as_of"), arguments.get("online")
        return replace(
            usual,
            as_of=datetime.fromisoformat(str(as_of)) if as_of else None,
            online=usual.online if online is None else bool(online),
        )

    def _verify_stored(
        self, parts: Parts, document: str, ledger_ok: bool | None, conditions: Conditions
    ) -> dict[str, Any] | None:
        item = self._records.catalogue.objects(document, original=False, version=None)[0]
        path = self._paths.work / "verify" / f"{document}.pdf"
        try:
            content = parts.archive.read(item.key)
        except Unavailable as error:
            parts.archive.probe()  # the store answers, so it is this object that it cannot give
            return _damaged(document, ledger_ok, error)
        if content is None:
            return None
        write_whole(path, content, "application/pdf")
        try:
            verdict, kept = parts.verifier.read_file(
                path,
                expected=item.sha256,
                target=document,
                expect_signed=item.level is not None,
                conditions=conditions,
            )
        finally:
            path.unlink(missing_ok=True)
        if kept is not None and verdict.hash_ok:
            parts.readings.put(item.sha256, kept)
        return self._told(document, verdict, ledger_ok)

    def _again(
        self, parts: Parts, document: str, ledger_ok: bool | None, conditions: Conditions
    ) -> dict[str, Any] | None:
        """A stored document judged by its last reading; None when there is none to be believed."""
        item = self._records.catalogue.objects(document, original=False, version=None)[0]
        kept = parts.readings.get(item.sha256)
        verdict = kept and parts.verifier.judge_kept(
            kept[0],
            expected=item.sha256,
            target=document,
            expect_signed=item.level is not None,
            conditions=conditions,
            sha256=item.sha256,
        )
        if not kept or not verdict:
            return None
        return {**self._told(document, verdict, ledger_ok), "read_at": kept[1].isoformat(timespec="seconds")}

    def _told(self, document: str, verdict: FileVerdict, ledger_ok: bool | None) -> dict[str, Any]:
        report = verdict.to_json()
        report["ledger_ok"] = ledger_ok
        self._name_roles(document, report)
        return report

    def _name_roles(self, document: str, report: dict[str, Any]) -> None:
        """The role of a signature made elsewhere, under another field name: the one on record that is left over.

        Only when the bytes are those on record, and one role and one signature are left: then no other is possible.
        """
        nameless = [one for one in report["signatures"] if one["role"] is None]
        if report["hash_ok"] and len(nameless) == 1:
            known = {one["role"] for one in report["signatures"]}
            left = [role for role in self._records.catalogue.roles(document) if role not in known]
            if len(left) == 1:
                nameless[0]["role"] = left[0]

    def _stored(self, arguments: dict[str, Any]) -> list[str]:
        catalogue = self._records.catalogue
        if arguments.get("all"):
            return list(catalogue.documents())
        found: list[str] = []
        for name in arguments.get("named") or []:
            inside = [name] if name.startswith("d_") else catalogue.documents(dossier=name)
            known = [d for d in inside if catalogue.objects(d, original=False, version=None)]
            if not known:
                refuse_disposed(self._records.database, name)
                raise UsageError(
                    f"{name} is no file, document or dossier here",
                    vi=f"Không có tệp, giấy tờ hay hồ sơ {name}",
                )
            found += known
        return found

    def _note(
        self,
        act: str,
        actor: str,
        objects: list[str],
        arguments: dict[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """An entry, with the purpose that the asker stated."""
        purpose = (arguments or {}).get("purpose")
        if purpose:
            details["purpose"] = str(purpose)[:200]
        self._records.ledger.note(
            act=act, actor=actor, agency=self._settings.agency.code, objects=objects, details=details
        )

    def _need(self) -> Parts:
        assert self._parts is not None
        return self._parts


def _under_root(report: dict[str, Any], document: str, inclusion: Inclusion, parts: Parts) -> None:
    """Add how the document stands under the signed root of its day; None while the day is not sealed."""
    try:
        found = inclusion.standing(document)
    except (Tampered, Unavailable) as error:
        if isinstance(error, Unavailable):
            parts.archive.probe()  # the store answers, so it is this object that it cannot give
        found = {"ok": False, "problems": [error.both]}
    except UsageError:  # the ledger does not say when: a home of an older version
        found = None
    report["inclusion"] = found
    if found is not None and not found["ok"]:
        report["problems"] += [f"Không chứng minh được ngày lưu: {one}" for one in found["problems"]]
    if found is not None and found["ok"] is False:
        report["verdict"], report["sub_indication"] = (
            Verdict.FAILED.value,
            report["sub_indication"] or "HASH_FAILURE",
        )
        report["verdict_vi"] = f"{SENTENCES[Verdict.FAILED]}: {report['problems'][0]}"


def _damaged(document: str, ledger_ok: bool | None, error: Unavailable) -> dict[str, Any]:
    """A document whose bytes the store holds but cannot give back: its own checksum does not fit any more."""
    verdict = FileVerdict(
        target=document,
        verdict=Verdict.FAILED,
        sub_indication="HASH_FAILURE",
        hash_ok=False,
        problems=(f"Kho không trả lại được tệp này: dữ liệu trên đĩa đã hỏng ({error})",),
    )
    return {**verdict.to_json(), "ledger_ok": ledger_ok}


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(p for p in path.rglob("*.pdf") if p.is_file())
    else:
        hash_file(path)  # an unreadable file fails here, with its own error
        yield path
