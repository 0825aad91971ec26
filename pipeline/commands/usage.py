"""What the parser of the command line refuses, as our own error: a Vietnamese sentence, the remedy, exit code 2.

The parser words its refusals in English and prints them past `--json`; `refusal` turns one into a UsageError,
which ends like every other error of a command.
"""

from __future__ import annotations

import re
from typing import Any

import typer

from pipeline.errors import UsageError

_LEAST = re.compile(r"greater than or equal to (\d+)")
ParserRefusal: Any = typer.BadParameter.__base__
"""The parser's own class of wrong usage, of which BadParameter is the public kind."""


def refusal(error: Any) -> UsageError | None:
    """The same refusal in two languages; None where the error is the page of help itself."""
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        return None
    words = error.format_message().rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "sohoa"
    sentence = _in_vietnamese(kind, error, words)
    stop = "" if sentence.endswith("?") else "."
    return UsageError(f"{words}; see {command} --help", vi=f"{sentence}{stop} Cách viết: {command} --help")


def _in_vietnamese(kind: str, error: Any, words: str) -> str:
    parameter = getattr(error, "param", None)
    name = parameter.get_error_hint().replace("'", "") if parameter is not None else ""
    if kind == "MissingParameter":
        meaning = (getattr(parameter, "help", "") or "").partition(" (")[0].rstrip(".")
        return f"Thiếu {name}" + (f" ({meaning})" if meaning else "")
    if kind == "BadParameter":
        detail = words.rpartition(": ")[2].removeprefix("Value error, ")
        choices = detail.partition(" is not one of ")
        if choices[1]:
            return f"{name} không nhận {choices[0]}; chọn một trong: {choices[2]}"
        limit = _LEAST.search(detail)
        if limit:
            return f"{name} phải là số từ {limit[1]}"
        if "valid integer" in detail:
            return f"{name} phải là số nguyên"
        return f"Giá trị của {name} không dùng được"
    if kind == "NoSuchOption":
        near = ", ".join(sorted(error.possibilities or ()))
        return f"Không có lựa chọn {error.option_name}" + (f"; có phải là {near}?" if near else "")
    if kind == "BadOptionUsage":
        return f"Lựa chọn {error.option_name} cần một giá trị đi kèm"
    if words.startswith("No such command"):
        _, _, near = words.partition("Did you mean ")
        return f"Không có lệnh {words.split(chr(39))[1]}" + (
            f"; có phải là {near.rstrip('?')}?" if near else ""
        )
    if words.startswith("Missing command"):
        return "Thiếu tên lệnh"
    _, _, extra = words.partition("extra argument(s) ")
    return f"Thừa {extra.strip('()')}" if extra else "Lệnh viết chưa đúng"
