"""Patients who are harmed, and what the house made of it."""

import contextlib
from collections.abc import AsyncIterator

from procrastinate import App

from domain.diagnosis.events import Severity
from domain.event import Actor
from domain.feedback import SideEffect, SubmitFeedback
from infra.commands import Result
from infra.ids import new_id
from infra.reactions import feeding, working
from infra.reactions.process_manager import ProcessManager
from infra.reactions.queue import QUEUE, queue_of
from infra.reactions.registry import MANAGERS
from infra.services import Services, as_app
from tests.infra.house import House
from tests.infra.tales import Teller

REVIEWS = "SELECT count(*) FROM log.event WHERE topic = 'recommendation.safety_review_requested'"
ESCALATED = "SELECT count(*) FROM log.event WHERE topic = 'feedback.adverse_event_escalated'"
JOBS = "SELECT count(*) FROM jobs.procrastinate_jobs"
POSITION = "SELECT min(position) FROM jobs.process_manager"
HEAD = "SELECT position FROM log.head"


async def treated(services: Services) -> Teller:
    """A patient with a recommendation."""
    teller = Teller(services, 1)
    await teller._begin()
    return teller


async def harmed(teller: Teller, severity: Severity = "severe") -> Result:
    """The patient says what it did to them."""
    line = teller.lines[-1]
    patient = Actor(account_id=new_id(), role="patient", patient_id=line.patient_id)
    effects = (SideEffect(code="fainting", severity=severity),)
    told = SubmitFeedback(recommendation_version=1, side_effects=effects, comment="MARKED words")
    return await teller.say(told, line.line_id, patient)


@contextlib.asynccontextmanager
async def feeder(
    house: House, managers: dict[str, ProcessManager] | None = None
) -> AsyncIterator[feeding.Feeder]:
    """Somebody who feeds the managers, in this process."""
    async with await feeding.connect(house.servers.database_url) as connection:
        known = (MANAGERS if managers is None else managers).values()
        yield feeding.Feeder(connection, queue_of(house.servers.database_url), known)


async def fed(house: House) -> None:
    async with feeder(house) as found:
        await found.catch_up()


@contextlib.asynccontextmanager
async def queue(
    house: House, services: Services, managers: dict[str, ProcessManager] | None = None
) -> AsyncIterator[App]:
    closed = queue_of(as_app(house.servers.database_url))
    async with working.jobs_of(services, closed, managers).open_async() as opened:
        yield opened


async def worked(house: House, services: Services, managers: dict[str, ProcessManager] | None = None) -> None:
    """All jobs that may be done now are done."""
    async with queue(house, services, managers) as opened:
        await opened.run_worker_async(
            queues=[QUEUE], wait=False, delete_jobs="successful", install_signal_handlers=False
        )
