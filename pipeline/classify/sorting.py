"""A stack told apart: separators, papers, and whose each is. Certain things go on; doubtful ones wait.

A page under the wrong dossier is the worst error there is. So a code begins to rule only from a separator sheet, a
receipt, or the operator; an unreadable separator or receipt ends the rule of the code before it; two sources that
disagree are a question to a person, not a vote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipeline.classify.agreeing import told_alike
from pipeline.classify.arranged import NOTHING, arrange
from pipeline.classify.cited import with_citations
from pipeline.classify.continuation import Continuation, continues, gap_in_numbers
from pipeline.classify.evidence import Named, Reading, agreed, named, readings, stranger_to
from pipeline.classify.paper import Draft, paper_of
from pipeline.classify.series import gaps
from pipeline.classify.types import DocumentType, TypeCatalogue
from pipeline.classify.view import PageView, is_separator, may_be_receipt, receipt_type, view_page
from pipeline.grammar.codes import DossierCode, parse_dossier_code
from pipeline.grammar.receipt_codes import ReceiptForm
from pipeline.grammar.sheet_marks import SheetMark, read_mark
from pipeline.model import Arrangement, Intake, Origin, Paper, ReadPage, Sorting, Verdict

UNKNOWN = "Chưa rõ mã hồ sơ: không có tờ phân cách, giấy tiếp nhận hay mã QR đọc được (dossier unknown)"
SEPARATOR_LOST = "Chưa rõ mã hồ sơ: tờ phân cách phía trước không đọc được mã (separator sheet unreadable)"
RECEIPT_LOST = "Chưa rõ mã hồ sơ: giấy tiếp nhận không đọc chắc được mã (code on the receipt not certain)"
PERHAPS_RECEIPT = (
    "Chưa rõ mã hồ sơ: một giấy đọc không rõ có thể là giấy tiếp nhận của hồ sơ khác "
    "(an unclear paper may be the receipt of another dossier)"
)
DISAGREE = "Hai nguồn nêu hai mã hồ sơ khác nhau: {0} và {1} (sources disagree)"
AFTER_DISAGREE = "Chưa rõ mã hồ sơ: phía trước có hai mã khác nhau, {0} và {1} (sources before disagree)"
BOUNDARY = "Không rõ trang này thuộc giấy phía trước hay là giấy khác (which paper does this page belong to?)"
LOST_START = "Thiếu trang đầu: sau tờ phân cách là một trang tiếp theo (first page missing)"


@dataclass(frozen=True, slots=True)
class _Rule:
    """The code that rules the papers being walked through, where it came from, or why there is none."""

    code: DossierCode | None
    source: str
    reason: str = UNKNOWN


@dataclass(slots=True)
class _Walk:
    """What is known while the stack is walked through."""

    types: TypeCatalogue
    bound: DossierCode | None
    rule: _Rule
    codes: dict[int, tuple[Reading, ...]]
    agreeing: frozenset[str]
    arrangement: Arrangement
    drafts: list[Draft] = field(default_factory=list)
    separators: list[int] = field(default_factory=list)
    marks: dict[int, SheetMark] = field(default_factory=dict)
    fresh: bool = True


def sort_pages(
    intake: Intake,
    pages: Sequence[ReadPage],
    *,
    types: TypeCatalogue,
    today: date,
    arrangement: Arrangement = NOTHING,
    receipts: Sequence[ReceiptForm] = (),
    earlier: Callable[[str], Sequence[Paper]] = lambda dossier: (),
) -> Sorting:
    """Tell a batch's content pages apart, as far as `arrangement` has not done it.

    `today` makes codes that carry a later date odd; `receipts` says how codes of other systems are read; `earlier`
    gives the papers of a dossier that are stored already.
    """
    content = arrange([page for page in pages if page.verdict is Verdict.CONTENT], arrangement)
    codes = {page.page.index: readings(page, today, receipts) for page in content}
    bound, source = _bound(intake)
    walk = _Walk(
        types=types,
        bound=bound,
        rule=_Rule(bound, source),
        codes=codes,
        agreeing=agreed(item for found in codes.values() for item in found),
        arrangement=arrangement,
    )
    for page in content:
        if page.page.origin is Origin.INCOMING_SIGNED:
            _take_incoming(walk, page)
        else:
            _take(walk, view_page(page, types))
    if bound is None:
        _spread_only_code(walk)
    review = _check_series(walk)
    stack = not _is_file(intake) or walk.separators or any(draft.receipt for draft in walk.drafts)
    papers = told_alike(
        [paper_of(draft, types, needs_dossier=bool(stack), today=today) for draft in walk.drafts]
    )
    return Sorting(
        papers=with_citations(papers, [view for draft in walk.drafts for view in draft.views], earlier),
        separators=tuple(walk.separators),
        review=review,
        aside=dict(arrangement.aside),
    )


def _check_series(walk: _Walk) -> dict[int, str]:
    """What a numbered series of separators lacks, by the page to show it at; papers not parted for sure wait."""
    reasons: dict[int, list[str]] = {}
    for gap in gaps(walk.marks, walk.separators):
        reasons.setdefault(gap.where, []).append(gap.reason)
        for draft in walk.drafts:
            if not gap.parted and gap.holds(draft.views[0].index):
                draft.review = draft.review or gap.reason
    return {index: "; ".join(found) for index, found in reasons.items()}


def _is_file(intake: Intake) -> bool:
    """Whether the batch is one file given by itself: it needs no dossier yet."""
    return len(intake.files) == 1 and Path(intake.files[0].source) == Path(intake.source)


def _bound(intake: Intake) -> tuple[DossierCode | None, str]:
    """What the operator said or the request that the stack answers, else a folder named by a code."""
    if intake.dossier:
        return parse_dossier_code(intake.dossier), "request" if intake.request else "operator"
    path = Path(intake.source)
    # The last group of a code looks like a suffix, so a folder's whole name is tried as well.
    names = [path.name, path.stem, path.parent.name] if _is_file(intake) else [path.name]
    for name in names:
        code = parse_dossier_code(name)
        if code is not None:
            return code, "folder"
    return None, "none"


def _take(walk: _Walk, view: PageView) -> None:
    """One captured page: separator, next page of the paper before, or a new paper."""
    found = walk.codes[view.index]
    mark = read_mark(code.text for code in view.page.barcodes)
    if mark is not None:
        walk.marks[view.index] = mark
    if mark is not None or is_separator(view, any(item.source == "qr" for item in found)):
        _take_separator(walk, view, named(found, walk.agreeing))
        return
    receipt = receipt_type(view, walk.types)
    before = walk.drafts[-1] if walk.drafts and not walk.fresh else None
    if before is not None and before.origin is Origin.INCOMING_SIGNED:
        before = None
    going_on = Continuation.NO
    arrangement = walk.arrangement
    if before is not None and view.index in arrangement.joins:
        before.views.append(view)
        return
    # The second side of a receipt may read like one.
    if (
        view.index not in arrangement.begins
        and before is not None
        and (receipt is None or (before.receipt and not view.begins))
    ):
        going_on = continues(view, before.views, before.kind)
    if before is not None and going_on is Continuation.YES:
        if gap_in_numbers(view, before.views):
            before.doubts.add("pages")
        before.views.append(view)
        _check(walk, before, found)
        return
    if walk.rule.source == "receipt" and receipt is None and may_be_receipt(view, walk.types):
        walk.rule = _Rule(None, "none", PERHAPS_RECEIPT)
    draft = Draft(
        views=[view],
        kind=receipt or (view.headline.type if view.headline else view.marked),
        receipt=receipt is not None,
        dossier=walk.rule.code,
        evidence=walk.rule.source,
        reason=None if walk.rule.code else walk.rule.reason,
    )
    if going_on is Continuation.UNKNOWN:
        draft.review = BOUNDARY
    elif before is None and not view.begins and (view.number or 0) > 1 and not _said(walk, view):
        draft.review = LOST_START
    walk.drafts.append(draft)
    walk.fresh = False
    if receipt is not None:
        _rule_by_receipt(walk, draft, named(found, walk.agreeing))
    else:
        _check(walk, draft, found)


def _said(walk: _Walk, view: PageView) -> bool:
    """Whether a person has said that a paper begins here."""
    return view.index in walk.arrangement.begins


def _take_separator(walk: _Walk, view: PageView, name: Named) -> None:
    """A separator rules what follows; one that cannot be read ends what ruled before."""
    walk.separators.append(view.index)
    walk.fresh = True
    if walk.bound is not None:
        if name.code is not None and name.code.text != walk.bound.text:
            walk.rule = _Rule(None, "none", AFTER_DISAGREE.format(walk.bound.text, name.code.text))
        else:
            walk.rule = _Rule(walk.bound, walk.rule.source)
        return
    if name.conflict is not None:
        walk.rule = _Rule(None, "none", AFTER_DISAGREE.format(*name.conflict))
    elif name.code is not None:
        walk.rule = _Rule(name.code, name.source)
    else:
        walk.rule = _Rule(None, "none", SEPARATOR_LOST)


def _rule_by_receipt(walk: _Walk, draft: Draft, name: Named) -> None:
    """A receipt begins a dossier, unless the operator or a separator has said which one it is."""
    if name.conflict is not None:
        _disagree(walk, draft, *name.conflict)
        return
    ruling = walk.bound or (walk.rule.code if walk.rule.source in ("qr", "text") else None)
    if ruling is not None:
        if name.code is not None and name.code.text != ruling.text:
            _disagree(walk, draft, ruling.text, name.code.text)
        else:
            _check(walk, draft, walk.codes[draft.views[0].index])
        return
    if name.code is not None:
        draft.dossier, draft.evidence, draft.reason = name.code, name.source, None
        walk.rule = _Rule(name.code, "receipt")
    else:
        draft.dossier, draft.evidence, draft.reason = None, "none", RECEIPT_LOST
        walk.rule = _Rule(None, "none", RECEIPT_LOST)


def _disagree(walk: _Walk, draft: Draft, first: str, second: str) -> None:
    """A person decides; what follows waits too, unless the operator bound the whole stack."""
    draft.review = DISAGREE.format(first, second)
    if walk.bound is None:
        walk.rule = _Rule(None, "none", AFTER_DISAGREE.format(first, second))


def _check(walk: _Walk, draft: Draft, found: Sequence[Reading]) -> None:
    """Codes on any other paper: they agree with the rule, name a dossier where none ruled, or are a question."""
    if draft.dossier is not None:
        other = stranger_to(draft.dossier, found, walk.agreeing)
        if other is not None:
            draft.review = DISAGREE.format(draft.dossier.text, other)
        return
    name = named(found, walk.agreeing)
    if name.conflict is not None:
        draft.review = draft.review or DISAGREE.format(*name.conflict)
    elif name.code is not None and _speaks_for_dossier(draft.kind):
        draft.dossier, draft.evidence, draft.reason = name.code, name.source, None


def _speaks_for_dossier(kind: DocumentType | None) -> bool:
    """Whether a code on a paper of this kind names the dossier it lies in.

    Results bear the code of the dossier they came from, and are handed in with later ones (Nghị định 45/2020/NĐ-CP
    Điều 14): on paper of citizens a code may be of another dossier.
    """
    return kind is not None and kind.role in ("process", "result")


def _spread_only_code(walk: _Walk) -> None:
    """The only code of a stack is that of all its papers, when no sign of another dossier is there.

    A receipt or a form of the one-stop shop must name it, or two papers. A paper of unknown kind might be the
    receipt of another dossier whose title was lost, so it ends this; what follows an unclear receipt stays.
    """
    naming = [draft for draft in walk.drafts if draft.dossier is not None]
    codes = {item.code.text for found in walk.codes.values() for item in found}
    if walk.separators or not naming or len(codes) != 1 or any(draft.review for draft in walk.drafts):
        return
    official = any(draft.receipt or (draft.kind and draft.kind.role == "process") for draft in naming)
    lost = [draft for draft in walk.drafts if draft.dossier is None]
    strange = any(draft.kind is None and not draft.views[0].is_letter for draft in lost)
    unclear = any(draft.receipt or draft.reason != UNKNOWN for draft in lost)
    if strange or unclear or not (official or len(naming) > 1):
        return
    for draft in lost:
        draft.dossier, draft.evidence, draft.reason = naming[0].dossier, "stack", None


def _take_incoming(walk: _Walk, page: ReadPage) -> None:
    """A signed file is exactly one paper, whatever its pages look like."""
    view = view_page(page, walk.types)
    last = walk.drafts[-1] if walk.drafts else None
    if last is not None and last.origin is Origin.INCOMING_SIGNED:
        before = last.views[-1].page.page
        if before.file.path == page.page.file.path and before.file.sha256 == page.page.file.sha256:
            last.views.append(view)
            return
    walk.drafts.append(
        Draft(
            views=[view],
            kind=view.headline.type if view.headline else view.marked,
            receipt=False,
            dossier=walk.rule.code,
            evidence=walk.rule.source,
            reason=None if walk.rule.code else walk.rule.reason,
        )
    )
    walk.fresh = False
