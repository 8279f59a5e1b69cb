"""A machine that stutters: server processes stand still for moments, wherever they are, all the time.

So a transaction is overtaken by others between its number and its commit, as happens on a busy machine.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import psutil

from tests.campaigns.loss.house import House

SECONDS_STILL = (0.002, 0.03)
SECONDS_BETWEEN = 0.02
SECONDS_BETWEEN_LOOKS = 0.5


@asynccontextmanager
async def stuttering(house: House, seed: int) -> AsyncIterator[None]:
    """As long as the block lasts."""
    over = asyncio.Event()
    chance = Random(f"{seed} stutter")  # noqa: S311  repeatable is what it must be
    task = asyncio.create_task(_stutter(house, chance, over))
    try:
        yield
    finally:
        over.set()
        await task


async def _stutter(house: House, chance: Random, over: asyncio.Event) -> None:
    backends: list[psutil.Process] = []
    looked = 0.0
    while not over.is_set():
        if time.monotonic() - looked > SECONDS_BETWEEN_LOOKS:
            backends, looked = house.power.backends(), time.monotonic()
        awake = [backend for backend in backends if backend.pid not in house.still]
        if at_work := [backend for backend in awake if _works(backend)]:
            await _hold(chance.choice(at_work), chance.uniform(*SECONDS_STILL))
        await asyncio.sleep(0 if house.hurried else SECONDS_BETWEEN)


def _works(backend: psutil.Process) -> bool:
    """Whether it is in the middle of something, as its title says."""
    with contextlib.suppress(psutil.Error):
        title = " ".join(backend.cmdline())
        return not title.rstrip().endswith((" idle", " waiting"))
    return False


async def _hold(backend: psutil.Process, seconds: float) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        backend.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            backend.send_signal(signal.SIGCONT)
