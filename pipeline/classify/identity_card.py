"""What the machine readable zone of an identity card says, laid over what was read on its face.

Check digits prove the number and the day of birth. The zone has no diacritics, so the name is that of the face when
the two agree, else a suggestion.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipeline.classify.layout import box_of
from pipeline.classify.passages import confidence
from pipeline.classify.view import PageView
from pipeline.grammar.machine_zone import MachineZone, read_zone
from pipeline.grammar.person_names import name_in, same_name, well_spelled
from pipeline.model import Field

ZONE = "mrz"


def with_zone(views: Sequence[PageView], printed: Sequence[Field], today: date) -> tuple[Field, ...]:
    """The fields of persons with those of the zone in their place; as they are when no page has a zone."""
    for view in views:
        zone = read_zone([line.text for line in view.page.lines], today)
        if zone is not None:
            return _merged(view, zone, views, printed)
    return tuple(printed)


def _merged(
    view: PageView, zone: MachineZone, views: Sequence[PageView], printed: Sequence[Field]
) -> tuple[Field, ...]:
    known = {field.name: field for field in printed}
    face = known.get("owner_id")
    # a face that was read otherwise is a misreading, or another card on the same sheet
    sound = zone.sound and (face is None or face.value == zone.owner_id)
    known["owner_id"] = _field(view, zone, "owner_id", zone.owner_id, zone.rows[0], sure=sound)
    if zone.born is not None:
        known["birth_date"] = _field(
            view, zone, "birth_date", zone.born.isoformat(), zone.rows[1], sure=sound
        )
    if zone.name is not None and zone.rows[2] is not None:
        names = [name for one in views for part in one.parts if (name := name_in(part.text)) is not None]
        owner = known.get("owner")
        faces = {
            name
            for name in [*names, *([owner.value] if owner else [])]
            if same_name(name, zone.name, letters=False)
        }
        value = faces.pop() if len(faces) == 1 else zone.name
        sure = sound and value != zone.name and well_spelled(value)
        if owner is None or owner.doubtful or owner.value != value:
            known["owner"] = _field(view, zone, "owner", value, zone.rows[2], sure=sure)
    return tuple(known.values())


def _field(view: PageView, zone: MachineZone, name: str, value: str, row: int, *, sure: bool) -> Field:
    words = view.page.lines[row].words
    return Field(
        name=name,
        value=value,
        confidence=1.0 if zone.sound else round(min(confidence(words), 0.5), 3),
        doubtful=not sure,
        evidence=ZONE,
        page=view.index,
        box=box_of(word.box for word in words),
    )
