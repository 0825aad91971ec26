"""A sheet of paper to print on: lines and their truth, then what a scanner and an office do to it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

DPI = 200
WIDTH, HEIGHT = round(8.27 * DPI), round(11.69 * DPI)
LEFT, RIGHT, TOP = round(1.2 * DPI), WIDTH - round(0.7 * DPI), round(0.8 * DPI)
FONTS = Path("/usr/share/fonts/truetype/liberation2")
RED, BLUE, BLACK = (200, 30, 40), (35, 60, 170), (20, 20, 22)


def font(points: float, style: str = "Regular") -> ImageFont.FreeTypeFont:
    """Liberation Serif 2, metric-compatible with the typeface that Nghị định 30/2020 asks for."""
    return ImageFont.truetype(str(FONTS / f"LiberationSerif-{style}.ttf"), round(points * DPI / 72))


@dataclass
class Sheet:
    """One side being printed; `lines` collects what stands on it, in reading order."""

    picture: Image.Image = field(default_factory=lambda: Image.new("RGB", (WIDTH, HEIGHT), (252, 251, 247)))
    y: int = TOP
    lines: list[str] = field(default_factory=list)

    def line(
        self,
        text: str,
        *,
        points: float = 13,
        style: str = "Regular",
        x: int = LEFT,
        centre: int | None = None,
        right: int | None = None,
        lead: float = 1.28,
        y: int | None = None,
    ) -> None:
        """Print one line at `x`, or centred on `centre`, or ending at `right`; the pen moves down unless `y` is given."""
        face = font(points, style)
        width = face.getlength(text)
        if centre is not None:
            x = round(centre - width / 2)
        if right is not None:
            x = round(right - width)
        ImageDraw.Draw(self.picture).text((x, self.y if y is None else y), text, font=face, fill=BLACK)
        self.lines.append(text)
        if y is None:
            self.y += round(points * lead * DPI / 72)

    def paragraph(self, text: str, *, points: float = 13, indent: int = 60) -> None:
        """Print running text, broken at words."""
        face, words, first = font(points), text.split(), True
        while words:
            x = LEFT + (indent if first else 0)
            taken = [words.pop(0)]
            while words and face.getlength(" ".join([*taken, words[0]])) <= RIGHT - x:
                taken.append(words.pop(0))
            self.line(" ".join(taken), points=points, x=x)
            first = False

    def letterhead(self, agency: list[str], number: str | None, place_date: str | None) -> None:
        """Agency at the left, Quốc hiệu at the right (Nghị định 30/2020, cells 1 to 4)."""
        left, right, top = LEFT + 210, RIGHT - 330, self.y
        step = round(17.5 * DPI / 72)
        for n, text in enumerate(agency):
            self.line(
                text,
                points=12,
                style="Bold" if n == len(agency) - 1 else "Regular",
                centre=left,
                y=top + n * step,
            )
        if number:
            self.line(number, points=13, centre=left, y=top + len(agency) * step + 14)
        self.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", points=12, style="Bold", centre=right, y=top)
        self.line("Độc lập - Tự do - Hạnh phúc", points=13, style="Bold", centre=right, y=top + step)
        draw = ImageDraw.Draw(self.picture)
        draw.line((right - 190, top + 2 * step + 6, right + 190, top + 2 * step + 6), fill=BLACK, width=2)
        if place_date:
            self.line(place_date, points=13, style="Italic", centre=right, y=top + 2 * step + 14)
        self.y = top + (len(agency) + 1) * step + 60

    def title(self, text: str, *below: str) -> None:
        """The name of the type in capitals, and the abstract under it."""
        self.line(text, points=14, style="Bold", centre=(LEFT + RIGHT) // 2)
        for more in below:
            self.line(more, points=13, style="Bold", centre=(LEFT + RIGHT) // 2)
        self.y += 24

    def code(self, text: str, *, x: int, y: int, size: int) -> None:
        """A QR code."""
        pattern = np.array(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=1))
        picture = Image.fromarray(pattern).convert("RGB").resize((size, size), Image.Resampling.NEAREST)
        self.picture.paste(picture, (x, y))

    def signature(self, x: int, y: int, seed: int) -> None:
        """A signature in blue pen."""
        dice, draw = random.Random(seed), ImageDraw.Draw(self.picture)
        points = [
            (
                x + t * 2.6 + 30 * math.sin(t / (5 + dice.random() * 3)),
                y + 34 * math.sin(t / 3.1 + seed) * math.cos(t / 9),
            )
            for t in range(90)
        ]
        draw.line(points, fill=BLUE, width=4, joint="curve")

    def seal(self, x: int, y: int, name: str) -> None:
        """A round red seal, 36 mm, half transparent over what is printed."""
        size = round(36 / 25.4 * DPI)
        layer = Image.new("RGBA", (size, size), (0, 0, 0, 0))
        draw = ImageDraw.Draw(layer)
        draw.ellipse((4, 4, size - 4, size - 4), outline=(*RED, 190), width=6)
        draw.ellipse((44, 44, size - 44, size - 44), outline=(*RED, 190), width=3)
        star = [
            (size / 2 + r * math.sin(math.pi * k / 5), size / 2 - r * math.cos(math.pi * k / 5))
            for k, r in enumerate([46, 18] * 5)
        ]
        draw.polygon(star, fill=(*RED, 170))
        face = font(7.5, "Bold")
        for k, letter in enumerate(name):
            glyph = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
            ImageDraw.Draw(glyph).text((20, 20), letter, font=face, fill=(*RED, 200), anchor="mm")
            angle = -130 + 260 * k / max(1, len(name) - 1)
            turned = glyph.rotate(-angle, resample=Image.Resampling.BICUBIC)
            radius = size / 2 - 25
            cx = size / 2 + radius * math.sin(math.radians(angle)) - 20
            cy = size / 2 - radius * math.cos(math.radians(angle)) - 20
            layer.alpha_composite(turned, (round(cx), round(cy)))
        self.picture.paste(layer, (x, y), layer)

    def scanned(
        self, *, seed: int, skew: float = 0.0, turn: int = 0, tint: tuple[int, int, int] = (0, 0, 0)
    ) -> Image.Image:
        """What the scanner delivers: tilted by `skew` degrees (counter-clockwise), turned, with noise."""
        pixels = np.array(self.picture).astype(np.float32)
        matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), skew, 1.0)
        pixels = cv2.warpAffine(
            pixels,
            matrix,
            (WIDTH, HEIGHT),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(248, 247, 243),
        ).astype(np.float32)
        dice = np.random.default_rng(seed)
        shade = cv2.resize(
            dice.normal(0, 2.5, (6, 5)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.6) + shade[..., None] - np.array(tint, np.float32)
        pixels += dice.normal(0, 2.0, pixels.shape[:2]).astype(np.float32)[..., None]
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        return image.rotate(turn, expand=True) if turn else image
