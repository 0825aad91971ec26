"""What persons decided about the pages of a stack, laid under sorting: their order, and what is set aside."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model import Arrangement, ReadPage

NOTHING = Arrangement()


def arrange(pages: Sequence[ReadPage], arrangement: Arrangement) -> list[ReadPage]:
    """The pages in the order that was decided, without those set aside."""
    kept = [page for page in pages if page.page.index not in arrangement.aside]
    for index, after in arrangement.moved:
        moving = next((page for page in kept if page.page.index == index), None)
        target = next((page for page in kept if page.page.index == after), None)
        if moving is None or target is None or moving is target:
            continue  # one of the two was set aside since
        kept.remove(moving)
        kept.insert(kept.index(target) + 1, moving)
    return kept
