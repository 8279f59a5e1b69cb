"""What the streams of patients say about access, kept by each process for as long as it is surely true.

The log announces every append; which patients it concerned is asked of the log, and they are dropped. Until
that is known, and while nobody listens, nothing that is kept is used: the streams themselves are read.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Collection
from typing import Any, Self
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from domain.access import TELLING, PatientAccess, evolve_access
from domain.catalog import tag_of
from infra.commands.loading import Loading
from infra.event_log.writer import GroupWriter

CHANNEL = "tarikh_log"
SECONDS_TO_KEEP = 5.0
SECONDS_BETWEEN_TRIES = 0.5
MOST_KEPT = 20_000

CHANGED = """
    SELECT DISTINCT subject_id
    FROM log.event
    WHERE shard = %s AND notification_id > %s AND notification_id <= %s AND topic = ANY(%s)
    """
HEAD = "SELECT position FROM log.head WHERE shard = %s"

log = structlog.get_logger()


class Relations:
    """Who stands how to patients, of one shard."""

    def __init__(self, conninfo: str, loading: Loading, writer: GroupWriter, shard: int = 0) -> None:
        self._conninfo = conninfo
        self._loading = loading
        self._writer = writer
        self._shard = shard
        self._tags = sorted(tag_of(event) for event in TELLING)
        self._kept: OrderedDict[UUID, tuple[float, PatientAccess]] = OrderedDict()
        self._listening = False
        self._announced = 0
        self.checked = 0
        """Up to this position it is known who was concerned."""
        self._evictions = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name="relations")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def sure(self) -> bool:
        """Whether everything that was announced, or that this process has recorded, is known."""
        return self._listening and self.checked >= max(self._announced, self._writer.stored)

    async def of(self, patient_ids: Collection[UUID]) -> dict[UUID, PatientAccess]:
        """What these patients' streams say now; another stream than a patient's says nothing."""
        found = self._known(patient_ids) if self.sure else {}
        missing = [patient_id for patient_id in patient_ids if patient_id not in found]
        if missing:
            evictions, now = self._evictions, _clock()
            read = await self._loading.about(missing)
            loaded = {one: read[one].state(PatientAccess(patient_id=one), evolve_access) for one in missing}
            if self.sure and evictions == self._evictions:
                self._keep(loaded, now)
            found |= loaded
        return found

    def forget(self, patient_id: UUID) -> None:
        self._evictions += 1
        self._kept.pop(patient_id, None)

    def forget_all(self) -> None:
        self._evictions += 1
        self._kept.clear()

    def _known(self, patient_ids: Collection[UUID]) -> dict[UUID, PatientAccess]:
        oldest = _clock() - SECONDS_TO_KEEP
        kept = {one: self._kept[one] for one in patient_ids if one in self._kept}
        return {one: access for one, (since, access) in kept.items() if since > oldest}

    def _keep(self, loaded: dict[UUID, PatientAccess], now: float) -> None:
        for patient_id, access in loaded.items():
            self._kept[patient_id] = now, access
            self._kept.move_to_end(patient_id)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _listen(self) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._follow(connection)
            except psycopg.OperationalError:
                log.warning("relations.listener_lost")
            finally:
                self._listening = False
                self.forget_all()
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    async def _follow(self, connection: AsyncConnection[Any]) -> None:
        """Keep up with what is announced. Raises OperationalError when the line is lost."""
        row = await (await connection.execute(HEAD, (self._shard,))).fetchone()
        self.checked = self._announced = row[0] if row else 0
        self.forget_all()
        self._listening = True
        while True:
            async for told in connection.notifies(stop_after=1):
                shard, _, position = told.payload.partition(":")
                if int(shard) == self._shard:
                    self._announced = max(self._announced, int(position))
            await self._check(connection)

    async def _check(self, connection: AsyncConnection[Any]) -> None:
        """Drop whoever was concerned by what was announced and not looked at yet."""
        announced = self._announced
        cursor = await connection.execute(
            CHANGED, (self._shard, self.checked, announced, self._tags), binary=True
        )
        for (subject,) in await cursor.fetchall():
            self.forget(subject)
        self.checked = announced


def _clock() -> float:
    return asyncio.get_running_loop().time()
