"""A release beside another, and a rebuild: while tables change, nobody is answered less than there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import httpx
import psycopg
import pytest

from infra.settings import Settings
from projections.registry import models
from tests.api import stories
from tests.api.house import House, problem, running
from tests.api.load import under_load
from tests.api.processes import api, caught_up, fed_by, problems, process, until
from tests.infra.event_log.calls import Fresh
from tests.infra.house import environment
from tests.release import CHANGED, of_release

NOTHING_WRONG = {"failed": 0, "empty": 0, "partial": 0}
FEW, MANY = 20, 1_000_000


@pytest.fixture
def own(fresh_database_urls: Fresh, tmp_path: Path, stderr: TextIO) -> Iterator[House]:
    """A house of our release, API and projector, with databases and keys of its own."""
    settings = Settings.from_environment(environment(fresh_database_urls(), tmp_path / "data"))
    with running(settings, stderr) as found:
        yield found


@pytest.mark.parametrize("long", [FEW, MANY], ids=["by patient", "by following"])
def test_the_next_release_is_built_while_this_one_answers(own: House, long: int) -> None:
    doctor = own.caller("practitioner")
    ours, theirs = models("Asia/Tehran"), of_release("next")
    with under_load(own, doctor) as load, api(own, "next") as url:
        _, patient_id, diagnosis_id, _ = stories.treated(own, doctor)
        asked = f"{url}/v1/patients/{patient_id}/timeline"
        status, found = problems(url)
        assert (status, found) == (503, [f"projection.missing:{name}" for name in CHANGED])
        answered = httpx.get(asked, headers=doctor.headers, timeout=20)
        problem(answered, 503, "projection.behind")
        assert int(answered.headers["Retry-After"]) >= 1
        with process(own, "next", "project", LONG=str(long), ROWS_AT_ONCE="40") as projector:
            until(lambda: problems(url)[0] == 200)
            assert len(httpx.get(asked, headers=doctor.headers).json()["items"]) >= 4
            holders = fed_by(own)
            own_versions = {(model.name, model.fingerprint) for model in ours}
            new = {(model.name, model.fingerprint) for model in theirs} - own_versions
            assert {holders[version] for version in new} == {str(projector.pid)}
            assert str(projector.pid) not in {holders[version] for version in own_versions}
            own.position = 0
            doctor.tell(f"/diagnoses/{diagnosis_id}/symptoms", {"symptom_code": "pain", "score": 1})
            until(lambda: load.seen["full"] > 100)
            until(lambda: caught_up(own))
    assert load.wrong == NOTHING_WRONG
    assert load.written > 20


def test_until_it_has_caught_up_a_version_is_not_asked(own: House) -> None:
    """The build is held up in its middle, when some patients are there and others are not."""
    doctor = own.caller("practitioner")
    patient_id = stories.treated(own, doctor)[1]
    for _ in range(10):
        stories.treated(own, doctor)
    with psycopg.connect(own.servers.database_url) as lock, api(own, "next") as url:
        lock.execute("LOCK TABLE app.rebuild")
        with process(own, "next", "project", LONG=str(FEW)):
            until(lambda: problems(url) == (503, [f"projection.building:{name}" for name in CHANGED]))
            answered = httpx.get(
                f"{url}/v1/patients/{patient_id}/timeline", headers=doctor.headers, timeout=20
            )
            problem(answered, 503, "projection.behind")
            assert own.caller("auditor").get("/audit/events").status_code == 200
            lock.rollback()
            until(lambda: problems(url) == (200, []))
    assert doctor.read(f"/patients/{patient_id}/timeline")["items"]


def test_a_rebuild_of_everything_is_not_seen_by_anybody(own: House) -> None:
    doctor = own.caller("practitioner")
    with under_load(own, doctor) as load:
        until(lambda: load.written > 50)
        for _ in range(2):
            with process(own, "", "projections", "rebuild", "--all", "--json") as rebuilding:
                assert rebuilding.wait(120) == 0
        until(lambda: load.seen["full"] > 100)
    assert load.wrong == NOTHING_WRONG
    with process(own, "", "projections", "verify", "--json") as verifying:
        assert verifying.wait(120) == 0
