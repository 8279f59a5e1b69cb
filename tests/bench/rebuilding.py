"""`rebuild_…`: a read model built anew beside a bare pipe, how that grows, what memory the command takes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from os import environ

from infra.embedded import Servers
from infra.projector.rebuild import rebuild
from infra.running import projecting
from infra.settings import Settings
from tests.bench.feeding import ONE, Pipe, caught_up, fill, one_model
from tests.bench.harness import Figure, house, plain, ratio

EVENTS = 200_000
TIMES = 10
KILOBYTES = 1_024

COMMAND = """
import re, sys
from pathlib import Path
from infra.cli import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""
"""The command line, and then the most memory that its process has held."""


async def figures() -> AsyncIterator[Figure]:
    """Two houses, one with ten times the other's log."""
    with house() as large, house() as small:
        for (settings, servers), events in ((large, EVENTS), (small, EVENTS // TIMES)):
            await fill(settings, servers, events)
            await caught_up(settings, servers, [one_model(settings)], events)
        pipe = Pipe(*large, one_model(large[0]), EVENTS)
        await pipe.prepare()
        conditions = {"events": EVENTS, "read_model": ONE}

        async def rebuilt() -> float:
            return EVENTS / await _seconds(*large)

        async def piped() -> float:
            return EVENTS / await pipe.seconds()

        yield await ratio(
            "rebuild_vs_pipe",
            rebuilt,
            piped,
            ">= 0.60",
            pipe="same reader, rows encoded beforehand, same tables and indexes",
            **conditions,
        )
        yield await ratio(
            "rebuild_growth",
            partial(_seconds, *large),
            partial(_seconds, *small),
            "<= 11",
            small=EVENTS // TIMES,
            **conditions,
        )
        yield await plain("rebuild_rss_mb", partial(_peak, large[0]), "MB", "<= 300", **conditions)


async def _seconds(settings: Settings, servers: Servers) -> float:
    """The whole of a rebuild: tables, rows, indexes, sums, proving that they are right, the switch."""
    async with projecting(settings, servers) as (projector, connection):
        started = time.perf_counter()
        await rebuild(connection, projector.reader, one_model(settings))
        return time.perf_counter() - started


async def _peak(settings: Settings) -> float:
    """Megabytes that the command's own process held at the most."""
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        *("projections", "rebuild", ONE),
        env={**environ, "TARIKH_DATA_DIR": str(settings.data_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await command.communicate()
    if command.returncode:
        raise RuntimeError(errors.decode())
    return int(output.split()[-1]) / KILOBYTES
