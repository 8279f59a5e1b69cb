"""Every campaign in its short form: it finds nothing in Tarikh, and finds what there is in logs that lose."""

import sys
from pathlib import Path
from subprocess import PIPE, run
from typing import Any

import msgspec
import psutil
import pytest

SECONDS = 180
"""Far more than it takes; a campaign stops by itself."""
SEED = 2274
"""Of four kills one each hits Postgres, a worker of the API, a projector and a writer."""


def campaign(name: str, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Its exit code, and the last of its lines of each kind."""
    command = [sys.executable, "-m", f"tests.campaigns.{name}", "--seed", str(SEED), *arguments]
    done = run(command, stdout=PIPE, timeout=SECONDS, check=False)  # noqa: S603  ourselves
    lines = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    print(done.stdout.decode())
    return done.returncode, {line["told"]: line for line in lines}


def at_work_in(folder: Path) -> list[str]:
    """Processes that were told of this folder, or stand in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        told = " ".join(process.info["cmdline"] or ())
        if str(folder) in f"{told} {process.info['cwd']}":
            found.append(told)
    return found


def test_nothing_is_lost(tmp_path: Path) -> None:
    code, told = campaign("no_loss", "--kills", "4", "--writers", "1", "--keep", str(tmp_path))
    assert (code, told["verdict"]["finds"]) == (0, 0)
    assert told["struck"]["kills"] == 4
    assert told["counts"]["events"] == told["counts"]["seen_by_the_reader"] > 0
    assert told["counts"]["refused"]
    assert at_work_in(tmp_path) == []


@pytest.mark.parametrize("log", ["unlocked", "library"])
def test_a_log_that_loses_is_convicted(log: str, tmp_path: Path) -> None:
    code, told = campaign("no_loss", "--log", log, "--kills", "2", "--writers", "2", "--keep", str(tmp_path))
    assert code == 1
    assert told["counts"]["lost_by_the_reader"] > 0
    assert told["verdict"]["by_law"]["tail"] >= told["counts"]["lost_by_the_reader"]


def test_whatever_is_altered_is_found_and_named() -> None:
    code, told = campaign("tamper", "--mutations", "138", "--commands", "3")
    assert (code, told["verdict"]["finds"]) == (0, 0)
    assert told["verdict"]["untouched"] == "passes"
    assert min(told["counts"]["by_class"].values()) >= 1
    assert told["verdict"]["mutations"] >= 138
