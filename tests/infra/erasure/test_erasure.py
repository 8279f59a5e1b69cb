"""Erasure: nothing of the person is left to read, whatever was cut short, whatever backup comes back."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from domain.errors import NotFound, Rejected
from domain.event import Coded
from domain.patient import ErasePatient, ReactivatePatient, RecordBackground, RegisterPatient
from infra.erasure import ledger
from infra.erasure.forget import forget
from infra.erasure.ledger import Entry
from infra.ids import new_id
from infra.running import ready
from infra.services import Services, opened
from projections.registry import models
from tests.infra.erasure.marks import MARK, key_of, places_of
from tests.infra.house import House, tables
from tests.infra.tales import ADMIN, Teller


async def marked(teller: Teller) -> UUID:
    """A patient all of whose words are the marker, in every kind of record."""
    teller._word = lambda: f"{MARK} {new_id()}"  # type: ignore[method-assign]
    await teller._begin()
    patient = teller.patients[-1]
    line = teller.lines[-1]
    await teller.say(RecordBackground(kind="allergy", code=Coded(text=MARK)), patient)
    teller.lines, teller.diagnoses = [line], teller.diagnoses[-1:]
    for step in (Teller._finding, Teller._diagnosis, Teller._revise, Teller._submit, Teller._feedback):
        with contextlib.suppress(Rejected):
            await step(teller)
    del teller._word
    return patient


async def test_of_an_erased_patient_nothing_is_left(house: House) -> None:
    async with house.opened() as services:
        others = await Teller(services, 1).tell(12)
        await house.catch_up()
        without = {model.name: tables(house, model) for model in models("Asia/Tehran")}
        teller = Teller(services, 2)
        patient = await marked(teller)
        await house.catch_up()
        assert len(places_of(house, MARK)) >= 5
        await teller.erase(patient)
        await house.catch_up()
        assert others.patients
    assert places_of(house, MARK) == []
    assert places_of(house, MARK.split("-")[1]) == []
    assert key_of(house, patient) is None
    assert set(ledger.read(ledger.path_of(house.settings))) == {patient}
    left = {model.name: tables(house, model) for model in models("Asia/Tehran")}
    places = left.pop("audit_trail")["entry"]
    assert [row for row in places if row[0] != patient] == without.pop("audit_trail")["entry"]
    assert left == without, "sums come back to what they were, and no row is left"
    assert await house.wrong() == []
    await house.rebuild()
    assert {model.name: tables(house, model) for model in models("Asia/Tehran")} == {
        **left,
        "audit_trail": {"entry": places},
    }


async def test_claims_of_the_erased_are_free_again(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        register = RegisterPatient(patient_no="A-1", name="Zahra")
        patient = (await teller.say(register, None)).id
        await teller.erase(patient)
        assert (await teller.say(register, None)).id != patient


async def test_nothing_is_recorded_for_the_erased(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(2)
        await teller.erase(teller.patients[0])
        head = await services.reader.head()
        with pytest.raises(Rejected, match=r"patient\.erased"):
            await teller.say(ReactivatePatient(), teller.patients[0])
        with pytest.raises((Rejected, NotFound)):
            await teller._issue(teller.diagnoses[0], teller.patients[0])
        assert await services.reader.head() == head


async def test_whoever_is_merged_is_forgotten_together(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(2)
        await teller._merge()
        await teller.erase(teller.patients[0])
        await house.catch_up()
        for patient in teller.patients:
            assert key_of(house, patient) is None
    assert set(ledger.read(ledger.path_of(house.settings))) == set(teller.patients)
    assert await house.wrong() == []


async def cut_short(house: House, services: Services) -> UUID:
    """The event stands in the log, and then the process was killed."""
    teller = await Teller(services, 1).tell(2)
    await teller.say(ErasePatient(legal_basis="GDPR.17"), teller.patients[0], ADMIN)
    assert key_of(house, teller.patients[0]) is not None
    return teller.patients[0]


async def test_what_was_cut_short_is_finished_at_the_next_start(house: House) -> None:
    async with house.opened() as services:
        patient = await cut_short(house, services)
    with ready(house.settings):
        assert key_of(house, patient) is None
    assert set(ledger.read(ledger.path_of(house.settings))) == {patient}


async def test_a_resend_finishes_what_was_cut_short_after_the_ledger(house: House) -> None:
    async with house.opened() as services:
        patient = await cut_short(house, services)
        ledger.write(ledger.path_of(house.settings), [entry(patient)])
        await forget(services.settings, services.vault, services.reader, services.pool)
        assert key_of(house, patient) is None


@contextlib.contextmanager
def backup_of_the_vault(house: House) -> Iterator[None]:
    """What stood in the vault before stands in it again afterwards."""
    with psycopg.connect(house.servers.vault_url) as vault:
        vault.execute("CREATE TABLE backup AS SELECT * FROM vault.key")
    yield
    with psycopg.connect(house.servers.vault_url) as vault:
        vault.execute("TRUNCATE vault.key")
        vault.execute("INSERT INTO vault.key SELECT * FROM backup")


async def test_an_older_backup_of_the_vault_brings_nobody_back(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(2)
        kept, erased = teller.patients
        with backup_of_the_vault(house):
            await teller.erase(erased)
    assert key_of(house, erased) is not None
    with ready(house.settings):
        assert key_of(house, erased) is None
        assert key_of(house, kept) is not None
    async with house.opened() as services:
        assert (await services.reader.stream(erased))[0].event is None


async def test_a_backup_from_before_the_patient_came_makes_no_new_key(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        with backup_of_the_vault(house):
            await teller.tell(2)
            await teller.erase(teller.patients[0])
    with ready(house.settings):
        assert key_of(house, teller.patients[0]) is None
    async with house.opened() as services:
        assert await services.vault.keys_for_writing([teller.patients[0]]) == {}


async def test_other_processes_drop_the_key_at_once(house: House) -> None:
    async with house.opened() as services, opened(house.settings, house.servers) as other:
        teller = await Teller(services, 1).tell(2)
        patient = teller.patients[0]
        assert (await other.reader.stream(patient))[0].event is not None
        await teller.erase(patient)
        async with asyncio.timeout(5):
            while patient in await other.vault.keys([patient]):  # noqa: ASYNC110  another process tells it
                await asyncio.sleep(0)
        assert (await other.reader.stream(patient))[0].event is None


async def test_a_process_that_cannot_hear_holds_no_key(house: House) -> None:
    async with house.opened() as services, opened(house.settings, house.servers) as other:
        teller = await Teller(services, 1).tell(2)
        patient = teller.patients[0]
        assert await other.vault.keys([patient])
        with house.owner() as connection:
            connection.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE 'LISTEN tarikh_erased%' AND datname = current_database()
                """
            )
        async with asyncio.timeout(5):
            while other.vault._cached:  # noqa: ASYNC110  the listener notices it
                await asyncio.sleep(0.01)


def entry(patient: UUID) -> Entry:
    """What the ledger says of a patient."""
    return Entry(patient, "GDPR.17", ADMIN.account_id, datetime.now(UTC))


def test_a_ledger_that_was_cut_in_a_line_loses_no_other(tmp_path: Path) -> None:
    path = tmp_path / "erasures"
    one, two, three = entry(new_id()), entry(new_id()), entry(new_id())
    ledger.write(path, [one])
    with path.open("a") as file:
        file.write(two.line()[:-1])
    ledger.write(path, [three, one])
    assert ledger.read(path) == {one.patient_id: one, three.patient_id: three}
    ledger.write(path, [two])
    assert ledger.read(path) == {each.patient_id: each for each in (one, two, three)}
    assert ledger.read(tmp_path / "nothing") == {}
