"""Codes by dated template: what each kind of code looks like, from which day (config/issued_codes.toml)."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import UsageError

KINDS = ("paper", "result", "slip", "return_file")
PARTS = ("dossier", "owner_id", "type_code", "seq")
_SIGN = r"[-._/ ]?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of code from a day on."""

    kind: str
    effective: date
    text: str
    source: str = ""

    def render(self, *, dossier: str, owner_id: str, type_code: str, seq: int) -> str:
        """The code of these parts; an empty part goes with the sign that joins it to the rest."""
        text = self.text
        for name, value in (("owner_id", owner_id), ("type_code", type_code)):
            if not value:
                text = re.sub(rf"^\{{{name}\}}{_SIGN}|{_SIGN}\{{{name}\}}", "", text)
        return text.format(dossier=dossier, owner_id=owner_id, type_code=type_code, seq=seq)


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates."""

    items: tuple[Template, ...]

    @classmethod
    def load(cls, path: Path) -> Templates:
        """Raises UsageError that names the template at fault."""
        try:
            rows = tomllib.loads(path.read_text("utf-8"))["template"]
            items = tuple(Template(**row) for row in rows)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: {error}", vi=f"Không đọc được {path}: {error}") from error
        for item in items:
            _check(item, path)
        return cls(items)

    def on(self, kind: str, day: date) -> Template:
        """The newest template in force; before the first one, the first."""
        mine: Sequence[Template] = sorted(
            (item for item in self.items if item.kind == kind), key=lambda item: item.effective
        )
        if not mine:
            raise UsageError(f"no template for codes of kind {kind}", vi=f"Chưa có mẫu mã loại {kind}")
        return next((item for item in reversed(mine) if item.effective <= day), mine[0])


def _check(item: Template, path: Path) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(item.text) if name is not None]
        item.render(dossier="H00", owner_id="", type_code="", seq=1)
    except (ValueError, KeyError, IndexError) as error:
        raise UsageError(f"{path}: template {item.text!r}: {error}") from error
    needed = {"seq"} if item.kind == "return_file" else {"seq", "dossier"}
    if item.kind not in KINDS or type(item.effective) is not date or not needed <= set(names) <= set(PARTS):
        raise UsageError(
            f"{path}: template {item.text!r} of kind {item.kind} needs {sorted(needed)}, knows {PARTS}",
            vi=f"Mẫu mã {item.text!r} ({item.kind}) sai; các phần dùng được: {', '.join(PARTS)}",
        )
