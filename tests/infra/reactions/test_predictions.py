"""Predictions end by themselves: at their horizon, or when feedback comes in; once, whoever looks again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.diagnosis import ObserveSymptom
from domain.event import Actor, Event, Origin
from domain.feedback import AmendFeedback, FeedbackDetails, RetractFeedback, SubmitFeedback, SymptomScore
from domain.items import NewItemChange
from domain.prediction import (
    MakePrediction,
    PredictionExpired,
    PredictionResolved,
    Target,
    VoidPrediction,
    horizon,
)
from domain.recommendation import ReviseRecommendation
from infra.commands import Commands, Result, Wish
from infra.ids import new_id
from infra.reactions.acting import act
from infra.reactions.predictions import HORIZONS, NEWS
from infra.reactions.process_manager import NotYet
from infra.services import Services
from tests.infra.house import House
from tests.infra.memories import BORAGE
from tests.infra.reactions.harm import HEAD, fed, treated, worked
from tests.infra.reactions.test_processes import tarikh, until, waiting
from tests.infra.tales import Teller

MODEL = Actor(account_id=new_id(), role="service")
BY_MODEL = Origin(channel="engine", method="model", model_id="tabib", model_version="3")
DAYS = 30
ENDED = """
    SELECT count(*) FROM log.event
    WHERE topic IN ('prediction.resolved', 'prediction.expired', 'prediction.voided')
    """
MADE = "SELECT max(notification_id) FROM log.event WHERE topic = 'prediction.made'"
JOBS = "SELECT count(*) FROM jobs.procrastinate_jobs"
WAITING = "SELECT args ->> 'manager', status::text, scheduled_at FROM jobs.procrastinate_jobs"
STOOD = "SELECT position FROM jobs.process_manager WHERE name = 'prediction_horizons'"


async def foretold(teller: Teller, days_ago: int = 0, origin: Origin = BY_MODEL) -> UUID:
    """A prediction about the last recommendation, made when the clock said so."""
    services, then = teller.services, datetime.now(UTC) - timedelta(days=days_ago)
    make = MakePrediction(
        version=1,
        target=Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=DAYS,
        probability=0.7,
        baseline=6,
        as_of_position=(await services.reader.head()).position,
    )
    wish = Wish(
        command=make,
        target_id=teller.lines[-1].line_id,
        actor=MODEL,
        origin=origin,
        correlation_id=new_id(),
    )
    commands = Commands(services.reader, services.loading, services.writer, clock=lambda: then)
    return (await commands.run(wish)).id


async def answered(teller: Teller, score: float) -> Result:
    line = teller.lines[-1]
    patient = Actor(account_id=new_id(), role="patient", patient_id=line.patient_id)
    scores = (SymptomScore(symptom_code="headache", score=score),)
    command = SubmitFeedback(recommendation_version=1, symptom_scores=scores)
    return await teller.say(command, line.line_id, patient)


async def noted(teller: Teller, score: float, days_ago: int) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    await teller.say(
        ObserveSymptom(symptom_code="headache", score=score, occurred_at=at), teller.diagnoses[-1]
    )


async def endings(services: Services, prediction: UUID) -> list[Event]:
    return [one.event for one in await services.reader.stream(prediction) if one.version > 1 and one.event]


async def done(house: House, services: Services) -> None:
    await fed(house)
    await worked(house, services)


async def test_feedback_that_reaches_the_target_makes_it_true_at_once(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction, other = await foretold(teller), await foretold(teller)
        await answered(teller, 5)
        await done(house, services)
        assert await endings(services, prediction) == []
        given = await answered(teller, 2)
        await done(house, services)
        for one in (prediction, other):
            (ending,) = await endings(services, one)
            assert isinstance(ending, PredictionResolved)
            assert (ending.observed, ending.came_true) == (2, True)
            assert [link.ref for link in ending.evidence] == [str(given.id)]


async def test_an_answer_that_is_amended_is_looked_at_again(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction = await foretold(teller)
        given = await answered(teller, 5)
        patient = Actor(account_id=new_id(), role="patient", patient_id=teller.lines[-1].patient_id)
        scores = (SymptomScore(symptom_code="headache", score=3),)
        amend = AmendFeedback(
            changes=FeedbackDetails(symptom_scores=scores), reason_code="CORRECTION.DATA_ENTRY"
        )
        await teller.say(amend, given.id, patient)
        await done(house, services)
        assert [type(one) for one in await endings(services, prediction)] == [PredictionResolved]


async def test_before_its_horizon_its_job_waits_in_the_queue(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction = await foretold(teller)
        (made,) = [one.event for one in await services.reader.stream(prediction)]
        await done(house, services)
        assert house.rows(WAITING) == [("prediction_horizons", "todo", horizon(made))]  # type: ignore[arg-type]
        await done(house, services)
        assert (house.one(JOBS), house.one(ENDED)) == (1, 0)
        with house.owner() as owner:
            owner.execute("SET search_path = jobs; UPDATE procrastinate_jobs SET scheduled_at = now()")
        await worked(house, services)
        assert house.rows(WAITING) == [("prediction_horizons", "todo", horizon(made))]  # type: ignore[arg-type]
        place = int(str(house.one(MADE)))
        with pytest.raises(NotYet):
            await act(services.reader, services.commands, HORIZONS, place)


@pytest.mark.parametrize(
    ("scores", "ending"),
    [
        ([(5, 20)], (5, False)),
        ([(5, 20), (2, 15)], (2, True)),
        ([(2, 45), (5, 20), (1, 5)], (5, False)),
    ],
)
async def test_at_its_horizon_what_was_observed_decides(
    house: House, scores: list[tuple[float, int]], ending: tuple[float, bool]
) -> None:
    """What was noted before it was made, or after its horizon, says nothing."""
    async with house.opened() as services:
        teller = await treated(services)
        for score, days_ago in scores:
            await noted(teller, score, days_ago)
        prediction = await foretold(teller, 40)
        await done(house, services)
        (event,) = await endings(services, prediction)
        assert isinstance(event, PredictionResolved)
        assert (event.observed, event.came_true) == ending
        assert event.evidence[0].type == "event"
    assert house.one(JOBS) == 0


async def test_where_nothing_was_observed_it_expires(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction = await foretold(teller, 40)
        await done(house, services)
        (event,) = await endings(services, prediction)
        assert isinstance(event, PredictionExpired)
        assert event.why == "no_data"
        (ended,) = (await services.reader.stream(prediction))[1:]
        assert ended.meta is not None
        assert (ended.meta.role, ended.meta.origin.method) == ("service", "rule")
        assert ended.meta.causation_id == prediction


async def test_where_the_plan_was_changed_before_it_expires_for_that(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction = await foretold(teller)
        change = NewItemChange(op="add", after=BORAGE, reason_code="ADHERENCE.PREFERENCE")
        await teller.say(ReviseRecommendation(base_version=1, changes=(change,)), teller.lines[-1].line_id)
        await answered(teller, 2)
        await done(house, services)
        (event,) = await endings(services, prediction)
        assert isinstance(event, PredictionExpired)
        assert event.why == "plan_changed"


async def test_both_managers_at_once_and_again_end_it_once(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        prediction = await foretold(teller, 40)
        await noted(teller, 2, 20)
        given = await answered(teller, 2)
        place = int(str(house.one(MADE)))
        reader, commands = services.reader, services.commands
        runs: list[Any] = [act(reader, commands, HORIZONS, place) for _ in range(4)]
        runs += [act(reader, commands, NEWS, given.position) for _ in range(4)]
        await asyncio.gather(*runs)
        await done(house, services)
        await done(house, services)
        assert len(await endings(services, prediction)) == 1
    assert (house.one(ENDED), house.one(JOBS)) == (1, 0)


async def test_what_has_ended_and_what_was_erased_stays_as_it_is(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        voided = await foretold(teller, 40)
        await teller.say(VoidPrediction(reason="another illness"), voided)
        await foretold(teller, 40)
        await fed(house)
        await teller.erase(teller.patients[-1])
        await worked(house, services)
    assert (house.one(ENDED), house.one(JOBS)) == (1, 0)


async def test_what_is_imported_is_history(house: House) -> None:
    elsewhere = Origin(channel="import", method="imported", model_id="tabib", model_version="3")
    async with house.opened() as services:
        await foretold(await treated(services), 40, elsewhere)
        await done(house, services)
    assert (house.one(ENDED), house.one(JOBS)) == (0, 0)


async def test_feedback_is_looked_at_only_where_something_was_foretold(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        given = await answered(teller, 5)
        patient = Actor(account_id=new_id(), role="patient", patient_id=teller.lines[-1].patient_id)
        await teller.say(RetractFeedback(reason_code="CORRECTION.DATA_ENTRY"), given.id, patient)
        await fed(house)
        assert house.one(JOBS) == 0
        await foretold(teller)
        await answered(teller, 5)
        await fed(house)
    assert house.one(JOBS) == 2


async def test_rebuilds_and_replays_end_nothing(house: House) -> None:
    async with house.opened() as services:
        await foretold(await treated(services), 40)
        await done(house, services)
        await fed(house)
        before = (house.one(HEAD), house.one(STOOD), house.one(ENDED))
        await house.catch_up()
        await house.rebuild("predictions")
        await done(house, services)
    assert (house.one(HEAD), house.one(STOOD), house.one(ENDED)) == before


async def test_killed_between_job_and_checkpoint_it_leaves_both_or_none(house: House) -> None:
    async with house.opened() as services:
        await foretold(await treated(services), 40)
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_events")
            async with tarikh(house, "project") as killed:
                await until(lambda: waiting(house))
                killed.kill()
                await killed.wait()
            lock.execute("COMMIT")
        await until(lambda: not waiting(house))
        assert (house.one(JOBS), house.one(STOOD)) == (0, 0)
        async with tarikh(house, "project"), tarikh(house, "work"):
            await until(lambda: house.one(ENDED) == 1 and house.one(JOBS) == 0)


async def test_killed_between_its_end_and_the_end_of_the_job_it_ends_once(house: House) -> None:
    """The job cannot be taken off the queue when the end stands in the log already."""
    async with house.opened() as services, tarikh(house, "project"):
        await foretold(await treated(services), 40)
        await until(lambda: house.one(JOBS) == 1)
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_periodic_defers IN EXCLUSIVE MODE")
            async with tarikh(house, "work") as killed:
                await until(lambda: waiting(house))
                assert house.one(ENDED) == 1
                killed.kill()
                await killed.wait()
            lock.execute("COMMIT")
        await until(lambda: not waiting(house))
        async with tarikh(house, "work"):
            await until(lambda: house.one(JOBS) == 0)
    assert house.one(ENDED) == 1
