"""An import that is killed at any moment and run again ends where an undisturbed one ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.infra.fhir.bundles import (
    Resource,
    allergy,
    care_plan,
    condition,
    patient,
    prescription,
    resolved,
    write_bundle,
)
from tests.infra.fhir.logs import House, content

PATIENTS = 120
EVENTS_OF_EACH = 9
SECONDS_TO_GET_THERE = 60
TARIKH = "import sys; from infra.cli import main; sys.exit(main(sys.argv[1:]))"


def record_of(number: str) -> Iterator[Resource]:
    """Everything dated, so that any two runs say the same."""
    own: Resource = {"reasonReference": [{"reference": f"Condition/{number}-c"}]}
    yield patient(number, deceasedDateTime="2020-01-01T08:00:00Z")
    yield condition(f"{number}-c", whose=number, **resolved())
    yield allergy(f"{number}-a", whose=number)
    yield care_plan(f"{number}-p", whose=number, addresses=own["reasonReference"])
    yield prescription(f"{number}-m", whose=number, status="stopped", **own)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(PATIENTS):
        write_bundle(tmp_path, f"b{number:03}", *record_of(f"n{number:03}"))
    return tmp_path


def begun(house: House, folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **house.environment}
    command = [sys.executable, "-c", TARIKH, "import", "fhir", str(folder), "--json"]
    quiet, heard = subprocess.DEVNULL, subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=heard)  # noqa: S603  our own command


def come_so_far(process: "subprocess.Popen[bytes]", house: House, events: int) -> None:
    """Wait until the log holds so many events."""
    deadline = time.monotonic() + SECONDS_TO_GET_THERE
    with psycopg.connect(house.servers.database_url, autocommit=True) as connection:
        while length(connection) < events:
            assert process.poll() is None, "the import ended too early"
            assert time.monotonic() < deadline


def killed_once_the_log_holds(events: int, house: House, folder: Path) -> None:
    with begun(house, folder) as process:
        come_so_far(process, house, events)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def lost_once_the_log_holds(events: int, house: House, folder: Path) -> str:
    """Nobody reaches the log from then on; what the command says to that."""
    name = psycopg.conninfo.conninfo_to_dict(house.servers.database_url)["dbname"]
    with (
        begun(house, folder) as process,
        psycopg.connect(house.servers.vault_url, autocommit=True) as elsewhere,
    ):
        come_so_far(process, house, events)
        elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        elsewhere.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        said = process.communicate()[1].decode()
        elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert process.returncode == 1
    return said


def length(connection: "psycopg.Connection[tuple[int]]") -> int:
    row = connection.execute("SELECT position FROM log.head WHERE shard = 0").fetchone()
    assert row is not None
    return row[0]


def test_killed_and_run_again_it_ends_as_if_undisturbed(new_house: Callable[[], House], folder: Path) -> None:
    disturbed, undisturbed = new_house(), new_house()
    for events in (1, 300):
        killed_once_the_log_holds(events, disturbed, folder)
        assert len(disturbed.events()) < PATIENTS * EVENTS_OF_EACH
    with begun(disturbed, folder) as process:
        process.communicate()
    assert process.returncode == 0
    assert undisturbed.imports(folder).events == PATIENTS * EVENTS_OF_EACH
    assert content(disturbed.events()) == content(undisturbed.events())
    assert disturbed.imports(folder).events == 0


def test_a_log_that_is_lost_on_the_way_is_said_in_a_line(house: House, folder: Path) -> None:
    said = lost_once_the_log_holds(1, house, folder)
    assert said.splitlines()[-1] == "tarikh: the log cannot be reached; run it again to go on from here"
    assert "Traceback" not in said
    assert house.imports(folder).problems == []
    assert len(house.events()) == PATIENTS * EVENTS_OF_EACH
