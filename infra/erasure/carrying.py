"""Carries every erasure in the log to its end: any step may be the last one, and is then taken again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from domain.errors import NotFound
from infra.erasure import certificate, purge, wal
from infra.erasure.certificate import Certificate, Done
from infra.erasure.forget import Told, keys_of, silent
from infra.erasure.pending import Erasure, unfinished
from infra.errors import CommandFailed
from infra.projector.projector import Projector
from infra.running import projecting
from infra.services import Services

LOCK = 7414
NOT_ALLOWED = (
    "the keys are destroyed; to purge the read models takes a login that may act as tarikh_projector,"
    " as the worker's"
)
IDLE = "SET idle_session_timeout = '5min'"
"""Whoever was stopped in the middle lets the next one go on in the end."""

STORE = """
    INSERT INTO app.erasure_certificate (shard, first_position, last_position, patients, note)
    VALUES (0, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
    """
FIND = """
    SELECT c.note
    FROM log.erased AS x
    LEFT JOIN app.erasure_certificate AS c
        ON c.shard = x.shard AND x.position BETWEEN c.first_position AND c.last_position
    WHERE x.shard = 0 AND x.subject_id = %(patient)s
    """


class Unfinished(Exception):
    """The erasure stands in the log and has no certificate yet."""


async def carry(services: Services, told: Told = silent, *, wait: bool = True) -> None:
    """Take every step that is left; where another process is at it, wait for it, or leave it to it.

    Raises CommandFailed where the login may not act as the projector, Refused where the notary does not sign.
    """
    erasures = await unfinished(services.pool, services.reader)
    if not erasures:
        return
    await keys_of(erasures, services.settings, services.vault, services.pool, told)
    await services.vault.rewrite()
    told("vault")
    async with AsyncExitStack() as stack:
        try:
            projector, connection = await stack.enter_async_context(
                projecting(services.settings, services.servers)
            )
        except psycopg.errors.InsufficientPrivilege as error:
            raise CommandFailed(NOT_ALLOWED) from error
        if await stack.enter_async_context(_alone(connection, wait=wait)):
            # whoever waited for its turn may find all of it done
            left = await unfinished(services.pool, services.reader)
            if mine := [erasure for erasure in erasures if erasure in left]:
                await _finish(services, projector, connection, mine, told)


async def _finish(
    services: Services,
    projector: Projector,
    connection: AsyncConnection,
    erasures: Sequence[Erasure],
    told: Told,
) -> None:
    """What takes its time."""
    patients = [patient for erasure in erasures for patient in erasure.patients]
    await purge.out_of_read_models(projector, connection, patients, erasures[-1].last_position)
    told("purged")
    await purge.pages(projector, connection, patients)
    told("rewritten")
    servers = services.servers
    overwritten = await wal.overwrite([servers.database_url, servers.vault_url])
    told("wal")
    for erasure in erasures:
        await _certify(services, erasure, wal_overwritten=overwritten)
    told("certificate")


async def _certify(services: Services, erasure: Erasure, *, wal_overwritten: bool) -> None:
    notary = services.notary
    before = await notary.head(erasure.first_position - 1)
    after = await notary.head(erasure.last_position)
    await notary.checkpoint()  # what is certified agrees with what was signed before, or it is refused here
    rows, tables = await _taken(services, erasure.patients)
    done = Done(
        keys=len(await services.vault.destroyed(erasure.patients)),
        rows=rows,
        tables=tables,
        wal_overwritten=wal_overwritten,
    )
    issued = certificate.of(erasure, await notary.name(), (before, after), done, datetime.now(UTC))
    note = await notary.sign(issued.text())
    async with services.pool.connection() as connection:
        whom = (erasure.first_position, erasure.last_position, list(erasure.patients), note)
        await connection.execute(STORE, whom)


async def _taken(services: Services, patients: Sequence[UUID]) -> tuple[int, int]:
    """How many rows left the read models, and out of how many tables."""
    async with services.pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT coalesce(sum(rows), 0)::bigint, count(DISTINCT (schema, "table"))
            FROM app.erasure_purge
            WHERE shard = 0 AND subject_id = ANY(%s)
            """,
            (list(patients),),
        )
        row = await cursor.fetchone()
    assert row is not None  # noqa: S101  an aggregate gives one row
    return int(row[0]), int(row[1])


async def certificate_of(services: Services, patient_id: UUID) -> tuple[Certificate, str]:
    """A patient's certificate and its note; the last one where a backup had brought them back.

    Raises NotFound for whoever was not erased, Unfinished before the worker is through, and Refused where the
    note is not ours.
    """
    async with services.pool.connection() as connection:
        cursor = await connection.execute(FIND, {"patient": patient_id})
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("not_found")
    if row[0] is None:
        raise Unfinished
    text = await services.notary.read(row[0], "the certificate")
    return certificate.parse(text), row[0]


@asynccontextmanager
async def _alone(connection: AsyncConnection, *, wait: bool) -> AsyncIterator[bool]:
    """Nobody else carries erasures meanwhile; False where somebody does and it is not to be waited for."""
    await connection.execute(IDLE)
    query = "SELECT pg_advisory_lock(%s)" if wait else "SELECT pg_try_advisory_lock(%s)"
    row = await (await connection.execute(query, (LOCK,))).fetchone()
    held = wait or row == (True,)
    try:
        yield held
    finally:
        if held and not connection.closed:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
