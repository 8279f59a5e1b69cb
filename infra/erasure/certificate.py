"""The certificate of an erasure: a note, signed by the log's own key, that holds ids and counts only.

    tarikh erasure 1
    log <name of the log>
    patient <id>                    (one line for each record of the person)
    basis <code>
    by <account> <role>
    at <time of the event>
    events <first position> <last position>
    before <size> <root>            (of the log's tree without these events)
    after <size> <root>             (and with them; roots in base64)
    keys <destroyed>
    rows <taken out of read models>
    tables <that held them, and were written anew>
    wal overwritten|kept
    finished <time>

That the log went from `before` to `after`, and on to any checkpoint, is proven as for every checkpoint.
"""

import base64
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import msgspec

from domain.event import Role
from infra.erasure.pending import Erasure
from infra.notary.note import Head, NoteRefused

FIRST_LINE = "tarikh erasure 1"
NAMES = (
    *("log", "patient", "basis", "by", "at", "events", "before", "after"),
    *("keys", "rows", "tables", "wal", "finished"),
)
"""In this order; only patients may be several."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified."""

    log: str
    patients: tuple[UUID, ...]
    basis: str
    by: UUID
    role: Role
    at: datetime
    first_position: int
    last_position: int
    before: Head
    after: Head
    keys: int
    rows: int
    tables: int
    wal_overwritten: bool
    finished_at: datetime

    def text(self) -> str:
        """What is signed."""
        lines = [
            FIRST_LINE,
            f"log {self.log}",
            *(f"patient {patient}" for patient in self.patients),
            f"basis {self.basis}",
            f"by {self.by} {self.role}",
            f"at {_time(self.at)}",
            f"events {self.first_position} {self.last_position}",
            f"before {_head(self.before)}",
            f"after {_head(self.after)}",
            f"keys {self.keys}",
            f"rows {self.rows}",
            f"tables {self.tables}",
            f"wal {'overwritten' if self.wal_overwritten else 'kept'}",
            f"finished {_time(self.finished_at)}",
        ]
        return "\n".join(lines) + "\n"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps came to, beside what the log says."""

    keys: int
    rows: int
    tables: int
    wal_overwritten: bool


def of(erasure: Erasure, log: str, heads: tuple[Head, Head], done: Done, now: datetime) -> Certificate:
    before, after = heads
    return Certificate(
        log=log,
        patients=erasure.patients,
        basis=erasure.basis,
        by=erasure.actor_id,
        role=erasure.role,
        at=erasure.at,
        first_position=erasure.first_position,
        last_position=erasure.last_position,
        before=before,
        after=after,
        keys=done.keys,
        rows=done.rows,
        tables=done.tables,
        wal_overwritten=done.wal_overwritten,
        finished_at=now,
    )


def parse(text: str) -> Certificate:
    """Read what `text` has written; raises NoteRefused for anything else."""
    try:
        return _parsed(text)
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise NoteRefused("this is no certificate of an erasure") from error


def _parsed(text: str) -> Certificate:
    first, *lines = text.removesuffix("\n").split("\n")
    said: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(" ")
        said.setdefault(name, []).append(value)
    if first != FIRST_LINE or tuple(said) != NAMES:
        raise ValueError(first)
    one = {name: values[0] for name, values in said.items()}
    by, role = one["by"].split(" ")
    positions = one["events"].split(" ")
    certificate = Certificate(
        log=one["log"],
        patients=tuple(UUID(patient) for patient in said["patient"]),
        basis=one["basis"],
        by=UUID(by),
        role=cast("Role", role),
        at=msgspec.convert(one["at"], datetime),
        first_position=int(positions[0]),
        last_position=int(positions[1]),
        before=_read_head(one["before"]),
        after=_read_head(one["after"]),
        keys=int(one["keys"]),
        rows=int(one["rows"]),
        tables=int(one["tables"]),
        wal_overwritten=one["wal"] == "overwritten",
        finished_at=msgspec.convert(one["finished"], datetime),
    )
    if certificate.text() != text:
        raise ValueError("there is more in it than it says")
    return certificate


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _head(head: Head) -> str:
    return f"{head.size} {base64.b64encode(head.root).decode()}"


def _read_head(text: str) -> Head:
    size, _, root = text.partition(" ")
    return Head(int(size), base64.b64decode(root, validate=True))
