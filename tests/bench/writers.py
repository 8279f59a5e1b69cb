"""`python -m tests.bench.writers N`: that many writers in a process of their own, until its input ends."""

import asyncio
import sys
import time
from os import environ

from infra.embedded import Servers
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.running import ready
from infra.services import opened
from infra.settings import Settings
from tests.bench import samples


async def write(settings: Settings, servers: Servers, writers: int) -> None:
    """Each appends an event, waits for the answer and appends the next; says in the end how many a second."""
    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), done.set)
    async with opened(settings, servers) as services:
        started = time.perf_counter()
        counts = await asyncio.gather(*(_writer(services.writer, done) for _ in range(writers)))
        sys.stdout.write(f"{sum(counts) / (time.perf_counter() - started):.0f}\n")


async def _writer(writer: GroupWriter, done: asyncio.Event) -> int:
    patient_id, count = new_id(), 0
    while not done.is_set():
        await writer.append(samples.single(patient_id))
        count += 1
    return count


if __name__ == "__main__":
    chosen = Settings.from_environment(environ)
    with ready(chosen) as running:
        asyncio.run(write(chosen, running, int(sys.argv[1])))
