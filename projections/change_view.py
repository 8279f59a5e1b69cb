"""Two versions compared: what differs, what came and went between them, and the reasons on the way."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeAlias
from uuid import UUID

import msgspec
from psycopg import sql

from domain.comparison import compare
from domain.errors import NotFound, Rejected
from domain.event import Change, Narrative
from domain.items import Items, apply_changes
from projections.evidence import EVIDENCE, Evidence
from projections.evidence_view import CitedEvidence, cited, fates_of
from projections.item_view import ItemView, changed_fields, whole
from projections.model import Rows
from projections.queries import Tables, both, living
from projections.recommendation_changes import STEP, Step
from projections.version_row import PHASE_ADVANCED


class PathReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why one version on the way came to be."""

    recommendation_id: UUID
    version: int
    reason_code: str
    item_ids: tuple[UUID, ...]
    narrative: Narrative | None
    evidence: tuple[CitedEvidence, ...]
    decided_by: UUID
    approved_by: UUID | None
    recorded_at: datetime


class ChangedItem(msgspec.Struct, frozen=True, kw_only=True):
    item_id: UUID
    fields: dict[str, Change]
    reasons: tuple[PathReason, ...]


class ComparedVersions(msgspec.Struct, frozen=True, kw_only=True):
    """Every item that was there stands in one list.

    `transient` are those of which nothing is left to see: they came and went, or changed and changed back.
    `order` holds the items' ids where they do not stand in the old order with new ones at the end.
    """

    added: tuple[ItemView, ...]
    removed: tuple[ItemView, ...]
    changed: tuple[ChangedItem, ...]
    unchanged: tuple[UUID, ...]
    transient: tuple[UUID, ...]
    order: tuple[UUID, ...] | None
    reasons: tuple[PathReason, ...]


Place: TypeAlias = tuple[UUID, int]
"""A version of a line."""

REST = both(sql.SQL("recommendation_id = ANY(%(lines)s)")), both(sql.SQL("fate IS NOT NULL"))
"""The steps of the lines that are compared, and only evidence of which something became."""


async def versions(tables: Tables, recommendation_id: UUID, first: int, last: int) -> ComparedVersions:
    """Two versions of a line. Raises Rejected("compare.order") and NotFound("compare.unknown_version")."""
    _in_order(first, last)
    steps, evidence = await tables.two(STEP, EVIDENCE, REST, {"lines": [recommendation_id]})
    return _versions(steps, evidence, recommendation_id, first, last)


def versions_of(group: Sequence[Rows], recommendation_id: UUID, first: int, last: int) -> ComparedVersions:
    """The same from rows in memory."""
    _in_order(first, last)
    return _versions(*_rows_of(group), recommendation_id, first, last)


async def lines(tables: Tables, diagnosis_id: UUID, left: Place, right: Place) -> ComparedVersions:
    """Versions of two lines for one diagnosis, whose items share nothing but what was carried over by id.

    Raises NotFound("compare.unknown_version").
    """
    steps, evidence = await tables.two(STEP, EVIDENCE, REST, {"lines": [left[0], right[0]]})
    return _lines(steps, evidence, diagnosis_id, left, right)


def lines_of(group: Sequence[Rows], diagnosis_id: UUID, left: Place, right: Place) -> ComparedVersions:
    """The same from rows in memory."""
    return _lines(*_rows_of(group), diagnosis_id, left, right)


def _rows_of(group: Sequence[Rows]) -> tuple[list[Step], list[Evidence]]:
    return list(living(group, STEP)), [e for e in living(group, EVIDENCE) if e.fate is not None]


def _in_order(first: int, last: int) -> None:
    if first >= last:
        raise Rejected("compare.order")


