"""Compare what a read model's tables say with what its fold makes of the log, row by row."""

from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from infra.event_log.reader import Reader
from infra.projector import checkpoints, held, history
from infra.projector.alone import Told, alone
from infra.projector.comparing import Wrong, of_a_patient, stored, wrong_counts, wrong_sums
from infra.projector.store import ModelStore
from projections.model import ReadModel


class Verified(msgspec.Struct):
    """How much was compared, and what was found wrong (the first hundred of each model).

    Who is held back is known to be behind: that is said, and nothing of it is wrong.
    """

    model: str
    position: int
    rows: int = 0
    wrong: list[Wrong] = []
    held: list[UUID] = []


MOST_TOLD = 100


async def verify(
    connection: AsyncConnection,
    reader: Reader,
    model: ReadModel,
    shard: int = 0,
    told: Told = lambda _done, _all: None,
) -> Verified:
    """Compare in one snapshot, while the projector goes on. Raises CommandFailed while a rebuild goes on."""
    store = ModelStore(model)
    async with alone(connection, model, shared=True), connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        places = {one.version: one.position for one in await checkpoints.all_of(connection, shard)}
        found = Verified(model=model.name, position=places.get((model.name, model.fingerprint), 0))
        if not await store.exists(connection):
            found.wrong.append(Wrong(model.name, "", None, "", "never built"))
            return found
        found.held = sorted((await held.by_schema(connection, shard, [store])).get(store.schema, ()))
        async for wrong in _rows(connection, reader, store, shard, found, told):
            found.wrong.append(wrong)
            if len(found.wrong) >= MOST_TOLD:
                return found
        async for wrong in wrong_sums(connection, store, shard):
            found.wrong.append(wrong)
    return found


async def _rows(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, found: Verified, told: Told
) -> AsyncIterator[Wrong]:
    seen: Counter[str] = Counter()
    held_back = frozenset(found.held)
    done = 0
    parts = history.by_patient(
        connection, reader.lenient, shard, found.position, accounts=store.model.accounts
    )
    async for patients in parts:
        actual = await stored(connection, store, shard, [subject for subject, _ in patients])
        for subject, events in patients:
            found.rows += len(actual[subject])
            seen.update(name for name, _ in actual[subject])
            if subject not in held_back:
                for wrong in of_a_patient(store.model, subject, events, actual[subject]):
                    yield wrong
        done += sum(len(events) for _, events in patients)
        told(done, found.position)
    for wrong in await wrong_counts(connection, store, shard, seen, "of nobody in the log"):
        yield wrong
