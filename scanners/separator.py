"""Separator sheets to print: A4, black on white, read by people from afar and by machines from any side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from pipeline.grammar.sheet_marks import SheetMark

DPI = 300
WIDTH, HEIGHT = round(210 / 25.4 * DPI), round(297 / 25.4 * DPI)
MARGIN = round(20 / 25.4 * DPI)
TITLE = "PHIẾU PHÂN CÁCH HỒ SƠ"
NOTE = "Đặt trước giấy tờ cần quét, mặt chữ cùng phía với giấy tờ."


def sheets_pdf(marks: Sequence[SheetMark], font: Path) -> bytes:
    """One page for each mark."""
    pages = [draw_sheet(mark, font) for mark in marks]
    out = io.BytesIO()
    pages[0].save(out, "PDF", resolution=DPI, save_all=True, append_images=pages[1:], title=TITLE)
    return out.getvalue()


def draw_sheet(mark: SheetMark, font: Path) -> Image.Image:
    """A sheet as a bitonal picture of 300 dpi.

    The QR code stands twice, at the strongest correction: a stain or a torn corner takes one of them.
    """
    sheet = Image.new("1", (WIDTH, HEIGHT), 1)
    _line(sheet, TITLE, font, y=500, points=34)
    _code(sheet, mark.text, y=760, size=1240)
    _line(sheet, mark.code, font, y=2080, points=46)
    _line(sheet, f"Tờ {mark.number}/{mark.total}", font, y=2340, points=40)
    _line(sheet, NOTE, font, y=2570, points=15)
    _code(sheet, mark.text, y=2720, size=520)
    return sheet


def _line(sheet: Image.Image, text: str, font: Path, *, y: int, points: float) -> None:
    """One centred line, made smaller when it would be wider than the sheet."""
    face = ImageFont.truetype(str(font), round(points * DPI / 72))
    room = WIDTH - 2 * MARGIN
    if face.getlength(text) > room:
        face = ImageFont.truetype(str(font), int(points * DPI / 72 * room / face.getlength(text)))
    ImageDraw.Draw(sheet).text((WIDTH // 2, y), text, font=face, fill=0, anchor="ma")


def _code(sheet: Image.Image, text: str, *, y: int, size: int) -> None:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="H")
    modules = np.array(code.to_image(scale=1))
    # Whole dots a module: an uneven grid is what a worn printer spoils first.
    scale = size // modules.shape[0]
    picture = Image.fromarray(np.kron(modules, np.ones((scale, scale), np.uint8))).convert("1")
    sheet.paste(picture, ((WIDTH - picture.width) // 2, y))
