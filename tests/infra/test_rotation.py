"""A new master key: everything is wrapped anew while everybody works, and the old one opens nothing more."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import Callable

import psycopg
import pytest

from domain.errors import Conflict
from domain.patient import RegisterPatient
from infra import rotation
from infra.cli import main
from infra.ids import new_id
from infra.master_keys import MasterKeys
from infra.rotation import rotate
from infra.secret import Secret
from infra.services import opened
from infra.settings import Settings
from infra.vault import Vault, WrongMasterKey
from tests.infra.house import House
from tests.infra.tales import Teller
from tests.infra.writing import MASTER, Urls, pool, vault

NEW_MASTER = Secret(bytes(range(100, 132)))
BOTH = MasterKeys(NEW_MASTER, MASTER)


@pytest.fixture
def urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    return fresh_database_urls()


async def test_nothing_opens_with_the_old_key_and_all_with_the_new_one(urls: Urls) -> None:
    patients = [new_id() for _ in range(12)]
    async with vault(urls) as old:
        before = await old.keys_for_writing(patients)
        house = await old.house_key()
        await old.destroy(patients[:1])
    async with pool(urls[1]) as shared:
        rotated = await rotate(shared, BOTH)
    assert (rotated.keys, rotated.master_id) == (12, BOTH.id)
    async with vault(urls, NEW_MASTER) as new:
        after = await new.keys(patients)
        assert after.keys() == set(patients[1:])
        assert all(after[one].key_id == before[one].key_id for one in after)
        assert await new.house_key() == house
        assert await new.keys_for_writing(patients[:1]) == {}, "who was erased stays so"
    async with vault(urls) as old:
        with pytest.raises(WrongMasterKey, match="TARIKH_OLD_MASTER_KEY"):
            await old.keys(patients)
        with pytest.raises(WrongMasterKey):
            await old.house_key()


async def test_processes_that_know_both_keys_notice_nothing(urls: Urls) -> None:
    """The old one first, as before it; the new one first, as after it; one that made keys meanwhile."""
    patients = [new_id() for _ in range(40)]
    async with vault(urls) as old:
        await old.keys_for_writing(patients[:20])
    async with pool(urls[1]) as shared:
        old_first = Vault(shared, MASTER, old_master_key=NEW_MASTER)
        new_first = Vault(shared, NEW_MASTER, old_master_key=MASTER)
        rotating = asyncio.create_task(rotate(shared, BOTH))
        for patient in patients[20:]:
            for one, other in ((old_first, new_first), (new_first, old_first)):
                key = (await one.keys_for_writing([patient]))[patient]
                assert (await other.keys([patient]))[patient].key_id == key.key_id
                one.forget_all()
                other.forget_all()
        await rotating
        await rotate(shared, BOTH)
        assert (await rotate(shared, BOTH)).keys == 0
    async with vault(urls, NEW_MASTER) as new:
        assert (await new.keys(patients)).keys() == set(patients)


async def test_whoever_is_erased_in_the_middle_stays_erased(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, kept = sorted((new_id(), new_id()))
    rewrapped = rotation._rewrapped
    async with vault(urls) as old, pool(urls[1]) as shared:
        await old.keys_for_writing([erased, kept])

        def erase_first(masters: MasterKeys, page: list[tuple[object, ...]]) -> tuple[list[object], ...]:
            """What a page was read for, somebody else destroys."""
            with psycopg.connect(urls[1]) as elsewhere:
                elsewhere.execute(
                    "UPDATE vault.key SET wrapped = NULL, destroyed_at = now() WHERE subject_id = %s",
                    (erased,),
                )
            return rewrapped(masters, page)

        monkeypatch.setattr(rotation, "_rewrapped", erase_first)
        assert (await rotate(shared, BOTH)).keys == 1
    async with vault(urls, NEW_MASTER) as new:
        assert (await new.keys([erased, kept])).keys() == {kept}


async def test_a_key_that_neither_opens_is_named(urls: Urls) -> None:
    stranger = Secret(bytes(32))
    async with vault(urls, stranger) as other:
        await other.keys_for_writing([new_id()])
    async with pool(urls[1]) as shared:
        with pytest.raises(WrongMasterKey, match=MasterKeys(stranger).id):
            await rotate(shared, BOTH)


@pytest.fixture
def new_key(house: House, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a house that was given a new master key, and keeps the old one beside it."""
    given = {
        **house.environment,
        "TARIKH_MASTER_KEY": base64.b64encode(NEW_MASTER.reveal()).decode(),
        "TARIKH_OLD_MASTER_KEY_FILE": str(house.settings.data_dir / "secrets" / "master.key"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


async def keys_of_house(house: House, count: int) -> None:
    async with house.opened() as services:
        await services.vault.house_key()
        await services.vault.keys_for_writing([new_id() for _ in range(count)])


def left(house: House) -> int:
    """How many keys are still wrapped by another one than the new."""
    with psycopg.connect(house.servers.vault_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM vault.key WHERE wrapped IS NOT NULL AND master_id <> %s", (BOTH.id,)
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_killed_in_the_middle_the_next_run_goes_on(house: House, new_key: dict[str, str]) -> None:
    await keys_of_house(house, 3_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "vault", "rotate"),
        env={**os.environ, **new_key},
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        while left(house) == 3_001:  # noqa: ASYNC110  it works
            await asyncio.sleep(0)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    rest = left(house)
    assert 0 < rest < 3_001
    assert await asyncio.to_thread(main, ["vault", "rotate"]) == 0
    assert left(house) == 0


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["doctor", "--json"])
    return code, json.loads(capsys.readouterr().out)["problems"]


def test_the_doctor_names_a_vault_with_keys_of_another(
    house: House, new_key: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(keys_of_house(house, 4))
    assert new_key
    old = MasterKeys(house.settings.master_key).id
    code, problems = doctor(capsys)
    assert code == 1
    assert problems == [f"the vault holds 5 keys of another master key ({old}): run `tarikh vault rotate`"]
    assert main(["vault", "rotate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"keys": 5, "master_id": BOTH.id}
    monkeypatch.delenv("TARIKH_OLD_MASTER_KEY_FILE")
    assert doctor(capsys) == (0, [])


async def test_claims_and_records_are_as_before(house: House, new_key: dict[str, str]) -> None:
    register = RegisterPatient(patient_no="A-1", name="Zahra")
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(6)
        await teller.say(register, None)
        before = await services.reader.by_subject(teller.patients)
    assert await asyncio.to_thread(main, ["vault", "rotate"]) == 0
    del new_key["TARIKH_OLD_MASTER_KEY_FILE"]
    async with opened(Settings.from_environment(new_key), house.servers) as services:
        assert await services.reader.by_subject(teller.patients) == before
        teller.services = services
        with pytest.raises(Conflict, match=r"claim\.taken"):
            await teller.say(register, None)
    async with house.opened() as services:
        with pytest.raises(WrongMasterKey):
            await services.reader.by_subject(teller.patients)
