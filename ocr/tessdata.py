"""Where Tesseract's models are on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import UsageError

_PLACES = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_SCRIPT = ("Vietnamese", "script/Vietnamese")  # Debian installs it flat, upstream in a folder
_LATIN = "eng"


def find_tessdata(model: str = "vie", places: Iterable[str | Path] | None = None) -> Path:
    """The first folder that holds `model`.traineddata.

    Raises UsageError, naming the package to install, when there is none.
    """
    if places is None:
        prefix = os.environ.get("TESSDATA_PREFIX")
        places = (*((prefix,) if prefix else ()), *_PLACES)
    for place in places:
        if (Path(place) / f"{model}.traineddata").is_file():
            return Path(place)
    raise UsageError(
        f"Tesseract's model {model!r} is not installed: apt install tesseract-ocr-{model}",
        vi=f"Chưa cài mô hình nhận dạng tiếng Việt: hãy chạy lệnh apt install tesseract-ocr-{model}",
    )


def find_script_model(folder: Path) -> str | None:
    """Name of the second model (the whole Vietnamese script) in `folder`, or None: it is not required."""
    return next((name for name in _SCRIPT if (folder / f"{name}.traineddata").is_file()), None)


def find_latin_model(folder: Path) -> str | None:
    """Name of the model of plain Latin print, which Debian's package brings along, or None."""
    return _LATIN if (folder / f"{_LATIN}.traineddata").is_file() else None
