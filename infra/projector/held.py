"""Patients who are held back in a version of a read model: their rows stand, everybody else goes on."""

import traceback
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from types import TracebackType
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection

from infra.event_log.codec import Unreadable
from infra.projector.checkpoints import Moved, key
from infra.projector.lease import LeaseLost
from infra.projector.store import ModelStore
from infra.vault import WrongMasterKey

OURS = ("domain.", "projections.", "infra.")
OF_A_PATIENT = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)
"""How Postgres refuses a row for what it says: a value out of range, a key that no index page can hold."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Why a patient is held: the class of the error and where in the code it came up, never what it says."""

    subject_id: UUID
    position: int
    error: str
    place: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A hold with the version that it is of, and since when."""

    model: str
    fingerprint: str
    subject_id: UUID
    position: int
    error: str
    place: str
    held_at: datetime


def is_of_a_patient(error: Exception) -> bool:
    """Whether an error may come from what one patient's events say, rather than from the house itself."""
    match error:
        case LeaseLost() | Moved() | WrongMasterKey() | MemoryError() | OSError():
            return False
        case psycopg.Error():
            return isinstance(error, OF_A_PATIENT)
        case _:
            return True


def hold(subject: UUID, position: int, error: Exception) -> Hold:
    """What may be written down of an error."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    return Hold(subject_id=subject, position=position, error=name, place=_place(error))


def _place(error: Exception) -> str:
    """Module, function and line of ours that came last."""
    found = ""
    for frame, line in traceback.walk_tb(_innermost(error)):
        module = frame.f_globals.get("__name__", "")
        if module.startswith(OURS) or not found:
            found = f"{module}.{frame.f_code.co_name}:{line}"
    return found


def _innermost(error: BaseException) -> TracebackType | None:
    """Where reading went wrong, of an event that could not be read; it is raised again far from there."""
    cause = error.__cause__ if isinstance(error, Unreadable) else None
    return (cause or error).__traceback__


async def all_of(connection: AsyncConnection, shard: int) -> list[Standing]:
    """Every hold there is, of tables that are being built too."""
    cursor = await connection.execute(
        """
        SELECT model, fingerprint, subject_id, position, error, place, held_at
        FROM app.held
        WHERE shard = %s
        ORDER BY model, fingerprint, position
        """,
        (shard,),
    )
    fields = Standing.__struct_fields__
    return [Standing(**dict(zip(fields, row, strict=True))) for row in await cursor.fetchall()]


async def by_schema(
    connection: AsyncConnection, shard: int, stores: Sequence[ModelStore]
) -> dict[str, set[UUID]]:
    """Who is held in these versions; read it while their checkpoints are held still."""
    cursor = await connection.execute(
        """
        SELECT model || '_' || fingerprint, subject_id
        FROM app.held
        WHERE shard = %s AND model || '_' || fingerprint = ANY(%s)
        """,
        (shard, [store.schema for store in stores]),
    )
    found: dict[str, set[UUID]] = defaultdict(set)
    for schema, subject in await cursor.fetchall():
        found[schema].add(subject)
    return found


async def put(connection: AsyncConnection, shard: int, store: ModelStore, found: Hold) -> None:
    """Hold a patient back; who is held already is held for this reason from now on."""
    await connection.execute(
        """
        INSERT INTO app.held (shard, model, fingerprint, subject_id, position, error, place)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (shard, model, fingerprint, subject_id) DO UPDATE
        SET position = excluded.position, error = excluded.error, place = excluded.place,
            held_at = excluded.held_at
        """,
        (*key(shard, store), found.subject_id, found.position, found.error, found.place),
    )


async def free(
    connection: AsyncConnection, shard: int, store: ModelStore, subjects: Collection[UUID]
) -> None:
    """Hold these patients back no longer."""
    await connection.execute(
        """
        DELETE FROM app.held
        WHERE shard = %s AND model = %s AND fingerprint = %s AND subject_id = ANY(%s)
        """,
        (*key(shard, store), list(subjects)),
    )


async def hand_over(connection: AsyncConnection, shard: int, new: ModelStore, live: ModelStore) -> None:
    """What is held in new tables that take the place of the live ones is held there now, and nobody else."""
    await connection.execute(
        "DELETE FROM app.held WHERE shard = %s AND model = %s AND fingerprint = %s", key(shard, live)
    )
    await connection.execute(
        """
        UPDATE app.held SET fingerprint = %s
        WHERE shard = %s AND model = %s AND fingerprint = %s
        """,
        (live.fingerprint, *key(shard, new)),
    )
