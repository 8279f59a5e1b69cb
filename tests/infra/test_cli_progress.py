"""How far long work is, said to a person on a terminal and to whoever reads a log."""

import os
import pty
import subprocess
import sys

import pytest

from infra.cli.telling import SECONDS_BETWEEN_LINES, lines, telling
from tests.infra.house import House
from tests.infra.tales import Teller


def test_lines_come_now_and_then_with_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    told = lines("rebuilding it", lambda: now)
    told(1_000, 11_000)
    for step in range(1, 10):
        now = step * SECONDS_BETWEEN_LINES / 2
        told(1_000 + step * 1_000, 11_000)
    now += SECONDS_BETWEEN_LINES / 2
    told(11_000, 11_000)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "rebuilding it: 1000 of 11000 events"
    assert said[1] == "rebuilding it: 3000 of 11000 events, 400 a second, 20 s left"
    assert said[-1] == "rebuilding it: 11000 of 11000 events, 400 a second, 0 s left"
    assert len(said) == 6


def test_without_a_terminal_there_are_lines_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with telling("verifying", bar=True) as begin:
        begin("diagnoses")(10, 10)
    assert capsys.readouterr().err == "verifying diagnoses: 10 of 10 events\n"


async def test_on_a_terminal_there_is_a_bar(house: House) -> None:
    async with house.opened() as services:
        await Teller(services, 1).tell(12)
    theirs, ours = pty.openpty()
    done = subprocess.run(  # noqa: ASYNC221  ourselves, with nothing to do meanwhile
        [sys.executable, "-m", "infra.cli", "projections", "rebuild", "patient_timeline"],
        env={**os.environ, **house.environment, "TERM": "xterm", "COLUMNS": "120"},
        stderr=ours,
        stdout=subprocess.PIPE,
        check=True,
    )
    os.close(ours)
    shown = os.read(theirs, 100_000).decode(errors="replace")
    os.close(theirs)
    assert "rebuilding patient_timeline" in shown
    assert b"rebuilt patient_timeline up to position" in done.stdout
