"""Logs to be proven: filled in no time, altered as only an owner can, and their notary."""

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from infra.notary.export import of_log, write
from infra.notary.findings import Report
from infra.notary.keys import Known
from infra.notary.live import house_keys, verify_log
from infra.notary.signing import Notary
from infra.secret import Secret
from infra.services import as_app

SEED = Secret(bytes(range(32)))
FILL = """
    INSERT INTO log.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash)
    SELECT 0, 1, stream, 1, n, time, stream, stream, stream, 'note.taken', state, state, request,
        log.leaf_hash(0, n, stream, 1, 'note.taken', 1::smallint,
            (extract(epoch FROM time) * 1000000)::bigint, stream, stream, stream, state, state, request)
    FROM (
        SELECT n, gen_random_uuid() AS stream, timestamptz '2024-03-20Z' + n * interval '1 ms' AS time,
               decode(repeat(md5(n::text), %(repeats)s), 'hex') AS state, sha256(int8send(n)) AS request
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
        OFFSET 0
    ) AS t
    """
HEAD = "UPDATE log.head SET position = %s, recorded_at = now()"
TABLES = ("event", "erased", "tree", "tree_head", "tree_origin")
TRIGGERS_OFF, TRIGGERS_ON = (
    "; ".join(f"ALTER TABLE log.{table} {done} TRIGGER append_only" for table in TABLES)
    for done in ("DISABLE", "ENABLE")
)
FORGET = """
    TRUNCATE log.event, log.claim, log.erased, log.tree, log.tree_head;
    UPDATE log.head SET position = 0, recorded_at = '-infinity';
    UPDATE log.tree_origin SET origin = 'tarikh/example/shard/0';
    """
Connection = psycopg.Connection[tuple[Any, ...]]


class Log:
    """A log, the data dir of its house, and whoever owns both."""

    def __init__(self, url: str, data_dir: Path, seed: Secret = SEED) -> None:
        self.url = url
        self.known = Known(data_dir)
        self.seed = seed
        self.alter(FORGET)

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    @asynccontextmanager
    async def notary(self) -> AsyncIterator[Notary]:
        kwargs = {"autocommit": True}
        async with AsyncConnectionPool(
            as_app(self.url), min_size=1, max_size=2, kwargs=kwargs, open=False
        ) as pool:
            yield Notary(pool, self.seed, self.known)

    def fill(self, size: int, repeats: int = 4) -> None:
        """Let the log be of this size."""
        with self.owner() as connection:
            fill(connection, size, repeats)

    async def sign(self, size: int) -> str:
        """Let the log be of this size and sign it; the note."""
        self.fill(size)
        async with self.notary() as notary:
            signed = await notary.checkpoint()
        assert signed.checkpoint.size == size
        return signed.note

    def alter(self, *statements: str) -> None:
        """What an owner can do who takes the triggers away."""
        with self.owner() as connection:
            for statement in (TRIGGERS_OFF, *statements, TRIGGERS_ON):
                connection.execute(statement.encode())

    def verify(self, kept: str | None = None) -> Report:
        with psycopg.connect(as_app(self.url), autocommit=True) as connection:
            trusted, problem = house_keys(connection, self.seed, self.known)
            report = verify_log(connection, trusted, kept)
        report.problems += [problem] if problem else []
        return report

    async def export(self) -> bytes:
        """The log as it is now, signed if it was not."""
        async with self.notary() as notary:
            signed = await notary.checkpoint()
        size, file = signed.checkpoint.size, io.BytesIO()
        with self.owner() as connection:
            pages = of_log(connection, 0, size, lambda _done, _all: None)
            write(file, str(signed.verifier), signed.note, pages)
        return file.getvalue()

    def leaves(self) -> list[bytes]:
        with self.owner() as connection:
            rows = connection.execute("SELECT leaf_hash FROM log.event ORDER BY notification_id").fetchall()
        return [leaf for (leaf,) in rows]


def fill(connection: Connection, size: int, repeats: int = 4) -> None:
    """Add events until there are so many, each of some hundred bytes, as fast as Postgres makes them."""
    rows = connection.execute("SELECT position FROM log.head WHERE shard = 0").fetchall()
    connection.execute(FILL, {"first": rows[0][0] + 1, "last": size, "repeats": repeats})
    connection.execute(HEAD, (size,))
