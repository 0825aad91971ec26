"""Preparation takes dirt and leaves print: dots, tone marks, thin strokes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr.borders import remove_borders
from ocr.colour import drop_colour, fade_colour
from ocr.prepare import measure, prepare
from ocr.seals import find_rings, remove_seals
from ocr.specks import is_two_toned, remove_lone_pixels, remove_specks
from samples.sheet import DPI, LEFT, Sheet

TEXT = "Ị ị ạ ặ ệ ợ. Quyền sử dụng đất ở: 312,5 m2; ngày 05/9/2026."


def page(paper: int = 250) -> np.ndarray:
    sheet = Sheet()
    for _ in range(14):
        sheet.paragraph(TEXT, points=12)
    pixels = np.array(sheet.picture).astype(np.float32)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 0.7) * (paper / 252)
    return pixels.astype(np.uint8)


def specked(grey: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Specks of one and of two by two pixels, far from print, and where they are."""
    dice = np.random.default_rng(3)
    free = cv2.erode((grey > 200).astype(np.uint8), np.ones((9, 9))) > 0
    spots = free & (dice.random(grey.shape) < share)
    spots[::2] = False
    large = cv2.dilate((spots & (dice.random(grey.shape) < 0.3)).astype(np.uint8), np.ones((2, 2))) > 0
    spots |= large
    dirty = grey.copy()
    dirty[spots] = 20
    return dirty, spots


@pytest.mark.parametrize("two_toned", [False, True])
def test_specks_go_and_print_stays(two_toned: bool) -> None:
    grey = page()[:, :, 0]
    if two_toned:
        grey = np.where(grey < 128, 0, 255).astype(np.uint8)
    dirty, spots = specked(grey, 0.002)
    assert is_two_toned(dirty) is two_toned
    clean = remove_specks(remove_lone_pixels(dirty), DPI, two_toned=two_toned)
    assert (clean[spots] > 150).mean() > 0.98
    ink = grey < 100
    assert ink.sum() > 5000
    assert (clean[ink] < 150).mean() > 0.995


def test_dots_under_letters_are_no_specks() -> None:
    grey = np.where(page()[:, :, 0] < 128, 0, 255).astype(np.uint8)
    count, _ = cv2.connectedComponents((grey < 128).astype(np.uint8))
    left, _ = cv2.connectedComponents(
        (remove_specks(remove_lone_pixels(grey), DPI, two_toned=True) < 128).astype(np.uint8)
    )
    assert left >= 0.99 * count


def test_noise_is_told_from_print() -> None:
    clean = page()
    assert not measure(clean).noisy
    dirty, _ = specked(clean[:, :, 0], 0.001)
    facts = measure(np.repeat(dirty[:, :, None], 3, axis=2))
    assert facts.noisy


def test_clean_page_is_left_as_it_is() -> None:
    pixels = page()
    grey = prepare(pixels, DPI, 0.0, bitonal=False)
    assert (grey == pixels[:, :, 0]).all()


def test_black_border_goes_and_print_at_the_margin_stays() -> None:
    grey = page()[:, :, 0].copy()
    grey[:, :30] = 10
    grey[:25] = 10
    out = remove_borders(grey, DPI)
    assert out[:, :30].min() > 200 and out[:25].min() > 200
    assert (out[300:, 60:] == grey[300:, 60:]).all()


def seal_page() -> np.ndarray:
    sheet = Sheet()
    for _ in range(8):
        sheet.paragraph(TEXT, points=12)
    pixels = np.array(sheet.picture).astype(np.uint8)
    cv2.circle(pixels, (LEFT + 400, 500), 140, (70, 70, 70), 6)
    return pixels


def test_black_seal_ring_is_found_and_lifted() -> None:
    grey = seal_page()[:, :, 0]
    (ring,) = find_rings(grey, DPI)
    assert abs(ring.x - (LEFT + 400)) < 8 and abs(ring.y - 500) < 8 and abs(ring.radius - 140) < 8
    out = remove_seals(grey, DPI)
    around = np.zeros(grey.shape, np.uint8)
    cv2.circle(around, (LEFT + 400, 500), 140, 255, 2)
    assert (out[around > 0] < 150).mean() < 0.2
    far = np.ones(grey.shape, bool)
    far[335:665, LEFT + 235 : LEFT + 565] = False
    assert (out[far] == grey[far]).all()


def test_print_holds_no_ring() -> None:
    assert find_rings(page()[:, :, 0], DPI) == ()


def test_red_and_blue_fade_and_black_stays() -> None:
    pixels = np.full((40, 90, 3), 250, np.uint8)
    pixels[:, :30], pixels[:, 30:60], pixels[:, 60:] = (200, 30, 40), (35, 60, 170), (20, 20, 22)
    grey = fade_colour(pixels)
    assert grey[:, :30].min() >= 200 and grey[:, 30:60].min() >= 170 and grey[:, 60:].max() <= 22


def test_a_red_seal_and_a_pen_across_print_leave_nothing_but_the_print() -> None:
    pixels = page()
    black = pixels[:, :, 0] < 60
    seal = np.zeros(black.shape, np.uint8)
    cv2.circle(seal, (LEFT + 400, 500), 140, 255, 12)
    cv2.circle(seal, (LEFT + 400, 500), 40, 255, -1)  # what stands apart inside it goes too
    cv2.line(seal, (LEFT + 400, 300), (LEFT + 700, 640), 255, 5)
    pixels[(seal > 0) & ~black] = (190, 40, 70)
    assert (black & (seal > 0)).sum() > 200, "it lies across print"
    grey = drop_colour(pixels, DPI, 255.0)
    inner = cv2.erode(seal, np.ones((3, 3), np.uint8)) > 0
    assert grey[inner & (pixels[:, :, 0] == 190)].min() >= 250
    assert grey[black].max() < 70


def test_a_line_of_coloured_print_is_kept() -> None:
    pixels = np.full((400, 1200, 3), 255, np.uint8)
    cv2.putText(pixels, "GIAY CHUNG NHAN", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (190, 40, 70), 6)
    coloured = pixels[:, :, 1] == 40
    assert drop_colour(pixels, DPI, 255.0)[coloured].max() < 200