def _versions(
    steps: Iterable[Step], evidence: Iterable[Evidence], recommendation_id: UUID, first: int, last: int
) -> ComparedVersions:
    path = _path(steps, recommendation_id, last)
    snapshots = _snapshots(path)
    if not 1 <= first <= len(snapshots):
        raise NotFound("compare.unknown_version")
    old, new = snapshots[first - 1], snapshots[last - 1]
    transient = _without_trace(old, new, snapshots[first : last - 1])
    return _compared(old, new, transient, _reasons(path[first:], evidence))


def _without_trace(old: Items, new: Items, between: Sequence[Items]) -> tuple[UUID, ...]:
    """What stands at both ends alike, or at neither, and did not on the way."""
    before, after = ({item.item_id: item for item in items} for items in (old, new))
    ways = [{item.item_id: item for item in items} for items in between]
    told = dict.fromkeys([*before, *(item_id for way in ways for item_id in way)])
    return tuple(
        item_id
        for item_id in told
        if before.get(item_id) == after.get(item_id)
        and any(way.get(item_id) != before.get(item_id) for way in ways)
    )


def _lines(
    steps: list[Step], evidence: list[Evidence], diagnosis_id: UUID, left: Place, right: Place
) -> ComparedVersions:
    drafts = {step.recommendation_id: step.diagnosis_id for step in steps if not step.recommendation_version}
    if any(drafts.get(line) != diagnosis_id for line, _ in (left, right)):
        raise NotFound("compare.unknown_version")
    paths = [_path(steps, *place) for place in (left, right)]
    old, new = (_snapshots(path)[-1] for path in paths)
    return _compared(old, new, (), _reasons([step for path in paths for step in path], evidence))


def _path(steps: Iterable[Step], recommendation_id: UUID, last: int) -> list[Step]:
    """The steps from the first version to the last one asked for."""
    path = [
        step
        for step in steps
        if step.recommendation_id == recommendation_id and 1 <= step.recommendation_version <= last
    ]
    path.sort(key=lambda step: step.recommendation_version)
    if not path or path[-1].recommendation_version != last:
        raise NotFound("compare.unknown_version")
    return path


def _snapshots(path: Iterable[Step]) -> list[Items]:
    nothing: Items = ()
    return list(accumulate(path, _next, initial=nothing))[1:]


def _next(items: Items, step: Step) -> Items:
    return apply_changes(items, step.changes) if step.items is None else step.items


def _reasons(path: Iterable[Step], evidence: Iterable[Evidence]) -> tuple[PathReason, ...]:
    fates = fates_of(evidence)
    return tuple(
        PathReason(
            recommendation_id=step.recommendation_id,
            version=reason.version,
            reason_code=reason.reason_code,
            item_ids=reason.item_ids,
            narrative=reason.narrative,
            evidence=cited(reason.evidence, reason.position, fates),
            decided_by=reason.decided_by,
            approved_by=reason.approved_by,
            recorded_at=reason.recorded_at,
        )
        for step in path
        for reason in step.reasons
    )


def _compared(
    old: Items, new: Items, transient: tuple[UUID, ...], reasons: tuple[PathReason, ...]
) -> ComparedVersions:
    difference = compare(old, new)
    before, after = ({item.item_id: item for item in items} for items in (old, new))
    return ComparedVersions(
        added=tuple(map(whole, difference.added)),
        removed=tuple(map(whole, difference.removed)),
        changed=tuple(
            ChangedItem(
                item_id=one.item_id,
                fields=changed_fields(before[one.item_id], after[one.item_id], tuple(one.fields)),
                reasons=tuple(reason for reason in reasons if _concerns(reason, one.item_id)),
            )
            for one in difference.changed
        ),
        unchanged=tuple(item_id for item_id in difference.unchanged if item_id not in transient),
        transient=transient,
        order=difference.order,
        reasons=reasons,
    )


def _concerns(reason: PathReason, item_id: UUID) -> bool:
    """A restored version gives its reason for all items; a new phase changes none."""
    return item_id in reason.item_ids or (not reason.item_ids and reason.reason_code != PHASE_ADVANCED)
