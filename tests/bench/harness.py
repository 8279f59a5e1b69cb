"""Interleaved rounds, medians, and one JSON line for each figure."""

import gc
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg

from infra.embedded import Servers
from infra.heap import settle
from infra.migrate import migrate
from infra.running import ready
from infra.settings import Settings

ROUNDS = 5
SECONDS_TO_STOP = 20.0

Measured = Callable[[], Awaitable[float]]
"""One round: how many a second, or how long."""


class Figure(msgspec.Struct, kw_only=True):
    """A line of `make bench`; `goal` is written as it is in the issue that set it."""

    name: str
    value: float
    unit: str
    goal: str
    rounds: int
    min: float
    max: float
    conditions: dict[str, object]


async def ratio(name: str, ours: Measured, theirs: Measured, goal: str, **conditions: object) -> Figure:
    """Ours over theirs, round by round, in turn; the figure is the median of the rounds' ratios."""
    pairs = [(await ours(), await theirs()) for _ in range(ROUNDS)]
    measured = {
        "ours": _short(statistics.median(one for one, _ in pairs)),
        "theirs": _short(statistics.median(other for _, other in pairs)),
    }
    return figure(name, [one / other for one, other in pairs], "ratio", goal, **measured, **conditions)


async def plain(name: str, ours: Measured, unit: str, goal: str, **conditions: object) -> Figure:
    """A figure of its own."""
    return figure(name, [await ours() for _ in range(ROUNDS)], unit, goal, **conditions)


def figure(name: str, rounds: list[float], unit: str, goal: str, **conditions: object) -> Figure:
    """The median of the rounds, with the machine it was taken on."""
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    return Figure(
        name=name,
        value=_short(statistics.median(rounds)),
        unit=unit,
        goal=goal,
        rounds=len(rounds),
        min=_short(min(rounds)),
        max=_short(max(rounds)),
        conditions={**machine, **conditions},
    )


def _short(number: float) -> float:
    """Four digits are more than the noise leaves."""
    return float(f"{number:.4g}")


def show(found: Figure) -> None:
    """Print it as one line."""
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    sys.stdout.flush()


@contextmanager
def house() -> Iterator[tuple[Settings, Servers]]:
    """A Tarikh of its own, embedded and durable as any other, gone afterwards."""
    folder = Path(mkdtemp(prefix="tarikh-bench-"))
    try:
        settings = Settings.from_environment({"TARIKH_DATA_DIR": str(folder / "data")})
        with ready(settings) as servers:
            settle()
            yield settings, servers
    finally:
        gc.unfreeze()
        deadline = time.monotonic() + SECONDS_TO_STOP
        while (
            folder.exists() and time.monotonic() < deadline
        ):  # the servers are being stopped by their watchdog
            shutil.rmtree(folder, ignore_errors=True)


def another(servers: Servers, name: str) -> str:
    """A second log in the same server."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{name}"))
    migrate(url, servers.vault_url)
    return url
