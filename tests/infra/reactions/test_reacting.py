"""Process managers: what was recorded has its consequence once, however often it is fed and worked on."""

import asyncio

import psycopg
import pytest

from domain.errors import Conflict, Rejected
from domain.event import Actor, Origin
from domain.feedback import AdverseEventEscalated, SideEffect, SubmitFeedback
from domain.patient import DeactivatePatient
from domain.recommendation import SafetyReviewRequested
from infra import checkup
from infra.commands import Wish
from infra.ids import new_id
from infra.migrate import migrate
from infra.reactions import working
from infra.reactions.acting import HOUSE, act
from infra.reactions.process_manager import History, ProcessManager, Reaction
from infra.reactions.queue import put
from infra.reactions.registry import MANAGERS
from infra.reactions.severe_side_effects import MANAGER
from tests.infra.house import House
from tests.infra.reactions.harm import (
    ESCALATED,
    HEAD,
    JOBS,
    POSITION,
    REVIEWS,
    fed,
    feeder,
    harmed,
    queue,
    treated,
    worked,
)

ESCALATION = "SELECT notification_id FROM log.event WHERE topic = 'feedback.adverse_event_escalated'"
FAILED = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'failed'"


async def test_a_severe_side_effect_asks_for_a_safety_review(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        feedback = await harmed(teller)
        assert house.one(REVIEWS) == 0
        await fed(house)
        await worked(house, services)
        *_, review = await services.reader.stream(teller.lines[-1].line_id)
        assert isinstance(review.event, SafetyReviewRequested)
        assert (review.event.trigger, review.event.severity) == ("SAFETY.ADVERSE_EVENT", "severe")
        assert review.actor_id == HOUSE.account_id
        cause = (await services.reader.stream(feedback.id))[-1].meta
        assert review.meta is not None
        assert cause is not None
        assert (review.meta.role, review.meta.origin.channel, review.meta.origin.method) == (
            "service",
            "engine",
            "rule",
        )
        assert review.meta.correlation_id == cause.correlation_id
        assert review.meta.causation_id == feedback.id
    assert house.one(JOBS) == 0
    assert house.one(POSITION) == int(str(house.one(HEAD))) - 1


async def test_what_is_not_severe_asks_for_nothing(house: House) -> None:
    async with house.opened() as services:
        await harmed(await treated(services), "moderate")
        await fed(house)
    assert house.one(JOBS) == 0
    assert house.one(POSITION) == house.one(HEAD)


async def test_a_job_says_where_and_not_what(house: House) -> None:
    async with house.opened() as services:
        await harmed(await treated(services))
        await fed(house)
    place = house.one(ESCALATION)
    assert house.rows("SELECT args, lock, queueing_lock FROM jobs.procrastinate_jobs") == [
        ({"manager": "severe_side_effects", "shard": 0, "position": place}, None, None)
    ]


async def test_of_many_who_feed_one_puts_it_into_the_queue(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        for _ in range(5):
            await harmed(teller)
        await asyncio.gather(*(fed(house) for _ in range(6)))
        assert house.one(JOBS) == 5
        await worked(house, services)
    assert house.one(REVIEWS) == 5


async def test_who_found_it_and_was_overtaken_puts_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its step another one has done both."""
    async with house.opened() as services:
        await harmed(await treated(services))
        async with feeder(house) as slow:
            found = await slow._next(MANAGER.name)

            async def as_found(_: str) -> tuple[int, int, list[int]]:
                return found

            monkeypatch.setattr(slow, "_next", as_found)
            await fed(house)
            await slow.step(MANAGER.name)
    assert house.one(JOBS) == 1


async def test_a_job_that_runs_again_and_at_the_same_time_has_one_effect(house: House) -> None:
    async with house.opened() as services:
        await harmed(await treated(services))
        place = int(str(house.one(ESCALATION)))
        async with feeder(house) as found:
            await put(found._queue, found._connection, MANAGER.name, 0, [place] * 7)
        await worked(house, services)
        await asyncio.gather(*(act(services.reader, services.commands, MANAGER, place) for _ in range(4)))
    assert house.one(REVIEWS) == 1


async def test_rebuilds_and_replays_are_silent(house: House) -> None:
    async with house.opened() as services:
        await harmed(await treated(services))
        await house.catch_up()
        await fed(house)
        await worked(house, services)
        await fed(house)
        before = (house.one(HEAD), house.one(POSITION))
        await house.catch_up()
        await house.rebuild()
        await fed(house)
        await worked(house, services)
    assert (house.one(HEAD), house.one(POSITION)) == before
    assert (house.one(REVIEWS), house.one(JOBS)) == (1, 0)


async def test_a_new_manager_is_silent_about_the_past(house: House) -> None:
    """It begins where the log stood when its release was migrated to, whenever it is fed first."""
    async with house.opened() as services:
        teller = await treated(services)
        await harmed(teller)
        with house.owner() as owner:
            owner.execute(
                "DELETE FROM jobs.process_manager; DELETE FROM app.migration WHERE name LIKE 'manager/%'"
            )
        urls = house.servers.database_url, house.servers.vault_url
        assert sorted(migrate(*urls)) == sorted(f"manager/{name}" for name in MANAGERS)
        assert house.one(POSITION) == house.one(HEAD)
        await harmed(teller)
        assert migrate(*urls) == []
        await fed(house)
        await worked(house, services)
    assert house.one(ESCALATED) == 2
    assert house.one(REVIEWS) == 1


async def test_what_is_imported_is_no_news(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        effect = SideEffect(code="fainting", severity="severe")
        wish = Wish(
            command=SubmitFeedback(recommendation_version=1, side_effects=(effect,)),
            target_id=teller.lines[-1].line_id,
            actor=Actor(account_id=new_id(), role="service"),
            origin=Origin(channel="import", method="imported"),
            correlation_id=new_id(),
        )
        await services.commands.run(wish)
        await fed(house)
        assert house.one(JOBS) == 1
        await worked(house, services)
    assert (house.one(REVIEWS), house.one(JOBS)) == (0, 0)


async def test_nothing_follows_from_what_an_erased_patient_said(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        await harmed(teller)
        await fed(house)
        await teller.erase(teller.patients[-1])
        await worked(house, services)
    assert (house.one(REVIEWS), house.one(JOBS)) == (0, 0)


async def test_it_is_asked_for_also_where_nothing_new_is_recorded_any_more(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        await harmed(teller)
        await teller.say(DeactivatePatient(), teller.patients[-1])
        await fed(house)
        await worked(house, services)
    assert (house.one(REVIEWS), house.one(FAILED)) == (1, 0)


def failing(poison: int) -> ProcessManager:
    """A manager that cannot stomach one of the positions."""

    def react(history: History) -> list[Reaction]:
        if history[-1].position == poison:
            raise ZeroDivisionError
        return MANAGER.react(history)

    return ProcessManager(name=MANAGER.name, reacts_to=frozenset({AdverseEventEscalated}), react=react)


async def test_a_poison_event_is_written_down_and_stops_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "MOST_TRIES", 1)
    async with house.opened() as services:
        teller = await treated(services)
        for _ in range(3):
            await harmed(teller)
        poison = int(str(house.rows(f"{ESCALATION} ORDER BY 1")[1][0]))
        await fed(house)
        await worked(house, services, {MANAGER.name: failing(poison)})
        assert (house.one(REVIEWS), house.one(FAILED), house.one(JOBS)) == (2, 1, 1)
        problems = checkup.of_database(house.servers.database_url, "dev").problems
        told = f"process manager severe_side_effects could not react to {poison}: "
        assert problems == [f"{told}see the log, then `tarikh work --again`"]
        assert await working.try_again(house.servers.database_url) == 1
        await worked(house, services)
    assert (house.one(REVIEWS), house.one(JOBS)) == (3, 0)


@pytest.mark.parametrize(
    ("error", "tries", "again"),
    [
        (psycopg.OperationalError(), 400, True),
        (ZeroDivisionError(), 0, True),
        (ZeroDivisionError(), working.MOST_TRIES - 1, False),
        (Conflict("version.conflict"), 0, True),
        (Rejected("request.rejected"), 0, False),
    ],
)
def test_what_may_pass_is_tried_again_and_what_a_rule_says_is_not(
    error: Exception, tries: int, *, again: bool
) -> None:
    assert working._worth_a_try(error, tries) is again


def test_who_feeds_only_adds_and_who_works_only_takes(house: House) -> None:
    forbidden = {
        "tarikh_app": [
            "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name) VALUES ('q', 't')",
            "UPDATE jobs.process_manager SET position = 0",
        ],
        "tarikh_projector": [
            "UPDATE jobs.procrastinate_jobs SET status = 'failed'",
            "DELETE FROM jobs.procrastinate_jobs",
            "INSERT INTO jobs.process_manager (shard, name, position) VALUES (0, 'another', 0)",
        ],
    }
    for role, statements in forbidden.items():
        for statement in statements:
            with house.owner() as owner:
                owner.execute(f"SET ROLE {role}")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    owner.execute(statement)


def test_the_doctor_tells_of_a_manager_that_lags_and_of_one_that_cannot_be_right(house: House) -> None:
    def told(position: int) -> list[str]:
        with house.owner() as owner:
            owner.execute(
                "UPDATE jobs.process_manager SET position = %s WHERE name = %s", (position, MANAGER.name)
            )
        return checkup.of_database(house.servers.database_url, "dev").problems

    assert told(0) == []
    (behind,) = told(-checkup.MOST_LAG - 1)
    assert "severe_side_effects is 10001 positions behind" in behind
    (ahead,) = told(1)
    assert "has looked further than the log goes (1 of 0)" in ahead


async def test_a_manager_of_a_later_release_is_left_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that this release knows nothing of stays, and fails in the open."""
    monkeypatch.setattr(working, "MOST_TRIES", 1)
    async with house.opened() as services:
        await harmed(await treated(services))
        async with feeder(house) as found:
            await put(found._queue, found._connection, "of_tomorrow", 0, [1])
        async with queue(house, services):
            await worked(house, services)
    assert house.one(FAILED) == 1
