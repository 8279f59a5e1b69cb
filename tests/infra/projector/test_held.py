"""A patient who cannot be applied is held back in that read model alone; everybody else goes on."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from infra.projector import held, rebuild, verify
from infra.projector import projector as projectors
from infra.projector.projector import Projector
from infra.projector.retrying import retry
from infra.running import projecting
from projections.model import ReadModel
from projections.registry import models
from tests.infra.house import House, tables
from tests.infra.poison import FRAGILE, TIMELINE, first_of, flip, fragile, last_of
from tests.infra.tales import Teller

UNREADABLE = "infra.event_log.codec.Unreadable"
NAMES = {model.name for model in models("Asia/Tehran")}


@contextlib.asynccontextmanager
async def of_fragile(house: House) -> AsyncIterator[tuple[Projector, AsyncConnection]]:
    """A projector of a release whose timeline has a fragile fold, and whose groups are as ever."""
    async with projecting(house.settings, house.servers) as (now, connection):
        groups = [model for model in now.models if model.name == "patient_groups"]
        projector = Projector(connection, now.reader, [FRAGILE, *groups])
        assert await projector.take_over()
        yield projector, connection
        await projector.give_back()


async def told(house: House, seed: int = 1, count: int = 24) -> Teller:
    async with house.opened() as services:
        return await Teller(services, seed).tell(count)


def of_others(house: House, model: ReadModel, patient: UUID) -> dict[str, list[tuple[object, ...]]]:
    return {name: [row for row in rows if row[0] != patient] for name, rows in tables(house, model).items()}


def holds(house: House) -> dict[tuple[str, UUID], int]:
    found = house.rows("SELECT model, subject_id, position FROM app.held")
    return {(str(model), UUID(str(subject))): int(str(place)) for model, subject, place in found}


async def wrong_in(connection: AsyncConnection, projector: Projector) -> list[str]:
    found = [await verify.verify(connection, projector.reader, model) for model in projector.models]
    return [str(wrong) for one in found for wrong in one.wrong]


async def test_an_altered_byte_holds_its_patient_back_everywhere_and_nobody_else(house: House) -> None:
    teller = await told(house)
    patient = teller.patients[0]
    altered = last_of(house, patient)
    flip(house, altered)
    await house.catch_up()
    assert holds(house) == {(name, patient): altered for name in NAMES}
    assert house.one("SELECT DISTINCT error FROM app.held") == UNREADABLE
    assert str(house.one("SELECT DISTINCT place FROM app.held")).startswith("infra.event_log.codec._opened:")
    assert await house.wrong() == []
    assert any(row[0] == patient for row in tables(house, TIMELINE)["item"]), "the rows before it stand"
    await told(house, seed=2)
    await house.catch_up()
    assert holds(house).keys() == {(name, patient) for name in NAMES}
    flip(house, altered)
    async with house.projecting() as projector:
        for one in await held.all_of(projector._connection, 0):
            model = next(model for model in projector.models if model.name == one.model)
            assert await retry(projector._connection, projector.reader, model, one) is None
    assert holds(house) == {}
    assert await house.wrong() == []


async def test_what_is_retried_in_vain_is_held_on(house: House) -> None:
    teller = await told(house)
    flip(house, last_of(house, teller.patients[0]))
    await house.catch_up()
    before = holds(house)
    async with house.projecting() as projector:
        (one, *_) = [h for h in await held.all_of(projector._connection, 0) if h.model == TIMELINE.name]
        still = await retry(projector._connection, projector.reader, TIMELINE, one)
    assert still is not None
    assert still.error == UNREADABLE
    assert holds(house) == before


@pytest.mark.parametrize("fails", ["raising", "refused", "too_large"])
async def test_a_fold_that_fails_holds_back_one_patient_in_one_read_model(
    house: House, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projectors, "MOST_EVENTS", 13)
    teller = await told(house)
    patient = teller.patients[1]
    first = first_of(house, patient) + 1
    with fragile(**{fails: [first]}):
        async with of_fragile(house) as (projector, connection):
            await projector.catch_up()
            assert holds(house) == {(FRAGILE.name, patient): first}
            await told(house, seed=2, count=12)
            await projector.catch_up()
            (one,) = await held.all_of(connection, 0)
    await house.catch_up()
    assert one.error.startswith(
        {"raising": "tests.infra.poison.FoldFailed", "refused": "psycopg."}.get(fails, "")
    )
    assert one.place.startswith("infra.projector.")
    assert "MARKER" not in str(one)
    assert of_others(house, FRAGILE, patient) == of_others(house, TIMELINE, patient)
    async with of_fragile(house) as (projector, connection):
        before = house.one("SELECT position FROM log.head")
        assert await retry(connection, projector.reader, FRAGILE, one) is None
        assert tables(house, FRAGILE) == tables(house, TIMELINE)
        assert await wrong_in(connection, projector) == []
        await told(house, seed=3, count=12)
        await projector.catch_up()
        assert house.one("SELECT position FROM log.head") != before
        assert await wrong_in(connection, projector) == []


async def test_a_freed_patients_rows_are_changed_for_phones(house: House) -> None:
    """Those that came while they were held; those that stood all the time are as they were."""
    teller = await told(house)
    patient = teller.patients[0]
    poison, last = first_of(house, patient) + 1, last_of(house, patient)
    query = f'SELECT position, changed_at FROM "{FRAGILE.schema}".item WHERE subject_id = %s'
    async with of_fragile(house) as (projector, connection):
        with fragile(raising=[poison]):
            await projector.catch_up()
        stood = house.rows(query, patient)
        assert [int(str(position)) < poison for position, _ in stood] == [True]
        (one,) = await held.all_of(connection, 0)
        assert await retry(connection, projector.reader, FRAGILE, one) is None
        freed = house.rows(query, patient)
        assert set(stood) <= set(freed)
        assert {changed_at for _, changed_at in set(freed) - set(stood)} == {last}


async def test_an_erasure_frees_whoever_is_held(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(12)
        patient, other = teller.patients[0], teller.patients[1]
        flip(house, last_of(house, patient))
        await house.catch_up()
        flip(house, last_of(house, other))
        assert len(holds(house)) == len(NAMES)
        await teller.erase(patient)
        await house.catch_up()
        assert holds(house) == {}
        flip(house, last_of(house, other))
    assert await house.wrong() == []


async def test_poison_and_erasure_in_one_batch_hold_nobody(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(12)
        patient = teller.patients[0]
        poison = first_of(house, patient) + 1
        await teller.erase(patient)
    with fragile(raising=[poison]):
        async with of_fragile(house) as (projector, connection):
            await projector.catch_up()
            assert holds(house) == {}
            assert await wrong_in(connection, projector) == []


async def test_a_rebuild_holds_back_whom_the_projector_would(house: House) -> None:
    teller = await told(house)
    altered, raising, refused = teller.patients[:3]
    flip(house, last_of(house, altered))
    at = {
        (FRAGILE.name, altered): last_of(house, altered),
        (FRAGILE.name, raising): first_of(house, raising) + 1,
        (FRAGILE.name, refused): first_of(house, refused) + 1,
    }
    with fragile(raising=[at[FRAGILE.name, raising]], refused=[at[FRAGILE.name, refused]]):
        async with of_fragile(house) as (projector, connection):
            await projector.catch_up()
            live = tables(house, FRAGILE)
            held_live = {one: place for one, place in holds(house).items() if one[0] == FRAGILE.name}
            assert held_live == at
            await rebuild.rebuild(connection, projector.reader, FRAGILE)
            assert tables(house, FRAGILE) == live
            assert {one: place for one, place in holds(house).items() if one[0] == FRAGILE.name} == at
            verified = await verify.verify(connection, projector.reader, FRAGILE)
            assert (verified.wrong, verified.held) == ([], sorted([altered, raising, refused]))


async def test_a_rebuild_frees_whom_repaired_code_can_fold(house: House) -> None:
    teller = await told(house)
    async with of_fragile(house) as (projector, connection):
        with fragile(raising=[last_of(house, teller.patients[0])]):
            await projector.catch_up()
        assert len(holds(house)) == 1
        await rebuild.rebuild(connection, projector.reader, FRAGILE)
        assert holds(house) == {}
        assert await wrong_in(connection, projector) == []


async def test_another_version_begins_without_holds(house: House) -> None:
    teller = await told(house)
    poison = last_of(house, teller.patients[0])
    with fragile(raising=[poison]):
        async with of_fragile(house) as (projector, _):
            await projector.catch_up()
        assert holds(house) == {(FRAGILE.name, teller.patients[0]): poison}
        await house.catch_up()
    held_in = house.rows("SELECT DISTINCT fingerprint FROM app.held")
    assert held_in == [(FRAGILE.fingerprint,)]
    assert await house.wrong() == []


async def test_what_is_no_patients_fault_holds_back_nobody(house: House) -> None:
    """A table that is gone, as after a drop behind the projector's back, is not everybody's poison."""
    await told(house)
    async with of_fragile(house) as (projector, _):
        await projector.catch_up()
        await told(house, seed=2)
        with house.owner() as connection:
            connection.execute(f'DROP SCHEMA "{FRAGILE.schema}" CASCADE')
        with pytest.raises(Exception, match="does not exist"):
            await projector.catch_up()
    assert holds(house) == {}
