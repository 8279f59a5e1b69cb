"""Compare what a read model's tables say with what its fold makes of the log, row by row."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from infra.event_log.reader import Reader
from infra.projector import checkpoints, history
from infra.projector.store import ModelStore, summed
from projections.model import ReadModel, RowKey, Rows


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


async def verify(connection: AsyncConnection, reader: Reader, model: ReadModel, shard: int = 0) -> Verified:
    """Compare in one snapshot, while the projector goes on."""
    store = ModelStore(model)
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        places = {(c.model, c.fingerprint): c.position for c in await checkpoints.all_of(connection, shard)}
        found = Verified(model=model.name, position=places.get((model.name, model.fingerprint), 0))
        if not await store.exists(connection):
            found.wrong.append(Wrong(model.name, "", None, "", "never built"))
            return found
        async for wrong in _rows(connection, reader, store, shard, found):
            found.wrong.append(wrong)
            if len(found.wrong) >= MOST_TOLD:
                return found
        async for wrong in _sums(connection, store, shard):
            found.wrong.append(wrong)
    return found


async def _rows(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, found: Verified
) -> AsyncIterator[Wrong]:
    seen: dict[str, int] = defaultdict(int)
    async for patients in history.by_patient(
        connection, reader, shard, found.position, accounts=store.model.accounts
    ):
        stored: dict[UUID, Rows] = {subject: Rows() for subject, _ in patients}
        for table_store in store.tables.values():
            await table_store.load_all(connection, shard, stored, stored)
        for subject, events in patients:
            expected = {(t.name, t.key_of(row)): row for t, row, _ in history.folded(store.model, events)}
            actual = {
                (t.name, t.key_of(row)): row for t in store.model.tables for row in stored[subject].all(t)
            }
            found.rows += len(actual)
            for name, _ in actual:
                seen[name] += 1
            for wrong in _differences(store.model, subject, expected, actual):
                yield wrong
    for name, table_store in store.tables.items():
        cursor = await connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE shard = %s").format(table_store.name), (shard,)
        )
        row = await cursor.fetchone()
        if row is not None and row[0] != seen[name]:
            yield Wrong(store.model.name, name, None, "", f"{row[0] - seen[name]} rows of nobody in the log")


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
