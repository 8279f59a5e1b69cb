"""A rebuild that was killed goes on; one whose tables are wrong does not take the place of the live ones."""

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from infra.errors import CommandFailed
from infra.projector import history
from infra.projector.rebuild import rebuild
from infra.running import projecting
from projections.registry import models
from tests.infra.house import House, tables
from tests.infra.tales import Teller

OURS = {model.name: model for model in models("Asia/Tehran")}
TIMELINE, STATISTICS = OURS["patient_timeline"], OURS["statistics"]
NEW = f"{TIMELINE.schema}_new"
FEW = 20

SLOWLY = f"""
import asyncio, os, sys
from infra.settings import Settings
from infra.running import projecting, ready
from infra.projector import history
from infra.projector.rebuild import rebuild

history.ROWS_AT_ONCE = {FEW}
told = 0

def tell(done, total):
    global told
    told += 1
    if told == 3:
        print("midway", flush=True)
        sys.stdin.read()

async def main(settings, servers):
    async with projecting(settings, servers) as (projector, connection):
        await rebuild(connection, projector.reader, projector.models[0], told=tell)

settings = Settings.from_environment(os.environ)
with ready(settings) as servers:
    asyncio.run(main(settings, servers))
"""


async def tell(house: House, seed: int = 1) -> None:
    async with house.opened() as services:
        await Teller(services, seed).tell(60)
    await house.catch_up()


async def killed_midway(house: House) -> None:
    """A real process that rebuilds, and is gone when the third part of the patients is written."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SLOWLY,
        env={**os.environ, **house.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"midway"
    process.send_signal(signal.SIGKILL)
    await process.communicate()


async def rebuilt(house: House) -> list[int]:
    """Rebuild as soon as Postgres has noticed that the one before was killed; what was told of the way."""
    heard: list[int] = []
    async with asyncio.timeout(20), projecting(house.settings, house.servers) as (projector, connection):
        while True:
            with contextlib.suppress(CommandFailed):
                await rebuild(connection, projector.reader, TIMELINE, told=lambda done, _: heard.append(done))
                return heard


def oid(house: House, schema: str) -> object:
    found = house.rows("SELECT oid FROM pg_namespace WHERE nspname = %s", schema)
    return found[0][0] if found else None


async def test_a_rebuild_that_was_killed_goes_on_from_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(house)
    await killed_midway(house)
    ((subject, events),) = house.rows("SELECT subject_id, events FROM app.rebuild")
    made, copied = oid(house, NEW), house.rows(f'SELECT ctid, xmin, subject_id FROM "{NEW}".item')
    assert copied
    assert all(str(row[2]) <= str(subject) for row in copied)
    await tell(house, seed=2)
    monkeypatch.setattr(history, "ROWS_AT_ONCE", FEW)
    heard = await rebuilt(house)
    assert heard[0] > int(str(events)), "the first part it tells of is one more than were there"
    assert oid(house, TIMELINE.schema) == made
    now = house.rows(f'SELECT ctid, xmin, subject_id FROM "{TIMELINE.schema}".item')
    kept = set(copied) & set(now)
    assert len(kept) > len(copied) / 2, "but for those who were changed since, what was copied is there still"
    assert house.one("SELECT count(*) FROM app.rebuild") == 0
    assert await house.wrong() == []


async def test_what_was_begun_for_other_tables_is_begun_anew(house: House) -> None:
    await tell(house)
    await killed_midway(house)
    with house.owner() as connection:
        connection.execute(f'DROP SCHEMA "{NEW}" CASCADE')
    await rebuilt(house)
    assert await house.wrong() == []


async def test_whoever_is_erased_meanwhile_is_not_in_what_goes_on(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(60)
        await house.catch_up()
        await killed_midway(house)
        copied = house.rows(f'SELECT DISTINCT subject_id FROM "{NEW}".item')
        erased = next(patient for patient in teller.patients if (patient,) in copied)
        await teller.erase(erased)
    await house.catch_up()
    assert house.one(f'SELECT count(*) FROM "{NEW}".item WHERE subject_id = %s', erased) == 0
    assert house.one("SELECT count(*) FROM app.rebuild") == 0
    before = tables(house, TIMELINE)
    await rebuilt(house)
    assert tables(house, TIMELINE) == before
    assert await house.wrong() == []


SPOILED = {
    "a row is gone": (
        "patient_timeline",
        "DELETE FROM {new}.item WHERE ctid = (SELECT min(ctid) FROM {new}.item)",
    ),
    "rows say something else": ("patient_timeline", "UPDATE {new}.item SET kind = 'visit'"),
    "sums count twice": (
        "statistics",
        """
        CREATE OR REPLACE FUNCTION {new}.twice() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.n := NEW.n * 2; RETURN NEW; END $$;
        GRANT EXECUTE ON FUNCTION {new}.twice() TO PUBLIC;
        CREATE OR REPLACE TRIGGER twice BEFORE INSERT ON {new}.figure_by_day
        FOR EACH ROW EXECUTE FUNCTION {new}.twice()
        """,
    ),
}


@pytest.mark.parametrize("what", SPOILED)
async def test_new_tables_that_are_wrong_do_not_take_the_place_of_the_live_ones(
    house: House, what: str
) -> None:
    """Spoiled behind its back when everything is copied, before the sums are made."""
    await tell(house)
    name, query = SPOILED[what]
    model = OURS[name]
    before, place = tables(house, model), oid(house, model.schema)

    def spoil(_done: int, _total: int) -> None:
        with house.owner() as connection:
            connection.execute(query.replace("{new}", f'"{model.schema}_new"').encode())

    async with projecting(house.settings, house.servers) as (projector, connection):
        with pytest.raises(CommandFailed, match="was not put in place, the new tables are wrong: "):
            await rebuild(connection, projector.reader, model, told=spoil)
        assert (tables(house, model), oid(house, model.schema)) == (before, place)
        await rebuild(connection, projector.reader, model)
    assert tables(house, model) == before
    assert await house.wrong() == []
