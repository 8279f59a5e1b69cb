"""A patient who is held back, from the altered byte to the repaired record, as callers see it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import httpx
import psycopg
import pytest

from infra.settings import Settings
from projections.registry import models
from tests.api import stories
from tests.api.house import Caller, House, problem, running
from tests.api.processes import caught_up, given, problems, process, rows, until
from tests.infra.event_log.calls import Fresh
from tests.infra.house import environment
from tests.infra.poison import FLIP

HELD = sorted(f"projection.held:{model.name}" for model in models("Asia/Tehran"))


@pytest.fixture
def own(fresh_database_urls: Fresh, tmp_path: Path, stderr: TextIO) -> Iterator[House]:
    settings = Settings.from_environment(environment(fresh_database_urls(), tmp_path / "data"))
    with running(settings, stderr) as found:
        yield found


def poisoned(house: House, doctor: Caller, patient_id: str) -> int:
    """A diagnosis of which a byte is altered before the projector comes to it; its position."""
    with psycopg.connect(house.servers.database_url) as lock:
        lock.execute("LOCK TABLE app.checkpoint")
        position: int = stories.diagnose(doctor, patient_id)["position"]
        rows(house, FLIP.format(position))
        lock.rollback()
    until(lambda: caught_up(house))
    house.position = 0
    return position


def command(house: House, *arguments: str) -> tuple[int, object]:
    """What `tarikh projections …` answers a program."""
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-m", "infra.cli", "projections", *arguments, "--json"],
        env=given(house),
        capture_output=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_held_patient_from_the_altered_byte_to_the_repaired_record(own: House) -> None:
    doctor, auditor = own.caller("practitioner"), own.caller("auditor")
    admin = own.caller("admin")
    patient, patient_id, _, line_id = stories.treated(own, doctor)
    twin_id = stories.treated(own, doctor)[1]
    stranger_id = stories.treated(own, doctor)[1]
    stories.merge(doctor, admin, twin_id, patient_id)
    before = own.position
    own.position = 0
    position = poisoned(own, doctor, patient_id)

    paths = [f"/patients/{patient_id}/timeline", f"/patients/{twin_id}/timeline"]
    paths += [f"/patients/{patient_id}", f"/patients/{patient_id}/diagnoses", f"/recommendations/{line_id}"]
    for path in paths:
        answered = doctor.get(path)
        problem(answered, 503, "projection.held")
        assert int(answered.headers["Retry-After"]) >= 1
    told = {problem(patient.get(paths[0], lang=lang), 503, "projection.held")["detail"] for lang in LANGUAGES}
    assert len(told) == len(LANGUAGES)
    replayed = {"patient": patient_id, "known_at": before}
    assert auditor.read("/audit/replay", None, **replayed)["items"]
    problem(auditor.get("/audit/replay", None, **replayed | {"known_at": position}), 503, "projection.held")
    assert doctor.read(paths[0], known_at=before)["items"], "what was known before can be read"

    assert len(doctor.read(f"/patients/{stranger_id}/timeline")["items"]) >= 3
    stories.diagnose(doctor, stranger_id)
    assert doctor.read(f"/patients/{stranger_id}/timeline")["position"] > position
    assert len(doctor.read("/patients")["items"]) >= 2
    assert auditor.read("/audit/events")["items"]
    status, found = problems(own.url)
    assert (status, sorted(found)) == (200, HELD)
    assert httpx.get(f"{own.url}/health/ready").json()["status"] == "degraded"

    code, standing = command(own, "status")
    assert code == 0
    assert isinstance(standing, dict)
    assert {(one["subject_id"], one["position"], one["error"]) for one in standing["held"]} == {
        (patient_id, position, "infra.event_log.codec.Unreadable")
    }
    code, retried = command(own, "retry")
    assert code == 1
    assert isinstance(retried, list)
    assert {one["free"] for one in retried} == {False}
    assert command(own, "verify")[0] == 0

    rows(own, FLIP.format(position))
    code, retried = command(own, "retry", "--patient", patient_id)
    assert code == 0
    assert isinstance(retried, list)
    assert len(retried) == len(HELD)
    assert problems(own.url) == (200, [])
    shown = doctor.read(paths[0])
    assert (shown["position"], shown["items"][0]["position"]) == (position, position)
    assert doctor.read(paths[1])["items"][0]["position"] == position
    assert command(own, "verify")[0] == 0


LANGUAGES = ("fa", "en", "ar")


def test_a_projector_that_starts_anew_holds_on_to_whom_it_held(own: House) -> None:
    doctor = own.caller("practitioner")
    patient_id = stories.treated(own, doctor)[1]
    position = poisoned(own, doctor, patient_id)
    before = rows(own, "SELECT model, subject_id, position FROM app.held ORDER BY model")
    with process(own, "", "projections", "rebuild", "--all", "--json") as rebuilding:
        assert rebuilding.wait(120) == 0
    stories.diagnose(doctor, patient_id)
    until(lambda: caught_up(own))
    own.position = 0
    assert rows(own, "SELECT model, subject_id, position FROM app.held ORDER BY model") == before
    problem(doctor.get(f"/patients/{patient_id}/timeline"), 503, "projection.held")
    rows(own, FLIP.format(position))
    assert command(own, "retry")[0] == 0
    assert len(doctor.read(f"/patients/{patient_id}/timeline")["items"]) >= 4
