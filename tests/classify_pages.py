"""Read pages written by hand: rows of text at places of an A4 page of 200 dpi, as OCR gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from pipeline.classify.sorting import sort_pages
from pipeline.classify.types import TypeCatalogue
from pipeline.model import (
    Barcode,
    Blob,
    Box,
    Intake,
    Line,
    Origin,
    Page,
    ReadPage,
    Sha256,
    Sorting,
    SourceFile,
    Verdict,
    Word,
)

TYPES = TypeCatalogue.load(Path(__file__).parents[1] / "config" / "document_types.toml")
TODAY = date(2026, 10, 1)
WIDTH, HEIGHT = 1654, 2339
LEFT, RIGHT, MIDDLE = 450, 1190, 880
LETTER, TALL, SPACE = 15, 26, 9

CODE = "000.12.08.H44-260907-0101"
OTHER = "000.12.08.H44-260907-0102"


def words(
    text: str, y: int, *, x: int | None = None, centre: int | None = None, confidence: float = 0.96
) -> list[Word]:
    """The words of a row; `word~0.4` gives one its own confidence."""
    items = [item.partition("~") for item in text.split(" ")]
    if centre is not None:
        x = centre - (sum(LETTER * len(item[0]) for item in items) + SPACE * (len(items) - 1)) // 2
    x = 240 if x is None else x
    found = []
    for word, _, own in items:
        box = Box(left=x, top=y, right=x + LETTER * len(word), bottom=y + TALL)
        found.append(Word(text=word, box=box, confidence=float(own) if own else confidence))
        x = box.right + SPACE
    return found


def line(*parts: list[Word]) -> Line:
    """One OCR line of one or more columns."""
    every = [word for part in parts for word in part]
    box = Box(
        left=min(word.box.left for word in every),
        top=min(word.box.top for word in every),
        right=max(word.box.right for word in every),
        bottom=max(word.box.bottom for word in every),
    )
    return Line(words=tuple(every), box=box)


def letterhead(
    *agency: str, number: str | None = "Số: 15/QĐ-UBND", place: str = "Hạ Hòa, ngày 08 tháng 9 năm 2026"
) -> list[Line]:
    """Agency and number at the left, Quốc hiệu, motto and date at the right, joined as OCR joins them."""
    left = [*agency, *([number] if number else [])]
    right = ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", place]
    rows = []
    for row in range(max(len(left), len(right))):
        parts = [words(left[row], 160 + 45 * row, centre=LEFT)] if row < len(left) else []
        parts += [words(right[row], 160 + 45 * row, centre=RIGHT)] if row < len(right) else []
        rows.append(line(*parts))
    return rows


def rows(*texts: str, top: int = 700, centre: int | None = None, step: int = 42) -> list[Line]:
    """Lines of running text, or centred ones."""
    return [line(words(text, top + step * n, centre=centre)) for n, text in enumerate(texts)]


def title(*texts: str, top: int = 380) -> list[Line]:
    return rows(*texts, top=top, centre=MIDDLE, step=38)


def page(
    *lines: Sequence[Line],
    qr: str | None = None,
    confidence: float = 0.98,
    origin: Origin = Origin.CAPTURED,
    verdict: Verdict = Verdict.CONTENT,
) -> ReadPage:
    """A page of these lines; `sort` numbers it."""
    box = Box(left=100, top=60, right=280, bottom=240)
    blob = Blob(
        path=Path("/spool/a.jpg"), sha256=Sha256("0" * 64), size=1, media_type="application/octet-stream"
    )
    return ReadPage(
        page=Page(id="p_0", index=0, source="/in/a.jpg", file=blob, number=1, origin=origin),
        verdict=verdict,
        dpi=200.0,
        width=WIDTH,
        height=HEIGHT,
        confidence=confidence,
        lines=tuple(item for group in lines for item in group),
        barcodes=(Barcode(text=qr, format="QRCode", box=box),) if qr else (),
    )


def receipt(
    code: str = CODE, *, qr: str | None = None, confidence: float = 0.98, name: str | None = None
) -> ReadPage:
    """A receipt of a one-stop centre of Phú Thọ; `name` replaces its title."""
    return page(
        letterhead("UBND XÃ HẠ HÒA", "TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG", number="Số: 101/TNHS"),
        title(name or "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", f"Mã hồ sơ: {code}"),
        rows(
            "Tiếp nhận hồ sơ của: Trần Thị Hoa, xã Hạ Hòa, tỉnh Phú Thọ",
            "Thành phần hồ sơ nộp gồm:",
            "1. Đơn đăng ký biến động đất đai",
            "Thời gian nhận hồ sơ: 08 giờ 20 phút.",
            "Thời gian trả kết quả giải quyết hồ sơ: 16 giờ 30 phút.",
            "NGƯỜI NỘP HỒ SƠ NGƯỜI TIẾP NHẬN HỒ SƠ",
        ),
        qr=qr,
        confidence=confidence,
    )


def decision(*, number: str = "Số: 15/QĐ-UBND") -> ReadPage:
    return page(
        letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ", number=number),
        title("QUYẾT ĐỊNH", "Về việc cho phép chuyển mục đích", "sử dụng đất"),
        rows("Căn cứ Luật Đất đai ngày 18 tháng 01 năm 2024;", "Điều 1. Cho phép ông Trần Văn Nam."),
    )


def separator(code: str | None, *, qr: bool = True) -> ReadPage:
    lines = [rows("PHIẾU PHÂN CÁCH HỒ SƠ", top=420, centre=827)]
    if code and not qr:
        lines.append(rows(f"Mã hồ sơ: {code}", top=1220, centre=827))
    return page(*lines, qr=code if qr else None)


def intake(*, source: str = "/in/stack", dossier: str | None = None, files: int = 2) -> Intake:
    blob = Blob(path=Path("/spool/a.jpg"), sha256=Sha256("0" * 64), size=1, media_type="image/jpeg")
    return Intake(
        id="b_1",
        source=source,
        agency="a",
        actor="b",
        received_at=datetime(2026, 10, 1, tzinfo=UTC),
        files=tuple(
            SourceFile(source=source if files == 1 else f"{source}/{n}.jpg", blob=blob) for n in range(files)
        ),
        dossier=dossier,
    )


def numbered(pages: Sequence[ReadPage]) -> list[ReadPage]:
    """The pages in the order of a batch."""
    return [
        replace(item, page=replace(item.page, id=f"p_{n}", index=n, source=f"/in/stack/{n}.jpg"))
        for n, item in enumerate(pages)
    ]


def sort(*pages: ReadPage, batch: Intake | None = None) -> Sorting:
    return sort_pages(batch or intake(), numbered(pages), types=TYPES, today=TODAY)
