"""Streams for commands: asked for together, read together, and each answer no older than its question."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.diagnosis import ObserveSymptom
from domain.event import Origin
from infra.commands import Loading, Wish, loading
from infra.commands.decided import Stream
from infra.event_log.codec import Unreadable
from infra.event_log.reader import rows
from infra.ids import new_id
from infra.services import Services
from tests.infra.house import House
from tests.infra.tales import DOCTOR, Teller


class Counted:
    """How many statements are sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements = 0
        monkeypatch.setattr(loading, "rows", self.rows)

    async def rows(self, *arguments: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  as the reader's
        self.statements += 1
        return await rows(*arguments)


async def told(services: Services) -> Teller:
    teller = Teller(services, 1)
    for _ in range(3):
        await teller._begin()
    return teller


def observed(diagnosis: UUID) -> Wish:
    return Wish(
        command=ObserveSymptom(symptom_code="pain", score=3),
        target_id=diagnosis,
        actor=DOCTOR,
        origin=Origin(),
        correlation_id=new_id(),
        digest="-",
    )


async def test_a_stream_comes_with_its_patients_own(house: House) -> None:
    async with house.opened() as services:
        teller = await told(services)
        patient, diagnosis, nobody = teller.patients[0], teller.diagnoses[0], new_id()
        found = await services.loading.about([diagnosis, nobody])
        assert set(found) == {diagnosis, patient, nobody}
        assert found[nobody] == Stream(nobody)
        for stream_id in (patient, diagnosis):
            recorded = await services.reader.stream(stream_id)
            assert found[stream_id].events == tuple(one.event for one in recorded)
            assert (found[stream_id].version, found[stream_id].position) == (
                recorded[-1].version,
                recorded[-1].position,
            )
            assert found[stream_id].subject_id == patient
            assert not found[stream_id].closed


async def test_what_is_asked_for_at_once_is_read_in_one_statement(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.opened() as services:
        teller = await told(services)
        counted = Counted(monkeypatch)
        ids = [*teller.patients, *teller.diagnoses] * 8
        found = await asyncio.gather(*(services.loading.about([one]) for one in ids))
        assert counted.statements == 1
        for stream_id, answer in zip(ids, found, strict=True):
            assert answer[stream_id].version > 0


async def test_nobody_is_answered_from_a_statement_that_was_sent_before_they_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first statement has read already and is held up; meanwhile the stream moves, and somebody asks."""
    async with house.opened() as services:
        teller = await told(services)
        diagnosis = teller.diagnoses[0]
        read, go_on = asyncio.Event(), asyncio.Event()

        async def held_up(*arguments: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  as the reader's
            found = await rows(*arguments)
            read.set()
            await go_on.wait()
            return found

        early = Loading(services.pool, services.vault)
        monkeypatch.setattr(loading, "rows", held_up)
        first = asyncio.create_task(early.about([diagnosis]))
        await read.wait()
        monkeypatch.setattr(loading, "rows", rows)
        await services.commands.run(observed(diagnosis))
        second = await early.about([diagnosis])
        go_on.set()
        assert (await first)[diagnosis].version == 1
        assert second[diagnosis].version == 2


async def test_what_cannot_be_read_fails_alone(house: House) -> None:
    async with house.opened() as services:
        teller = await told(services)
        broken, whole = teller.diagnoses[:2]
        with house.owner() as owner:
            owner.execute("ALTER TABLE log.event DISABLE TRIGGER USER")
            owner.execute("UPDATE log.event SET state = '\\x00' WHERE originator_id = %s", (broken,))
            owner.execute("ALTER TABLE log.event ENABLE TRIGGER USER")
        one, other = await asyncio.gather(
            services.loading.about([broken]), services.loading.about([whole]), return_exceptions=True
        )
        assert isinstance(one, Unreadable)
        assert isinstance(other, dict)
        assert other[whole].version == 1


async def test_who_leaves_does_not_take_the_answer_from_others(house: House) -> None:
    async with house.opened() as services:
        teller = await told(services)
        leaving = asyncio.create_task(services.loading.about(teller.diagnoses[:1]))
        staying = asyncio.create_task(services.loading.about(teller.diagnoses[1:2]))
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying)[teller.diagnoses[1]].version == 1


async def test_of_the_erased_nothing_is_told_but_the_erasure(house: House) -> None:
    async with house.opened() as services:
        teller = await told(services)
        patient, diagnosis = teller.patients[0], teller.diagnoses[0]
        await teller.erase(patient)
        found = await services.loading.about([diagnosis])
        assert (found[diagnosis].events, found[diagnosis].closed, found[diagnosis].version) == ((), True, 1)
        assert [type(event).__name__ for event in found[patient].events] == ["PatientErased"]
        assert found[patient].closed


async def test_what_was_seen_before_somebody_was_faster_is_read_anew(house: House) -> None:
    async with house.opened() as services:
        teller = await told(services)
        diagnosis = teller.diagnoses[0]
        seen = await services.loading.about([diagnosis])
        assert (await services.commands.run(observed(diagnosis), seen)).version == 2
        assert (await services.commands.run(observed(diagnosis), seen)).version == 3
        together = await asyncio.gather(*(services.commands.run(observed(diagnosis), seen) for _ in range(8)))
        assert sorted(result.version for result in together) == list(range(4, 12))
