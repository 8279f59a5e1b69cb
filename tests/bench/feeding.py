"""What the figures of projector and rebuild share: a long log, a projector of some models, a bare pipe."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice

from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.recorded import Recorded
from infra.embedded import Servers
from infra.event_log.reader import Reader
from infra.projector.projector import MOST_EVENTS, Projector
from infra.projector.store import ModelStore
from infra.projector.uncollected import uncollected
from infra.running import projecting
from infra.services import opened
from infra.settings import Settings
from projections.model import ReadModel
from projections.registry import models
from tests.bench import samples

SYMPTOMS = 14
EVENTS_OF_A_PATIENT = SYMPTOMS + 6
REQUESTS_AT_ONCE = 2_000
ONE = "patient_timeline"


class Until(Reader):
    """A log that ends at a position."""

    last = 0

    async def after(self, position: int, limit: int) -> list[Recorded[Event]]:
        limit = min(limit, self.last - position)
        return await super().after(position, limit) if limit > 0 else []


async def fill(settings: Settings, servers: Servers, events: int) -> None:
    """Whole records of so many patients that they make this many events."""
    async with opened(settings, servers) as services:
        made = samples.requests(events // EVENTS_OF_A_PATIENT, SYMPTOMS)
        while part := list(islice(made, REQUESTS_AT_ONCE)):
            await asyncio.gather(*map(services.writer.append, part))


def one_model(settings: Settings) -> ReadModel:
    """The read model that figures of a single one are about."""
    return next(model for model in models(str(settings.time_zone)) if model.name == ONE)


@asynccontextmanager
async def feeding(
    settings: Settings, servers: Servers, chosen: Sequence[ReadModel], last: int
) -> AsyncIterator[tuple[Projector, AsyncConnection]]:
    """A projector that leads and finds none of these models' tables, on a log of this length."""
    async with projecting(settings, servers) as (everything, connection):
        reader = Until(everything.reader._pool, everything.reader._vault)
        reader.last = last
        projector = Projector(connection, reader, chosen)
        for model in chosen:
            await ModelStore(model).drop(connection)
        await projector.take_over()
        try:
            yield projector, connection
        finally:
            await projector.give_back()


async def caught_up(settings: Settings, servers: Servers, chosen: Sequence[ReadModel], last: int) -> float:
    """Seconds until all of this is in the tables of these models."""
    async with feeding(settings, servers, chosen, last) as (projector, _):
        started = time.perf_counter()
        await projector.catch_up()
        return time.perf_counter() - started


class Pipe:
    """Reads, unseals and decodes the log and copies a model's own rows, encoded before, into like tables."""

    def __init__(self, settings: Settings, servers: Servers, model: ReadModel, last: int) -> None:
        self._settings = settings
        self._servers = servers
        store = ModelStore(model)
        self._tables = [(one.name, sql.Identifier("bench", name)) for name, one in store.tables.items()]
        self._places = [(first, min(first + MOST_EVENTS, last)) for first in range(0, last, MOST_EVENTS)]
        self._ready: list[list[bytes]] = []

    async def prepare(self) -> None:
        """Take the rows from the tables that the projector filled, by the batch that changed them last."""
        async with await AsyncConnection.connect(self._servers.database_url, autocommit=True) as connection:
            await connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
            for table, like in self._tables:
                await connection.execute(
                    sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(like, table)
                )
            self._ready = [
                [await _copied(connection, table, *place) for table, _ in self._tables]
                for place in self._places
            ]

    async def seconds(self) -> float:
        """How long it takes, a transaction for each batch."""
        async with (
            projecting(self._settings, self._servers) as (projector, _),
            await AsyncConnection.connect(self._servers.database_url, autocommit=True) as connection,
        ):
            for _, like in self._tables:
                await connection.execute(sql.SQL("TRUNCATE {}").format(like))
            started = time.perf_counter()
            with uncollected():
                for place, blocks in zip(self._places, self._ready, strict=True):
                    await self._batch(projector.reader, connection, place, blocks)
            return time.perf_counter() - started

    async def _batch(
        self, reader: Reader, connection: AsyncConnection, place: tuple[int, int], blocks: list[bytes]
    ) -> None:
        await reader.between(place[0] + 1, place[1])
        async with connection.transaction():
            for (_, like), block in zip(self._tables, blocks, strict=True):
                await _copy(connection, like, block)


async def _copied(connection: AsyncConnection, table: sql.Identifier, first: int, last: int) -> bytes:
    """Rows in the format of COPY."""
    query = sql.SQL(
        "COPY (SELECT * FROM {} WHERE changed_at > {} AND changed_at <= {} ORDER BY changed_at)"
        " TO STDOUT (FORMAT BINARY)"
    ).format(table, first, last)
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        return b"".join([bytes(part) async for part in copy])


async def _copy(connection: AsyncConnection, table: sql.Identifier, block: bytes) -> None:
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(table)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(block)
