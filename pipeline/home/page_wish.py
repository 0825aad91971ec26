"""What a person asks of the pages of a stored paper, checked, and which pages it has then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.home.page_rulings import TURNS

ACTS = ("replace", "insert_after", "remove", "order", "turn")
WITH_FILE = ("replace", "insert_after")


@dataclass(frozen=True, slots=True)
class Slot:
    """A page of the new version: page `before` (from 0) of the one before, turned by `turn` more, or side `fresh`."""

    before: int | None = None
    turn: int = 0
    fresh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWish:
    """One act on pages, which count from 1 in the version that stands; `insert_after` has the page before, 0 for none.

    `turns` are degrees clockwise, of what is seen, for each of `pages`.
    """

    act: str
    pages: tuple[int, ...]
    turns: tuple[int, ...] = ()

    def arranged(self, count: int, fresh: int) -> list[Slot]:
        """The pages in their new order, `fresh` being the number of new sides."""
        kept = [Slot(before=number) for number in range(count)]
        new = [Slot(fresh=number) for number in range(fresh)]
        at = self.pages[0]
        if self.act == "replace":
            return [*kept[: at - 1], *new, *kept[at:]]
        if self.act == "insert_after":
            return [*kept[:at], *new, *kept[at:]]
        if self.act == "remove":
            return [slot for number, slot in enumerate(kept, 1) if number not in self.pages]
        if self.act == "order":
            return [kept[number - 1] for number in self.pages]
        turns = dict(zip(self.pages, self.turns, strict=True))
        return [Slot(before=number, turn=turns.get(number + 1, 0)) for number in range(count)]


def wish_of(request: dict[str, Any], count: int) -> PageWish:
    """The one act that a request names, for a paper of `count` pages. Raises UsageError for what cannot be."""
    said = [name for name in ACTS if request.get(name) not in (None, [], "")]
    if len(said) != 1:
        raise UsageError(
            "say one thing: --replace, --insert-after, --remove, --order or --turn",
            vi="Nêu đúng một việc: --replace, --insert-after, --remove, --order hay --turn",
        )
    (act,) = said
    if (act in WITH_FILE) != bool(request.get("file")):
        raise UsageError(
            "--replace and --insert-after need the new side: --from FILE; the others take none",
            vi="--replace và --insert-after cần tệp quét mới: --from TỆP; các việc khác không dùng tệp",
        )
    value = request[act]
    if act == "turn":
        pairs = [_turn(str(word), count) for word in value]
        pages = [number for number, _ in pairs]
        _once(pages)
        return PageWish(act=act, pages=tuple(pages), turns=tuple(turn for _, turn in pairs))
    words = value if isinstance(value, list) else str(value).split(",")
    numbers = [_page(word, count, least=0 if act == "insert_after" else 1) for word in words]
    _once(numbers)
    if act == "order" and (sorted(numbers) != list(range(1, count + 1)) or numbers == sorted(numbers)):
        raise UsageError(
            f"--order names each of the {count} pages once, in another order than now",
            vi=f"--order phải nêu đủ {count} trang, mỗi trang một lần, khác thứ tự hiện nay",
        )
    if act == "remove" and len(numbers) == count:
        raise UsageError(
            "a paper keeps one page at least; a paper in the wrong place: sohoa review d_… --misfiled REASON",
            vi="Giấy tờ phải còn ít nhất một trang; nếu để nhầm hồ sơ: sohoa review d_… --misfiled LÝ-DO",
        )
    return PageWish(act=act, pages=tuple(numbers))


def _turn(word: str, count: int) -> tuple[int, int]:
    number, _, degrees = word.replace("=", ":").partition(":")
    if not degrees.isdecimal() or len(degrees) > 3 or int(degrees) not in TURNS:
        raise UsageError(
            "say --turn PAGE:90, 180 or 270 (clockwise)",
            vi="Cần --turn TRANG:90, 180 hay 270 (theo chiều kim)",
        )
    return _page(number, count, least=1), int(degrees)


def _page(word: Any, count: int, *, least: int) -> int:
    text = str(word).strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else -1
    if not least <= number <= count:
        raise UsageError(
            f"this paper has pages {least} to {count}, not {text[:20]}",
            vi=f"Giấy tờ này có trang {least} đến {count}, không có trang {text[:20]}",
        )
    return number


def _once(numbers: Sequence[int]) -> None:
    if len(set(numbers)) != len(numbers) or not numbers:
        raise UsageError("name each page once", vi="Mỗi trang chỉ nêu một lần")
