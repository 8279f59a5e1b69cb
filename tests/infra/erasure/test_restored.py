"""The drill: an older backup comes back, of the main database or of both, and the person does not."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from domain.patient import ReactivatePatient
from infra.embedded.postgres import programs
from infra.erasure import ledger
from infra.erasure.carrying import carry, certificate_of
from infra.running import ready
from infra.services import Services
from tests.infra.erasure.marks import MARK, key_of, places_of
from tests.infra.house import House, Urls
from tests.infra.tales import ADMIN, Teller


@pytest.fixture
def house(fresh_database_urls: Callable[[], Urls], tmp_path: Path) -> House:
    """Databases of its own: they are dropped and restored."""
    return House(fresh_database_urls(), tmp_path / "data")


def told_postgres(program: str, *arguments: str) -> None:
    command = [str(programs() / program), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  Postgres's own
    assert ended.returncode == 0, ended.stderr


@contextlib.contextmanager
def brought_back(folder: Path, *urls: str) -> Iterator[None]:
    """What these databases held before, dumped and restored by Postgres's own tools, they hold afterwards."""
    for number, url in enumerate(urls):
        told_postgres("pg_dump", "--format=custom", f"--file={folder / f'dump{number}'}", url)
    yield
    for number, url in enumerate(urls):
        name = urlsplit(url).path[1:]
        with psycopg.connect(url.replace(f"/{name}", "/postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
            connection.execute(f"GRANT CREATE ON DATABASE {name} TO tarikh_projector")
        told_postgres("pg_restore", f"--dbname={url}", str(folder / f"dump{number}"))


async def told(services: Services) -> tuple[Teller, list[UUID]]:
    """Two records of one person, who is the marker, and somebody else's."""
    teller = Teller(services, 1)
    teller._word = lambda: MARK  # type: ignore[method-assign]  # every word is the marker
    for _ in range(2):
        await teller._begin()
    await teller._merge()
    del teller._word
    person = list(teller.patients)
    await teller._begin()
    return teller, person


@pytest.mark.parametrize("both", [False, True], ids=["the main database", "both databases"])
async def test_a_backup_of_before_brings_nobody_back(house: House, tmp_path: Path, *, both: bool) -> None:
    async with house.opened() as services:
        teller, person = await told(services)
    await house.catch_up()
    urls = (house.servers.database_url, house.servers.vault_url)
    with brought_back(tmp_path, *urls[: 1 + both]):
        async with house.opened() as services:
            teller.services = services
            await teller.erase(person[0])
            await carry(services)
    assert places_of(house, MARK) != []
    assert house.one("SELECT count(*) FROM log.erased") == 0
    before = house.one("SELECT position FROM log.head")

    for _ in range(2):  # every process of a house does so when it starts
        with ready(house.settings):
            assert house.one("SELECT position FROM log.head") == int(str(before)) + len(person)
    assert {key_of(house, patient) for patient in person} == {None}
    assert key_of(house, teller.patients[-1]) is not None
    async with house.opened() as services:
        teller.services = services
        for patient in person:
            with pytest.raises(Exception, match=r"patient\.erased"):
                await teller.say(ReactivatePatient(), patient)
        await carry(services)
        certificate, _ = await certificate_of(services, person[1])
        assert set(certificate.patients) == set(person)
        assert (certificate.basis, certificate.by) == ("GDPR.17", ADMIN.account_id)
        assert certificate.rows > 10
    assert places_of(house, MARK) == []
    assert await house.wrong() == []


async def test_of_whoever_the_backup_does_not_know_nothing_is_said(house: House, tmp_path: Path) -> None:
    async with house.opened() as services:
        await Teller(services, 2).tell(2)
    with brought_back(tmp_path, house.servers.database_url):
        async with house.opened() as services:
            teller, person = await told(services)
            await teller.erase(person[0])
    before = house.one("SELECT position FROM log.head")
    with ready(house.settings):
        assert house.one("SELECT position FROM log.head") == before
    assert set(ledger.read(ledger.path_of(house.settings))) == set(person)
    async with house.opened() as services:
        assert await services.vault.keys_for_writing(person) == {}, "no key can be made for them again"


async def test_a_ledger_that_was_lost_is_written_again(house: House) -> None:
    async with house.opened() as services:
        teller, person = await told(services)
        await teller.erase(person[0])
    path = ledger.path_of(house.settings)
    written = ledger.read(path)
    path.unlink()
    with ready(house.settings):
        assert ledger.read(path) == written
