"""Tables that held rows of an erased patient are written anew: Postgres keeps deleted bytes in its pages.

A model of this release is copied beside the tables that serve, brought up to date, and put in their place as
a rebuild is, so that readers and the projector go on all the while. What is of another release is rewritten
where it is, one table at a time.
"""

import contextlib
from collections.abc import Collection, Sequence
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.recorded import Recorded
from infra.event_log.reader import Reader
from infra.projector import checkpoints, held, strangers
from infra.projector.alone import alone
from infra.projector.applying import Applying
from infra.projector.rebuild import drop
from infra.projector.store import ModelStore
from infra.projector.strangers import BEING_BUILT, COPIED, REPLACED
from infra.rewriting import rewrite_table
from projections.model import ReadModel

MOST_BEHIND = 1_000
"""A copy that is no further behind is put in place, and catches up while the projector waits."""


async def rewrite(
    connection: AsyncConnection,
    reader: Reader,
    models: Sequence[ReadModel],
    schemas: Collection[str],
    shard: int = 0,
) -> None:
    """Write the tables of these schemas anew, and drop what a rebuild that was cut short left of any model.

    Raises CommandFailed while another process rebuilds or verifies one.
    """
    for model in models:
        async with alone(connection, model):
            for suffix in (BEING_BUILT, REPLACED, COPIED):
                await drop(connection, ModelStore(model, model.schema + suffix))
            if model.schema in schemas and await ModelStore(model).exists(connection):
                await _Copy(connection, reader, model, shard).take_over()
    for schema in sorted(set(schemas) - {model.schema for model in models}):
        await _in_place(connection, schema)


class _Copy:
    """A model's tables, copied while the projector goes on with the ones that serve."""

    def __init__(self, connection: AsyncConnection, reader: Reader, model: ReadModel, shard: int) -> None:
        self._connection = connection
        self._reader = reader
        self._model = model
        self._shard = shard
        self._live = ModelStore(model)
        self._new = ModelStore(model, model.schema + COPIED)
        self._position = 0

    async def take_over(self) -> None:
        """Copy, catch up, and change names; whoever reads in the old tables comes to an end there."""
        await self._fill()
        while (ahead := await self._place()) - self._position > MOST_BEHIND:
            async with self._connection.transaction():
                await self._catch_up(min(ahead, self._position + MOST_BEHIND))
        old = ModelStore(self._model, self._model.schema + REPLACED)
        async with self._connection.transaction():
            await self._catch_up(await self._place())
            await self._live.rename(self._connection, old.schema)
            await self._new.rename(self._connection, self._live.schema)
        await drop(self._connection, old)

    async def _fill(self) -> None:
        """Copy in one snapshot what stands at a checkpoint."""
        async with self._connection.transaction():
            await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await self._connection.execute("SET LOCAL enable_seqscan = on")
            for place in await checkpoints.all_of(self._connection, self._shard):
                if (place.model, place.fingerprint) == (self._model.name, self._model.fingerprint):
                    self._position = place.position
            await self._new.create(self._connection, indexed=False)
            for name in (*self._live.tables, *(rollup.name for rollup in self._model.rollups)):
                source, copy = (sql.Identifier(one.schema, name) for one in (self._live, self._new))
                copying = sql.SQL("INSERT INTO {} SELECT * FROM {}").format(copy, source)
                await self._connection.execute(copying)
            await self._new.index(self._connection)

    async def _place(self) -> int:
        """Where the tables are that serve; within a transaction, held there until it ends."""
        return await checkpoints.locked(self._connection, self._shard, self._model) or 0

    async def _catch_up(self, until: int) -> None:
        """Fold what came since into the copy, as the projector does."""
        if until > self._position:
            events = await self._reader.lenient.between(self._position + 1, until)
            holds = await held.by_schema(self._connection, self._shard, [self._live])
            applying = Applying(self._new, self._connection, self._shard, self._history)
            await applying.all_at_once(events, holds.get(self._live.schema, ()))
            self._position = until

    async def _history(self, subject: UUID, until: int) -> list[Recorded[Event]]:
        return await self._reader.lenient.by_subject([subject], until=until)


async def _in_place(connection: AsyncConnection, schema: str) -> None:
    """Rewrite every table of the schema, one at a time, each as soon as nobody reads in it."""
    cursor = await connection.execute(
        """
        SELECT c.relname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND n.nspowner = %s::regrole AND c.relkind = 'r'
        """,
        (schema, strangers.OWNER),
    )
    for (table,) in await cursor.fetchall():
        with contextlib.suppress(psycopg.errors.UndefinedTable):  # dropped meanwhile, and its pages with it
            await rewrite_table(connection, sql.Identifier(schema, table))
