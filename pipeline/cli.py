"""The `sohoa` command: parse, call, print. Heavy imports stay inside the commands that need them."""

from __future__ import annotations

import sys

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
    keeping, procedure, registry, verification, trust, ledger, learn, signing, repository, backup, stats, upkeep,
)  # fmt: skip
for module in MODULES:
    module.register(app)


def main() -> None:
    """Entry point of the `sohoa` command."""
    app(prog_name="sohoa", args=sys.argv[1:])


if __name__ == "__main__":
    main()
