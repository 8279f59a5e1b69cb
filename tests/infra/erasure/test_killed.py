"""An erasure that is killed between any two of its steps ends the same when it is begun again."""

import json
import os
import signal
import subprocess
import sys
from uuid import UUID

import pytest

from infra.cli.patient import STEPS
from infra.erasure import ledger
from projections.registry import models
from tests.infra.erasure.marks import MARK, places_of
from tests.infra.house import House, tables
from tests.infra.tales import Teller

SECONDS_TO_END = 60


def run(house: House, *command: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own."""
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", *command],
        env={**os.environ, **house.environment},
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_END,
        check=False,
    )


def erase(patient: UUID) -> tuple[str, ...]:
    return "patient", "erase", str(patient), "--basis", "GDPR.17", "--json"


async def merged(house: House) -> list[UUID]:
    """Two records of one person, and a third person's."""
    async with house.opened() as services:
        teller = Teller(services, 1)
        teller._word = lambda: MARK  # type: ignore[method-assign]  # every word is the marker
        for _ in range(2):
            await teller._begin()
        await teller._merge()
        await Teller(services, 2).tell(6)
        await house.catch_up()
        return teller.patients


@pytest.mark.parametrize("step", STEPS)
async def test_whichever_step_was_the_last_the_end_is_the_same(house: House, step: str) -> None:
    patients = await merged(house)
    assert places_of(house, MARK)
    killed = run(house, "tests.infra.erasure.deaths", step, *erase(patients[0]))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == ""
    ended = run(house, "infra.cli", *erase(patients[0]))
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert set(told["patients"]) == {str(patient) for patient in patients}
    assert told["keys"] == len(patients)
    assert told["rows"] > 10
    assert told["tables"] >= 5
    assert told["after"]["size"] == told["before"]["size"] + 2
    assert places_of(house, MARK) == []
    assert set(ledger.read(ledger.path_of(house.settings))) == set(patients)
    assert house.one("SELECT count(*) FROM app.erasure_certificate") == 1
    again = run(house, "infra.cli", *erase(patients[1]))
    assert json.loads(again.stdout) == told, "whoever asks again gets the same certificate"
    assert await house.wrong() == []


async def test_a_certificate_does_not_tell_where_it_was_cut_short(house: House) -> None:
    cut, whole = (await merged(house))[0], (await merged(house))[0]
    killed = run(house, "tests.infra.erasure.deaths", "purged", *erase(cut))
    assert killed.returncode == -signal.SIGKILL
    one, other = (json.loads(run(house, "infra.cli", *erase(patient)).stdout) for patient in (cut, whole))
    same = ("basis", "by", "role", "keys", "rows", "tables", "wal_overwritten")
    assert {name: one[name] for name in same} == {name: other[name] for name in same}
    left = {model.name: tables(house, model) for model in models("Asia/Tehran")}
    await house.rebuild()
    assert {model.name: tables(house, model) for model in models("Asia/Tehran")} == left
