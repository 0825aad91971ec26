"""What every command shares: the home, `--json`, and errors that end as a sentence and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from pipeline.commands.usage import ParserRefusal, refusal
from pipeline.errors import SohoaError, UsageError
from pipeline.home.client import call
from pipeline.paths import HomePaths, home_folder
from pipeline.refused_path import no_folder, refused_path, taken

JsonOption = Annotated[
    bool, typer.Option("--json", help="Một văn bản JSON trên stdout. (One JSON document.)")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Ghi đè tệp đã có. (Overwrite.)")]


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"sohoa {version('sohoa')}")
        raise typer.Exit


@dataclass(frozen=True, slots=True)
class Session:
    """The home that a command speaks to."""

    paths: HomePaths

    @staticmethod
    def options(
        context: typer.Context,
        home: Annotated[
            Path | None,
            typer.Option(
                "--home", help="Thư mục dữ liệu; mặc định $SOHOA_HOME, rồi ./.sohoa. (The home folder.)"
            ),
        ] = None,
        version: Annotated[
            bool,
            typer.Option("--version", help="Phiên bản. (The version.)", callback=_say_version, is_eager=True),
        ] = False,
    ) -> None:
        """Options before the command."""
        context.obj = Session(HomePaths(home_folder(home)))

    def call(
        self,
        verb: str,
        arguments: dict[str, Any] | None = None,
        *,
        quiet: bool = False,
        start: bool = True,
        on: Callable[[dict[str, Any]], None] | None = None,
    ) -> Any:
        """Ask the home's process, with a progress line on a terminal; `on` gets every event too."""
        if quiet or not sys.stderr.isatty():
            return call(self.paths, verb, arguments, progress=on, start=start)
        from pipeline.commands.progress import shown

        with shown() as show:

            def both(event: dict[str, Any]) -> None:
                show(event)
                if on is not None:
                    on(event)

            return call(self.paths, verb, arguments, progress=both, start=start)


class CommandGroup(TyperGroup):
    """Turns SohoaErrors, and wrong usage, into a sentence and the exit code that the contract names."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse what stands before the command."""
        try:
            return super().make_context(*args, **extra)
        except ParserRefusal as error:
            _refuse(error)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ParserRefusal as error:
            _refuse(error)
        except SohoaError as error:
            fail(error, as_json="--json" in sys.argv)
        except BrokenPipeError:  # the reader (`| head`) has seen enough
            raise
        except OSError as error:
            fail(refused_path(error), as_json="--json" in sys.argv)
        except KeyboardInterrupt:
            sys.stderr.write(
                "\nĐã dừng; việc đang làm vẫn tiếp tục ở tiến trình nền. (Stopped; work goes on.)\n"
            )
            raise SystemExit(130) from None


def _refuse(error: Exception) -> NoReturn:
    ours = refusal(error)
    if ours is None:  # no arguments at all: the parser prints the page of help
        raise error
    fail(ours, as_json="--json" in sys.argv)


def fail(error: SohoaError, *, as_json: bool) -> NoReturn:
    """End with the error's sentence on stderr; with --json also as a document on stdout."""
    sys.stderr.write(f"sohoa: {error.vi}\n")
    if error.vi != str(error):
        sys.stderr.write(f"       {error}\n")
    if as_json:
        emit({"error": {"message": str(error), "vi": error.vi, "exit_code": error.exit_code}})
    raise SystemExit(error.exit_code)


def emit(document: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def answer(document: Any, *, as_json: bool, show: Callable[[Any], None], code: int = 0) -> NoReturn:
    """Print a result, for a program or for a person, and end with `code`."""
    if as_json:
        emit(document)
    else:
        show(document)
    raise SystemExit(code)


def absolute(path: Path) -> str:
    """A user's path as the home's process needs it, absolute but not resolved."""
    if "\0" in str(path):
        raise UsageError("a path cannot hold a null character")
    return str(path.expanduser().absolute())


def new_file(path: Path, *, force: bool) -> str:
    """Like `absolute`, of a file to write.

    Raises UsageError where there is no folder for it, or a file that may not be overwritten.
    """
    whole = Path(absolute(path))
    if not whole.parent.is_dir():
        raise no_folder(whole)
    if not force and whole.is_file():
        raise taken(whole)
    return str(whole)
