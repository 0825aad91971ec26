"""Tesseract inside this process, through tesserocr: the model is loaded once and kept.

One thread: the flow runs one process per core, and Tesseract's own threads would only wait for each other.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ocr.engine import Grey
from ocr.layout import around
from ocr.tessdata import find_latin_model, find_script_model, find_tessdata
from pipeline.errors import Unavailable
from pipeline.model import Box, Line, Word

os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # read by libgomp when tesserocr's library is loaded

_SETTINGS = {
    "tessedit_do_invert": "0",  # no white print on black; else every doubtful line is read twice
    "user_defined_dpi": "0",
}


class TesseractEngine:
    """tesserocr with the Vietnamese model; two others, where installed, give second opinions.

    The script model is asked about lines, the model of plain Latin print about figures: it comes with Tesseract.
    Not safe for several threads at once. Raises UsageError when the model is not installed, Unavailable
    when the library fails.
    """

    def __init__(self, *, tessdata: Path | None = None, model: str = "vie") -> None:
        import tesserocr

        self._api = tesserocr
        self._folder = tessdata or find_tessdata(model)
        self._model = model
        self._script = find_script_model(self._folder)
        self._plain = find_latin_model(self._folder)
        self._page = self._open(model, tesserocr.PSM.AUTO)
        self._line = self._page
        self._second: Any = None
        self._latin: Any = None

    @property
    def opinions(self) -> int:
        return 2 if self._script else 1

    def version(self) -> str:
        number = self._api.tesseract_version().split()[1]
        models = "+".join(filter(None, (self._model, self._script, self._plain)))
        return f"tesseract {number} {models}"

    def read_page(self, image: Grey, *, dpi: float) -> tuple[Line, ...]:
        return self._read(self._page, image, dpi, self._api.PSM.AUTO)

    def read_block(self, image: Grey, *, dpi: float, one_line: bool) -> tuple[Line, ...]:
        mode = self._api.PSM.SINGLE_LINE if one_line else self._api.PSM.SINGLE_BLOCK
        return self._read(self._page, image, dpi, mode)

    def read_line(self, image: Grey, *, dpi: float) -> tuple[tuple[Word, ...], ...]:
        if self._second is None and self._script:
            self._second = self._open(self._script, self._api.PSM.SINGLE_LINE)
        apis = [api for api in (self._page, self._second) if api is not None]
        readings = (self._read(api, image, dpi, self._api.PSM.SINGLE_LINE) for api in apis)
        return tuple(tuple(word for line in lines for word in line.words) for lines in readings)

    def read_latin(self, image: Grey, *, dpi: float) -> tuple[Word, ...]:
        if self._latin is None and self._plain:
            self._latin = self._open(self._plain, self._api.PSM.SINGLE_LINE)
        lines = self._read(self._latin, image, dpi, self._api.PSM.SINGLE_LINE) if self._latin else ()
        return tuple(word for line in lines for word in line.words)

    def _open(self, model: str, mode: int) -> Any:
        try:
            return self._api.PyTessBaseAPI(
                path=str(self._folder),
                lang=model,
                psm=mode,
                oem=self._api.OEM.LSTM_ONLY,
                variables=_SETTINGS,
            )
        except RuntimeError as error:
            raise Unavailable(
                f"Tesseract cannot load the model {model!r} in {self._folder}: {error}",
                vi=f"Không nạp được mô hình nhận dạng {model!r} tại {self._folder}",
            ) from error

    def _read(self, api: Any, image: Grey, dpi: float, mode: int) -> tuple[Line, ...]:
        height, width = image.shape
        pixels = np.ascontiguousarray(image)
        try:
            api.SetPageSegMode(mode)
            api.SetImageBytes(pixels.tobytes(), width, height, 1, width)
            api.SetSourceResolution(round(dpi))
            if not api.Recognize():
                return ()
            return self._lines(api.GetIterator())
        except RuntimeError as error:
            raise Unavailable(f"Tesseract failed on a page: {error}", vi="Lỗi nhận dạng chữ") from error
        finally:
            api.Clear()

    def _lines(self, found: Any) -> tuple[Line, ...]:
        if found is None:
            return ()
        level = self._api.RIL
        lines: list[Line] = []
        words: list[Word] = []
        block = -1
        for item in self._api.iterate_level(found, level.WORD):
            if item.IsAtBeginningOf(level.BLOCK):
                block += 1
            if item.Empty(level.WORD):
                continue
            text = item.GetUTF8Text(level.WORD).strip()
            box = item.BoundingBox(level.WORD)
            if text and box:
                words.append(
                    Word(
                        text=text,
                        box=Box(left=box[0], top=box[1], right=box[2], bottom=box[3]),
                        confidence=item.Confidence(level.WORD) / 100,
                    )
                )
            if item.IsAtFinalElement(level.TEXTLINE, level.WORD) and words:
                lines.append(Line(words=tuple(words), box=around(words), block=max(block, 0)))
                words = []
        if words:
            lines.append(Line(words=tuple(words), box=around(words), block=max(block, 0)))
        return tuple(lines)
