"""Titles printed in red are read, once each and in their place."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.reader import PageReader, default_engine

FACE = "/usr/share/fonts/truetype/liberation2/LiberationSerif-{}.ttf"
RED = (190, 30, 40)
BODY = (
    "I. Người sử dụng đất, chủ sở hữu tài sản gắn liền với đất",
    "Ông Trần Văn Bảy, sinh năm 1967, địa chỉ thường trú: thôn Phú Hội",
    "Thửa đất số 117, tờ bản đồ số 34, diện tích 742 m2, sử dụng lâu dài",
)


@cache
def text() -> str:
    """Of a certificate with its title in red, a seal, and what a signing program stamped on it."""
    sheet = Image.new("RGB", (1654, 2339), (252, 250, 246))
    pen = ImageDraw.Draw(sheet)

    def put(
        words: str,
        y: int,
        *,
        size: int = 38,
        style: str = "Regular",
        x: int = 240,
        fill: tuple[int, int, int] = (20, 20, 22),
    ) -> None:
        pen.text((x, y), words, font=ImageFont.truetype(FACE.format(style), size), fill=fill)

    put("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 200, style="Bold", x=430)
    put("Độc lập - Tự do - Hạnh phúc", 255, style="Bold", x=540)
    put("GIẤY CHỨNG NHẬN", 420, size=56, style="Bold", x=560, fill=RED)
    put("QUYỀN SỬ DỤNG ĐẤT", 500, size=56, style="Bold", x=540, fill=RED)
    for number, words in enumerate(BODY):
        put(words, 700 + 70 * number)
    put("Ký bởi: Văn phòng đăng ký đất đai", 90, size=26, x=1100, fill=RED)
    pen.ellipse((900, 1300, 1180, 1580), outline=RED, width=14)
    pen.ellipse((950, 1350, 1130, 1530), outline=RED, width=14)
    reader = PageReader(default_engine())
    found = reader.read(np.asarray(sheet), dpi=200, bitonal=False)
    return "\n".join(line.text for line in found.lines)


def test_a_title_in_red_is_read_in_its_place() -> None:
    lines = text().splitlines()
    title = lines.index("GIẤY CHỨNG NHẬN")
    assert lines[title + 1] == "QUYỀN SỬ DỤNG ĐẤT"
    assert lines.index("Độc lập - Tự do - Hạnh phúc") < title < lines.index(BODY[0])


def test_every_line_is_there_once() -> None:
    lines = text().splitlines()
    assert len(lines) == len(set(lines)) == 2 + 2 + len(BODY) + 1
