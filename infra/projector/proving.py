"""Whether new tables may take the place of the live ones: every sum, and some patients row by row."""

from random import Random

from psycopg import AsyncConnection

from infra.event_log.reader import Reader
from infra.projector import history
from infra.projector.comparing import Wrong, of_a_patient, stored, wrong_sums
from infra.projector.fold import whose
from infra.projector.held import by_schema
from infra.projector.store import ModelStore

PATIENTS = 100
"""Drawn by the events that they have, so that whose record is long is looked at more often."""


async def wrong(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, position: int
) -> list[Wrong]:
    """What is wrong with tables that stand at a position and that nobody else writes to."""
    found = [one async for one in wrong_sums(connection, store, shard)]
    held_back = (await by_schema(connection, shard, [store])).get(store.schema, set())
    chance = Random()  # noqa: S311  which patients are looked at is no secret
    drawn = chance.sample(range(1, position + 1), min(PATIENTS, position))
    subjects = {whose(store.model, event) for event in await reader.lenient.at(drawn)}
    chosen = {subject for subject in subjects if subject is not None} - held_back
    actual = await stored(connection, store, shard, chosen)
    for subject in sorted(chosen):
        events = await history.of_one(reader.lenient, subject, position, accounts=store.model.accounts)
        found += of_a_patient(store.model, subject, events, actual[subject])
    return found
