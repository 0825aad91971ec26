"""A stack told apart: separators, papers, and whose each is. Certain things go on; doubtful ones wait.

A page under the wrong dossier is the worst error there is. So a code begins to rule only from a separator sheet, a
receipt, a QR code, or the operator; an unreadable separator or receipt ends the rule of the code before it; two
sources that disagree are a question to a person, not a vote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipeline.classify.fields import abstract_field, date_field, issuer_field, number_field
from pipeline.classify.headline import (
    Headline,
    find_headline,
    has_nation,
    is_letter,
    letter_type,
    printed_page_number,
)
from pipeline.classify.types import OTHER, TypeCatalogue
from pipeline.grammar.codes import DossierCode, find_dossier_codes, parse_dossier_code
from pipeline.grammar.folding import fold_words
from pipeline.model import Field, Intake, Origin, Paper, ReadPage, Sorting, Verdict

UNKNOWN = "Chưa rõ mã hồ sơ: không có tờ phân cách, giấy tiếp nhận hay mã QR đọc được (dossier unknown)"
DISAGREE = "Hai nguồn nêu hai mã hồ sơ khác nhau: {0} và {1} (sources disagree)"
SURE_CODE = 0.80
SHEET_WORDS = 45


@dataclass(slots=True)
class _Draft:
    """A paper being collected while the stack is walked through."""

    pages: list[ReadPage]
    headline: Headline | None
    dossier: DossierCode | None
    evidence: str
    review: str | None = None
    doubts: set[str] = field(default_factory=set)


def sort_pages(intake: Intake, pages: Sequence[ReadPage], *, types: TypeCatalogue, today: date) -> Sorting:
    """Tell a batch's content pages apart. `today` bounds the dates that codes may carry."""
    bound, source = _bound(intake)
    drafts: list[_Draft] = []
    separators: list[int] = []
    current, evidence = bound, source
    for page in pages:
        if page.verdict is not Verdict.CONTENT:
            continue
        if page.page.origin is Origin.INCOMING_SIGNED:
            _incoming(drafts, page, types, current, evidence)
            continue
        coded = _codes_in_barcodes(page, today)
        if is_separator(page, coded):
            separators.append(page.page.index)
            current, evidence = (coded[0], "qr") if len(coded) == 1 else _separator_text(page, today)
            if bound is not None and current is not None and current.text != bound.text:
                current, evidence = None, "none"
            continue
        headline = find_headline(page, types)
        if drafts and _continues(page, headline, drafts[-1]):
            drafts[-1].pages.append(page)
            _check_codes(drafts[-1], coded)
            continue
        draft = _Draft(pages=[page], headline=headline, dossier=current, evidence=evidence)
        if headline is not None and headline.type.receipt:
            found, how, conflict = _receipt_code(page, coded, today)
            if bound is None:
                if (
                    found is not None
                    and current is not None
                    and found.text != current.text
                    and evidence != "receipt"
                ):
                    draft.review = DISAGREE.format(current.text, found.text)
                elif conflict or (found is None and evidence != "qr"):
                    draft.dossier, current, evidence = None, None, "none"
                elif found is not None:
                    draft.dossier, draft.evidence = found, how
                    current, evidence = found, "receipt"
            elif found is not None and found.text != bound.text:
                draft.review = DISAGREE.format(bound.text, found.text)
        else:
            _check_codes(draft, coded)
        drafts.append(draft)
    papers = tuple(_paper(draft, intake, types) for draft in drafts)
    return Sorting(papers=papers, separators=tuple(separators))


def _bound(intake: Intake) -> tuple[DossierCode | None, str]:
    """What the operator said, else a folder named by a code."""
    if intake.dossier:
        return parse_dossier_code(intake.dossier), "operator"
    folder = Path(intake.source)
    names = [folder.stem if folder.suffix else folder.name, folder.parent.name if folder.suffix else ""]
    for name in names:
        code = parse_dossier_code(name)
        if code is not None:
            return code, "folder"
    return None, "none"


def _codes_in_barcodes(page: ReadPage, today: date) -> list[DossierCode]:
    found: dict[str, DossierCode] = {}
    for code in page.barcodes:
        for item in find_dossier_codes(code.text, today):
            if item.certain:
                found.setdefault(item.code.text, item.code)
    return list(found.values())


def is_separator(page: ReadPage, coded: Sequence[DossierCode]) -> bool:
    """A separator sheet says so, or holds a code in a QR and hardly any words."""
    folded = fold_words(page.text)
    if "phieu phan cach" in folded or "to phan cach ho so" in folded:
        return True
    words = sum(len(line.words) for line in page.lines)
    patch = any(code.text.strip().upper() in ("PATCHT", "PATCH T", "PATCH-T") for code in page.barcodes)
    return patch or (bool(coded) and words <= 12)


def _separator_text(page: ReadPage, today: date) -> tuple[DossierCode | None, str]:
    found = {item.code.text: item for item in find_dossier_codes(page.text, today)}
    if len(found) == 1 and (only := next(iter(found.values()))).certain and _confident(page, only.code):
        return only.code, "text"
    return None, "none"


