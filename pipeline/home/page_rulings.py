"""Decisions about the pages of a stack that are not stored yet: what a person says, as a ruling on batch indexes."""

from __future__ import annotations

from typing import Any

from pipeline.errors import UsageError

TURNS = (90, 180, 270)
FREE = ("review",)


def ruling_on_pages(request: dict[str, Any], where: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """The act, the page it is about and its body. Pages in `request` count from 1 in the stack.

    `where` is what `Decisions.place` tells. Raises UsageError for pages that are not there, or not free any more.
    """
    if where["signed"] and "rescan" not in request and "aside" not in request:
        raise UsageError(
            "an incoming signed file is one document and stays as it is",
            vi="Tệp đã ký sẵn là một giấy tờ trọn vẹn, không tách, ghép hay xoay được",
        )
    mine: list[int] = where["pages"]
    if "split_before" in request:
        page = _page(request["split_before"], where)
        if page not in mine[1:]:
            raise UsageError(
                "split before a later page of this paper", vi="Chỉ tách được trước một trang sau"
            )
        place = mine.index(page)
        return "split", page, _cut(begins=[page], joins=mine[place + 1 :], where=where, touched=mine)
    if "merge" in request:
        before = _before(mine[0], where)
        return "merge", mine[0], _cut(begins=[], joins=mine, where=where, touched=[*before["pages"], *mine])
    if "move" in request:
        return _move(request, where)
    if "turn" in request:
        return _turn(str(request["turn"]), where)
    if "aside" in request:
        return "aside", mine[0], {"pages": mine, "reason": request["aside"]}
    return "rescan", mine[0], {"rescan": request["rescan"]}


def _move(request: dict[str, Any], where: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """A page of this paper goes behind a page of another one, or of this one."""
    page = _page(request["move"], where)
    if "after" not in request:
        raise UsageError("say where to: --after PAGE", vi="Cần nêu chuyển ra sau trang nào: --after TRANG")
    after = _page(request["after"], where)
    mine: list[int] = where["pages"]
    if page not in mine or page == after:
        raise UsageError("move a page of this paper behind another page", vi="Trang không thuộc giấy tờ này")
    target = mine if after in mine else _paper_with(after, where)["pages"]
    if target[0] == page:
        raise UsageError("the first page of a paper stays first", vi="Không chuyển được trang đầu ra sau")
    behind = [one for one in target[target.index(after) + 1 :] if one != page]
    rest = [one for one in mine if one != page] if target is not mine else []
    body = _cut(begins=rest[:1], joins=[page, *behind, *rest[1:]], where=where, touched=[*mine, *target])
    return "move", page, {**body, "after": after}


def _turn(text: str, where: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    number, _, degrees = text.partition("=")
    if not degrees.isdecimal() or int(degrees) not in TURNS:
        raise UsageError(
            "say --turn PAGE=90, 180 or 270 (clockwise)",
            vi="Cần --turn TRANG=90, 180 hay 270 (theo chiều kim)",
        )
    page = _page(number, where)
    if page not in where["pages"]:
        raise UsageError("this page is not of this paper", vi="Trang không thuộc giấy tờ này")
    return "turn", page, {"turn": int(degrees), "touched": where["pages"]}


def _cut(*, begins: list[int], joins: list[int], where: dict[str, Any], touched: list[int]) -> dict[str, Any]:
    """Pages that begin and go on; papers behind what is cut begin as before."""
    held = set(touched)
    following = [paper["pages"][0] for paper in where["papers"] if not held & set(paper["pages"])]
    return {"begins": [*begins, *following], "joins": joins, "touched": sorted(held)}


def _before(page: int, where: dict[str, Any]) -> dict[str, Any]:
    """The paper that lies before a page in the stack."""
    earlier = [paper for paper in where["papers"] if paper["pages"][0] < page]
    if not earlier:
        raise UsageError("no paper lies before this one", vi="Không có giấy tờ nào phía trước")
    return _free(max(earlier, key=lambda paper: int(paper["pages"][0])))


def _paper_with(page: int, where: dict[str, Any]) -> dict[str, Any]:
    found = next((paper for paper in where["papers"] if page in paper["pages"]), None)
    if found is None:
        raise UsageError(f"page {page + 1} is of no paper", vi=f"Mặt {page + 1} không thuộc giấy tờ nào")
    return _free(found)


def _free(paper: dict[str, Any]) -> dict[str, Any]:
    """Raises UsageError for a paper whose pages are fixed."""
    if paper["state"] not in FREE or paper["signed"]:
        raise UsageError(
            f"{paper['id']} is signed or on its way; its pages stay as they are",
            vi=f"{paper['id']} đã ký hoặc đang được lưu, không đổi trang được",
        )
    return paper


def _page(number: Any, where: dict[str, Any]) -> int:
    """A side of the stack, from 1 as it is shown, as batch index."""
    text = str(number).strip()
    page = int(text) - 1 if text.isdecimal() and len(text) < 7 else -1
    if page not in where["sides"]:
        raise UsageError(f"this stack has no page {text[:20]}", vi=f"Tập giấy không có mặt {text[:20]}")
    return page
