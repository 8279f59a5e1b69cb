"""Read your writes: wait until a read model has applied a position, told by the projector's notifications."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from functools import cache
from typing import Self, TypeVar
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from infra.projector.announcing import CHANNEL, announced
from infra.remembered import Present, Remembered, Remembering
from projections import patient_groups
from projections.model import ReadModel

SECONDS_UNTIL_DEAD = 20
SECONDS_TO_WAIT = 2.0
SECONDS_BETWEEN_TRIES = 0.5

log = structlog.get_logger()


T = TypeVar("T")

STANDING = """
    SELECT c.model, c.fingerprint, c.position, c.built_at IS NOT NULL,
           coalesce(l.heartbeat > clock_timestamp() - make_interval(secs => %s), false),
           (SELECT count(*) FROM app.held AS h
            WHERE h.shard = c.shard AND h.model = c.model AND h.fingerprint = c.fingerprint)
    FROM app.checkpoint AS c
    LEFT JOIN app.lease AS l ON l.name = c.holder
    WHERE c.shard = %s
    """

REACHED = """
    SELECT CASE WHEN count(*) = cardinality(%(models)s::text[]) THEN min(c.position) END
    FROM app.checkpoint AS c
    JOIN unnest(%(models)s::text[], %(fingerprints)s::text[]) AS m(model, fingerprint)
        USING (model, fingerprint)
    WHERE c.shard = %(shard)s AND c.built_at IS NOT NULL
    """

PRESENT = sql.SQL(
    """
    , checkpoint AS (
        SELECT CASE count(*) WHEN cardinality(%(models)s::text[]) THEN min(c.position) END AS position
        FROM app.checkpoint AS c
        JOIN unnest(%(models)s::text[], %(fingerprints)s::text[]) AS m(model, fingerprint)
            USING (model, fingerprint)
        WHERE c.shard = %(shard)s AND c.built_at IS NOT NULL
    )
    SELECT checkpoint.position,
           (SELECT array_agg(id ORDER BY id) FROM member),
           (SELECT coalesce(max(notification_id), 0)
            FROM log.event
            WHERE shard = %(shard)s
              AND subject_id = ANY(ARRAY(SELECT id FROM member))
              AND notification_id <= checkpoint.position),
           EXISTS (
               SELECT FROM app.held AS h
               JOIN unnest(%(models)s::text[], %(fingerprints)s::text[]) AS m(model, fingerprint)
                   USING (model, fingerprint)
               WHERE h.shard = %(shard)s AND h.subject_id IN (SELECT id FROM member)
           )
    FROM checkpoint
    """
)
"""An answer needs both the model and the groups; of one that is being built there is no position."""


THEN = """
    SELECT coalesce(max(notification_id), 0),
           EXISTS (
               SELECT FROM app.held AS h
               JOIN unnest(%(models)s::text[], %(fingerprints)s::text[]) AS m(model, fingerprint)
                   USING (model, fingerprint)
               WHERE h.shard = %(shard)s AND h.subject_id = ANY(%(group)s)
                 AND (%(until)s::bigint IS NULL OR h.position <= %(until)s)
           )
    FROM log.event
    WHERE shard = %(shard)s
      AND subject_id = ANY(%(group)s)
      AND (%(until)s::bigint IS NULL OR notification_id <= %(until)s)
    """


class Standing(msgspec.Struct, frozen=True):
    """How one version does: how far, whether ever caught up, whether fed, how many are held back."""

    position: int
    built: bool
    fed: bool
    held: int


class Behind(Exception):
    """The read model did not get there in time; it will, a little later."""


class HeldBack(Exception):
    """Somebody of the group is held back in the read model: what it shows of them is not true any more."""


class Progress:
    """How far the read models of one shard are, as this process knows."""

    def __init__(
        self, pool: AsyncConnectionPool, conninfo: str, remembered: Remembered, shard: int = 0
    ) -> None:
        self._pool = pool
        self._conninfo = conninfo
        self._remembered = remembered
        self._shard = shard
        self._moved = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen(), name="progress")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    def forget_all(self) -> None:
        """Let every query look into the tables again."""
        self._remembered.forget_all()

    async def standing(self, models: Iterable[ReadModel]) -> dict[str, Standing]:
        """How those of these models do that a projector has begun."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(STANDING, (SECONDS_UNTIL_DEAD, self._shard))
            found = {(row[0], row[1]): Standing(*row[2:]) for row in await cursor.fetchall()}
        places = [(model.name, found.get((model.name, model.fingerprint))) for model in models]
        return {name: one for name, one in places if one is not None}

    async def checkpoint(self, *models: ReadModel) -> int | None:
        """The position that all of these models have reached; None until each has caught up once."""
        given = {"shard": self._shard, **_versions(models)}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(REACHED, given)).fetchone()
        return None if row is None else row[0]

    async def reached(self, position: int, *models: ReadModel) -> int:
        """Wait until the models have reached a position, at most two seconds; then raise Behind."""
        found = await self.until(
            lambda: self.checkpoint(*models),
            lambda checkpoint: checkpoint is not None and checkpoint >= position,
        )
        return found or 0

    async def until(self, look: Callable[[], Awaitable[T]], there: Callable[[T], bool]) -> T:
        """Look, and look again when a read model has moved, for at most two seconds; then raise Behind.

        The last look is the one after the two seconds.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + SECONDS_TO_WAIT
        while True:
            moved, last = self._moved, clock() >= end
            if there(seen := await look()):
                return seen
            if last:
                raise Behind
            with contextlib.suppress(TimeoutError):
                left = max(end - clock(), 0)
                await asyncio.wait_for(moved.wait(), min(left, SECONDS_BETWEEN_TRIES))

    async def held(self, model: ReadModel, group: Collection[UUID], until: int | None) -> bool:
        """Whether anybody of these is held back in the model for something up to a position."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT EXISTS (
                    SELECT FROM app.held
                    WHERE shard = %s AND model = %s AND fingerprint = %s
                      AND subject_id = ANY(%s) AND (%s::bigint IS NULL OR position <= %s)
                )
                """,
                (self._shard, model.name, model.fingerprint, list(group), until, until),
            )
            return await cursor.fetchone() == (True,)

    async def then(self, model: ReadModel, group: Collection[UUID], until: int | None) -> tuple[int, bool]:
        """The last position of these patients up to one, and whether anybody is held back up to it."""
        given = {**_versions([model]), "shard": self._shard, "group": list(group), "until": until}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(THEN, given)).fetchone()
        assert row is not None  # noqa: S101  an aggregate gives one row
        return row[0], row[1]

    async def present(
        self, model: ReadModel, groups: ReadModel, patient_id: UUID, min_position: int = 0
    ) -> Remembering:
        """How the patient stands in the tables of a model, and what was answered since their last change.

        Waits for the position, at most two seconds; raises Behind. Raises HeldBack where one of the group is.
        """
        found = self._remembered.of(model, patient_id)
        if found is not None and (found.present.checkpoint or 0) >= min_position:
            return found
        era = self._remembered.era
        present = await self.until(
            lambda: self._present(model, groups, patient_id),
            lambda present: present.checkpoint is not None and present.checkpoint >= min_position,
        )
        if present.held:
            raise HeldBack
        return self._remembered.keep(model, patient_id, present, era)

    async def _present(self, model: ReadModel, groups: ReadModel, patient_id: UUID) -> Present:
        """One statement, one snapshot."""
        query = _present(groups.schema)
        versions = _versions({model.name: model, groups.name: groups}.values())
        given = {"shard": self._shard, "subject_id": patient_id, **versions}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(query, given)).fetchone()
        assert row is not None  # noqa: S101  an aggregate gives one row
        return Present(checkpoint=row[0], group=tuple(row[1]), position=row[2], held=row[3])

    async def _listen(self) -> None:
        while True:
            try:
                async for told in _notifications(self._conninfo):
                    if told is None:
                        self._remembered.heard(everything=True)
                    else:
                        self._remembered.changed(*announced(told.payload))
                    self._wake()
            except psycopg.OperationalError:
                log.warning("progress.listener_lost")
                self._remembered.heard(everything=False)
                self._wake()
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    def _wake(self) -> None:
        """Let all who wait look for themselves."""
        self._moved.set()
        self._moved = asyncio.Event()


async def _notifications(conninfo: str) -> AsyncIterator[psycopg.Notify | None]:
    """The first is none: whatever was told before it began to listen was missed."""
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield None
        async for notification in connection.notifies():
            yield notification


@cache
def _present(groups_schema: str) -> bytes:
    return (patient_groups.members(groups_schema) + PRESENT).as_bytes()


def _versions(models: Iterable[ReadModel]) -> dict[str, list[str]]:
    chosen = list(models)
    return {
        "models": [model.name for model in chosen],
        "fingerprints": [model.fingerprint for model in chosen],
    }
