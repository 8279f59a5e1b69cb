"""A batch whose line is cut, whose process is killed or whose storage goes away, sent again: one effect."""

import contextlib
import json
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra import embedded
from infra.ids import new_id
from tests.api import stories
from tests.api.house import Caller, House, Json
from tests.api.processes import api, estate, eventually, rows, stop_postgres, until
from tests.infra.event_log.calls import Fresh

BETTER = "درد کمتر شد"


def of_the_week(diagnosis_id: str, other_id: str, count: int) -> Json:
    """What a practitioner's phone has kept, of two episodes by turns, with a bad one among the good."""
    kept: list[Json] = [
        {
            "path": f"/v1/diagnoses/{(diagnosis_id, other_id)[n % 2]}/assessments",
            "key": f"{diagnosis_id} {n}",
            "body": {"statement": f"{BETTER} {n}"},
        }
        for n in range(count - 1)
    ]
    bad = {"path": kept[0]["path"], "key": f"{diagnosis_id} bad", "body": {"statement": " "}}
    return {"commands": [*kept[: count // 2], bad, *kept[count // 2 :]]}


def as_sent(caller: Caller, url: str, body: Json) -> bytes:
    """The request as bytes on the line."""
    content = json.dumps(body).encode()
    head = [
        "POST /v1/batch HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Authorization: {caller.headers['Authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + content


@contextlib.contextmanager
def line(url: str, sent: bytes) -> Iterator[socket.socket]:
    """Send it, and cut the line at the end of the block."""
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port)) as found:
        found.sendall(sent)
        yield found


def recorded(house: House, patient_id: str) -> int:
    ((count,),) = rows(house, "SELECT count(*) FROM log.event WHERE subject_id = %s", patient_id)
    assert isinstance(count, int)
    return count


def good(results: list[Json]) -> list[Json]:
    return [one for one in results if one["status"] < 400]


def test_fifty_sent_three_times_over_a_line_that_is_cut_have_one_effect(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    other_id = stories.diagnose(doctor, patient_id)["id"]
    before = recorded(house, patient_id)
    body = of_the_week(diagnosis_id, other_id, 50)
    sent = as_sent(doctor, house.url, body)
    with line(house.url, sent[: len(sent) // 2]):
        pass
    with line(house.url, sent):
        until(lambda: recorded(house, patient_id) > before)
    results = doctor.tell("/batch", body)["results"]
    assert [one["key"] for one in results if one["status"] >= 400] == [f"{diagnosis_id} bad"]
    assert good(doctor.tell("/batch", body)["results"]) == good(results)
    assert recorded(house, patient_id) == before + 49
    told = [one["data"] for one in auditor.read("/audit/events", patient=patient_id, limit=200)["items"]]
    statements = [one["statement"] for one in told if one and "statement" in one]
    assert sorted(statements) == sorted(f"{BETTER} {n}" for n in range(49))
    versions = [one["body"]["version"] for one in good(results) if one["body"]["id"] == diagnosis_id]
    assert versions == sorted(versions)


@pytest.fixture
def own_estate(fresh_database_urls: Fresh, tmp_path: Path) -> Iterator[House]:
    with estate(fresh_database_urls(), tmp_path) as found:
        yield found


def test_an_api_process_that_is_killed_in_the_middle_is_sent_it_again(own_estate: House) -> None:
    house, account_id = own_estate, new_id()
    with ThreadPoolExecutor(1) as pool:
        with api(house) as house.url:  # it ends with kill -9
            doctor = house.caller("practitioner", account_id=account_id)
            _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
            other_id = stories.diagnose(doctor, patient_id)["id"]
            before, body = recorded(house, patient_id), of_the_week(diagnosis_id, other_id, 400)
            lost = pool.submit(doctor.post, "/batch", body)
            until(lambda: recorded(house, patient_id) > before + 20)
        assert isinstance(lost.exception(), httpx.TransportError)
    assert before + 20 < recorded(house, patient_id) < before + 399
    with api(house) as house.url:
        doctor = house.caller("practitioner", account_id=account_id)
        assert len(good(doctor.tell("/batch", body)["results"])) == 399
    assert recorded(house, patient_id) == before + 399


def test_when_storage_goes_away_each_that_is_left_is_told_to_be_sent_again(own_house: House) -> None:
    house, doctor = own_house, own_house.caller("practitioner")
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    other_id = stories.diagnose(doctor, patient_id)["id"]
    before, body = recorded(house, patient_id), of_the_week(diagnosis_id, other_id, 500)
    with ThreadPoolExecutor(1) as pool:
        sent: Future[httpx.Response] = pool.submit(doctor.post, "/batch", body)
        until(lambda: recorded(house, patient_id) > before + 20)
        stop_postgres(house)
        results: list[Json] = sent.result().json()["results"]
    told = {one["problem"]["code"] for one in results if one["status"] == 503}
    assert {"batch.not_tried"} < told <= {"batch.not_tried", "storage.unavailable", "append.unknown"}
    assert all(one["retry_after"] >= 1 for one in results if one["status"] == 503)
    taken = good(results)
    assert 0 < len(taken) < 499
    with embedded.servers(house.settings):
        eventually(lambda: doctor.get(f"/patients/{patient_id}").status_code == 200)
        again = doctor.tell("/batch", body)["results"]
        assert len(good(again)) == 499
        kept = [new for old, new in zip(results, again, strict=True) if old["status"] < 400]
        assert kept == taken
        assert recorded(house, patient_id) == before + 499
