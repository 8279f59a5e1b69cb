"""What a process knows about access is true on the next request, wherever it was changed."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import psycopg

from domain.access import PatientAccess
from domain.patient import ConsentGranted
from infra.ids import new_id
from infra.services import Services
from tests.domain.spec import NOW
from tests.infra.house import House
from tests.infra.writing import note, registered

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND query LIKE '%SELECT DISTINCT subject_id%'
    """
CONSENT = ConsentGranted(occurred_at=NOW, scope="research_cohort", policy_version="1")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  other processes set no event
            await asyncio.sleep(0.01)


async def known(services: Services, patient_id: UUID) -> PatientAccess:
    return (await services.relations.of([patient_id]))[patient_id]


async def test_a_stream_is_read_once_while_nothing_is_recorded(house: House) -> None:
    async with house.opened() as services:
        patient_id = new_id()
        await services.writer.append(note(patient_id, event=registered()))
        await until(lambda: services.relations.sure)
        first = await known(services, patient_id)
        assert first.registered
        assert await known(services, patient_id) is first


async def test_what_this_process_records_is_known_at_once(house: House) -> None:
    async with house.opened() as services:
        patient_id = new_id()
        await services.writer.append(note(patient_id))
        for version in range(2, 40):
            before = await known(services, patient_id)
            assert len(before.consents) == int(version > 2)
            await services.writer.append(note(patient_id, version, event=CONSENT))
            assert len((await known(services, patient_id)).consents) == 1


async def test_what_another_process_records_is_known_as_soon_as_it_is_announced(house: House) -> None:
    async with house.opened() as services, house.opened() as elsewhere:
        patient_id = new_id()
        await services.writer.append(note(patient_id))
        await until(lambda: elsewhere.relations.sure)
        assert not (await known(elsewhere, patient_id)).consents
        told = await services.writer.append(note(patient_id, 2, event=CONSENT))
        await until(lambda: elsewhere.relations.checked >= told.first_position)
        assert (await known(elsewhere, patient_id)).consents


async def test_while_nobody_listens_the_streams_are_read(house: House) -> None:
    async with house.opened() as services:
        patient_id = new_id()
        await services.writer.append(note(patient_id))
        await until(lambda: services.relations.sure)
        kept = await known(services, patient_id)
        assert await known(services, patient_id) is kept
        with psycopg.connect(house.servers.database_url, autocommit=True) as owner:
            owner.execute(CUT)
        await until(lambda: not services.relations.sure)
        await until(lambda: services.relations.sure)
        assert await known(services, patient_id) is not kept
