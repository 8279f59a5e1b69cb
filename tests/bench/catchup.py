"""`catchup_all_events_per_s`: all read models of the release, from an empty table to the end of the log."""

import asyncio
import time
from collections.abc import AsyncIterator

from infra.embedded import Servers
from infra.projector.store import ModelStore
from infra.running import projecting
from infra.services import opened
from infra.settings import Settings
from projections.registry import models
from tests.bench import samples
from tests.bench.harness import Figure, house, plain

PATIENTS = 1_000
SYMPTOMS = 14


async def figures() -> AsyncIterator[Figure]:
    """Events a second, in one pass over the log for all models."""
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            await asyncio.gather(*map(services.writer.append, samples.requests(PATIENTS, SYMPTOMS)))
            head = (await services.reader.head()).position

        async def catch_up() -> float:
            return head / await _seconds(settings, servers)

        names = [model.name for model in models(str(settings.time_zone))]
        yield await plain(
            "catchup_all_events_per_s", catch_up, "events/s", ">= 20000", events=head, read_models=names
        )


async def _seconds(settings: Settings, servers: Servers) -> float:
    """How long a projector takes that finds no table of any model."""
    async with projecting(settings, servers) as (projector, connection):
        for model in models(str(settings.time_zone)):
            await ModelStore(model).drop(connection)
        await projector.take_over()
        started = time.perf_counter()
        await projector.catch_up()
        seconds = time.perf_counter() - started
        await projector.give_back()
        return seconds
