"""Care plans and prescriptions: from what is stated to commands for a recommendation's stream."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from domain.event import Coded, Command, Event
from domain.items import ItemBody, Items, NewItem, NewItemChange, item_hash
from domain.reasons import IMPORTED
from domain.recommendation import (
    CompleteRecommendation,
    DiscontinueRecommendation,
    IssueRecommendation,
    Line,
    RecommendationCompleted,
    RecommendationDiscontinued,
    RecommendationResumed,
    RecommendationSuspended,
    ResumeRecommendation,
    ReviseRecommendation,
    SafetyCheck,
    SuspendRecommendation,
)
from infra.fhir.planning_base import Told, told
from infra.fhir.stated import Ending, PassedOver, StatedItem, StatedPlan, StatedPrescription

UNCHECKED = SafetyCheck(result="not_applicable")
"""Whoever prescribed it checked it; the house did not."""
B = TypeVar("B", bound=ItemBody)
OVER = frozenset({"stopped", "completed", "cancelled"})
ENDINGS: Mapping[type[Event], str | None] = {
    RecommendationCompleted: "completed",
    RecommendationDiscontinued: "discontinued",
    RecommendationSuspended: "suspended",
    RecommendationResumed: None,
}


def of_plan(record: StatedPlan, said: list[Event], line: Line | None, now: datetime) -> list[Command]:
    """Issued whole and ended as the source has it; afterwards exactly what it says otherwise."""
    items = tuple(_new_item(item, record.ref) for item in record.items)
    if line is None:
        issue = _issue(items, told(record.at, now), record)
        return [issue, *_end(record.ending, None, None, now)]
    commands = []
    changes = tuple(_differences(line.items, items))
    if changes:
        ended = record.ending.at if record.ending else None
        commands.append(_revise(line, changes, told(ended, now, line.since)))
    return [*commands, *_end(record.ending, _ended(said), line.since, now)]


def of_prescription(
    record: StatedPrescription, line: Line | None, now: datetime, *, again: bool
) -> list[Command]:
    """The first of a line issues it, each later one revises it; `again`: this one was brought in before.

    Raises PassedOver where a later prescription has taken its place.
    """
    if record.withdrawn and not again:
        raise PassedOver("import.not_true")
    item = _new_item(record.item, record.ref)
    if line is None:
        return [_issue((item,), told(record.at, now), None)]
    if not again:
        return [_revise(line, (_newly(record, item, line.items),), told(record.at, now, line.since))]
    return _once_more(record, item, line, told(None, now, line.since))


def _new_item(item: StatedItem, ref: str) -> NewItem:
    return NewItem(
        kind=item.kind,
        remedy=item.remedy,
        dose=item.dose,
        rationale=item.rationale,
        source="import",
        status=item.status,
        period=item.period,
        source_ref=ref,
    )


def _issue(items: tuple[NewItem, ...], when: Told, plan: StatedPlan | None) -> Command:
    """The line begins when the source dates it; an end that is not after that says nothing."""
    until = plan.valid_until.at if plan and plan.valid_until else None
    return IssueRecommendation(
        **when,
        tradition="modern",
        items=items,
        goals=plan.goals if plan else (),
        title=plan.title if plan else None,
        valid_from=when["occurred_at"],
        valid_until=until if until and until > when["occurred_at"] else None,
        safety_check=UNCHECKED,
    )


def _revise(line: Line, changes: tuple[NewItemChange, ...], when: Told) -> Command:
    return ReviseRecommendation(**when, base_version=line.version, changes=changes, safety_check=UNCHECKED)


def _newly(record: StatedPrescription, item: NewItem, items: Items) -> NewItemChange:
    """In the place of what it replaces, or of the same medicine where that is over; else added."""
    for old in items:
        same = _name(old.remedy) == _name(item.remedy) and old.status in OVER
        if same or (record.replaces and old.source_ref == record.replaces):
            return NewItemChange(op="replace", item_id=old.item_id, after=item, reason_code=IMPORTED)
    return NewItemChange(op="add", after=item, reason_code=IMPORTED)


def _once_more(record: StatedPrescription, item: NewItem, line: Line, when: Told) -> list[Command]:
    """What the source says otherwise now. Taken back, it leaves the line; the last of a line ends it."""
    old = next((old for old in line.items if old.source_ref == record.ref), None)
    if old is None:
        raise PassedOver("import.superseded")
    if record.withdrawn and len(line.items) == 1:
        return [DiscontinueRecommendation(**when, reason_code=IMPORTED)]
    if record.withdrawn:
        change = NewItemChange(op="remove", item_id=old.item_id, reason_code=IMPORTED)
    elif item_hash(item) == old.item_hash:
        return []
    else:
        change = NewItemChange(op="replace", item_id=old.item_id, after=item, reason_code=IMPORTED)
    return [_revise(line, (change,), when)]


def _differences(items: Items, wanted: tuple[NewItem, ...]) -> Iterator[NewItemChange]:
    """What makes the wanted items of those in force; the same remedy is the same item."""
    left = dict(_numbered(items))
    for key, item in _numbered(wanted):
        old = left.pop(key, None)
        if old is None:
            yield NewItemChange(op="add", after=item, reason_code=IMPORTED)
        elif item_hash(item) != old.item_hash:
            yield NewItemChange(op="replace", item_id=old.item_id, after=item, reason_code=IMPORTED)
    for old in left.values():
        yield NewItemChange(op="remove", item_id=old.item_id, reason_code=IMPORTED)


def _numbered(items: Iterable[B]) -> Iterator[tuple[tuple[str, int], B]]:
    """Items by name; those of one name are told apart by their order."""
    counted: Counter[str] = Counter()
    for item in items:
        name = _name(item.remedy)
        yield (name, counted[name]), item
        counted[name] += 1


def _name(remedy: Coded) -> str:
    return f"{remedy.system} {remedy.code}" if remedy.code else remedy.text


def _ended(said: Iterable[Event]) -> str | None:
    """How the source last said that it stands; None where it is in force."""
    ended = None
    for event in said:
        ended = ENDINGS.get(type(event), ended)
    return ended


def _end(ending: Ending | None, ended: str | None, since: datetime | None, now: datetime) -> list[Command]:
    kind = ending.kind if ending else None
    if kind == ended:
        return []
    when = told(ending.at if ending else None, now, since)
    match kind:
        case "completed":
            return [CompleteRecommendation(**when, reason_code=IMPORTED)]
        case "discontinued":
            return [DiscontinueRecommendation(**when, reason_code=IMPORTED)]
        case "suspended":
            return [SuspendRecommendation(**when, reason_code=IMPORTED)]
        case _ if ended == "suspended":
            return [ResumeRecommendation(**when, reason_code=IMPORTED)]
        case _:
            return []
