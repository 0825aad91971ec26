"""Papers to sign by one-time links: made for a person, answered by `link_server`, every step on the ledger."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.errors import SohoaError, Tampered, UsageError
from pipeline.home.link_server import LinkServer, Offer, Refusal, is_own
from pipeline.home.server import Progress
from pipeline.home.signing_desk import SigningDesk
from pipeline.paths import HomePaths
from pipeline.wire import Parts
from signing.signing_times import in_vietnam
from storage.awaiting import Waiting
from storage.signing_links import Link, SigningLinks

logger = logging.getLogger("sohoa.home")
GROWTH = 16 << 20
"""Bytes that a signature with its look, fonts and evidence may add to a paper."""


class LinkDesk:
    """Listens only while a link is open, or has been since this process began."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings, signing: SigningDesk) -> None:
        self._parts = parts
        self._signing = signing
        self._agency = settings.agency.code
        self._own = settings.signing.links
        self._work = paths.work / "links"
        self._links = SigningLinks(parts.records.database)
        self._lock = threading.Lock()
        self._server: LinkServer | None = None

    def issue(self, arguments: dict[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        """A link for every paper that waits; earlier links of these end. The links are told here and kept nowhere."""
        waiting = self._parts.awaiting.all()
        life = timedelta(minutes=int(arguments.get("minutes") or self._own.minutes))
        expires = datetime.now(UTC) + life
        server = self._open(self._own.port) if waiting else None
        made = [(secrets.token_urlsafe(32), one) for one in waiting]
        if server is not None:
            kept = [(_digest(token), one) for token, one in made]
            self._links.issue(kept, actor=actor, port=server.port, expires=expires)
            self._note("sign_link", actor, [one.document for one in waiting], expires=expires.isoformat())
        base = self._base(server.port) if server is not None else ""
        rows = [
            {
                "document": one.document, "dossier": one.dossier, "title": one.title, "sha256": one.sha256,
                "size": one.size, "url": f"{base}/ky/{token}/{one.document}.pdf", "expires": in_vietnam(expires),
            }
            for token, one in made
        ]  # fmt: skip
        return {"links": rows}

    def resume(self) -> None:
        """After a start: answer again where open links lead."""
        port = self._links.live(datetime.now(UTC))
        if port is not None:
            self._open(port)

    def awaited(self) -> bool:
        return self._server is not None and self._links.live(datetime.now(UTC)) is not None

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def room(self, token: str) -> int:
        """Behind `Desk`: what may come back at most, while anything may."""
        _, item = self._open_link(token)
        return item.size + GROWTH

    def offer(self, token: str) -> Offer:
        """Behind `Desk`: the unsigned paper, once."""
        link, item = self._open_link(token)
        if not self._links.fetch(_digest(token)):
            self._refuse(token, link, "fetched again")
            raise Refusal(410, "Đường dẫn này đã được tải một lần (it was fetched before)")
        path = self._work / f"{uuid.uuid4().hex}.pdf"
        try:
            self._parts.archive.fetch(item.key, item.sha256, path)
        except SohoaError as error:
            self._links.unfetch(_digest(token))
            raise Refusal(500 if isinstance(error, Tampered) else 503, error.both) from error
        self._note("sign_fetch", link.actor, [link.document])
        return Offer(f"{link.document}.pdf", path, item.size, item.sha256)

    def sent(self, token: str, *, whole: bool) -> None:
        """Behind `Desk`: one that broke off may be fetched again."""
        if not whole:
            self._links.unfetch(_digest(token))

    def take(self, token: str, pdf: Path) -> str:
        """Behind `Desk`: what came back, once; what is refused may be tried again a few times."""
        link, _ = self._open_link(token)
        if not self._links.give_back(_digest(token)):
            raise Refusal(410, "Đường dẫn này đã nhận lại tệp (a file came back by it before)")
        state = "refused"
        try:
            result = self._signing.receive(pdf, link.actor, link.document)
            state = str(result["state"])
        finally:
            if state != "accepted":
                self._links.reopen(_digest(token))
        if state == "waiting":
            raise Refusal(503, str(result["reason"]))
        if state == "refused":
            self._links.refused(_digest(token))
            raise Refusal(422, str(result["reason"]))
        return f"{link.document}.pdf"

    def _open_link(self, token: str) -> tuple[Link, Waiting]:
        """The link and its paper. Raises Refusal when it is unknown, has ended, or its paper waits no more."""
        link = self._links.look(_digest(token))
        if link is None:
            raise Refusal(404, "Không có đường dẫn này (no such link)")
        if link.ended(datetime.now(UTC)):
            self._refuse(token, link, "used after its end")
            raise Refusal(410, "Đường dẫn này đã dùng hoặc hết hạn (used, or its time is over)")
        for item in self._parts.awaiting.all():
            if item.document == link.document and item.sha256 == link.sha256:
                return link, item
        raise Refusal(410, "Giấy tờ không còn chờ ký (the paper does not wait any more)")

    def _refuse(self, token: str, link: Link, reason: str) -> None:
        """On the ledger, but not more often than a link may be misused: nobody fills the ledger with one."""
        if link.refusals < MOST_NOTED:
            self._links.refused(_digest(token))
            self._note("sign_refused", link.actor, [link.document], reason=f"one-time link {reason}")

    def _open(self, port: int) -> LinkServer:
        own = self._own
        if (own.certificate is None) is not (own.key is None):
            raise UsageError(
                "signing.links.certificate and signing.links.key go together",
                vi="signing.links.certificate và signing.links.key phải đi cùng nhau",
            )
        if not (is_own(own.address) or own.certificate or (own.url or "").startswith("https://")):
            raise UsageError(
                f"signing.links.address {own.address} is reached by others: set certificate and key, or an https url "
                "of a proxy before it",
                vi=f"Máy khác tới được {own.address}: cần certificate và key, hoặc url https của máy chủ đứng trước",
            )
        with self._lock:
            if self._server is None:
                keys = (own.certificate, own.key) if own.certificate and own.key else None
                self._server = LinkServer(self, self._work, own.address, port, keys=keys)
            return self._server

    def _base(self, port: int) -> str:
        if self._own.url:
            return self._own.url.rstrip("/")
        host = f"[{self._own.address}]" if ":" in self._own.address else self._own.address
        return f"{'https' if self._own.certificate else 'http'}://{host}:{port}"

    def _note(self, act: str, actor: str, objects: list[str], **details: Any) -> None:
        self._parts.records.ledger.note(
            act=act, actor=actor, agency=self._agency, objects=objects, details=details
        )


MOST_NOTED = 5


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
