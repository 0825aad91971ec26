"""The words of visible signatures, from templates with effective dates."""

from __future__ import annotations

import datetime as dt
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.errors import UsageError
from pipeline.model import SignatureRole

DEFAULT = Path(__file__).parent / "templates.toml"
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DEMO_MARK = "DEMO – không có giá trị pháp lý"
WORDS = {"name": "", "captured": "", "signed": "", "form": "", "agency": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Lines with words in braces, a strftime pattern for times (the zone is added), the size in points."""

    role: SignatureRole
    since: dt.date
    lines: tuple[str, ...]
    time: str
    size: float
    form: str = ""


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates; of a role, the newest that is in force counts."""

    all: tuple[Template, ...]

    @classmethod
    def load(cls, path: Path = DEFAULT) -> Templates:
        """Read a templates file. Raises UsageError when a line cannot be filled in."""
        try:
            found = [
                Template(
                    role=SignatureRole(one["role"]),
                    since=one["since"],
                    lines=tuple(one["lines"]),
                    time=one["time"],
                    size=float(one["size"]),
                    form=one.get("form", ""),
                )
                for one in tomllib.loads(path.read_text("utf-8"))["template"]
            ]
            for template in found:
                for line in template.lines:
                    line.format_map(WORDS)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise UsageError(
                f"{path} is no usable file of signature templates: {error!r}",
                vi=f"Tệp mẫu chữ ký {path} sai: {error!r}",
            ) from error
        return cls(tuple(found))

    @property
    def letters(self) -> str:
        """Every letter that the templates write by themselves."""
        written = [part for one in self.all for part in (*one.lines, one.form)]
        return unicodedata.normalize("NFC", "".join(written))

    def of(self, role: SignatureRole, day: dt.date) -> Template:
        """The template of that role in force on `day`. Raises UsageError when there is none."""
        fitting = [one for one in self.all if one.role is role and one.since <= day]
        if not fitting:
            raise UsageError(f"no signature template for the {role.value} is in force on {day}")
        return max(fitting, key=lambda one: one.since)


def fill(
    template: Template, *, name: str, agency: str, captured: dt.datetime, signed: dt.datetime, demo: bool
) -> tuple[str, ...]:
    """The lines to show, NFC, times in +07:00 (ISO 8601 zone, as Nghị định 30/2020 asks)."""
    words = {
        "name": name,
        "agency": agency,
        "form": template.form,
        "captured": _moment(captured, template.time),
        "signed": _moment(signed, template.time),
    }
    lines = [unicodedata.normalize("NFC", line.format_map(words)).strip() for line in template.lines]
    return (*((DEMO_MARK,) if demo else ()), *(" ".join(line.split()) for line in lines if line))


def _moment(moment: dt.datetime, pattern: str) -> str:
    return moment.astimezone(HANOI).strftime(pattern) + " +07:00"
