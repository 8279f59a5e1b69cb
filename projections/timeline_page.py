"""Pages of a timeline, newest first: of the present, from tables, or of the past, in memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from domain.errors import Rejected
from domain.event import Precision
from projections import cursor
from projections.model import Rows
from projections.queries import Tables, both, instant, living, microseconds
from projections.timeline_item import ITEM, Item
from projections.timeline_words import Words, summary, title


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which items: of these kinds, of a diagnosis, from `start` on and before `end`, older than a cursor."""

    kinds: tuple[str, ...] = ()
    diagnosis_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: str | None = None
    limit: int = 50


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """One fact in its present state, in words."""

    id: str
    kind: str
    tag: str
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int
    corrected: bool
    title: str
    summary: str
    refs: dict[str, UUID]
    data: dict[str, Any]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page and the cursor of the next; `position` is that of the patient's last change."""

    items: tuple[TimelineItem, ...]
    next: str | None
    position: int


async def page(tables: Tables, asked: Asked, words: Words, position: int) -> Page:
    """The present. Raises Rejected("cursor.invalid")."""
    older = _older_than(asked, tables.shard)
    rest = sql.SQL(
        """{conditions}
            ORDER BY occurred_at DESC, position DESC
            LIMIT %(limit)s
        """
    ).format(conditions=both(*_conditions(asked)))
    parameters: dict[str, object] = {
        "kinds": list(asked.kinds),
        "diagnosis_id": asked.diagnosis_id,
        "start": asked.start,
        "end": asked.end,
        "older_time": older and older[0],
        "older_position": older and older[1],
        "limit": asked.limit + 1,
    }
    return _page(await tables.rows(ITEM, rest, parameters), asked, words, tables.shard, position)


def _conditions(asked: Asked) -> Iterator[sql.SQL]:
    yield sql.SQL("(twin_of IS NULL OR twin_of <> ALL(%(group)s))")
    if asked.kinds:
        yield sql.SQL("kind = ANY(%(kinds)s)")
    if asked.diagnosis_id:
        yield sql.SQL("diagnosis_id = %(diagnosis_id)s")
    if asked.start:
        yield sql.SQL("occurred_at >= %(start)s")
    if asked.end:
        yield sql.SQL("occurred_at < %(end)s")
    if asked.before:
        yield sql.SQL("(occurred_at, position) < (%(older_time)s, %(older_position)s)")


def page_of(
    group: Sequence[tuple[UUID, Rows]], asked: Asked, words: Words, shard: int, position: int
) -> Page:
    """The same page from rows in memory: of the past, when only the events known then were folded."""
    older = _older_than(asked, shard)
    members = {member for member, _ in group}
    found = [
        item
        for item in living((rows for _, rows in group), ITEM)
        if item.twin_of not in members and _asked_for(item, asked, older)
    ]
    found.sort(key=_place, reverse=True)
    return _page(found[: asked.limit + 1], asked, words, shard, position)


def _asked_for(item: Item, asked: Asked, older: tuple[datetime, int] | None) -> bool:
    return (
        (not asked.kinds or item.kind in asked.kinds)
        and asked.diagnosis_id in {None, item.diagnosis_id}
        and (asked.start is None or item.occurred_at >= asked.start)
        and (asked.end is None or item.occurred_at < asked.end)
        and (older is None or _place(item) < older)
    )


def _place(item: Item) -> tuple[datetime, int]:
    return item.occurred_at, item.position


def _older_than(asked: Asked, shard: int) -> tuple[datetime, int] | None:
    if asked.before is None:
        return None
    when, position = cursor.decode(asked.before, shard, 2)
    try:
        return instant(when), position
    except OverflowError as error:
        raise Rejected("cursor.invalid") from error


def _page(found: Sequence[Item], asked: Asked, words: Words, shard: int, position: int) -> Page:
    """`found` holds one item more than asked for, where there is a next page."""
    shown, last = found[: asked.limit], None
    if len(found) > len(shown):
        last = cursor.encode(shard, microseconds(shown[-1].occurred_at), shown[-1].position)
    return Page(items=tuple(_told(shown, words)), next=last, position=position)


def _told(items: Iterable[Item], words: Words) -> Iterator[TimelineItem]:
    for item in items:
        refs = item.refs if item.diagnosis_id is None else {"diagnosis_id": item.diagnosis_id, **item.refs}
        yield TimelineItem(
            id=f"{item.stream_id}.{item.version}",
            kind=item.kind,
            tag=item.tag,
            occurred_at=item.occurred_at,
            precision=item.precision,
            recorded_at=item.recorded_at,
            position=item.position,
            corrected=item.corrected,
            title=title(item, words),
            summary=summary(item, words),
            refs=refs,
            data=item.data,
        )
