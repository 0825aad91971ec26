"""The seam to a text recogniser: four verbs, a count and a name.

Vendor types never pass here. An engine reads a grey picture that is upright, straight and prepared; boxes
come back in pixels of that picture, confidences raw (0 to 1, as the vendor reports them).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.model import Line, Word

Grey = npt.NDArray[np.uint8]
"""H x W, 0 is black."""


class Engine(Protocol):
    """A text recogniser, loaded once in a process and used for many pages."""

    @property
    def opinions(self) -> int:
        """How many models `read_line` asks."""
        ...

    def version(self) -> str:
        """Name, version and models, as written into the record of what read a page."""
        ...

    def read_page(self, image: Grey, *, dpi: float) -> tuple[Line, ...]:
        """All lines found on a page, in the engine's own order, `block` numbering its text blocks."""
        ...

    def read_block(self, image: Grey, *, dpi: float, one_line: bool) -> tuple[Line, ...]:
        """The lines of a crop that holds one block of print, such as a cell of a table, or one line of it."""
        ...

    def read_line(self, image: Grey, *, dpi: float) -> tuple[tuple[Word, ...], ...]:
        """One cropped printed line, read anew by each model at hand: one tuple of words a model."""
        ...

    def read_latin(self, image: Grey, *, dpi: float) -> tuple[Word, ...]:
        """A few printed figures and capitals, read by another model than the page's; nothing when there is none."""
        ...
