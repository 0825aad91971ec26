"""A 6 read as ó, a 0 as O among figures: asked again on the print, and only what the print shows is taken."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from ocr.copy import Copy
from ocr.engine import Engine
from ocr.lookalikes import mend_figures
from ocr.reader import default_engine
from pipeline.model import Box, Line, Word
from samples.sheet import font


@cache
def engine() -> Engine:
    return default_engine()


def read_as(printed: str, read: str) -> str:
    """What becomes of a word that is printed so and was read so."""
    sheet = Image.new("L", (1200, 260), 250)
    face = font(20)
    ImageDraw.Draw(sheet).text((80, 90), printed, font=face, fill=25)
    grey = cv2.GaussianBlur(np.array(sheet), (0, 0), 0.7).astype(np.uint8)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(printed))
    box = Box(left=80 + left, top=90 + top, right=80 + right, bottom=90 + bottom)
    line = Line(words=(Word(text=read, box=box, confidence=0.9),), box=box, block=0)
    (found,) = mend_figures(engine(), Copy(tilted=grey, skew=0.0, dpi=300.0), (line,))
    return found.text


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("000.03.34.H14-230423-5736", "000.03.34.H14-230423-573ó"),
        ("1316/QĐ-UBND", "131ó/QĐ-UBND"),
        ("16", "1ó"),
        ("26/6/2020", "2ó/ó/2020"),
        ("01", "O1"),
        ("H56-240614-9799", "H56ó-240614-9799"),
    ],
)
def test_what_is_printed_as_a_figure_is_one(printed: str, read: str) -> None:
    assert read_as(printed, read) == printed


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("1315/QĐ-UBND", "131ó/QĐ-UBND"),  # another figure
        ("1326/QĐ-UBND", "131ó/QĐ-UBND"),  # another one is in doubt as well
        ("5566 -9", "556ó"),  # there is room for more
        ("Hóa", "Hóa"),
        ("có", "có"),
        ("M2ó", "M2óa"),  # a letter beside it: no figure
    ],
)
def test_anything_else_stays_as_it_was_read(printed: str, read: str) -> None:
    assert read_as(printed, read) == read
