"""A house whose Postgres dies: it says so, stores nothing, and goes on when Postgres is back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from infra import embedded
from tests.api import stories
from tests.api.house import House, problem
from tests.api.processes import eventually, stop_postgres


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
