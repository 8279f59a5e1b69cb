"""The vault: one data key per patient, wrapped by the master key, in a database of its own; to forget is to destroy it."""

import hashlib
import os
import time
from collections.abc import Collection, Iterable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import AsyncConnectionPool

from infra.event_log.codec import DataKey
from infra.ids import new_id
from infra.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
SECONDS_CACHED = 60
HOUSE = UUID(int=0)
"""The subject of the house's own key, with which claims are hashed."""


class WrongMasterKey(Exception):
    """A key in the vault was wrapped by another master key than the one in the settings."""


class Vault:
    """Keys by patient, created on first use, cached unwrapped for at most a minute."""

    def __init__(self, pool: AsyncConnectionPool, master_key: Secret, shard: int = 0) -> None:
        self._pool = pool
        self._master = AESGCM(master_key.reveal())
        self.master_id = hashlib.sha256(b"tarikh master id" + master_key.reveal()).hexdigest()[:16]
        self._shard = shard
        self._cached: dict[UUID, tuple[float, DataKey]] = {}
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
            ((_, key_id, _, wrapped),) = await self._stored([HOUSE])
            self._house_key = self._unwrapped(HOUSE, key_id, wrapped)
        return self._house_key

    async def destroy(self, subjects: Collection[UUID]) -> None:
        """Destroy the keys of these patients for good; idempotent."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO vault.key (shard, subject_id, key_id, master_id, wrapped, destroyed_at)
                SELECT %s, subject_id, gen_random_uuid(), '', NULL, now() FROM unnest(%s::uuid[]) AS t(subject_id)
                ON CONFLICT (shard, subject_id) DO UPDATE
                SET wrapped = NULL, destroyed_at = coalesce(vault.key.destroyed_at, now())
                """,
                (self._shard, list(subjects)),
            )
        for subject in subjects:
            self.forget(subject)

    def forget(self, subject: UUID) -> None:
        """Drop a cached key: another process destroyed it."""
        self._cached.pop(subject, None)

    async def _known(self, subjects: Collection[UUID]) -> dict[UUID, DataKey]:
        now = time.monotonic()
        fresh = {
            subject: entry[1]
            for subject in subjects
            if (entry := self._cached.get(subject)) is not None and now - entry[0] < SECONDS_CACHED
        }
        absent = [subject for subject in dict.fromkeys(subjects) if subject not in fresh]
        if absent:
            for subject, key_id, _, wrapped in await self._stored(absent):
                key = DataKey(key_id, AESGCM(self._unwrapped(subject, key_id, wrapped)))
                fresh[subject] = key
                self._cached[subject] = (now, key)
        return fresh

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
                    self.master_id,
                    [subject for subject, _, _ in made],
                    [key_id for _, key_id, _ in made],
                    [wrapped for _, _, wrapped in made],
                ),
            )

    def _new_wrapped(self, subject: UUID) -> tuple[UUID, UUID, bytes]:
        key_id, nonce = new_id(self._shard), os.urandom(NONCE_BYTES)
        sealed = self._master.encrypt(nonce, os.urandom(KEY_BYTES), self._bound(subject, key_id))
        return subject, key_id, nonce + sealed

    def _unwrapped(self, subject: UUID, key_id: UUID, wrapped: bytes) -> bytes:
        try:
            return self._master.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self._bound(subject, key_id)
            )
        except InvalidTag as error:
            raise WrongMasterKey(f"key {key_id}") from error

    def _bound(self, subject: UUID, key_id: UUID) -> bytes:
        return self._shard.to_bytes(4, "big") + subject.bytes + key_id.bytes
