"""A log of events of every shape, signed on its way, with a checkpoint and an export kept outside."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg

from infra.notary.export import of_log, write
from infra.notary.findings import Report
from infra.notary.live import house_keys, verify_log
from infra.notary.note import Verifier
from infra.notary.offline import verify_export
from tests.infra.event_log.calls import Event, Request, append, connected
from tests.infra.notary.logs import Connection, Log

SIZE = 700
EARLIER, KEPT = 300, 560
"""Sizes that were signed before; the checkpoint of the second one is what somebody keeps outside."""
MOST_EVENTS_OF_A_REQUEST = 4

UNFASTENED = """
    ALTER TABLE log.event DROP CONSTRAINT event_shard_notification_id_key;
    ALTER TABLE log.event DROP CONSTRAINT event_pkey;
    DROP INDEX log.event_request;
    ALTER TABLE log.event DISABLE TRIGGER append_only;
    ALTER TABLE log.tree DISABLE TRIGGER append_only;
    ALTER TABLE log.tree_head DISABLE TRIGGER append_only;
"""
"""What an owner takes away who means to alter the log."""


class Signed(Log):
    """The log, its two earlier checkpoints, and an export of it."""

    kept: str
    last: str
    export_: bytes
    key: Verifier

    @classmethod
    async def made(cls, url: str, data_dir: Path, seed: int) -> "Signed":
        """Fill it as the app does and sign it at three sizes."""
        log = cls(url, data_dir)
        log.chance = Random(f"{seed} log")  # noqa: S311  repeatable is what it must be
        await log.sign(EARLIER)
        log.kept = await log.sign(KEPT)
        log.last = await log.sign(SIZE)
        log.export_ = await log.export()
        (log.key,) = log.known.verifiers()
        return log

    chance: Random

    def fill(self, size: int, repeats: int = 4) -> None:
        """Append requests of one to four events; what can be absent sometimes is."""
        with connected(self.url, "tarikh_app") as app:
            rows = app.execute("SELECT position FROM log.head WHERE shard = 0").fetchall()
            position = int(str(rows[0][0]))
            while position < size:
                count = min(self.chance.randint(1, MOST_EVENTS_OF_A_REQUEST), size - position)
                append(app, self._request(count, repeats))
                position += count

    def _request(self, count: int, repeats: int) -> Request:
        stream = self._id()
        events = [
            Event(
                stream,
                version,
                topic=self.chance.choice(("note.taken", "یادداشت", "n")),
                subject=self._maybe(stream),
                actor=self._maybe(self._id()),
                key=self._maybe(self._id()),
                state=self.chance.randbytes(self.chance.randint(1, 32 * repeats)),
                meta=self.chance.choice((None, b"", self.chance.randbytes(40))),
                schema=self.chance.randint(1, 3),
            )
            for version in range(1, count + 1)
        ]
        return Request(events, self.chance.choice((None, self.chance.randbytes(32))))

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128))

    def _maybe(self, value: UUID) -> UUID | None:
        return self.chance.choice((value, value, None))

    @contextmanager
    def altered(self) -> Iterator[Connection]:
        """A transaction in which anything can be done; nothing of it is left."""
        with psycopg.connect(self.url) as connection:
            connection.execute(UNFASTENED.encode())
            yield connection
            connection.rollback()

    def online(self, connection: Connection, kept: str) -> Report:
        """What `tarikh log verify` finds."""
        trusted, problem = house_keys(connection, self.seed, self.known)
        report = verify_log(connection, trusted, kept)
        report.problems += [problem] if problem else []
        return report

    def exported(self, connection: Connection) -> bytes:
        """The log as it stands, under the checkpoint that was signed before. Raises Incomplete."""
        file = io.BytesIO()
        write(file, str(self.key), self.last, of_log(connection, 0, SIZE, lambda _done, _all: None))
        return file.getvalue()

    def offline(self, export: bytes, kept: str, file: Path) -> Report:
        """What an auditor's verifier finds, who has the file, a checkpoint and the key of the log."""
        file.write_bytes(export)
        with file.open("rb") as opened:
            return verify_export(opened, [self.key], kept)
