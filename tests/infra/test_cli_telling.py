"""`tarikh replay` and `tarikh events`: what the log tells of a patient, of a stream, and of itself."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.catalog import EVENTS, UNSEALED
from infra.cli import main
from tests.api.house import running
from tests.domain.spec import an_id
from tests.infra.house import House, Urls
from tests.infra.tales import Teller

NOBODY = an_id(77)
Out = pytest.CaptureFixture[str]


@pytest.fixture
def house(fresh_database_urls: Callable[[], Urls], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose settings commands find."""
    found = House(fresh_database_urls(), tmp_path / "data")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


def told(house: House, seed: int, count: int) -> Teller:
    async def tell() -> Teller:
        async with house.opened() as services:
            return await Teller(services, seed).tell(count)

    return asyncio.run(tell())


def answered(capsys: Out, *arguments: str) -> Any:  # noqa: ANN401  JSON of any shape
    """What a command writes to stdout, as JSON."""
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


def replayed(capsys: Out, *arguments: str) -> Any:  # noqa: ANN401  as above
    """The same of a replay, without the head of the log that comes with it."""
    told = answered(capsys, *arguments)
    assert told.pop("checkpoint")
    return told


def test_a_replay_is_what_the_route_answers(house: House, capsys: Out) -> None:
    async def tell() -> Teller:
        async with house.opened() as services:
            teller = await Teller(services, 4).tell(30)
            await teller._merge()
            return teller

    teller = asyncio.run(tell())
    head = int(str(house.one("SELECT position FROM log.head")))
    compared = 0
    with running(house.settings, sys.__stderr__ or sys.stderr) as api:
        api.position = head
        for patient in set(teller.patients) - set(teller.erased):
            caller = api.caller("patient", patient)
            for name, value in (("known_at", head), ("known_at", head // 2), ("as_of", "2100-01-01")):
                answer = caller.get(f"/patients/{patient}/timeline?limit=200&{name}={value}")
                wanted = ["replay", f"--patient={patient}", f"--{name.replace('_', '-')}={value}"]
                assert replayed(capsys, *wanted) == answer.json(), wanted
                compared += 1
            today = caller.get(f"/patients/{patient}/timeline", limit=200).json()
            assert replayed(capsys, "replay", f"--patient={patient}") == today
    assert compared > 10


def test_a_replay_of_another_model_tells_its_rows(house: House, capsys: Out) -> None:
    teller = told(house, 1, 2)
    tables = answered(capsys, "replay", f"--patient={teller.patients[0]}", "--read-model=diagnoses")["tables"]
    assert [row["diagnosis_id"] for row in tables["diagnosis"]] == [str(teller.diagnoses[0])]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["replay", f"--patient={NOBODY}"], 1),
        (["replay", f"--patient={NOBODY}", "--as-of=never"], 2),
        (["replay", f"--patient={NOBODY}", "--read-model=nothing"], 2),
        (["replay", "--patient=somebody"], 2),
        (["replay"], 2),
        (["events", "trace", str(NOBODY)], 1),
        (["events", "trace", "nothing"], 2),
        (["events", "history", f"--patient={NOBODY}"], 1),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else str(value),
)
def test_what_is_not_there_or_makes_no_sense_is_said(arguments: list[str], code: int, capsys: Out) -> None:
    assert main(arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err
    assert "Traceback" not in told.err


def test_a_stream_is_traced_event_by_event(house: House, capsys: Out) -> None:
    teller = told(house, 1, 2)
    patient, diagnosis = teller.patients[0], teller.diagnoses[0]
    traced = answered(capsys, "events", "trace", str(diagnosis), "--json")
    assert [(one["version"], one["tag"]) for one in traced] == [(1, "diagnosis.recorded")]
    assert traced[0]["data"]["patient_id"] == str(patient)
    assert main(["events", "trace", str(diagnosis)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "diagnosis.recorded" in line
    assert "MARK" in line


def test_a_history_holds_whoever_was_merged(house: House, capsys: Out) -> None:
    async def tell() -> Teller:
        async with house.opened() as services:
            teller = await Teller(services, 1).tell(2)
            await teller._merge()
            return teller

    one, other = asyncio.run(tell()).patients
    history = answered(capsys, "events", "history", f"--patient={one}", "--json")
    assert {event["patient_id"] for event in history} == {str(one), str(other)}
    assert [event["position"] for event in history] == sorted(event["position"] for event in history)


def test_of_the_erased_only_the_places_are_told(house: House, capsys: Out) -> None:
    async def tell() -> Teller:
        async with house.opened() as services:
            teller = await Teller(services, 1).tell(2)
            await teller.erase(teller.patients[0])
            return teller

    patient = asyncio.run(tell()).patients[0]
    assert main(["events", "history", f"--patient={patient}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "(erased)" in lines[0]
    assert not any("MARK" in line for line in lines)


def test_the_catalog_lists_every_event(capsys: Out) -> None:
    listed = answered(capsys, "events", "catalog", "--json")
    assert {one["tag"] for one in listed} == set(EVENTS)
    assert {one["tag"] for one in listed if not one["sealed"]} == UNSEALED
    assert main(["events", "catalog"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(EVENTS)
