"""What was answered by one process is seen through another, however the news of it travels."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from infra.progress import SECONDS_TO_WAIT
from tests.api import stories
from tests.api.house import Caller, House, problem
from tests.api.processes import (
    LISTENING,
    Process,
    api,
    caught_up,
    estate,
    fed_by,
    problems,
    process,
    rows,
    until,
)
from tests.infra.event_log.calls import Fresh

DEAD_WITHIN = 30


@dataclass
class Two:
    """Two API processes and a projector, all of them real."""

    house: House
    other: str
    projector: Process
    doctor: Caller

    def seen(self, patient_id: str, position: int) -> httpx.Response:
        """The timeline through the other process, as of what one knows to be written."""
        headers = {**self.doctor.headers, "Tarikh-Min-Position": str(position)}
        return httpx.get(f"{self.other}/v1/patients/{patient_id}/timeline", headers=headers, timeout=20)


@pytest.fixture(scope="module")
def apis(fresh_database_urls: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str]]:
    """A house whose callers speak to one process, and where the other one answers."""
    with (
        estate(fresh_database_urls(), tmp_path_factory.mktemp("two")) as house,
        api(house) as one,
        api(house) as other,
    ):
        house.url = one
        yield house, other


@pytest.fixture
def two(apis: tuple[House, str]) -> Iterator[Two]:
    house, other = apis
    with process(house, "", "project") as projector:
        until(lambda: set(fed_by(house).values()) == {str(projector.pid)})
        until(lambda: problems(other) == (200, []))
        yield Two(house, other, projector, house.caller("practitioner"))


def test_each_write_is_seen_at_once_through_the_other(two: Two) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(two.house, two.doctor)
    for score in range(10):
        told = two.doctor.tell(
            f"/diagnoses/{diagnosis_id}/symptoms", {"symptom_code": "pain", "score": score}
        )
        answered = two.seen(patient_id, told["position"])
        assert answered.status_code == 200, answered.text
        assert answered.json()["items"][0]["data"]["score"] == score
        assert answered.json()["position"] == told["position"]


def test_a_query_waits_for_the_projector_though_its_listener_is_cut(two: Two) -> None:
    patient_id = stories.treated(two.house, two.doctor)[1]
    until(lambda: caught_up(two.house))
    os.kill(two.projector.pid, signal.SIGSTOP)
    told = two.doctor.tell(f"/patients/{patient_id}/diagnoses", stories.MIGRAINE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(two.seen, patient_id, told["position"])
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s"
        until(lambda: len(rows(two.house, cut, LISTENING)) > 0)
        assert not waiting.done()
        os.kill(two.projector.pid, signal.SIGCONT)
        answered = waiting.result()
    assert answered.status_code == 200, answered.text
    assert answered.json()["position"] == told["position"]
    listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s"
    until(lambda: rows(two.house, listening, LISTENING) == [(2,)])
    assert two.seen(patient_id, told["position"]).status_code == 200


def test_after_two_seconds_it_says_that_it_is_behind(two: Two) -> None:
    patient_id = stories.treated(two.house, two.doctor)[1]
    until(lambda: caught_up(two.house))
    os.kill(two.projector.pid, signal.SIGSTOP)
    told = two.doctor.tell(f"/patients/{patient_id}/diagnoses", stories.MIGRAINE)
    started = time.monotonic()
    answered = two.seen(patient_id, told["position"])
    waited = time.monotonic() - started
    problem(answered, 503, "projection.behind")
    assert int(answered.headers["Retry-After"]) >= 1
    assert SECONDS_TO_WAIT <= waited < SECONDS_TO_WAIT + 2
    stale = two.seen(patient_id, told["position"] - 1)
    assert stale.status_code == 200
    os.kill(two.projector.pid, signal.SIGCONT)
    until(lambda: two.seen(patient_id, told["position"]).status_code == 200)


def test_a_dead_projector_makes_processes_unready_within_half_a_minute(two: Two) -> None:
    two.projector.kill()
    names = {f"projector.dead:{name}" for name in ("patient_timeline", "statistics", "patient_groups")}
    took = until(lambda: names <= set(problems(two.other)[1]), DEAD_WITHIN)
    assert problems(two.other)[0] == 503
    assert took < DEAD_WITHIN
    with process(two.house, "", "project"):
        until(lambda: problems(two.other) == (200, []))
