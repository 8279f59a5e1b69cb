"""Calls of `log.append` and `log.backfill` as plain psycopg sends them: the tongue of the SQL contract."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
Urls: TypeAlias = tuple[str, str]
Fresh: TypeAlias = Callable[[], Urls]

ARRAYS = """%b::integer[], %b::uuid[], %b::bigint[], %b::text[], %b::smallint[], %b::uuid[], %b::uuid[],
    %b::uuid[], %b::bytea[], %b::bytea[], %b::integer[], %b::uuid[], %b::bigint[],
    %b::integer[], %b::bytea[], %b::boolean[], %b::uuid[]"""
APPEND = f"SELECT * FROM log.append(%b::integer, %b::timestamptz, %b::bytea[], {ARRAYS}) ORDER BY request"
BACKFILL = (
    f"SELECT * FROM log.backfill(%b::integer, %b::timestamptz[], %b::bytea[], {ARRAYS}) ORDER BY request"
)


CLOCKS_APART = "TK001"
RECORDED_AT_RUNS_WRONG = "TK002"
DEPENDENT = "TK003"
MALFORMED = "TK004"
NO_SUCH_SHARD = "P0002"


class Event(msgspec.Struct, frozen=True):
    """A row to be stored."""

    stream: UUID
    version: int = 1
    topic: str = "note.taken"
    subject: UUID | None = None
    actor: UUID | None = None
    key: UUID | None = None
    state: bytes | None = b"state"
    meta: bytes | None = None
    schema: int = 1


class Claim(msgspec.Struct, frozen=True):
    """A digest to take or to release."""

    digest: bytes
    owner: UUID
    take: bool = True


class Request(msgspec.Struct, frozen=True):
    """What is stored whole or not at all; guards are pairs of stream and version."""

    events: Sequence[Event]
    id: bytes | None = None
    guards: Sequence[tuple[UUID, int]] = ()
    claims: Sequence[Claim] = ()


class Answer(msgspec.Struct, frozen=True):
    """One row that the function gives back."""

    request: int
    outcome: str
    position: int | None
    recorded_at: datetime | None
    culprit: str | None


def of(*streams: UUID, request_id: bytes | None = None) -> Request:
    """A request that begins these streams with one event each."""
    return Request([Event(stream) for stream in streams], request_id)


def append(
    connection: Connection, *requests: Request, shard: int = 0, clock: datetime | None = None
) -> list[Answer]:
    """Call `log.append`; answers come in the order of the requests."""
    with connection.cursor(row_factory=class_row(Answer)) as cursor:
        arguments = (shard, clock or datetime.now(UTC), *arrays(requests))
        return answers(requests, cursor.execute(APPEND, arguments).fetchall())


def backfill(connection: Connection, *timed: tuple[datetime, Request]) -> list[Answer]:
    """Call `log.backfill` with the time of each request."""
    times, requests = [time for time, _ in timed], [request for _, request in timed]
    with connection.cursor(row_factory=class_row(Answer)) as cursor:
        told = answers(requests, cursor.execute(BACKFILL, (0, times, *arrays(requests))).fetchall())
    return [
        msgspec.structs.replace(one, recorded_at=one.recorded_at and times[one.request - 1]) for one in told
    ]


def answers(requests: Sequence[Request], rows: Sequence[Answer]) -> list[Answer]:
    """One for each request: the row of number 0 speaks for all that were stored."""
    told = {row.request: row for row in rows}
    stored = told.pop(0, None)
    for number, request in enumerate(requests, 1):
        if number not in told:
            assert stored is not None
            told[number] = msgspec.structs.replace(stored, request=number)
            stored = msgspec.structs.replace(stored, position=(stored.position or 0) + len(request.events))
    return [told[number] for number in sorted(told)]


def arrays(requests: Sequence[Request]) -> tuple[list[object], ...]:
    """The arguments from `r_id` on."""
    events = [(n, *msgspec.structs.astuple(event)) for n, r in enumerate(requests, 1) for event in r.events]
    guards = [(n, *guard) for n, r in enumerate(requests, 1) for guard in r.guards]
    claims = [(n, c.digest, c.take, c.owner) for n, r in enumerate(requests, 1) for c in r.claims]
    columns = [[row[i] for row in events] for i in (0, 1, 2, 3, 9, 4, 5, 6, 7, 8)]
    columns += [[row[i] for row in guards] for i in range(3)]
    columns += [[row[i] for row in claims] for i in range(4)]
    return [r.id for r in requests], *columns


def refused(state: str) -> "pytest.RaisesExc[psycopg.Error]":
    """A call that is refused whole, with this state."""
    return pytest.RaisesExc(psycopg.Error, check=lambda error: error.sqlstate == state)


def outcomes(answers: Sequence[Answer]) -> list[str]:
    return [answer.outcome for answer in answers]


def positions(connection: Connection) -> list[object]:
    """Every position that is stored, in order."""
    rows = connection.execute("SELECT notification_id FROM log.event ORDER BY notification_id").fetchall()
    return [position for (position,) in rows]


def head(connection: Connection) -> object:
    return one(connection, "SELECT position FROM log.head WHERE shard = 0")


def one(connection: Connection, query: str, *parameters: object) -> object:
    """The only value of the only row."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def new(count: int) -> list[UUID]:
    """Ids that nobody has seen."""
    return [uuid4() for _ in range(count)]


@contextmanager
def connected(url: str, role: str | None = None) -> Iterator[Connection]:
    """An autocommit connection, as the owner or as one of the roles."""
    options = f"-c role={role}" if role else ""
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        yield connection


def settings_of(url: str) -> dict[str, str]:
    """The library's names for what a URL says."""
    parts = conninfo_to_dict(url)
    names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user"}
    found = {f"POSTGRES_{name}": str(parts.get(part, "5432")) for name, part in names.items()}
    return {
        **found,
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "PERSISTENCE_MODULE": "infra.event_log.factory:LogFactory",
    }
