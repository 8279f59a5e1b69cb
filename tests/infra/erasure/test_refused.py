"""Nothing is recorded for the erased, also what another process had already sealed and queued."""

import asyncio
import os
import sys

import psycopg

from domain.patient import ErasePatient
from tests.infra.house import House
from tests.infra.tales import ADMIN, Teller

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7412 AND NOT granted"
SECONDS_TO_GET_THERE = 30


async def until_waiting(house: House, count: int) -> None:
    """Until so many calls stand before the log."""
    async with asyncio.timeout(SECONDS_TO_GET_THERE):
        while house.one(WAITING) != count:  # noqa: ASYNC110  other processes come there
            await asyncio.sleep(0.01)


async def test_what_another_process_has_queued_is_refused(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(2)
        other, erased = teller.patients
        before = len(await services.reader.by_subject([erased]))
        with psycopg.connect(house.servers.database_url) as gate:
            gate.execute("SELECT pg_advisory_xact_lock(7412, 0)")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.infra.erasure.elsewhere", str(other), str(erased)),
                env={**os.environ, **house.environment},
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            async with asyncio.timeout(SECONDS_TO_GET_THERE):
                assert await process.stdout.readline() == b"queued\n"
            await until_waiting(house, 1)
            erasing = asyncio.create_task(teller.say(ErasePatient(legal_basis="GDPR.17"), erased, ADMIN))
            await until_waiting(house, 2)
        await erasing
        async with asyncio.timeout(SECONDS_TO_GET_THERE):
            said, _ = await process.communicate()
        assert said == b"appended erased erased\n"
        left = await services.reader.by_subject([erased])
        assert len(left) == before + 1
        assert left[-1].tag == "patient.erased"
