"""Forms of a document's text, by the name that `sohoa get --format` takes."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.sidecar import Sidecar
from pipeline.transcript.alto import alto
from pipeline.transcript.hocr import hocr


def plain(sidecar: Sidecar) -> str:
    """Lines in reading order; a form feed between pages."""
    return "\f".join("".join(f"{line.text}\n" for line in page.lines) for page in sidecar.pages)


FORMS: dict[str, tuple[Callable[[Sidecar], str], str, str]] = {
    "hocr": (hocr, "hocr", "application/xhtml+xml"),
    "alto": (alto, "alto.xml", "application/xml"),
    "txt": (plain, "txt", "text/plain"),
}
"""What makes it, the ending of its file name, its media type."""
