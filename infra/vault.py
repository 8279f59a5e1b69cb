"""The vault: one data key per patient, wrapped by the master key; to forget is to destroy it."""

import os
import time
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from infra.event_log.codec import DataKey
from infra.ids import new_id
from infra.master_keys import MasterKeys, WrongMasterKey, bound
from infra.rewriting import rewrite_table
from infra.secret import Secret

__all__ = ["DESTROY", "HOUSE", "SECONDS_CACHED", "Vault", "WrongMasterKey"]

KEY_BYTES = 32
KEYS = sql.Identifier("vault", "key")
SECONDS_CACHED = 60
MOST_CACHED = 10_000
HOUSE = UUID(int=0)
"""The subject of the house's own key, with which claims are hashed."""

DESTROY = """
    INSERT INTO vault.key (shard, subject_id, key_id, master_id, wrapped, destroyed_at)
    SELECT %s, subject_id, gen_random_uuid(), '', NULL, now()
    FROM unnest(%s::uuid[]) AS t(subject_id)
    ON CONFLICT (shard, subject_id) DO UPDATE
    SET wrapped = NULL, destroyed_at = now()
    WHERE vault.key.destroyed_at IS NULL
    RETURNING subject_id
    """
"""Of a shard, the keys of these patients; who has none yet can never be given one. Gives whose it was now."""


class Vault:
    """Keys by patient, created on first use, cached unwrapped for at most a minute."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        master_key: Secret,
        shard: int = 0,
        clock: Callable[[], float] = time.monotonic,
        *,
        old_master_key: Secret | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._masters = MasterKeys(master_key, old_master_key)
        self._shard = shard
        self._cached: dict[UUID, tuple[float, DataKey]] = {}
        self._forgotten = 0
        self._house_key: bytes | None = None

    async def keys(self, subjects: Collection[UUID]) -> dict[UUID, DataKey]:
        """The keys of these patients; a patient without a key, erased or unknown, is left out."""
        return await self._known(subjects)

    async def keys_for_writing(self, subjects: Collection[UUID]) -> dict[UUID, DataKey]:
        """The keys of these patients, made where there was none yet; the erased are left out."""
        keys = await self._known(subjects)
        new = [subject for subject in dict.fromkeys(subjects) if subject not in keys]
        if new:
            await self._make(new)
            keys |= await self._known(new)
        return keys

    async def house_key(self) -> bytes:
        """The secret with which claims are hashed; the same for ever, whatever becomes of the master key."""
        if self._house_key is None:
            await self._make([HOUSE])
            (house,) = await self._stored([HOUSE])
            self._house_key = self._unwrapped(*house)
        return self._house_key

    async def destroy(self, subjects: Collection[UUID]) -> set[UUID]:
        """Destroy the keys of these patients for good; those whose keys were not destroyed before."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(DESTROY, (self._shard, list(subjects)))
            destroyed = {subject for (subject,) in await cursor.fetchall()}
        for subject in subjects:
            self.forget(subject)
        return destroyed

    async def rewrite(self) -> None:
        """Write the table anew: Postgres keeps the bytes of what was destroyed in its pages until then."""
        async with self._pool.connection() as connection:
            await rewrite_table(connection, KEYS)

    async def destroyed(self, subjects: Collection[UUID]) -> set[UUID]:
        """Which of these patients' keys were destroyed."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT subject_id
                FROM vault.key
                WHERE shard = %s AND subject_id = ANY(%s) AND destroyed_at IS NOT NULL
                """,
                (self._shard, list(subjects)),
            )
            return {subject for (subject,) in await cursor.fetchall()}

    def forget(self, subject: UUID) -> None:
        """Drop a cached key: another process destroyed it."""
        self._forgotten += 1
        self._cached.pop(subject, None)

    def forget_all(self) -> None:
        """Drop every cached key: another process may have destroyed any."""
        self._forgotten += 1
        self._cached.clear()

    async def _known(self, subjects: Collection[UUID]) -> dict[UUID, DataKey]:
        now = self._clock()
        known = {
            subject: entry[1]
            for subject in subjects
            if (entry := self._cached.get(subject)) is not None and now - entry[0] < SECONDS_CACHED
        }
        absent = [subject for subject in dict.fromkeys(subjects) if subject not in known]
        if absent:
            forgotten = self._forgotten
            found = {
                stored[0]: DataKey(stored[1], AESGCM(self._unwrapped(*stored)))
                for stored in await self._stored(absent)
            }
            known |= found
            if forgotten == self._forgotten:  # else a key may have been destroyed while it was on its way
                self._cache(found, now)
        return known

    def _cache(self, keys: dict[UUID, DataKey], now: float) -> None:
        for subject, key in keys.items():
            self._cached.pop(subject, None)
            self._cached[subject] = now, key
        while self._cached:  # the oldest stands first
            oldest = next(iter(self._cached))
            if len(self._cached) <= MOST_CACHED and now - self._cached[oldest][0] < SECONDS_CACHED:
                return
            del self._cached[oldest]

    async def _stored(self, subjects: Iterable[UUID]) -> list[tuple[UUID, UUID, str, bytes]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT subject_id, key_id, master_id, wrapped
                FROM vault.key
                WHERE shard = %s AND subject_id = ANY(%b) AND wrapped IS NOT NULL
                """,
                (self._shard, list(subjects)),
                binary=True,
            )
            return await cursor.fetchall()

    async def _make(self, subjects: list[UUID]) -> None:
        made = [self._new_wrapped(subject) for subject in subjects]
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO vault.key (shard, subject_id, key_id, master_id, wrapped)
                SELECT %s, subject_id, key_id, %s, wrapped
                FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[]) AS t(subject_id, key_id, wrapped)
                ON CONFLICT (shard, subject_id) DO NOTHING
                """,
                (
                    self._shard,
                    self._masters.id,
                    [subject for subject, _, _ in made],
                    [key_id for _, key_id, _ in made],
                    [wrapped for _, _, wrapped in made],
                ),
            )

    def _new_wrapped(self, subject: UUID) -> tuple[UUID, UUID, bytes]:
        key_id = new_id(self._shard)
        return subject, key_id, self._masters.wrap(os.urandom(KEY_BYTES), self._bound(subject, key_id))

    def _unwrapped(self, subject: UUID, key_id: UUID, master_id: str, wrapped: bytes) -> bytes:
        return self._masters.unwrap(wrapped, master_id, self._bound(subject, key_id))

    def _bound(self, subject: UUID, key_id: UUID) -> bytes:
        return bound(self._shard, subject.bytes, key_id.bytes)
