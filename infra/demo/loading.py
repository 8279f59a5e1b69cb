"""Loads the stories as of their own times, once: a second time, and after a kill, only what is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg_pool import AsyncConnectionPool

from infra.demo.script import Script, midnight, script
from infra.embedded import Servers
from infra.errors import CommandFailed
from infra.event_log.append import StorageUnavailable
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.settings import Settings
from infra.vault import Vault

Watch = Callable[[int, int], None]
"""Told after each step: steps done, steps in all."""


@dataclass(frozen=True)
class Loaded:
    """What there is now; `events` is how many of them this run appended, `head` the log's last position."""

    script: Script
    events: int
    head: int


async def load(settings: Settings, servers: Servers, watch: Watch = lambda *_: None) -> Loaded:
    """Append what the log does not have of the stories. Raises CommandFailed where others wrote since."""
    pools = [
        AsyncConnectionPool(url, min_size=1, max_size=1, kwargs={"autocommit": True}, open=False)
        for url in (servers.database_url, servers.vault_url)
    ]
    async with pools[0], pools[1]:
        vault = Vault(pools[1], settings.master_key)
        reader = Reader(pools[0], vault)
        told = await _script(reader, settings)
        async with GroupWriter(servers.database_url, vault, backfill=True) as writer:
            events = await _complete(told, reader, writer, watch)
        return Loaded(told, events, (await reader.head()).position)


async def _script(reader: Reader, settings: Settings) -> Script:
    """The stories as they were begun: a demo that was loaded last week ends last week."""
    today = midnight(datetime.now(UTC), settings.time_zone)
    told = await script(today)
    first = told.requests[0]
    begun = await reader.by_requests([first.request_id])
    if not begun or first.recorded_at is None:
        return told
    (stored,) = await reader.at([begun[first.request_id]])
    later = first.recorded_at - stored.recorded_at
    return await script(today - later) if later else told


async def _complete(told: Script, reader: Reader, writer: GroupWriter, watch: Watch) -> int:
    """One step after the other, since the log's time must not run backwards."""
    stored = await reader.by_requests([step.request_id for step in told.requests])
    missing = [step for step in told.requests if step.request_id not in stored]
    if not missing:
        return 0
    latest = (await reader.head()).recorded_at
    if missing[0].recorded_at is not None and missing[0].recorded_at < latest:
        raise CommandFailed(
            "the log already holds later records, and invented patients cannot be put before them: "
            "choose another folder with TARIKH_DATA_DIR"
        )
    for number, step in enumerate(missing, 1):
        try:
            await writer.append(step)
        except StorageUnavailable as error:
            raise CommandFailed(
                "the log cannot be reached; start the demo again to go on from here"
            ) from error
        watch(number, len(missing))
    return sum(len(step.events) for step in missing)
