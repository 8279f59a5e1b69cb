"""Versions of other releases: each with a holder of its own, listed, and dropped when told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from infra.cli import main
from infra.projector import projector as projectors
from infra.projector.projector import Projector
from infra.running import projecting
from projections.model import ReadModel
from projections.registry import models
from tests.infra.house import House
from tests.infra.tales import Teller

OURS = models("Asia/Tehran")
TIMELINE = OURS[0]
NEXT = replace(TIMELINE, parameters=(*TIMELINE.parameters, "of the next release"))


@pytest.fixture
def told(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house in which something was recorded, whose settings commands find."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    return house


async def tell(house: House, seed: int = 1) -> None:
    async with house.opened() as services:
        await Teller(services, seed).tell(12)


@contextlib.asynccontextmanager
async def of_release(house: House, chosen: Sequence[ReadModel]) -> AsyncIterator[Projector]:
    """A projector of some release that has taken what was free."""
    async with projecting(house.settings, house.servers) as (now, connection):
        projector = Projector(connection, now.reader, chosen)
        await projector.take_over()
        yield projector
        await projector.give_back()


def schemas(house: House) -> set[str]:
    found = house.rows("SELECT nspname FROM pg_namespace WHERE nspowner = 'tarikh_projector'::regrole")
    return {str(schema) for (schema,) in found}


async def test_each_release_feeds_its_own_and_the_first_what_both_have(house: House) -> None:
    await tell(house)
    both = OURS[1:]
    async with of_release(house, OURS) as old:
        await old.catch_up()
        async with of_release(house, [NEXT, *both]) as new:
            assert old.held.keys() == {model.name for model in OURS}
            assert new.held.keys() == {NEXT.name}
            await new.catch_up()
            await tell(house, seed=2)
            await old.catch_up()
            await new.catch_up()
            await old.give_back()
            assert await new.take_over()
            assert new.held.keys() == {NEXT.name, *(model.name for model in both)}
            assert await old.take_over()
            assert old.held.keys() == {TIMELINE.name}
            await new.catch_up()
            await old.catch_up()
    head = house.one("SELECT position FROM log.head")
    assert house.rows("SELECT DISTINCT position FROM app.checkpoint") == [(head,)]
    assert await house.wrong() == []


async def test_a_version_is_built_once_it_has_caught_up_and_over_an_empty_log_at_once(house: House) -> None:
    built = "SELECT count(*) FROM app.checkpoint WHERE fingerprint = %s AND built_at IS NOT NULL"
    async with of_release(house, [TIMELINE]):
        assert house.one(built, TIMELINE.fingerprint) == 1
    await tell(house)
    async with of_release(house, [NEXT]) as new:
        assert house.one(built, NEXT.fingerprint) == 0
        await new.step()
        await new.step()
        assert house.one(built, NEXT.fingerprint) == 1


async def test_what_is_asked_does_not_wait_for_what_is_being_built(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version follows from the beginning while a built one keeps up with what is written."""
    monkeypatch.setattr(projectors, "MOST_EVENTS", 10)
    await tell(house)
    async with of_release(house, OURS[1:]) as old:
        await old.catch_up()
    await tell(house, seed=2)
    head = house.one("SELECT position FROM log.head")
    async with of_release(house, [NEXT, *OURS[1:]]) as new:
        standing = "SELECT min(position) FROM app.checkpoint WHERE fingerprint {} %s"
        while house.one(standing.format("<>"), NEXT.fingerprint) != head:
            assert await new.step()
        behind = house.one(standing.format("="), NEXT.fingerprint)
        assert 0 < int(str(behind)) < int(str(head))
        await new.catch_up()
        assert house.one(standing.format("="), NEXT.fingerprint) == head


async def test_erasure_leaves_a_living_release_to_its_own_projector(house: House) -> None:
    """Who feeds comes to the erasure; when that one dies before, another sees to it."""
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(12)
        left = f'SELECT count(*) FROM "{TIMELINE.schema}".item WHERE subject_id = %s'
        async with of_release(house, [TIMELINE]) as old, of_release(house, [NEXT]) as new:
            await old.catch_up()
            await teller.erase(teller.patients[0])
            await new.catch_up()
            assert house.one(left, teller.patients[0])
            assert house.one("SELECT count(*) FROM app.checkpoint WHERE purged > position") == 0
            await old.catch_up()
            assert house.one(left, teller.patients[0]) == 0
            await teller.erase(teller.patients[1])
            await new.catch_up()
            assert house.one(left, teller.patients[1])
            await old.give_back()
            await new.take_over()
            assert house.one(left, teller.patients[1]) == 0
            assert house.one("SELECT count(*) FROM app.checkpoint WHERE purged > position") == 1
    await house.catch_up()
    assert await house.wrong() == []


def test_old_versions_and_leftovers_are_listed_and_dropped_on_command(
    told: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async def before() -> None:
        await tell(told)
        await told.catch_up()
        async with of_release(told, [NEXT]) as new:
            await new.catch_up()

    asyncio.run(before())
    left = f"{TIMELINE.schema}_new"
    with told.owner() as connection:
        connection.execute(f'CREATE SCHEMA "{left}"; ALTER SCHEMA "{left}" OWNER TO tarikh_projector')
    capsys.readouterr()
    assert main(["projections", "status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    places = {(one["model"], one["fingerprint"]): one for one in status["models"]}
    assert {name for name, one in places.items() if not one["current"]} == {(NEXT.name, NEXT.fingerprint)}
    assert all(one["bytes"] > 0 and one["fed_at"] and one["built"] for one in places.values())
    assert [one["schema"] for one in status["leftovers"]] == [left]

    current = schemas(told) - {left, NEXT.schema}
    refused = [
        ["drop"],
        ["drop", "nothing"],
        ["drop", TIMELINE.name, "--version", TIMELINE.fingerprint],
        ["drop", TIMELINE.name, "--version", "0123456789ab"],
        ["drop", TIMELINE.name, "--outdated"],
    ]
    for arguments in refused:
        assert main(["projections", *arguments]) == 2, arguments
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["projections", "drop", TIMELINE.name, "--version", NEXT.fingerprint]) == 0
    assert NEXT.schema in capsys.readouterr().out
    assert schemas(told) == current | {left}
    assert told.one("SELECT count(*) FROM app.checkpoint WHERE fingerprint = %s", NEXT.fingerprint) == 0
    assert main(["projections", "drop", "--outdated", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [left]
    assert schemas(told) == current
    assert main(["projections", "verify"]) == 0


def test_a_version_that_is_fed_is_not_dropped(told: House, capsys: pytest.CaptureFixture[str]) -> None:
    async def drop() -> int:
        await tell(told)
        async with of_release(told, [NEXT]) as new:
            await new.catch_up()
            return await asyncio.to_thread(main, ["projections", "drop", "--outdated"])

    assert asyncio.run(drop()) == 1
    assert "is fed by projector" in capsys.readouterr().err
    assert NEXT.schema in schemas(told)
