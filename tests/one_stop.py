"""A one-stop system as docs/registry.openapi.json describes it, over real HTTP, and whether what it gets fits that page."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from jsonschema import Draft202012Validator

API = json.loads((Path(__file__).parent.parent / "docs" / "registry.openapi.json").read_text("utf-8"))
TOKEN, SECRET = "the-token-of-the-tests-4711", "the-secret-of-the-tests-0815"


def check(name: str, value: Any) -> None:
    """Raise when a value is not as the page says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": API["components"]}
    Draft202012Validator(schema).validate(value)


def link_to(url: str, folder: Path) -> dict[str, str]:
    """Settings of a home that pulls from a system and tells it what happens; its secrets lie in the folder."""
    for name, content in (("token", TOKEN), ("secret", SECRET)):
        (folder / name).write_text(f"{content}\n")
    return {
        "SOHOA_REGISTRY_URL": f"{url}/api",
        "SOHOA_REGISTRY_TOKEN_FILE": str(folder / "token"),
        "SOHOA_REGISTRY_PULL_SECONDS": "600",
        "SOHOA_REGISTRY_WEBHOOK_URL": f"{url}/hook",
        "SOHOA_REGISTRY_WEBHOOK_SECRET_FILE": str(folder / "secret"),
    }


@dataclass
class Message:
    event: str
    delivery: str
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]


@dataclass
class OneStop:
    """`down`: it answers 503 to everything that is sent to it. Ports are the system's choice.

    `strict`: what it answers fits the page too. `requests` is None for a system that makes no scan requests, else every word on one in order.
    """

    dossiers: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] | None = None
    down: bool = False
    silent: bool = False
    strict: bool = True
    taken: list[Message] = field(default_factory=list)
    refused: int = 0
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, event: str) -> list[Message]:
        """Messages of a kind, each delivery once."""
        return list({m.delivery: m for m in self.taken if m.event == event}.values())


def _handler(system: OneStop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            """Nothing on the tests' output."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            system.asked.append(self.path)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                system.wrong.append("a question without the token")
                return self._say(401)
            if system.silent:
                return self._say(503)
            kinds = {"dossiers": (system.dossiers, "code", "Slice", "Dossier")}
            if system.requests is not None:
                kinds["scan-requests"] = (system.requests, "id", "RequestSlice", "ScanRequest")
            what, _, name = parts.path.removeprefix("/api/").partition("/")
            if what not in kinds:
                return self._say(404)
            items, key, slice_name, one_name = kinds[what]
            if not name:
                query = parse_qs(parts.query)
                since, limit = int(query.get("since", ["0"])[0]), 2  # small slices, so that there are several
                found = items[since : since + limit]
                answer = {
                    what.removeprefix("scan-"): found,
                    "next": str(since + len(found)),
                    "more": since + limit < len(items),
                }
                if system.strict:
                    check(slice_name, answer)
                return self._say(200, answer)
            one = next((item for item in reversed(items) if item[key] == unquote(name)), None)
            if one:
                check(one_name, one)
            return self._say(200, one) if one else self._say(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if system.down:
                system.refused += 1
                return self._say(503)
            moment = self.headers["X-Sohoa-Timestamp"]
            made = hmac.new(SECRET.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(self.headers["X-Sohoa-Signature"], f"sha256={made}"):
                system.wrong.append("a message whose signature does not hold")
                return self._say(403)
            if self.path == "/hook":
                check("Event", json.loads(body))
            system.taken.append(
                Message(self.headers["X-Sohoa-Event"], self.headers["X-Sohoa-Delivery"], body)
            )
            return self._say(204)

        def _say(self, status: int, body: Any = None) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
