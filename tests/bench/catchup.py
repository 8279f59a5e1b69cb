"""`catchup_…`: read models from an empty table to the end of a log of 200,000 events."""

from collections.abc import AsyncIterator
from functools import partial

from projections.registry import models
from tests.bench.feeding import Pipe, caught_up, fill, one_model
from tests.bench.harness import Figure, house, plain, ratio
from tests.bench.runner import Peer

EVENTS = 200_000
SOME_EVENTS = 40_000
"""For figures that are ratios: the beginning of the same log."""
RUNNER_EVENTS = 600


async def figures() -> AsyncIterator[Figure]:
    """All of them in one house."""
    with house() as (settings, servers):
        await fill(settings, servers, EVENTS)
        every, one = models(str(settings.time_zone)), one_model(settings)
        seconds = partial(caught_up, settings, servers)
        log = {"log": "each patient's record of 20 events whole, one after the other"}

        async def all_per_second() -> float:
            return EVENTS / await seconds(every, EVENTS)

        names = [model.name for model in every]
        yield await plain(
            "catchup_all_events_per_s",
            all_per_second,
            "events/s",
            ">= 20000",
            events=EVENTS,
            read_models=names,
            **log,
        )

        async def each() -> float:
            return sum([await seconds([model], SOME_EVENTS) for model in every])

        yield await ratio(
            "catchup_all_vs_each",
            partial(seconds, every, SOME_EVENTS),
            each,
            "<= 0.70",
            events=SOME_EVENTS,
            read_models=names,
            **log,
        )

        async def one_per_second() -> float:
            return SOME_EVENTS / await seconds([one], SOME_EVENTS)

        await one_per_second()
        pipe = Pipe(settings, servers, one, SOME_EVENTS)
        await pipe.prepare()

        async def piped_per_second() -> float:
            return SOME_EVENTS / await pipe.seconds()

        yield await ratio(
            "catchup_one_vs_pipe",
            one_per_second,
            piped_per_second,
            ">= 0.60",
            events=SOME_EVENTS,
            read_model=one.name,
            pipe="same reader, rows encoded beforehand, same tables and indexes, same batches",
            **log,
        )
        peer = Peer(servers.database_url, RUNNER_EVENTS)
        peer.prepare()
        yield await ratio(
            "catchup_vs_runner",
            one_per_second,
            peer.per_second,
            ">= 50",
            events=SOME_EVENTS,
            read_model=one.name,
            runner_events=RUNNER_EVENTS,
            runner="one row for each event in Postgres, no cipher",
            **log,
        )
