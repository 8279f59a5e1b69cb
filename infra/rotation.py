"""The master key is replaced while everything runs: the keys of the vault are wrapped anew, page by page."""

from typing import Any

import msgspec
from psycopg_pool import AsyncConnectionPool

from infra.master_keys import MasterKeys, bound
from infra.rewriting import rewrite_table
from infra.vault import KEYS

KEYS_AT_ONCE = 500

OTHERS = """
    SELECT shard, subject_id, key_id, master_id, wrapped
    FROM vault.key
    WHERE wrapped IS NOT NULL AND master_id <> %s
    ORDER BY shard, subject_id
    LIMIT %s
    """
REPLACE = """
    UPDATE vault.key AS k
    SET wrapped = t.after, master_id = %s
    FROM unnest(%b::integer[], %b::uuid[], %b::bytea[], %b::bytea[]) AS t(shard, subject_id, before, after)
    WHERE k.shard = t.shard AND k.subject_id = t.subject_id AND k.wrapped = t.before
    """
"""Whoever was erased or rotated meanwhile stays as they are."""


class Rotated(msgspec.Struct, frozen=True):
    """How many keys were wrapped anew, and by which master key."""

    keys: int
    master_id: str


async def rotate(pool: AsyncConnectionPool, masters: MasterKeys) -> Rotated:
    """Wrap every key by the current master key; killed at any moment, the next run goes on.

    Afterwards the table is written anew, so that its pages hold nothing that the old key opens. Raises
    WrongMasterKey for a key that neither opens.
    """
    done = 0
    async with pool.connection() as connection:
        while True:
            cursor = await connection.execute(OTHERS, (masters.id, KEYS_AT_ONCE), binary=True)
            page = await cursor.fetchall()
            if not page:
                break
            arguments = (masters.id, *_rewrapped(masters, page))
            done += (await connection.execute(REPLACE, arguments, binary=True)).rowcount
        await rewrite_table(connection, KEYS)
    return Rotated(done, masters.id)


def _rewrapped(masters: MasterKeys, page: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """The columns of REPLACE."""
    after = []
    for shard, subject, key_id, master_id, wrapped in page:
        where = bound(shard, subject.bytes, key_id.bytes)
        after.append(masters.wrap(masters.unwrap(wrapped, master_id, where), where))
    return [row[0] for row in page], [row[1] for row in page], [row[4] for row in page], after
