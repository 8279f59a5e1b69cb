"""Versions of read models that have tables: whose they are, how big, who feeds them; dropped when told."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
import psycopg
from psycopg import AsyncConnection, sql

from infra.errors import CommandFailed
from infra.projector import checkpoints
from infra.projector.strangers import BEING_BUILT, BUILDING_LOCK, OWNER, REPLACED

SCHEMA = re.compile(f"(?P<model>.+)_(?P<fingerprint>[0-9a-f]{{12}})(?P<beside>{BEING_BUILT}|{REPLACED})?")
PATIENCE = "SET LOCAL lock_timeout = '200ms'"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """Tables of a model in a version; `beside` tells those of a rebuild (`_new`, `_old`) from others."""

    model: str
    fingerprint: str
    beside: str = ""
    position: int | None = None
    bytes: int = 0
    fed_at: datetime | None = None
    holder: str | None = None
    built: bool = False

    @property
    def schema(self) -> str:
        """Where the tables are."""
        return f"{self.model}_{self.fingerprint}{self.beside}"


async def all_of(connection: AsyncConnection, shard: int) -> list[Version]:
    """Everything that has a checkpoint or tables; `holder` is the projector that feeds it now."""
    sizes = await _sizes(connection)
    found = {}
    for one in await checkpoints.all_of(connection, shard):
        version = Version(
            model=one.model,
            fingerprint=one.fingerprint,
            position=one.position,
            bytes=sizes.get(f"{one.model}_{one.fingerprint}", 0),
            fed_at=one.fed_at,
            holder=one.holder if one.lives else None,
            built=one.built,
        )
        found[version.schema] = version
    for schema, size in sizes.items():
        if schema not in found and (named := SCHEMA.fullmatch(schema)):
            model, fingerprint, beside = named.groups(default="")
            found[schema] = Version(model=model, fingerprint=fingerprint, beside=beside, bytes=size)
    return [found[schema] for schema in sorted(found)]


async def _sizes(connection: AsyncConnection) -> dict[str, int]:
    cursor = await connection.execute(
        """
        SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
        FROM pg_namespace AS n
        LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'r'
        WHERE n.nspowner = %s::regrole
        GROUP BY n.nspname
        """,
        (OWNER,),
    )
    return dict(await cursor.fetchall())


def chosen(
    found: Sequence[Version], current: Collection[tuple[str, str]], name: str | None, fingerprint: str | None
) -> list[Version]:
    """What is not of this release, of one model or version or of all; leftovers of rebuilds too."""
    old = [one for one in found if one.beside or (one.model, one.fingerprint) not in current]
    return [
        one
        for one in old
        if name in {None, one.model} and fingerprint in {None, one.fingerprint + one.beside, one.fingerprint}
    ]


async def drop(connection: AsyncConnection, shard: int, version: Version) -> None:
    """Drop the tables and all that is said of them, as soon as nobody reads there.

    Raises CommandFailed where a projector feeds them or somebody builds them.
    """
    while True:
        try:
            async with connection.transaction():
                await connection.execute(PATIENCE)
                await _drop(connection, shard, version)
        except psycopg.errors.LockNotAvailable:
            continue
        return


async def _drop(connection: AsyncConnection, shard: int, version: Version) -> None:
    cursor = await connection.execute(
        "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))",
        (BUILDING_LOCK, f"{version.model}_{version.fingerprint}"),
    )
    if await cursor.fetchone() != (True,):
        raise CommandFailed(f"{version.schema} is being rebuilt or verified at this moment")
    standing = {f"{one.model}_{one.fingerprint}": one for one in await checkpoints.all_of(connection, shard)}
    fed = standing.get(version.schema)
    if fed is not None and fed.lives:
        raise CommandFailed(f"{version.schema} is fed by {fed.holder}: stop that release first")
    place = (shard, version.model, version.fingerprint + version.beside)
    if fed is not None:
        cursor = await connection.execute(
            """
            DELETE FROM app.checkpoint
            WHERE shard = %s AND model = %s AND fingerprint = %s AND generation = %s
            """,
            (*place, fed.generation),
        )
        if cursor.rowcount != 1:
            raise CommandFailed(f"{version.schema} was taken by a projector at this moment")
    await connection.execute(
        "DELETE FROM app.held WHERE shard = %s AND model = %s AND fingerprint = %s", place
    )
    if version.beside != REPLACED:
        await connection.execute(
            "DELETE FROM app.rebuild WHERE shard = %s AND model = %s AND fingerprint = %s",
            (shard, version.model, version.fingerprint),
        )
    await connection.execute(
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(version.schema))
    )
