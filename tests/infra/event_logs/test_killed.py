"""An import of a table that is killed on the way and run again ends where an undisturbed one ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from infra.settings import Settings
from tests.infra.event_logs.tables import Desk
from tests.infra.fhir.logs import House, content
from tests.infra.fhir.test_killed import TARIKH, come_so_far

CASES = 150
EVENTS_OF_EACH = 8
LINES = [
    f"{case},{what},2020-01-0{day} 08:00,{day},{what}"
    for day in range(1, 5)
    for case in range(CASES)
    for what in (("Drug", "CRP"), ("Note",), ("Stop",), ("Home",))[day - 1]
]
"""Cases by turns, as a hospital writes them down."""


def begun(house: House, table: Path, found: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", TARIKH, "import", "events", str(table), "--map", str(found)]
    return subprocess.Popen(  # noqa: S603  our own command
        command, env={**os.environ, **house.environment}, stdout=subprocess.DEVNULL
    )


def test_killed_and_run_again_it_ends_as_if_undisturbed(
    settings: Settings, fresh_database_urls: Callable[[], tuple[str, str]], desk: Desk, tmp_path: Path
) -> None:
    disturbed = House(settings, fresh_database_urls())
    table, found = desk.table(*LINES), desk.map()
    for events in (1, 300):
        with begun(disturbed, table, found) as process:
            come_so_far(process, disturbed, events)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert len(disturbed.events()) < CASES * EVENTS_OF_EACH
    with begun(disturbed, table, found) as process:
        process.communicate()
    assert process.returncode == 0
    assert desk.imports(*LINES).events == CASES * EVENTS_OF_EACH
    assert content(disturbed.events()) == content(desk.house.events())
    assert Desk(disturbed, tmp_path).imports(*LINES).events == 0
