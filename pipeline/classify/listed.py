"""What a delivery's list says of a file, laid over what was read from it: the list names, the paper may object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.classify.types import TypeCatalogue
from pipeline.grammar.folding import compact
from pipeline.model import Arrangement, Field, Intake, Listed, Paper, ReadPage, Sorting

SEVERAL = (
    "Danh sách ({0}) ghi tệp này là một giấy tờ, nhưng trong tệp có tờ phân cách hoặc nhiều giấy tờ "
    "(the list says one paper, the file holds several)"
)


def one_paper(intake: Intake, read: Sequence[ReadPage], arrangement: Arrangement) -> Arrangement:
    """A file of a list is one paper: its pages join unless a person has said that one begins another."""
    if intake.listed is None:
        return arrangement
    later = {page.page.index for page in read if page.page.number > 1}
    return replace(arrangement, joins=arrangement.joins | (later - arrangement.begins))


def as_listed(sorting: Sorting, said: Listed, types: TypeCatalogue) -> Sorting:
    """The one paper with the list's words; where a sure reading of the paper differs, the field becomes doubtful."""
    if len(sorting.papers) != 1:
        why = SEVERAL.format(said.place)
        return replace(sorting, papers=tuple(replace(p, review=p.review or why) for p in sorting.papers))
    (paper,) = sorting.papers
    fields = {field.name: field for field in paper.fields}
    values = [("type", said.type)] if said.type else []
    for name, value in (*values, *said.fields):
        fields[name] = _laid(name, value, fields.get(name))
    if said.type is not None:
        kind = types[said.type]
        paper = replace(paper, type=kind.key, type_name=kind.name)
    return replace(sorting, papers=(replace(paper, fields=tuple(fields.values())),))


def differs(paper: Paper) -> list[str]:
    """Names of fields in which list and paper disagree."""
    return [field.name for field in paper.fields if field.evidence == "list" and field.doubtful]


def _laid(name: str, value: str, read: Field | None) -> Field:
    against = read is not None and not read.doubtful and compact(read.value) != compact(value)
    return Field(
        name=name,
        value=value,
        confidence=0.5 if against else 0.95,
        doubtful=against,
        evidence="list",
        page=read.page if read else None,
        box=read.box if read else None,
    )
