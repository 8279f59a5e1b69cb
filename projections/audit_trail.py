"""Who did what and when: one line for every event, whose content stays in the log."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.recorded import Recorded
from projections import cursor
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.queries import both, columns, fetch, living


class Entry(Row, frozen=True, kw_only=True):
    """An event's place; `patient_id` is None for events of accounts, `correlation_id` after an erasure."""

    position: int
    stream_id: UUID
    version: int
    tag: str
    patient_id: UUID | None
    actor_id: UUID
    recorded_at: datetime
    correlation_id: UUID | None


ENTRY = Table(
    "entry",
    Entry,
    key=("position",),
    across=(
        "position",
        "actor_id, position",
        "tag, position",
        "recorded_at, position",
        "correlation_id, position",
    ),
)


def touches(_recorded: Recorded[Event]) -> Iterable[Touch]:
    return ()


def evolve(_rows: Rows, recorded: Recorded[Event]) -> Iterator[Row]:
    yield Entry(
        position=recorded.position,
        stream_id=recorded.stream_id,
        version=recorded.version,
        tag=recorded.tag,
        patient_id=recorded.subject_id,
        actor_id=recorded.actor_id,
        recorded_at=recorded.recorded_at,
        correlation_id=None if recorded.meta is None else recorded.meta.correlation_id,
    )


MODEL = ReadModel(name="audit_trail", tables=(ENTRY,), touches=touches, evolve=evolve, accounts=True)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: all that is given must hold; `group` are the ids of one patient, `end` is excluded."""

    group: tuple[UUID, ...] | None = None
    actor_id: UUID | None = None
    tags: tuple[str, ...] = ()
    correlation_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: str | None = None
    limit: int = 50


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the events stand in the log, the latest first, and the cursor of the next page."""

    entries: tuple[Entry, ...]
    next: str | None


async def page(connection: AsyncConnection[Any], schema: str, shard: int, asked: Asked) -> Positions:
    """Raises Rejected("cursor.invalid")."""
    query = sql.SQL(
        """
        SELECT {columns}
        FROM {entry} AS {alias}
        WHERE shard = %(shard)s
          AND NOT removed
          {conditions}
        ORDER BY position DESC
        LIMIT %(limit)s
        """
    ).format(
        columns=columns(ENTRY),
        entry=sql.Identifier(schema, ENTRY.name),
        alias=sql.Identifier(ENTRY.name),
        conditions=both(*_conditions(asked)),
    )
    given: dict[str, object] = {
        **msgspec.structs.asdict(asked),
        "shard": shard,
        "group": None if asked.group is None else list(asked.group),
        "tags": list(asked.tags),
        "before": _before(asked, shard),
        "limit": asked.limit + 1,
    }
    return _page(await fetch(connection, query, given, ENTRY), asked, shard)


def _conditions(asked: Asked) -> Iterator[sql.SQL]:
    if asked.group is not None:
        yield sql.SQL("subject_id = ANY(%(group)s)")
    if asked.actor_id:
        yield sql.SQL("actor_id = %(actor_id)s")
    if asked.tags:
        yield sql.SQL("tag = ANY(%(tags)s)")
    if asked.correlation_id:
        yield sql.SQL("correlation_id = %(correlation_id)s")
    if asked.start:
        yield sql.SQL("recorded_at >= %(start)s")
    if asked.end:
        yield sql.SQL("recorded_at < %(end)s")
    if asked.before:
        yield sql.SQL("position < %(before)s")


def page_of(group: Sequence[Rows], asked: Asked, shard: int) -> Positions:
    """The same from rows in memory, which are those of the group asked for."""
    before = _before(asked, shard)
    found = [entry for entry in living(group, ENTRY) if _asked_for(entry, asked, before)]
    found.sort(key=lambda entry: entry.position, reverse=True)
    return _page(found[: asked.limit + 1], asked, shard)


def _asked_for(entry: Entry, asked: Asked, before: int | None) -> bool:
    return (
        asked.actor_id in {None, entry.actor_id}
        and (not asked.tags or entry.tag in asked.tags)
        and asked.correlation_id in {None, entry.correlation_id}
        and (asked.start is None or entry.recorded_at >= asked.start)
        and (asked.end is None or entry.recorded_at < asked.end)
        and (before is None or entry.position < before)
    )


def _before(asked: Asked, shard: int) -> int | None:
    return None if asked.before is None else cursor.decode(asked.before, shard, 1)[0]


def _page(found: Sequence[Entry], asked: Asked, shard: int) -> Positions:
    shown = tuple(found[: asked.limit])
    more = len(found) > len(shown)
    return Positions(entries=shown, next=cursor.encode(shard, shown[-1].position) if more else None)


async def last_change(
    connection: AsyncConnection[Any], schema: str, shard: int, group: Sequence[UUID]
) -> int:
    """The position of the group's last event; 0 when there is none."""
    query = sql.SQL(
        """
        SELECT coalesce(max(position), 0)
        FROM {entry}
        WHERE shard = %s
          AND subject_id = ANY(%s)
        """
    ).format(entry=sql.Identifier(schema, ENTRY.name))
    found = await (await connection.execute(query, (shard, list(group)))).fetchone()
    return int(found[0]) if found else 0


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as an auditor sees it: `meta`, `data` and `occurred_at` only where they may be read."""

    position: int
    stream_id: UUID
    version: int
    tag: str
    schema: int
    patient_id: UUID | None
    actor_id: UUID
    recorded_at: datetime
    occurred_at: datetime | None
    meta: dict[str, Any] | None
    data: dict[str, Any] | None
    leaf_hash: str


def audit_event(recorded: Recorded[Event], *, readable: bool) -> AuditEvent:
    """What an event of the log is to an auditor who may, or may not, read its content."""
    event = recorded.event if readable else None
    meta = recorded.meta if readable else None
    return AuditEvent(
        position=recorded.position,
        stream_id=recorded.stream_id,
        version=recorded.version,
        tag=recorded.tag,
        schema=recorded.schema,
        patient_id=recorded.subject_id,
        actor_id=recorded.actor_id,
        recorded_at=recorded.recorded_at,
        occurred_at=None if event is None else event.occurred_at,
        meta=None if meta is None else _explicit(meta),
        data=None if event is None else _content(event),
        leaf_hash=recorded.leaf_hash.hex(),
    )


def _explicit(part: msgspec.Struct) -> dict[str, Any]:
    """Every field, also where it says no more than its default."""
    values = {name: getattr(part, name) for name in part.__struct_fields__}
    return {
        name: _explicit(value) if isinstance(value, msgspec.Struct) else msgspec.to_builtins(value)
        for name, value in values.items()
    }


def _content(event: Event) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(event)
    tag_field = event.__struct_config__.tag_field
    return {name: value for name, value in content.items() if name not in {tag_field, "occurred_at"}}
