"""Which pages of a document are the parts of one large sheet: by the scanner's roles, or as a person says."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipeline.errors import UsageError

FIRST, SECOND = "a3_part_1", "a3_part_2"


def sheets_of(roles: Sequence[str | None], said: Collection[int] = ()) -> list[tuple[int, ...]]:
    """Page numbers (from 0) by sheet. `said` are the pages (from 0) whose next one is their other half.

    What a person says goes before the roles. Raises UsageError when a page that was named has no next one or lies in
    two sheets, and when no page has another half.
    """
    firsts = set(said) or {
        number for number, role in enumerate(roles[:-1]) if role == FIRST and roles[number + 1] == SECOND
    }
    wrong = sorted(number for number in firsts if not 0 <= number < len(roles) - 1 or number - 1 in firsts)
    if wrong or not firsts:
        page = f"page {wrong[0] + 1}" if wrong else "no page"
        trang = f"Trang {wrong[0] + 1} không" if wrong else "Không trang nào"
        raise UsageError(
            f"{page} is the first half of a large sheet; name the first halves with --halves N",
            vi=f"{trang} ghép được thành tờ lớn; hãy nêu trang nửa đầu bằng --halves N",
        )
    return [
        (number, number + 1) if number in firsts else (number,)
        for number in range(len(roles))
        if number - 1 not in firsts
    ]
