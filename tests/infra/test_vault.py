"""The vault: one key for each patient whoever asks first, gone for good once destroyed."""

import asyncio
from collections.abc import Callable

import pytest

from domain.catalog import tag_of
from infra import vault as vaults
from infra.event_log.codec import Address, DataKey, decode_event, encode_event
from infra.ids import new_id
from infra.secret import Secret
from infra.vault import HOUSE, SECONDS_CACHED, Vault, WrongMasterKey
from tests.infra.writing import MASTER, Urls, pool, registered, vault

OTHER_MASTER = Secret(bytes(32))


@pytest.fixture(scope="module")
def urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    return fresh_database_urls()


def opens(key: DataKey, other: DataKey) -> bool:
    """What the one seals, the other reads."""
    where = Address(new_id(), 1, tag_of(type(registered())), 1)
    return decode_event(encode_event(registered(), where, key), where, other) == registered()


async def test_two_processes_that_ask_at_once_get_the_same_keys(urls: Urls) -> None:
    subjects = [new_id() for _ in range(20)]
    async with vault(urls) as one, vault(urls) as other:
        asked = (each.keys_for_writing(subjects) for each in (one, other) * 3)
        answers = await asyncio.gather(*asked, one.keys_for_writing(subjects[:5]))
    for subject in subjects:
        assert len({keys[subject].key_id for keys in answers if subject in keys}) == 1
    assert opens(answers[0][subjects[0]], answers[1][subjects[0]])


async def test_reading_makes_no_key(urls: Urls) -> None:
    subject = new_id()
    async with vault(urls) as keys:
        assert await keys.keys([subject]) == {}
        assert set(await keys.keys_for_writing([subject, subject])) == {subject}
        assert set(await keys.keys([subject, new_id()])) == {subject}


async def test_another_master_key_is_named_as_such(urls: Urls) -> None:
    subject = new_id()
    async with vault(urls) as keys:
        await keys.keys_for_writing([subject])
    async with vault(urls, OTHER_MASTER) as keys:
        with pytest.raises(WrongMasterKey):
            await keys.keys([subject])


async def test_a_key_cannot_be_moved_to_another_patient(urls: Urls) -> None:
    one, other = new_id(), new_id()
    async with vault(urls) as keys, pool(urls[1]) as opened, opened.connection() as connection:
        await keys.keys_for_writing([one, other])
        await connection.execute(
            """
            UPDATE vault.key
            SET wrapped = (SELECT wrapped FROM vault.key WHERE subject_id = %s)
            WHERE subject_id = %s
            """,
            (one, other),
        )
    async with vault(urls) as keys:
        with pytest.raises(WrongMasterKey):
            await keys.keys([other])


async def test_what_is_destroyed_stays_destroyed(urls: Urls) -> None:
    subject, never_seen = new_id(), new_id()
    async with vault(urls) as keys, vault(urls) as other:
        await keys.keys_for_writing([subject])
        await keys.destroy([subject, never_seen])
        await keys.destroy([subject])
        for each in (keys, other):
            assert await each.keys_for_writing([subject, never_seen]) == {}
            assert await each.keys([subject]) == {}


async def test_a_key_is_held_for_a_minute_and_no_longer(urls: Urls) -> None:
    now = 1000.0
    subject = new_id()
    async with pool(urls[1]) as opened, vault(urls) as other:
        keys = Vault(opened, MASTER, clock=lambda: now)
        await keys.keys_for_writing([subject])
        await other.destroy([subject])
        assert subject in await keys.keys([subject])
        now += SECONDS_CACHED
        assert await keys.keys([subject]) == {}


async def test_old_keys_do_not_stay_in_memory(urls: Urls) -> None:
    now = 1000.0
    async with pool(urls[1]) as opened:
        keys = Vault(opened, MASTER, clock=lambda: now)
        await keys.keys_for_writing([new_id(), new_id()])
        now += SECONDS_CACHED
        last = new_id()
        await keys.keys_for_writing([last])
        assert set(keys._cached) == {last}


async def test_no_more_keys_are_held_than_agreed(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaults, "MOST_CACHED", 2)
    subjects = [new_id() for _ in range(5)]
    async with vault(urls) as keys:
        assert set(await keys.keys_for_writing(subjects)) == set(subjects)
        assert len(keys._cached) == 2


async def test_a_process_that_is_told_forgets_at_once(urls: Urls) -> None:
    one, two = new_id(), new_id()
    async with vault(urls) as keys, vault(urls) as other:
        await keys.keys_for_writing([one, two])
        await other.destroy([one, two])
        keys.forget(one)
        assert set(await keys.keys([one, two])) == {two}
        keys.forget_all()
        assert await keys.keys([one, two]) == {}


async def test_a_key_that_is_destroyed_while_it_is_on_its_way_is_not_held(urls: Urls) -> None:
    subject = new_id()
    async with vault(urls) as keys, vault(urls) as other:
        await other.keys_for_writing([subject])
        asking = asyncio.create_task(keys.keys([subject]))
        await asyncio.sleep(0)
        await other.destroy([subject])
        keys.forget(subject)
        await asking
        assert await keys.keys([subject]) == {}


async def test_the_house_key_is_one_for_ever(urls: Urls) -> None:
    async with vault(urls) as keys, vault(urls) as other:
        assert await keys.house_key() == await other.house_key() == await keys.house_key()
        assert len(await keys.house_key()) == 32
        assert HOUSE not in keys._cached
