"""Who was merged with whom: a group is read together, and nothing is ever re-keyed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.patient.events import PatientMergeReversed, PatientsMerged
from domain.recorded import Recorded
from projections.model import ReadModel, Row, Rows, Table, Touch


class Edge(Row, frozen=True, kw_only=True):
    """A merge as this patient sees it; removed when it was reversed."""

    other_id: UUID
    survivor_id: UUID
    merged_at: datetime
    position: int


EDGE = Table("edge", Edge, key=("other_id",))


def touches(recorded: Recorded[Event]) -> Iterable[Touch]:
    event = recorded.event
    return ((EDGE, _other(event)),) if isinstance(event, PatientsMerged | PatientMergeReversed) else ()


def evolve(_rows: Rows, recorded: Recorded[Event]) -> Iterator[Row]:
    match recorded.event:
        case PatientsMerged() as event:
            yield _edge(recorded, event, reversed_=False)
        case PatientMergeReversed(merged=True) as event:
            yield _edge(recorded, event, reversed_=True)


def _edge(
    recorded: Recorded[Event], event: PatientsMerged | PatientMergeReversed, *, reversed_: bool
) -> Edge:
    return Edge(
        other_id=_other(event),
        survivor_id=event.survivor_id,
        merged_at=event.occurred_at,
        position=recorded.position,
        removed=reversed_,
    )


def _other(event: PatientsMerged | PatientMergeReversed) -> UUID:
    return event.retired_id if event.side == "survivor" else event.survivor_id


MODEL = ReadModel(
    name="patient_groups",
    tables=(EDGE,),
    touches=touches,
    evolve=evolve,
    of=frozenset({PatientsMerged, PatientMergeReversed}),
)


def members(schema: str) -> sql.Composed:
    """The start of a statement that reads `member`: the ids of a `subject_id`'s group in a `shard`."""
    return sql.SQL(
        """
        WITH RECURSIVE member(id) AS (
            SELECT %(subject_id)s::uuid
            UNION
            SELECT edge.other_id
            FROM member
            JOIN {edge} AS edge
              ON edge.shard = %(shard)s
             AND edge.subject_id = member.id
             AND NOT edge.removed
        )
        """
    ).format(edge=sql.Identifier(schema, EDGE.name))


async def group(connection: AsyncConnection[Any], schema: str, shard: int, subject_id: UUID) -> list[UUID]:
    """Everybody who is one with this patient, the patient among them, in the order of their ids."""
    query = members(schema) + sql.SQL("SELECT id FROM member ORDER BY id")
    cursor = await connection.execute(query, {"shard": shard, "subject_id": subject_id})
    return [row[0] for row in await cursor.fetchall()]


def group_of(known: Mapping[UUID, Rows], subject_id: UUID) -> tuple[list[UUID], list[UUID]]:
    """The same from rows in memory, and the members whose rows must be folded too before it is whole."""
    members, missing, waiting = {subject_id}, set(), [subject_id]
    while waiting:
        member = waiting.pop()
        if member not in known:
            missing.add(member)
            continue
        found = {edge.other_id for edge in known[member].all(EDGE) if not edge.removed} - members
        members |= found
        waiting += found
    return sorted(members), sorted(missing)
