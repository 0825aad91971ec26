"""`Tỵ` and `Ty` are told apart by the dot in the print, in more than one face, clean and worn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr.under_dot import dot_names
from pipeline.model import Box, Line, Word

FONTS = Path("/usr/share/fonts/truetype")
FACES = ["liberation2/LiberationSerif-Regular", "liberation2/LiberationSans-Bold", "noto/NotoSans-Regular"]


def read_as(printed: str, read: str, face: str, *, size: int, worn: bool) -> str:
    """What becomes of a word printed so and read so; another line with marks follows below."""
    font = ImageFont.truetype(str(FONTS / f"{face}.ttf"), size)
    sheet = Image.new("L", (8 * size, 5 * size), 240)
    pen = ImageDraw.Draw(sheet)
    pen.text((size, size), printed, font=font, fill=30)
    pen.text((size // 2, size + round(1.35 * size)), "Đức Ấp Hỗ", font=font, fill=30)
    grey = cv2.GaussianBlur(np.asarray(sheet, np.float32), (0, 0), 0.8)
    dice = np.random.default_rng(3)
    noisy = grey + dice.normal(0, 8 if worn else 2, grey.shape)
    page: npt.NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    left, top, right, bottom = font.getbbox(read.strip(",."))  # the engine's box leaves the dot out
    box = Box(
        left=size + round(left), top=size + round(top), right=size + round(right), bottom=size + round(bottom)
    )
    line = Line(words=(Word(text=read, box=box, confidence=0.9),), box=box, block=0)

    def part(window: Box) -> npt.NDArray[np.uint8]:
        return page[window.top : window.bottom, window.left : window.right]

    (found,) = dot_names(part, (page.shape[0], page.shape[1]), (line,))
    return found.text


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("size", "worn"), [(54, False), (36, False), (36, True)])
def test_the_dot_is_seen_where_it_is_printed_and_only_there(face: str, size: int, worn: bool) -> None:
    for name in ("Mỵ", "Tỵ", "Kỵ", "Lỵ,", "Hỵ."):
        assert read_as(name, name.replace("ỵ", "y"), face, size=size, worn=worn) == name
    for name in ("My", "Ty", "Ly,", "Vy.", "Hy", "LY"):
        assert read_as(name, name, face, size=size, worn=worn) == name


@pytest.mark.parametrize("word", ["quỵ", "kỵ", "Thỵ"])
def test_words_that_the_model_knows_are_left_to_it(word: str) -> None:
    read = word.replace("ỵ", "y")
    assert read_as(word, read, FACES[0], size=54, worn=False) == read