def _receipt_code(
    page: ReadPage, coded: Sequence[DossierCode], today: date
) -> tuple[DossierCode | None, str, bool]:
    """A receipt's own code, how it was read, and whether its readings disagree."""
    printed = list({item.code.text: item for item in find_dossier_codes(page.text, today)}.values())
    if len(coded) == 1:
        clash = any(item.code.text != coded[0].text and item.certain for item in printed)
        return (None, "qr", True) if clash and len(printed) == 1 else (coded[0], "qr", False)
    if len(coded) > 1 or len(printed) != 1:
        return None, "text", len(coded) > 1 or len(printed) > 1
    code = printed[0].code
    sure = printed[0].certain and _confident(page, code)
    return (code, "text", False) if sure else (None, "text", False)


def _confident(page: ReadPage, code: DossierCode) -> bool:
    """Whether every word that carries the code was read with confidence."""
    tail = code.text.rsplit("-", 1)[-1]
    carriers = [w for line in page.lines for w in line.words if tail in w.text or code.organisation in w.text]
    return bool(carriers) and min(word.confidence for word in carriers) >= SURE_CODE


def _check_codes(draft: _Draft, coded: Sequence[DossierCode]) -> None:
    """A QR on a paper that names another dossier than the one it lies in is a question."""
    for code in coded:
        if draft.dossier is None and draft.review is None:
            draft.dossier, draft.evidence = code, "qr"
        elif draft.dossier is not None and code.text != draft.dossier.text:
            draft.review = DISAGREE.format(draft.dossier.text, code.text)


def _continues(page: ReadPage, headline: Headline | None, before: _Draft) -> bool:
    """Whether a page goes on with the paper before it; a name or the Quốc hiệu begins a new one."""
    if before.pages[0].page.origin is Origin.INCOMING_SIGNED:
        return False
    number = printed_page_number(page)
    if headline is not None and before.headline is not None and headline.type.key == before.headline.type.key:
        head = fold_words(page.lines[headline.first].text)
        if head in before.headline.type.continues:
            return True
    if has_nation(page):
        return False
    if number is not None and number >= 2:
        return True
    if before.headline is not None:
        top = [fold_words(line.text) for line in page.lines[:4]]
        if any(mark and text.startswith(mark) for mark in before.headline.type.continues for text in top):
            return True
    if headline is not None:
        return False
    if is_letter(page):
        return False
    if not _runs_on(page):
        before.doubts.add("pages")
    return True


def _runs_on(page: ReadPage) -> bool:
    """Running text: it begins small, or with a numbered part."""
    first = next((line.text.strip() for line in page.lines if len(line.text.strip()) > 3), "")
    return first[:1].islower() or bool(
        re.match(r"(Đi[ềê]u|ĐI[ỀÊ]U|Chương|Mục|\d+[.)]|[a-zđ][)]|-|\+)\s?", first)
    )


def _incoming(
    drafts: list[_Draft], page: ReadPage, types: TypeCatalogue, dossier: DossierCode | None, evidence: str
) -> None:
    """A signed file is exactly one paper, whatever its pages look like."""
    last = drafts[-1].pages[-1].page if drafts else None
    if last is not None and last.file.path == page.page.file.path and last.origin is Origin.INCOMING_SIGNED:
        drafts[-1].pages.append(page)
        return
    drafts.append(
        _Draft(pages=[page], headline=find_headline(page, types), dossier=dossier, evidence=evidence)
    )


def _paper(draft: _Draft, intake: Intake, types: TypeCatalogue) -> Paper:
    first = draft.pages[0]
    headline = draft.headline
    letter = headline is None and is_letter(first)
    number = number_field(first)
    kind = headline.type if headline else letter_type(types) if letter else None
    type_doubtful = headline is not None and not headline.sure
    if kind is None:
        kind = types.by_symbol(number.value.split("/")[-1]) if number else None
        type_doubtful = True
    kind = kind or types.get(OTHER)
    found = [
        number,
        date_field(draft.pages),
        abstract_field(first, headline if headline and not letter else None),
        issuer_field(first) if has_nation(first) or number else None,
        Field(name="type", value=kind.key, confidence=0.5 if type_doubtful else 0.95, doubtful=type_doubtful),
    ]
    if draft.dossier is not None:
        found.append(
            Field(
                name="dossier",
                value=draft.dossier.text,
                confidence=1.0,
                doubtful=False,
                evidence=draft.evidence,
            )
        )
    if draft.doubts:
        found.append(Field(name="pages", value="", confidence=0.5, doubtful=True))
    review = draft.review
    whole_file = Path(intake.source).suffix != "" and len(intake.files) == 1
    if draft.dossier is None and review is None and not whole_file:
        review = UNKNOWN
    return Paper(
        pages=tuple(page.page.index for page in draft.pages),
        dossier=draft.dossier.text if draft.dossier and draft.review is None else None,
        type=kind.key,
        type_name=kind.name,
        origin=first.page.origin,
        fields=tuple(item for item in found if item is not None),
        review=review,
    )
