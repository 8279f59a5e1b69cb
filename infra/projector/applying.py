"""A batch into the tables of one version: all patients at once, or apart from who cannot be applied."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import AsyncConnection

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.projector import held, purged
from infra.projector.fold import History, fold_batch, whose
from infra.projector.store import ModelStore
from projections.model import ReadModel

Events = Sequence[Recorded[Event]]


class Applying:
    """Applies batches to one version, within the transaction that moves its checkpoint."""

    def __init__(self, store: ModelStore, connection: AsyncConnection, shard: int, history: History) -> None:
        self._store = store
        self._connection = connection
        self._shard = shard
        self._history = history

    async def all_at_once(self, events: Events, held_back: Collection[UUID]) -> None:
        """Apply a batch to everybody who is not held back; raises what a fold or Postgres raises."""
        await self._apply(await self._passed(events, held_back))

    async def each_apart(self, events: Events, held_back: Collection[UUID]) -> None:
        """The same, but hold back whoever cannot be applied. Raises what is not one patient's fault."""
        by_subject: dict[UUID, list[Recorded[Event]]] = defaultdict(list)
        for event in await self._passed(events, held_back):
            if (subject := whose(self._store.model, event)) is not None:
                by_subject[subject].append(event)
        if by_subject:
            await self._halve(list(by_subject.items()))

    async def _halve(self, patients: Sequence[tuple[UUID, Events]]) -> None:
        try:
            await self._all_or_nothing([event for _, events in patients for event in events])
        except Exception as error:
            if not held.is_of_a_patient(error):
                raise
        else:
            return
        if len(patients) == 1:
            await self._one_by_one(*patients[0])
            return
        middle = len(patients) // 2
        await self._halve(patients[:middle])
        await self._halve(patients[middle:])

    async def _one_by_one(self, subject: UUID, events: Events) -> None:
        """Up to the event that cannot be applied; an erasure that comes later makes it forgotten."""
        for place, event in enumerate(events):
            try:
                await self._all_or_nothing([event])
            except Exception as error:
                if not held.is_of_a_patient(error):
                    raise
                found = held.hold(subject, event.position, error)
                await held.put(self._connection, self._shard, self._store, found)
                if rest := await self._passed(events[place + 1 :], {subject}):
                    await self._one_by_one(subject, rest)
                return

    async def _all_or_nothing(self, events: Events) -> None:
        for event in events:
            if event.unreadable is not None:
                raise event.unreadable
        async with self._connection.transaction():
            await self._apply(events)

    async def _apply(self, events: Events) -> None:
        store = self._store
        changed = await fold_batch(store, self._connection, self._shard, events, self._history)
        await store.save(self._connection, self._shard, changed)
        if store.schema == store.model.schema:  # of tables that do not serve yet nothing is taken
            erased = {e.subject_id for e in events if type(e.event) is PatientErased and e.subject_id}
            taken = purged.counted(changed, erased)
            await purged.note(self._connection, self._shard, store.schema, taken)

    async def _passed(self, events: Events, held_back: Collection[UUID]) -> Events:
        """Without those who are held back, whom their own erasure frees."""
        if not held_back:
            return events
        kept, freed = passed(self._store.model, events, held_back)
        if freed:
            await held.free(self._connection, self._shard, self._store, freed)
        return kept


def passed(
    model: ReadModel, events: Events, held_back: Collection[UUID]
) -> tuple[list[Recorded[Event]], set[UUID]]:
    """The events that go on past these holds, and whom an erasure among them frees."""
    kept: list[Recorded[Event]] = []
    freed: set[UUID] = set()
    for event in events:
        subject = whose(model, event)
        if subject is not None and subject in held_back and subject not in freed:
            if not isinstance(event.event, PatientErased):
                continue
            freed.add(subject)
        kept.append(event)
    return kept, freed
