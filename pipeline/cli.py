"""The `sohoa` command: parse, call, print. Heavy imports stay inside the commands that need them."""

from __future__ import annotations

import sys
from typing import Any

import typer

from pipeline.commands import (
    backup,
    counter,
    demo,
    dossier,
    download,
    import_files,
    inspect,
    intake,
    keeping,
    learn,
    ledger,
    person,
    procedure,
    registry,
    repage,
    repository,
    requests,
    review,
    scan,
    sheets,
    signing,
    stats,
    trust,
    upkeep,
    verification,
    watch,
)
from pipeline.commands.session import CommandGroup, Session

app = typer.Typer(
    name="sohoa",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Số hóa hồ sơ: giấy vào, hồ sơ điện tử có ký số ra. "
    "(Paper dossiers in; signed, searchable, verifiable records out.)",
)
app.callback()(Session.options)
MODULES = (
    demo, intake, import_files, scan, watch, counter, sheets, review, repage, inspect, download, dossier, person,
    keeping, procedure, registry, requests, verification, trust, ledger, learn, signing, repository, backup, stats,
    upkeep,
)  # fmt: skip
for module in MODULES:
    module.register(app)


def main() -> None:
    """Entry point of the `sohoa` command."""
    if "--help" in sys.argv or len(sys.argv) == 1:
        _speak_vietnamese()
    app(prog_name="sohoa", args=sys.argv[1:])


def _speak_vietnamese() -> None:
    """Headings of the page of help; only then, for what draws it is slow to load."""
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = "Tham số (Arguments)"
    rich_utils.OPTIONS_PANEL_TITLE = "Lựa chọn (Options)"
    rich_utils.COMMANDS_PANEL_TITLE = "Lệnh (Commands)"
    rich_utils.DEFAULT_STRING = "[mặc định: {}]"
    rich_utils.REQUIRED_LONG_STRING = "[bắt buộc]"
    parsing: Any = typer.Context.__base__

    class Usage(parsing.formatter_class):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or "Cách viết (Usage): ")

    parsing.formatter_class = Usage


if __name__ == "__main__":
    main()
