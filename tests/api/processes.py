"""Real processes of some release that work on a house's databases."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg

from api.app import create
from infra.running import ready
from infra.settings import Settings
from tests.api.house import House, free_port
from tests.infra.house import Urls, environment

SECONDS = 60
TRIES = 200
LISTENING = "LISTEN tarikh_projected%"
Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def estate(urls: Urls, folder: Path, url: str = "") -> Iterator[House]:
    """Databases and keys of their own, and no process yet; callers speak to `url`."""
    settings = Settings.from_environment(environment(urls, folder))
    with ready(settings) as servers:
        house = House(settings, servers, create(settings), url, folder)
        with house.closing:
            yield house


def given(house: House, **more: str) -> dict[str, str]:
    """What a process is told that works on the same databases, with the same keys."""
    urls = house.servers.database_url, house.servers.vault_url
    return {**os.environ, **environment(urls, house.settings.data_dir), **more}


@contextlib.contextmanager
def process(house: House, *arguments: str, **more: str) -> Iterator[Process]:
    """`python -m tests.release …`, killed at the end if it is still there."""
    started = subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-m", "tests.release", *arguments],
        env=given(house, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@contextlib.contextmanager
def api(house: House, release: str = "") -> Iterator[str]:
    """An API process of a release; where it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with process(house, release, "serve", str(port)):
        until(lambda: _answers(url))
        yield url


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/live").status_code == 200
    return False


def until(true: Callable[[], bool], seconds: float = SECONDS) -> float:
    """Wait for something to become so; how long that took."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > seconds:
            raise TimeoutError
        time.sleep(0.02)
    return time.monotonic() - started


def rows(house: House, query: str, *parameters: object) -> list[tuple[object, ...]]:
    """A look into the main database, or a hand."""
    with psycopg.connect(house.servers.database_url, autocommit=True) as connection:
        cursor = connection.execute(query.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def fed_by(house: House) -> dict[tuple[str, str], str]:
    """The process that feeds each version."""
    query = """
        SELECT c.model, c.fingerprint, split_part(l.name, ':', 2)
        FROM app.checkpoint AS c JOIN app.lease AS l ON l.name = c.holder
        """
    return {(str(model), str(version)): str(pid) for model, version, pid in rows(house, query)}


def caught_up(house: House) -> bool:
    """Whether every version that is fed stands at the head."""
    ((behind,),) = rows(
        house,
        """
        SELECT count(*) FROM app.checkpoint AS c, log.head AS h
        WHERE c.position < h.position OR c.built_at IS NULL
        """,
    )
    return behind == 0


def problems(url: str) -> tuple[int, list[str]]:
    """What a process says of itself."""
    answered = httpx.get(f"{url}/health/ready", timeout=20)
    found: list[str] = answered.json()["problems"]
    return answered.status_code, found


def stop_postgres(house: House) -> None:
    """Kill its watchdog, with whom it dies; nobody is left to start it again."""
    pid = int((house.settings.data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    postgres = psutil.Process(pid)
    watchdog = postgres.parent()
    assert watchdog is not None
    watchdog.kill()
    psutil.wait_procs([postgres, watchdog])


def eventually(true: Callable[[], bool]) -> None:
    """Each try waits for the pool by itself."""
    assert any(true() for _ in range(TRIES))
