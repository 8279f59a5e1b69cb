"""Many who want the same thing at once each get their turn."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from domain.diagnosis import ObserveSymptom, RecordDiagnosis
from domain.errors import NotFound
from domain.event import Coded, Command, Origin
from domain.patient import RegisterPatient
from infra.commands import Result, Wish
from infra.commands.turns import Turns
from infra.ids import new_id
from infra.services import Services
from tests.infra.house import House, Urls
from tests.infra.memories import DOCTOR

AT_ONCE, CALLERS = 24, 16


@pytest.fixture
def house(fresh_database_urls: Callable[[], Urls], tmp_path: Path) -> House:
    return House(fresh_database_urls(), tmp_path)


async def say(services: Services, command: Command, target: UUID | None) -> Result:
    wish = Wish(
        command=command, target_id=target, actor=DOCTOR, origin=Origin(), correlation_id=new_id(), digest="-"
    )
    return await services.commands.run(wish)


async def test_everybody_who_tells_of_the_same_diagnosis_at_once_is_heard(house: House) -> None:
    async with house.opened() as services:
        patient = await say(services, RegisterPatient(patient_no="T-1", name="زهرا"), None)
        diagnosis = await say(services, RecordDiagnosis(condition=Coded(text="میگرن")), patient.id)

        async def caller(symptoms: int) -> list[int]:
            told = [
                say(services, ObserveSymptom(symptom_code="headache", score=n % 10), diagnosis.id)
                for n in range(symptoms)
            ]
            return [result.version for result in await asyncio.gather(*told)]

        heard = await asyncio.gather(*(caller(AT_ONCE) for _ in range(CALLERS)))
        versions = [version for versions in heard for version in versions]
        assert sorted(versions) == list(range(2, AT_ONCE * CALLERS + 2))


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    turns, one, other = Turns(), new_id(), new_id()
    entered: list[str] = []

    async def go(target: UUID, name: str, gate: asyncio.Event) -> None:
        async with turns.of(target):
            entered.append(name)
            await gate.wait()

    gate, opened = asyncio.Event(), asyncio.Event()
    opened.set()
    first = asyncio.create_task(go(one, "first", gate))
    await asyncio.sleep(0)
    cancelled, second = (asyncio.create_task(go(one, name, opened)) for name in ("cancelled", "second"))
    await asyncio.create_task(go(other, "elsewhere", opened))
    assert entered == ["first", "elsewhere"]
    cancelled.cancel()
    gate.set()
    await asyncio.gather(first, second, cancelled, return_exceptions=True)
    assert entered == ["first", "elsewhere", "second"]


async def test_a_turn_ends_however_it_ends_and_is_forgotten() -> None:
    turns, one = Turns(), new_id()
    with pytest.raises(NotFound):
        async with turns.of(one):
            raise NotFound("not_found")
    async with turns.of(one), turns.of(None), turns.of(None):
        assert turns.wanted == {one}
    assert turns.wanted == set()
