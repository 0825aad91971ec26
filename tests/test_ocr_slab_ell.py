"""The `l` of code faces, read as `t` or `L`, is known by its print; a `t` and an `L` stay."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.slab_ell import is_ell, mend_ells
from pipeline.model import Box
from tests.classify_pages import line, words

FONTS = Path("/usr/share/fonts/truetype/liberation2")


def printed(text: str, *, face: str = "Mono-Regular", size: int = 38) -> npt.NDArray[np.uint8]:
    font = ImageFont.truetype(str(FONTS / f"Liberation{face}.ttf"), size)
    sheet = Image.new("L", (round(font.getlength(text)) + 20, size * 2), 244)
    ImageDraw.Draw(sheet).text((10, size // 3), text, font=font, fill=25)
    grey = cv2.GaussianBlur(np.asarray(sheet, np.float32), (0, 0), 0.7)
    noisy = grey + np.random.default_rng(4).normal(0, 4, grey.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


@pytest.mark.parametrize("face", ["Mono-Regular", "Mono-Bold"])
@pytest.mark.parametrize("size", [28, 36, 52])
def test_an_ell_is_known_by_its_print(face: str, size: int) -> None:
    for text in ("lượng", "là:", "làm", "lẻ", "lập"):
        assert is_ell(printed(text, face=face, size=size)), text
    for text in ("tượng", "tà:", "tám", "tẻ", "tập", "Lượng", "Lập", "ham", "đo", "bà", "kể", "Tổ"):
        assert not is_ell(printed(text, face=face, size=size)), text


def test_only_the_first_letter_of_a_misread_word_changes() -> None:
    shown = {"tượng": "lượng", "Lẻ": "lẻ", "tập": "tập", "thành": "thành", "t01": "l01"}
    read = line([word for n, text in enumerate(shown) for word in words(text, 10, x=100 + 200 * n)])
    by_place = {word.box: printed(shown[word.text]) for word in read.words}

    def part(box: Box) -> npt.NDArray[np.uint8]:
        return by_place[box]

    assert mend_ells(part, (read,))[0].text == "lượng lẻ tập thành t01"
