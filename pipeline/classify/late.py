"""Sides that were read late: what a stack gave to a paper before stays as it was cut, what came after it waits.

A side that no reader finished is set aside, and the rest of its stack goes on. When it is read after all, the stack is
told apart anew, and a paper that is signed already may seem to have one page more: that is for a person to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.model import Origin, Paper, Sorting

LATE = (
    "Đọc được sau khi {0} đã ký; nếu là trang của giấy tờ đó thì thêm vào (`sohoa repage {0} --insert-after`) rồi để"
    " riêng mặt này (read after that paper was signed)"
)


def behind_signed(sorting: Sorting, signed: Mapping[str, Sequence[int]]) -> Sorting:
    """The sorting with `signed` papers, by their pages, as they were; further pages of them are papers in review."""
    papers = [part for paper in sorting.papers for part in _parts(paper, signed)]
    return replace(sorting, papers=tuple(sorted(papers, key=lambda paper: paper.pages)))


def without_signed(sorting: Sorting, names: Sequence[str], signed: Mapping[str, Sequence[int]]) -> Sorting:
    """The sorting without papers, by their ids, whose very pages are signed under another id.

    What is ruled on one side may change what the stack says of another, such as its dossier: never of a signed one.
    """
    cuts = {tuple(pages) for pages in signed.values()}
    kept = (
        paper
        for paper, name in zip(sorting.papers, names, strict=True)
        if name in signed or tuple(paper.pages) not in cuts
    )
    return replace(sorting, papers=tuple(kept))


def _parts(paper: Paper, signed: Mapping[str, Sequence[int]]) -> list[Paper]:
    pages = set(paper.pages)
    touched = {name: cut for name, cut in signed.items() if pages & set(cut)}
    if (
        not touched
        or paper.origin is Origin.INCOMING_SIGNED
        or tuple(paper.pages) in map(tuple, touched.values())
    ):
        return [paper]
    parts = [_of(paper, cut) for cut in touched.values() if set(cut) <= pages]
    rest = [index for index in paper.pages if not any(index in cut for cut in touched.values())]
    if rest:
        parts.append(replace(_of(paper, rest), review=LATE.format(next(iter(touched)))))
    return parts


def _of(paper: Paper, pages: Sequence[int]) -> Paper:
    """So many pages of a paper, with what stands on them."""
    fields = tuple(field for field in paper.fields if field.page is None or field.page in pages)
    return replace(paper, pages=tuple(pages), fields=fields)
