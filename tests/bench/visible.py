"""`visible_…`: from the answer of an append until a query sees its row, projected by another process."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import environ

from psycopg import AsyncConnection, sql

from infra.embedded import Servers
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.projector.announcing import CHANNEL
from infra.services import as_app, opened
from infra.settings import Settings
from tests.bench import samples
from tests.bench.feeding import ONE, one_model
from tests.bench.harness import ROUNDS, Figure, figure, house

APPENDS = 200
WRITERS = 16
SECONDS_TO_WAIT = 5.0

Process = asyncio.subprocess.Process


async def figures() -> AsyncIterator[Figure]:
    """Idle first, then beside writers that never pause."""
    with house() as (settings, servers):
        async with (
            opened(settings, servers) as services,
            _started(settings, "infra.cli", "project"),
            _watching(settings, servers) as seen,
        ):
            await seen.milliseconds(services.writer)
            conditions = {"appends": APPENDS, "read_model": ONE, "read_models_fed": len(services.models)}
            idle = [await seen.round(services.writer) for _ in range(ROUNDS)]
            yield _figure("visible_idle_p50_ms", [_at(one, 50) for one in idle], "<= 5", **conditions)
            yield _figure("visible_idle_p99_ms", [_at(one, 99) for one in idle], "<= 50", **conditions)
            async with _started(settings, "tests.bench.writers", str(WRITERS)) as writers:
                loaded = [await seen.round(services.writer) for _ in range(ROUNDS)]
                output, _ = await writers.communicate(b".")
            conditions |= {"writers": WRITERS, "their_events_per_s": int(output)}
            yield _figure("visible_loaded_p99_ms", [_at(one, 99) for one in loaded], "<= 100", **conditions)


class Seen:
    """Looks whether a row is there whenever the projector says that something is."""

    def __init__(self, listener: AsyncConnection, reading: AsyncConnection, query: sql.Composed) -> None:
        self._listener = listener
        self._reading = reading
        self._query = query

    async def round(self, writer: GroupWriter) -> list[float]:
        """One append after another is seen."""
        return [await self.milliseconds(writer) for _ in range(APPENDS)]

    async def milliseconds(self, writer: GroupWriter) -> float:
        """From the answer until the row is seen."""
        append = samples.single(new_id())
        event = append.events[0]
        await writer.append(append)
        started = time.perf_counter()
        while not await self._there(event.subject_id, event.stream_id):
            async for _ in self._listener.notifies(timeout=SECONDS_TO_WAIT, stop_after=1):
                pass
        return (time.perf_counter() - started) * 1_000

    async def _there(self, *key: object) -> bool:
        cursor = await self._reading.execute(self._query, key)
        return await cursor.fetchone() is not None


@asynccontextmanager
async def _watching(settings: Settings, servers: Servers) -> AsyncIterator[Seen]:
    """Once the projector has made the tables."""
    conninfo = as_app(servers.database_url)
    item = sql.Identifier(one_model(settings).schema, "item")
    query = sql.SQL("SELECT FROM {} WHERE shard = 0 AND subject_id = %s AND stream_id = %s").format(item)
    async with (
        await AsyncConnection.connect(conninfo, autocommit=True) as listener,
        await AsyncConnection.connect(conninfo, autocommit=True) as reading,
    ):
        await listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        made, name = "SELECT to_regclass(%s) IS NOT NULL", item.as_string()
        while await (await reading.execute(made, (name,))).fetchone() != (True,):  # noqa: ASYNC110  others make it
            await asyncio.sleep(0.05)
        yield Seen(listener, reading, query)


@asynccontextmanager
async def _started(settings: Settings, module: str, *arguments: str) -> AsyncIterator[Process]:
    """A process on the same data, which ends in order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env={**environ, "TARIKH_DATA_DIR": str(settings.data_dir)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _at(milliseconds: list[float], percent: int) -> float:
    return statistics.quantiles(milliseconds, n=100)[percent - 1]


def _figure(name: str, rounds: list[float], goal: str, **conditions: object) -> Figure:
    return figure(name, rounds, "ms", goal, **conditions)
