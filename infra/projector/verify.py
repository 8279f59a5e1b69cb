"""Compare what a read model's tables say with what its fold makes of the log, row by row."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.event_log.reader import Reader
from infra.projector import checkpoints, history
from infra.projector.rebuild import Told, alone
from infra.projector.rollups import summed
from infra.projector.store import ModelStore
from projections.model import ReadModel, Row, RowKey, Rows


class Wrong(msgspec.Struct, frozen=True):
    """A row that should be there and is not, should not be, or says something else."""

    model: str
    table: str
    subject_id: UUID | None
    key: str
    what: str


class Verified(msgspec.Struct):
    """How much was compared, and what was found wrong (the first hundred of each model)."""

    model: str
    position: int
    rows: int = 0
    wrong: list[Wrong] = []


MOST_TOLD = 100


async def verify(
    connection: AsyncConnection,
    reader: Reader,
    model: ReadModel,
    shard: int = 0,
    told: Told = lambda _done, _all: None,
) -> Verified:
    """Compare in one snapshot, while the projector goes on. Raises CommandFailed while a rebuild goes on."""
    store = ModelStore(model)
    async with alone(connection, model, shared=True), connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        places = {(c.model, c.fingerprint): c.position for c in await checkpoints.all_of(connection, shard)}
        found = Verified(model=model.name, position=places.get((model.name, model.fingerprint), 0))
        if not await store.exists(connection):
            found.wrong.append(Wrong(model.name, "", None, "", "never built"))
            return found
        async for wrong in _rows(connection, reader, store, shard, found, told):
            found.wrong.append(wrong)
            if len(found.wrong) >= MOST_TOLD:
                return found
        async for wrong in _sums(connection, store, shard):
            found.wrong.append(wrong)
    return found


async def _rows(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, found: Verified, told: Told
) -> AsyncIterator[Wrong]:
    seen: Counter[str] = Counter()
    done = 0
    parts = history.by_patient(connection, reader, shard, found.position, accounts=store.model.accounts)
    async for patients in parts:
        stored: dict[UUID, Rows] = {subject: Rows() for subject, _ in patients}
        for table_store in store.tables.values():
            await table_store.load_all(connection, shard, stored, stored)
        for subject, events in patients:
            actual = _placed(store.model, stored[subject])
            found.rows += len(actual)
            seen.update(name for name, _ in actual)
            if not _being_erased(events):
                folded = history.folded(store.model, subject, events)
                expected = {(d.table.name, d.table.key_of(d.after)): d.after for d in folded if d.after}
                for wrong in _differences(store.model, subject, expected, actual):
                    yield wrong
        done += sum(len(events) for _, events in patients)
        told(done, found.position)
    for name, table_store in store.tables.items():
        cursor = await connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE shard = %s").format(table_store.name), (shard,)
        )
        row = await cursor.fetchone()
        if row is not None and row[0] != seen[name]:
            yield Wrong(store.model.name, name, None, "", f"{row[0] - seen[name]} rows of nobody in the log")


def _placed(model: ReadModel, rows: Rows) -> dict[tuple[str, RowKey], Row]:
    return {(t.name, t.key_of(row)): row for t in model.tables for row in rows.all(t)}


def _being_erased(events: Sequence[Recorded[Event]]) -> bool:
    """Whether the key is gone and the erasure, which stands further on in the log, not yet applied."""
    return any(one.event is None for one in events) and not any(
        isinstance(one.event, PatientErased) for one in events
    )


def _differences(
    model: ReadModel,
    subject: UUID,
    expected: Mapping[tuple[str, RowKey], Any],
    actual: Mapping[tuple[str, RowKey], Any],
) -> list[Wrong]:
    wrong = []
    for place in expected.keys() | actual.keys():
        ours, theirs = expected.get(place), actual.get(place)
        if ours != theirs:
            what = (
                "missing" if theirs is None else "not in the log" if ours is None else _fields(ours, theirs)
            )
            wrong.append(Wrong(model.name, place[0], subject, "/".join(map(str, place[1])), what))
    return wrong


def _fields(ours: msgspec.Struct, theirs: msgspec.Struct) -> str:
    """Which fields differ; never what they hold."""
    names = [name for name in ours.__struct_fields__ if getattr(ours, name) != getattr(theirs, name)]
    return f"differs in {', '.join(names)}"


async def _sums(connection: AsyncConnection, store: ModelStore, shard: int) -> AsyncIterator[Wrong]:
    for rollup in store.model.rollups:
        names = sql.SQL(", ").join(map(sql.Identifier, ("shard", *rollup.by, *rollup.sums)))
        table = sql.SQL("SELECT {} FROM {} WHERE shard = %s").format(
            names, sql.Identifier(store.schema, rollup.name)
        )
        query = summed(store.schema, rollup)
        for one, other, what in (
            (query, table, "missing or wrong"),
            (table, query, "not in the contributions"),
        ):
            cursor = await connection.execute(sql.SQL("({}) EXCEPT ({})").format(one, other), (shard, shard))
            for row in await cursor.fetchall():
                yield Wrong(store.model.name, rollup.name, None, "/".join(map(str, row[1:])), what)
