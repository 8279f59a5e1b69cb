"""The demo is loaded once, at the times of its stories; a kill in the middle leaves no trace."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from domain.event import Event
from domain.recorded import Recorded
from infra.demo.loading import load
from infra.demo.script import Script, midnight, script
from infra.embedded import Servers
from infra.errors import CommandFailed
from infra.event_log.append import Append
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.settings import Settings
from infra.vault import Vault

FreshUrls: TypeAlias = Callable[[], tuple[str, str]]
EVERYTHING = 10_000
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    """
LOADING = """
import asyncio
from infra.cli.command import settings
from infra.demo.loading import load
from infra.embedded import servers
with servers(settings()) as found:
    asyncio.run(load(settings(), found, lambda done, total: print(done, flush=True)))
"""


@pytest.fixture
def fresh(fresh_database_urls: FreshUrls) -> Servers:
    """Empty databases of one's own."""
    database_url, vault_url = fresh_database_urls()
    return Servers(database_url=database_url, vault_url=vault_url, cache_url=None)


@asynccontextmanager
async def log_of(settings: Settings, servers: Servers) -> AsyncIterator[tuple[Reader, Vault]]:
    async with (
        AsyncConnectionPool(
            servers.database_url, min_size=1, kwargs={"autocommit": True}, open=False
        ) as pool,
        AsyncConnectionPool(servers.vault_url, min_size=1, kwargs={"autocommit": True}, open=False) as keys,
    ):
        vault = Vault(keys, settings.master_key)
        yield Reader(pool, vault), vault


async def stored(settings: Settings, servers: Servers) -> list[Recorded[Event]]:
    async with log_of(settings, servers) as (reader, _):
        return await reader.after(0, EVERYTHING)


def as_written(told: Script) -> list[tuple[object, ...]]:
    """What an undisturbed loading stores, apart from ciphertext."""
    return [
        (new.stream_id, new.version, new.subject_id, new.actor_id, new.event, new.meta, step.recorded_at)
        for step in told.requests
        for new in step.events
    ]


def as_stored(recorded: list[Recorded[Event]]) -> list[tuple[object, ...]]:
    return [
        (one.stream_id, one.version, one.subject_id, one.actor_id, one.event, one.meta, one.recorded_at)
        for one in recorded
    ]


async def test_the_log_holds_the_stories_at_their_own_times(settings: Settings, fresh: Servers) -> None:
    loaded = await load(settings, fresh)
    recorded = await stored(settings, fresh)
    assert as_stored(recorded) == as_written(loaded.script)
    assert loaded.events == loaded.head == len(recorded)


async def test_a_second_time_nothing_is_loaded(settings: Settings, fresh: Servers) -> None:
    first = await load(settings, fresh)
    again = await load(settings, fresh)
    assert (again.events, again.head) == (0, first.head)
    assert again.script.stories["nasrin"].named == first.script.stories["nasrin"].named


def killed_while_loading(settings: Settings, servers: Servers, after: int) -> None:
    """Load in a process of its own, and kill it when so many steps are done."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        "TARIKH_DATABASE_URL": servers.database_url,
        "TARIKH_VAULT_URL": servers.vault_url,
        "TARIKH_CACHE_URL": "none",
        "TARIKH_DATA_DIR": str(settings.data_dir),
    }
    command = [sys.executable, "-c", LOADING]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603  our own
        assert child.stdout is not None
        while child.stdout.readline().strip() != str(after):
            assert child.poll() is None
        child.kill()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        while connection.execute(OTHERS).fetchone() != (0,):  # what it had sent may still be stored
            pass


async def test_killed_in_the_middle_it_is_completed(settings: Settings, fresh: Servers) -> None:
    killed_while_loading(settings, fresh, after=60)
    half = len(await stored(settings, fresh))
    loaded = await load(settings, fresh)
    recorded = await stored(settings, fresh)
    assert 60 <= half < len(recorded)
    assert loaded.events == len(recorded) - half
    assert as_stored(recorded) == as_written(loaded.script)


async def test_begun_last_week_it_is_completed_as_of_last_week(settings: Settings, fresh: Servers) -> None:
    today = midnight(datetime.now(UTC), settings.time_zone)
    last_week = await script(today - timedelta(days=7))
    async with (
        log_of(settings, fresh) as (_, vault),
        GroupWriter(fresh.database_url, vault, backfill=True) as writer,
    ):
        for step in last_week.requests[:40]:
            await writer.append(step)
    loaded = await load(settings, fresh)
    assert loaded.script.today == last_week.today
    assert as_stored(await stored(settings, fresh)) == as_written(last_week)


async def test_it_is_not_put_before_what_others_recorded(settings: Settings, fresh: Servers) -> None:
    told = await script(midnight(datetime.now(UTC), settings.time_zone))
    stranger = told.stories["salma"].requests[0]
    now = Append(events=stranger.events, request_id=b"x" * 32)
    async with log_of(settings, fresh) as (_, vault), GroupWriter(fresh.database_url, vault) as writer:
        await writer.append(now)
    with pytest.raises(CommandFailed, match="TARIKH_DATA_DIR"):
        await load(settings, fresh)
    assert len(await stored(settings, fresh)) == len(stranger.events)
