"""`tarikh serve` and `migrate` as processes: they end together, and what dies alone comes back."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from infra.cli import main
from infra.tokens import Tokens
from tests.infra.house import House
from tests.infra.memories import DOCTOR

PATIENCE = 40
ASKING = 16


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


@contextlib.contextmanager
def tarikh(house: House, port: int, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A command at work, which says what it has to say in a file; nothing of it outlives the story."""
    with said(house).open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "infra.cli", *arguments],
            env={**os.environ, **house.environment, "TARIKH_PORT": str(port)},
            stderr=stderr,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        process.wait()


def said(house: House) -> Path:
    return house.settings.data_dir / "stderr"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)  # leaves the processor to those who are waited for


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    return False


def children(process: "subprocess.Popen[bytes]") -> dict[str, int]:
    """The supervisor's children: command and process id."""
    found = {}
    for child in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            line = child.cmdline()
            if "infra.cli.child" in line:
                found[line[-1]] = child.pid
    return found


def gone(pids: set[int]) -> bool:
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return False
    return True


def everybody(process: "subprocess.Popen[bytes]") -> set[int]:
    return {child.pid for child in psutil.Process(process.pid).children(recursive=True)}


def test_what_dies_is_started_again_and_all_end_together(house: House, port: int) -> None:
    with tarikh(house, port, "serve", "--all") as process:
        until(lambda: answers(port))
        first = children(process)
        assert set(first) == {"serve", "project", "work"}
        for name in ("serve", "project"):
            os.kill(first[name], signal.SIGKILL)
        killed = {first["serve"], first["project"]}
        until(lambda: killed.isdisjoint(children(process).values()))
        until(lambda: answers(port) and set(children(process)) == set(first))
        assert children(process)["work"] == first["work"]
        family = everybody(process)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        until(lambda: gone(family))


def test_nobody_outlives_a_supervisor_that_was_killed(house: House, port: int) -> None:
    with tarikh(house, port, "serve", "--all") as process:
        until(lambda: answers(port))
        family = everybody(process)
        assert len(family) >= 4
        process.kill()
        process.wait(PATIENCE)
        until(lambda: gone(family))


def test_workers_do_not_outlive_a_server_that_was_killed(house: House, port: int) -> None:
    with tarikh(house, port, "serve") as process:
        until(lambda: answers_at_all(port))
        family = everybody(process)
        assert family
        process.kill()
        process.wait(PATIENCE)
        until(lambda: gone(family))


def test_a_worker_that_is_just_being_born_does_not_outlive_its_server(house: House, port: int) -> None:
    """Until it has its own handlers it has the server's, which swallow the signal of its parent's death."""
    with tarikh(house, port, "serve") as process:
        until(lambda: answers_at_all(port))
        (old,) = everybody(process)
        os.kill(old, signal.SIGKILL)
        until(lambda: bool(everybody(process) - {old}))
        family = everybody(process)
        process.kill()
        process.wait(PATIENCE)
        until(lambda: gone(family))


def test_a_server_that_is_told_to_stop_answers_what_it_took(house: House, port: int) -> None:
    """Whoever got an answer was stored; whoever got none asks again with the same key, and is stored once."""
    token = Tokens(house.settings.token_key).issue(DOCTOR, timedelta(hours=1))

    def register(number: int) -> int | None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"drain {number}"}
        body = {"patient_no": f"drain {number}", "name": "x"}
        try:
            url = f"http://127.0.0.1:{port}/v1/patients"
            answered = httpx.post(url, json=body, headers=headers, timeout=PATIENCE)
        except httpx.TransportError:
            return None
        assert answered.status_code in {201, 503}, answered.text
        return int(answered.json()["position"]) if answered.is_success else None

    with ThreadPoolExecutor(ASKING) as pool:
        with tarikh(house, port, "serve") as process:
            until(lambda: answers_at_all(port))
            asked = [pool.submit(register, number) for number in range(4 * ASKING)]
            until(lambda: any(one.done() for one in asked))
            process.terminate()
            assert process.wait(PATIENCE) == 0
        told = [one.result() for one in asked]
        assert any(told)
        with tarikh(house, port, "serve"):
            until(lambda: answers_at_all(port))
            again = list(pool.map(register, range(4 * ASKING)))
    assert all(again)
    assert [second for first, second in zip(told, again, strict=True) if first] == list(filter(None, told))
    registered = house.one("SELECT count(*) FROM log.event WHERE topic = 'patient.registered'")
    assert registered == 4 * ASKING


def answers_at_all(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    return False


def test_a_port_that_is_taken_is_said_in_a_line(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with tarikh(house, port, "serve") as process:
            assert process.wait(PATIENCE) == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in said(house).read_text()
    assert "Traceback" not in said(house).read_text()


def test_migrating_twice_is_quiet(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "up to date\n"
