"""Tables of the settings: folders, counters, receipts, scanners."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from config.sections import Section

CompanionField = Literal[
    "file",
    "dossier",
    "procedure",
    "fonds",
    "catalogue",
    "repository",
    "shelf",
    "box",
    "file_unit",
    "leaf_from",
    "leaf_to",
    "leaves",
    "condition",
]


class Watching(Section):
    """The hot folder of `sohoa watch`. `quiet` is in seconds; `polling` is for SMB and NFS shares.

    `stuck_seconds` is how long an unfinished file may rest before it is shown and holds nothing else up. Without a
    `priority` a stack that has a dossier is a counter's.
    """

    folder: Path | None = None
    quiet: float = Field(default=3.0, gt=0)
    polling: bool = False
    priority: Literal["counter", "backfile"] | None = None
    stuck_seconds: float = Field(default=120.0, gt=0)


class Companion(Section):
    """Side-cars beside the scans: `columns` gives a site's own headings their fields, `"Số hộp cũ" = "box"`."""

    columns: dict[str, CompanionField] = {}


class Counter(Section):
    """A counter with a hot folder of its own: `[counter.NAME]`. `operator` is who scans there.

    `dossier` and `procedure` hold while `sohoa counter NAME --dossier …` has said nothing, or nothing for
    `idle_minutes`.
    """

    folder: Path
    operator: str = ""
    dossier: str | None = None
    procedure: str | None = None
    polling: bool = False
    priority: Literal["counter", "backfile"] = "counter"
    idle_minutes: float = Field(default=15.0, gt=0)


class Receipt(Section):
    """How a one-stop system writes the code into its receipts' QR: `[receipt.NAME]`, tried in this order.

    `plain`: the code behind `prefix`; `url`: the `parameter` of an address at `host`; `fields`: number `field` (from 1)
    of what `delimiter` parts.
    """

    kind: Literal["plain", "url", "fields"]
    prefix: str = ""
    host: str = ""
    parameter: str = ""
    delimiter: str = Field(default="|", min_length=1)
    field: int = Field(default=1, ge=1)


class Scanner(Section):
    """A scanner under a name of one's own: `[scanner.NAME]`, used by `sohoa scan --device NAME`.

    `device` is SANE's name; `page_seconds` is how long one side may take before the device counts as hung.
    `manual_duplex`: a one-sided feeder takes the fronts, then the turned stack.
    """

    device: str
    source: str = "auto"
    duplex: bool = False
    manual_duplex: bool = False
    resolution: int = Field(default=300, ge=50, le=2400)
    mode: str = "Color"
    paper: Literal["A3", "A4", "A5", "A6", "ID", "max"] = "A4"
    format: Literal["jpeg", "png"] = "jpeg"
    page_seconds: float = Field(default=120.0, gt=0)
    options: dict[str, str] = {}
