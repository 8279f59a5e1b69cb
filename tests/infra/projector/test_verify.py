"""Verifying: what was done to the tables behind the projector's back is named, and nothing else."""

import pytest

from infra.errors import CommandFailed
from infra.projector.alone import alone
from infra.running import projecting
from projections.registry import models
from tests.infra.house import House
from tests.infra.tales import Teller

TAMPERED = {
    "a changed text": (
        "UPDATE {patient_timeline.item} SET kind = 'visit' WHERE {any patient_timeline.item}",
        ["item differs in kind"],
    ),
    "a changed structure": (
        """
        UPDATE {diagnoses.diagnosis} SET condition = '{"text": "other"}' WHERE {any diagnoses.diagnosis}
        """,
        ["diagnosis differs in condition"],
    ),
    "a row made invisible": (
        "UPDATE {patient_timeline.item} SET removed = NOT removed WHERE {any patient_timeline.item}",
        ["item differs in removed"],
    ),
    "a missing row": ("DELETE FROM {audit_trail.entry} WHERE {any audit_trail.entry}", ["entry missing"]),
    "an extra row of a patient": (
        """
        CREATE TEMPORARY TABLE copied AS SELECT * FROM {audit_trail.entry} WHERE {any audit_trail.entry};
        UPDATE copied SET position = 999999;
        INSERT INTO {audit_trail.entry} SELECT * FROM copied
        """,
        ["entry not in the log"],
    ),
    "rows of nobody": (
        "UPDATE {audit_trail.entry} SET subject_id = gen_random_uuid() WHERE {any audit_trail.entry}",
        ["entry 1 rows of nobody in the log", "entry missing"],
    ),
    "a wrong sum": (
        "UPDATE {statistics.figure_by_day} SET n = n + 1 WHERE {any statistics.figure_by_day}",
        ["figure_by_day missing or wrong", "figure_by_day not in the contributions"],
    ),
    "a sum of nothing": (
        """
        INSERT INTO {statistics.figure_by_day}
        SELECT 0, day, 'made.up', 'x', 1 FROM {statistics.figure_by_day} LIMIT 1
        """,
        ["figure_by_day not in the contributions"],
    ),
    "a missing sum": (
        "DELETE FROM {statistics.figure_by_day} WHERE {any statistics.figure_by_day}",
        ["figure_by_day missing or wrong"],
    ),
}


def placed(query: str) -> str:
    """The query with the tables' own names in it; `any` is the first row of a table."""
    for model in models("Asia/Tehran"):
        for table in [t.name for t in model.tables] + [r.name for r in model.rollups]:
            name, called = f'"{model.schema}".{table}', f"{model.name}.{table}"
            query = query.replace(f"{{{called}}}", name)
            query = query.replace(f"{{any {called}}}", f"ctid = (SELECT min(ctid) FROM {name})")
    return query


async def told(house: House, seed: int = 1) -> None:
    async with house.opened() as services:
        await Teller(services, seed).tell(24)
    await house.catch_up()


async def test_whatever_is_changed_is_named(house: House) -> None:
    await told(house)
    assert await house.wrong() == []
    for what, (query, found) in TAMPERED.items():
        model = query.partition("{")[2].partition(".")[0]
        with house.owner() as connection, connection.transaction():
            connection.execute(placed(query))
        assert sorted(await house.wrong(model)) == found, what
        await house.rebuild(model)
    assert await house.wrong() == []


async def test_a_model_that_was_never_built_is_said_to_be(house: House) -> None:
    assert set(await house.wrong("diagnoses")) == {" never built"}


async def test_verifying_does_not_wait_for_the_projector_nor_stop_it(house: House) -> None:
    await told(house)
    async with house.opened() as services, house.projecting() as projector:
        await Teller(services, 2).tell(12)
        assert await house.wrong() == []
        await projector.catch_up()
        assert await house.wrong() == []


async def test_while_a_model_is_rebuilt_it_is_not_verified(house: House) -> None:
    await told(house)
    async with projecting(house.settings, house.servers) as (projector, connection):
        async with alone(connection, projector.models[0]):
            with pytest.raises(CommandFailed):
                await house.wrong()
        assert await house.wrong() == []


async def test_no_more_is_told_than_a_person_reads(house: House) -> None:
    await told(house)
    with house.owner() as connection:
        connection.execute(
            placed("UPDATE {audit_trail.entry} SET tag = 'x'; TRUNCATE {statistics.figure_by_day}")
        )
    assert 1 <= len(await house.wrong("audit_trail")) <= 100


async def test_a_patient_who_is_being_erased_is_no_difference(house: House) -> None:
    """The key is gone, the erasure stands in the log, the projector has not come to it yet."""
    await told(house)
    async with house.opened() as services:
        teller = await Teller(services, 5).tell(6)
        await house.catch_up()
        await teller.erase(teller.patients[0])
    assert await house.wrong() == []
    await house.catch_up()
    assert await house.wrong() == []


async def test_a_patient_whose_key_was_lost_is_no_erased_one(house: House) -> None:
    await told(house)
    async with house.opened() as services, services.vault._pool.connection() as connection:
        await connection.execute(
            "DELETE FROM vault.key WHERE subject_id = (SELECT max(subject_id::text)::uuid FROM vault.key)"
        )
    found = await house.wrong()
    assert len(found) == len(models("Asia/Tehran"))
    assert all(what.startswith(" cannot be folded past position ") for what in found)
