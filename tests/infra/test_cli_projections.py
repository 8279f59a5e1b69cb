"""`tarikh projections`: see, rebuild, verify; exit 1 where something differs, 2 where it was misused."""

import asyncio
import json

import pytest

from infra.cli import main
from projections.registry import models
from tests.infra.house import House
from tests.infra.tales import Teller

NAMES = {model.name for model in models("Asia/Tehran")}
TIMELINE = next(model for model in models("Asia/Tehran") if model.name == "patient_timeline")


@pytest.fixture
def told(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house in which something was recorded and nothing projected, whose settings commands find."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)

    async def tell() -> None:
        async with house.opened() as services:
            await Teller(services, 1).tell(12)

    asyncio.run(tell())
    return house


@pytest.mark.usefixtures("told")
def test_verify_does_the_projectors_work_where_none_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["projections", "verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == NAMES
    assert all(line.endswith("as the log says") for line in lines)


def test_a_difference_is_named_and_exits_1_until_rebuilt(
    told: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["projections", "verify", "--json"]) == 0
    with told.owner() as connection:
        connection.execute(f"""UPDATE "{TIMELINE.schema}".item SET kind = 'x' WHERE version = 1""")
    capsys.readouterr()
    assert main(["projections", "verify", "patient_timeline"]) == 1
    said = capsys.readouterr().out
    assert "item" in said
    assert "differs in kind" in said
    assert main(["projections", "verify", "diagnoses"]) == 0
    assert main(["projections", "rebuild", "patient_timeline"]) == 0
    assert "rebuilt patient_timeline up to position" in capsys.readouterr().out
    assert main(["projections", "verify"]) == 0


def test_status_says_how_far_each_version_is(told: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["projections", "rebuild", "--all", "--json"]) == 0
    assert {one["model"] for one in json.loads(capsys.readouterr().out)} == NAMES
    with told.owner() as connection:
        connection.execute("""
            INSERT INTO app.checkpoint (shard, model, fingerprint, position)
            VALUES (0, 'patient_timeline', 'older', 1)
            """)
    assert main(["projections", "status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    places = {(one["model"], one["current"]): one for one in status["models"]}
    assert status["head"] == told.one("SELECT position FROM log.head")
    assert {model for model, current in places if current} == NAMES
    assert all(one["lag"] == 0 for (_, current), one in places.items() if current)
    assert places["patient_timeline", False]["lag"] == status["head"] - 1
    assert main(["projections", "status"]) == 0
    assert "of another release" in capsys.readouterr().out


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    "arguments", ["verify nothing", "rebuild nothing", "rebuild", "rebuild diagnoses --all"]
)
def test_what_makes_no_sense_is_said_in_a_line(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["projections", *arguments.split()]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
