"""The log that a campaign runs on, seen by writers and by a tailing reader; and Tarikh's own."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Protocol
from uuid import UUID

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from domain.event import Coded, Event
from domain.patient import BackgroundRecorded, PatientRegistered
from infra.embedded import Servers
from infra.event_log.append import (
    Append,
    Claim,
    ClaimTaken,
    Guard,
    NewEvent,
    OutcomeUnknown,
    StorageUnavailable,
    VersionMoved,
)
from infra.migrate import migrate
from infra.services import Services, opened
from infra.settings import Settings
from tests.campaigns.loss.wishes import Wish
from tests.domain.spec import NOW
from tests.infra.writing import ACTOR, META

MARK = re.compile(rb"(?:writer|phone)\d-\d{6}")
PAGE = 5_000


class NotStored(Exception):
    """The log answered that it does not store this."""


class NotKnown(Exception):
    """Whether it is stored cannot be said now: send it again."""


class Row(msgspec.Struct, frozen=True):
    """An event as it stands in the end: where, as what a reader sees it, and whose keys it bears."""

    position: int
    tag: str
    keys: frozenset[str]


After = Callable[[int, int], Sequence[tuple[int, str]]]
"""The next so many behind a position, as a tailing reader asks for them."""


class Appending(Protocol):
    """A log that can be written to."""

    async def append(self, wish: Wish) -> Sequence[int]:
        """The positions. Raises NotStored, NotKnown."""

    async def version(self, stream: UUID) -> int:
        """How far a stream is. Raises NotKnown."""


class Log(Protocol):
    """A log to be put to the test."""

    def prepare(self) -> None:
        """Make its tables."""

    def appending(self) -> AbstractAsyncContextManager[Appending]:
        """Open it for writing."""

    def tailing(self) -> AbstractContextManager[After]:
        """Open it for reading along."""

    async def everything(self) -> list[Row]:
        """All that is stored, by position."""


class Ours:
    """Tarikh's log, through the writer and the reader that the app uses."""

    def __init__(self, settings: Settings, servers: Servers) -> None:
        self.settings = settings
        self.servers = servers

    def prepare(self) -> None:
        migrate(self.servers.database_url, self.servers.vault_url)

    @asynccontextmanager
    async def appending(self) -> AsyncIterator[Appending]:
        async with opened(self.settings, self.servers) as services:
            yield _Writer(services)

    @contextmanager
    def tailing(self) -> Iterator[After]:
        query = """
            SELECT notification_id, encode(leaf_hash, 'hex') FROM log.event
            WHERE shard = 0 AND notification_id > %s ORDER BY notification_id LIMIT %s
            """
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            yield lambda last, limit: connection.execute(query, (last, limit)).fetchall()

    async def everything(self) -> list[Row]:
        found: list[Row] = []
        async with opened(self.settings, self.servers) as services:
            while page := await services.reader.after(found[-1].position if found else 0, PAGE):
                for one in page:
                    marks = MARK.findall(msgspec.json.encode(one.event))
                    found.append(Row(one.position, one.leaf_hash.hex(), frozenset(m.decode() for m in marks)))
        return found


class _Writer:
    """The group writer."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def append(self, wish: Wish) -> Sequence[int]:
        try:
            appended = await self._services.writer.append(_request(wish))
        except (VersionMoved, ClaimTaken) as error:
            raise NotStored(type(error).__name__) from error
        except (StorageUnavailable, OutcomeUnknown) as error:
            raise NotKnown(type(error).__name__) from error
        return range(appended.first_position, appended.first_position + len(wish.events))

    async def version(self, stream: UUID) -> int:
        query = "SELECT max(originator_version) FROM log.event WHERE shard = 0 AND originator_id = %s"
        try:
            async with self._services.pool.connection() as connection:
                row = await (await connection.execute(query, (stream,))).fetchone()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise NotKnown(type(error).__name__) from error
        return int(row[0] or 0) if row else 0


def _request(wish: Wish) -> Append:
    return Append(
        events=tuple(
            NewEvent(
                stream_id=stream,
                version=version,
                subject_id=stream,
                actor_id=ACTOR,
                event=_event(wish.key, version),
                meta=META,
            )
            for stream, version in wish.events
        ),
        guards=tuple(Guard(stream, version) for stream, version in wish.guards),
        claims=tuple(Claim("patient_no", c.value, c.owner, take=c.take) for c in wish.claims),
        request_id=hashlib.sha256(wish.key.encode()).digest(),
    )


def _event(key: str, version: int) -> Event:
    if version == 1:
        return PatientRegistered(occurred_at=NOW, patient_no=key, name=key)
    return BackgroundRecorded(occurred_at=NOW, kind="allergy", code=Coded(text=key))
