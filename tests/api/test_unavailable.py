"""A house whose Postgres dies: it says so, stores nothing, and goes on when Postgres is back."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import httpx
import msgspec
import psutil
import pytest

from infra import embedded
from infra.settings import Settings
from tests.api import stories
from tests.api.house import House, problem, running

TRIES = 200


@pytest.fixture
def own_house(settings: Settings, tmp_path: Path, stderr: TextIO) -> Iterator[House]:
    """A house on a data dir of its own, whose servers nobody else needs."""
    own = msgspec.structs.replace(
        settings, data_dir=tmp_path / "data", database_url=None, vault_url=None, cache_url="none"
    )
    with running(own, stderr) as found:
        yield found


def stop_postgres(house: House) -> None:
    """Kill its watchdog, with whom it dies; nobody is left to start it again."""
    pid = int((house.settings.data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    postgres = psutil.Process(pid)
    watchdog = postgres.parent()
    assert watchdog is not None
    watchdog.kill()
    psutil.wait_procs([postgres, watchdog])


def test_without_postgres_nothing_is_answered_and_nothing_is_stored(own_house: House) -> None:
    house, doctor = own_house, own_house.caller("practitioner")
    auditor = house.caller("auditor")
    _, patient_id, _, _ = stories.treated(house, doctor)
    before = auditor.read("/audit/events")["items"]
    stop_postgres(house)
    lost = {"patient_no": stories.number(), "name": "x"}
    asked: list[Callable[[], httpx.Response]] = [
        lambda: doctor.get(f"/patients/{patient_id}/timeline"),
        lambda: doctor.post(f"/patients/{patient_id}/diagnoses", stories.MIGRAINE),
        lambda: doctor.post("/patients", lost),
    ]
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        ready = pool.submit(httpx.get, f"{house.url}/health/ready", timeout=20)
        answers = list(pool.map(lambda ask: ask(), asked))
    for answered in answers:
        problem(answered, 503, "storage.unavailable")
        assert int(answered.headers["Retry-After"]) >= 1
    assert ready.result().status_code == 503
    assert httpx.get(f"{house.url}/health/live").status_code == 200
    with embedded.servers(house.settings):
        eventually(lambda: doctor.get(f"/patients/{patient_id}/timeline").status_code == 200)
        assert auditor.read("/audit/events")["items"] == before
        eventually(lambda: doctor.post("/patients", lost).status_code == 201)


def eventually(true: Callable[[], bool]) -> None:
    """Each try waits for the pool by itself."""
    assert any(true() for _ in range(TRIES))
