"""What handles a dossier as a whole: procedures, codes, the registry, the way out to other systems."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import SecretStr

from pipeline.errors import Unavailable
from pipeline.procedures.catalogue import ProcedureShelf
from pipeline.procedures.issuing import Templates
from pipeline.registry.connector import Registry
from pipeline.registry.http import HttpClient
from pipeline.request_book import RequestBook
from storage.dossiers import Dossiers
from storage.outbox import Outbox
from storage.registered import ORPHAN, Registered

logger = logging.getLogger("sohoa.casework")
Secret = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Destination:
    """Another system that is told things, and the secret by which it knows that they are ours."""

    client: HttpClient
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Casework:
    """`required`: a dossier must be known to the one-stop system. `destinations`: `event` and `return_set`.

    `turn` is held while what follows from a dossier is done, so that the clock and a command do not do it twice.
    """

    dossiers: Dossiers
    shelf: ProcedureShelf
    templates: Templates
    registered: Registered
    outbox: Outbox
    requests: RequestBook
    registry: Registry | None
    required: bool
    destinations: Mapping[str, Destination]
    turn: threading.RLock = field(default_factory=threading.RLock)

    def why_unknown(self, code: str) -> str | None:
        """Why papers of a dossier must wait, for a person to read; None when they need not. Asks the system once."""
        if not self.required or self.registered.get(code) is not None:
            return None
        trouble = ""
        if self.registry is not None:
            try:
                found = self.registry.lookup(code)
            except Unavailable as error:
                logger.warning("the registry does not answer: %s", error)
                trouble = "; hệ thống một cửa đang không trả lời"
            else:
                if found is not None:
                    self.registered.take([asdict(found)], self.registry.name)
                    return None
        return (
            f"Hệ thống một cửa chưa biết hồ sơ {code}{trouble}; giấy tờ được giữ, máy tự nhận khi có hồ sơ "
            f"({ORPHAN}: this dossier is unknown to the registry)"
        )


def secret_of(value: SecretStr | None, file: Path | None) -> Secret:
    """A secret that is read when it is needed: from the environment, else from a file, so that it can be changed."""

    def read() -> str | None:
        if value is not None:
            return value.get_secret_value()
        if file is None:
            return None
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"the secret file {file} cannot be read", vi=f"Không đọc được tệp khóa {file}"
            ) from error

    return read
