"""Which erasures stand in the log: who was erased together, by whom, on what ground, and where."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg_pool import AsyncConnectionPool

from domain.event import Event, Role
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.erasure.ledger import Entry
from infra.event_log.reader import Reader

UNFINISHED = """
    SELECT x.position
    FROM log.erased AS x
    WHERE x.shard = %s
      AND NOT EXISTS (
          SELECT FROM app.erasure_certificate AS c
          WHERE c.shard = x.shard AND x.position BETWEEN c.first_position AND c.last_position
      )
    ORDER BY x.position
    """


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One decision to forget a person: their records are the patients, of one merge group."""

    patients: tuple[UUID, ...]
    first_position: int
    last_position: int
    basis: str
    actor_id: UUID
    role: Role
    at: datetime

    def entries(self) -> list[Entry]:
        """What the ledger says of it."""
        return [Entry(patient, self.basis, self.actor_id, self.at) for patient in self.patients]


async def unfinished(pool: AsyncConnectionPool, reader: Reader, shard: int = 0) -> list[Erasure]:
    """Every erasure that has no certificate yet, in the order of the log."""
    async with pool.connection() as connection:
        rows = await (await connection.execute(UNFINISHED, (shard,))).fetchall()
    return list(_together(await reader.at([position for (position,) in rows]))) if rows else []


def _together(events: Sequence[Recorded[Event]]) -> Iterator[Erasure]:
    """Events of one request belong together: the first one says how many there are."""
    left = list(events)
    while left:
        mark = left[0].meta.request if left[0].meta else None
        last = left[0].position + (mark.events if mark else 1)
        one = [event for event in left if event.position < last]
        left = left[len(one) :]
        yield _erasure(one)


def _erasure(events: Sequence[Recorded[Event]]) -> Erasure:
    first = events[0]
    if not isinstance(first.event, PatientErased) or first.meta is None:
        raise TypeError(f"position {first.position} is no erasure")
    return Erasure(
        patients=tuple(event.stream_id for event in events),
        first_position=first.position,
        last_position=events[-1].position,
        basis=first.event.legal_basis,
        actor_id=first.actor_id,
        role=first.meta.role,
        at=first.recorded_at,
    )
