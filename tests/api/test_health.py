"""What a house says of itself: while it begins, and when all is well."""

import dataclasses

import httpx
import pytest

from tests.api import stories
from tests.api.house import Caller, House, problem


def test_a_house_that_is_well_says_how_far_it_is(house: House) -> None:
    told = httpx.get(f"{house.url}/health/ready").json()
    assert (told["status"], told["problems"]) == ("ok", [])
    assert set(told["checkpoints"]) == set(house.services.models)
    assert httpx.get(f"{house.url}/health/live").json()["status"] == "ok"


def test_before_its_read_models_are_built_it_is_not_ready_and_asks_to_come_back(
    house: House, doctor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = stories.register(doctor)["id"]
    models = house.services.models
    for name in ("patient_timeline", "patients"):
        monkeypatch.setitem(models, name, dataclasses.replace(models[name], parameters=("another release",)))
    for path in (f"/patients/{patient_id}", "/patients", f"/patients/{patient_id}/timeline"):
        problem(doctor.get(path, {"Tarikh-Min-Position": "0"}), 503, "projection.behind")
    ready = httpx.get(f"{house.url}/health/ready")
    assert ready.status_code == 503
    assert ready.json()["problems"] == ["projection.missing:patient_timeline", "projection.missing:patients"]
