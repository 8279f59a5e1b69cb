"""What stories of the log are told with: a vault and a writer of their own, and small requests to write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from domain.event import Event, Origin
from domain.patient import PatientRegistered
from domain.recorded import Meta
from infra.event_log.append import Append, Claim, Guard, NewEvent
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.secret import Secret
from infra.services import as_app
from infra.vault import Vault
from tests.domain.spec import NOW, an_id

MASTER = Secret(bytes(range(32)))
ACTOR = an_id(901)
META = Meta(role="practitioner", origin=Origin(), correlation_id=an_id(801))
Urls = tuple[str, str]


def registered(name: str = "Zahra") -> PatientRegistered:
    return PatientRegistered(occurred_at=NOW, patient_no="1", name=name, locale="fa")


def note(
    stream: UUID,
    version: int = 1,
    *,
    event: Event | None = None,
    request_id: bytes | None = None,
    guards: tuple[Guard, ...] = (),
    claims: tuple[Claim, ...] = (),
) -> Append:
    """One event about the patient `stream`."""
    said = event or registered()
    new = NewEvent(
        stream_id=stream, version=version, subject_id=stream, actor_id=ACTOR, event=said, meta=META
    )
    return Append(events=(new,), request_id=request_id or new_id().bytes, guards=guards, claims=claims)


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[AsyncConnectionPool]:
    kwargs = {"autocommit": True}
    async with AsyncConnectionPool(url, min_size=1, max_size=4, kwargs=kwargs, open=False) as opened:
        yield opened


@asynccontextmanager
async def vault(urls: Urls, master: Secret = MASTER) -> AsyncIterator[Vault]:
    async with pool(urls[1]) as opened:
        yield Vault(opened, master)


@asynccontextmanager
async def reader(urls: Urls, keys: Vault) -> AsyncIterator[Reader]:
    async with pool(as_app(urls[0])) as opened:
        yield Reader(opened, keys)


@asynccontextmanager
async def writing(urls: Urls, *, most_waiting: int = 10_000) -> AsyncIterator[tuple[GroupWriter, Reader]]:
    """A writer as the app uses it, and a reader of what it wrote."""
    async with (
        vault(urls) as keys,
        reader(urls, keys) as reading,
        GroupWriter(as_app(urls[0]), keys, most_waiting=most_waiting) as writer,
    ):
        yield writer, reading
