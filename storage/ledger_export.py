"""The ledger as a file: JSON lines for a verifier, or a slip in plain Vietnamese for the person it is about."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from storage.acts import act_of
from storage.ledger import Ledger
from storage.proof import GENESIS, VIETNAM, Entry, Root, line_of

CONTRACT = "ledger-1"


def lines(
    ledger: Ledger, roots: Iterator[Root], evidence: Iterable[tuple[str, bytes]] = (), *, agency: str
) -> Iterator[bytes]:
    """Every entry, the signed roots, their evidence records, then the head: number and hash at which it must end."""
    last, head = 0, GENESIS
    for entry in ledger.entries():
        last, head = entry.seq, entry.hash
        yield line_of(entry)
    for root in roots:
        signature = base64.b64encode(root.signature).decode() if root.signature else None
        yield _line({"key": root.key, "root": root.content.decode(), "p7s": signature})
    for key, record in evidence:
        yield _line({"key": key, "evidence": base64.b64encode(record).decode()})
    stated = {"contract": CONTRACT, "agency": agency, "last": last, "hash": head, "at": _now()}
    yield _line({"head": stated})


Concerns = Callable[[str, frozenset[str]], bool]


def speaks_of(ledger: Ledger, concerns: Concerns) -> bool:
    """Whether any entry is about that person; `concerns` as for `slip`."""
    bodies = (json.loads(entry.body) for entry in ledger.entries())
    return any(concerns(str(body["actor"]), frozenset(map(str, body["objects"]))) for body in bodies)


def slip(ledger: Ledger, *, key: str, concerns: Concerns, office: tuple[str, str]) -> tuple[str, int]:
    """What was done by, or with the papers of, one person; and how many entries that are.

    `concerns` says so of an entry by its actor and its objects. `office` is our own code and name.
    """
    code, name = office
    rows = [row for entry in ledger.entries() if (row := _row(entry, concerns, {code: name})) is not None]
    heading = [
        "PHIẾU TRUY CẬP DỮ LIỆU (record of access)",
        f"Về: {key}",
        f"Cơ quan lập phiếu: {name} ({code})",
        f"Lập lúc: {datetime.now(VIETNAM):%d/%m/%Y %H:%M:%S} (giờ Việt Nam)",
        f"Số mục: {len(rows)}. Mỗi mục có số thứ tự trong sổ cái; sổ cái được niêm phong bằng chữ ký số mỗi ngày.",
        "",
    ]
    if not rows:
        heading.append("Sổ cái không có mục nào về người này.")
    return "\n".join(heading + rows) + "\n", len(rows)


def _row(entry: Entry, concerns: Concerns, offices: dict[str, str]) -> str | None:
    body = json.loads(entry.body)
    if not concerns(str(body["actor"]), frozenset(map(str, body["objects"]))):
        return None
    act = act_of(str(body["act"]))
    at = datetime.fromisoformat(body["at"]).astimezone(VIETNAM)
    agency = str(body["agency"])
    office = f"{offices[agency]} ({agency})" if agency in offices else agency
    purpose = body["details"].get("purpose") or act.purpose
    return (
        f"Mục {entry.seq}. {at:%d/%m/%Y %H:%M:%S}\n  Cơ quan: {office}\n  Vai trò: {act.role}\n"
        f"  Việc: {act.name}\n  Mục đích: {purpose}\n"
    )


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat()
