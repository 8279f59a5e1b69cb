"""`tarikh demo` as a newcomer meets it: its five lines show the point, and Ctrl-C ends everything."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import psutil
import pytest

from infra.cli import main

FreshUrls: TypeAlias = Callable[[], tuple[str, str]]
SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(
    fresh_database_urls: FreshUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Databases, a folder and a port of one's own."""
    database_url, vault_url = fresh_database_urls()
    own = {
        "TARIKH_DATABASE_URL": database_url,
        "TARIKH_VAULT_URL": vault_url,
        "TARIKH_CACHE_URL": "none",
        "TARIKH_DATA_DIR": str(tmp_path),
        "TARIKH_PORT": str(free_port()),
        "PYTHONPATH": str(Path.cwd()),
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **own}


@pytest.fixture
def demo(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running demo in a session of its own, and what it has said when it is ready."""
    command = [sys.executable, "-m", "infra.cli", "demo"]
    with subprocess.Popen(  # noqa: S603  our own
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        said = []
        for line in child.stdout:
            said.append(line.rstrip("\n"))
            if "Ctrl-C" in line:
                break
        try:
            yield child, said
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


def answer_to(curl: str) -> httpx.Response:
    """What a line that was copied gets, without the program that it names."""
    _, _, _, header_file, *rest = shlex.split(curl)
    name, _, value = Path(header_file.removeprefix("@")).read_text().strip().partition(": ")
    headers = {name: value}
    if "-d" not in rest:
        return httpx.get(rest[-1], headers=headers)
    headers["Content-Type"] = "application/json"
    return httpx.post(rest[-1], headers=headers, content=rest[rest.index("-d") + 1])


def test_the_five_lines_show_the_point(demo: tuple[subprocess.Popen[str], list[str]]) -> None:
    child, said = demo
    answers = [answer_to(line) for line in said if line.startswith("curl")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 200]
    now, then, compared, rejected, replayed = (answer.json() for answer in answers)
    _is_persian_and_past(now, then)
    assert compared["added"]
    assert compared["removed"]
    assert compared["transient"]
    assert {"SAFETY", "OUTCOME", "DIAGNOSIS"} & {
        reason["reason_code"].partition(".")[0] for reason in compared["reasons"]
    }
    assert {error["code"] for error in rejected["errors"]} >= {"reason.evidence_required"}
    assert "شاهد" in rejected["errors"][0]["detail"]
    assert replayed["position"] == then["position"]
    assert [item["id"] for item in replayed["items"]][:8] == [item["id"] for item in then["items"]]
    tokens = [line.partition("=")[2] for line in said if "=ey" in line]
    assert len(tokens) == 6
    _stops_whole(child)


def _is_persian_and_past(now: dict[str, Any], then: dict[str, Any]) -> None:
    assert now["position"] > then["position"]
    assert "بازنگری توصیه" in {item["title"] for item in now["items"]}
    assert max(item["recorded_at"] for item in then["items"]) < min(
        item["recorded_at"] for item in now["items"]
    )


def _stops_whole(child: subprocess.Popen[str]) -> None:
    """Ctrl-C in a terminal reaches everybody of the session."""
    family = [child.pid, *(one.pid for one in psutil.Process(child.pid).children(recursive=True))]
    assert len(family) >= 3
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait(SECONDS) == 0
    assert not [pid for pid in family if psutil.pid_exists(pid)]


def test_a_port_in_use_is_said_in_one_line(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["TARIKH_PORT"])))
        taken.listen()
        assert main(["demo"]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert "TARIKH_PORT" in said.err


def test_production_is_no_place_for_it(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = tmp_path / "key"
    key.write_text("01" * 32)
    key.chmod(0o600)
    for name in ("MASTER_KEY_FILE", "TOKEN_KEY_FILE", "NOTARY_KEY_FILE"):
        monkeypatch.setenv(f"TARIKH_{name}", str(key))
    monkeypatch.setenv("TARIKH_ENV", "prod")
    assert environment["TARIKH_DATABASE_URL"]
    assert main(["demo"]) == 2
    assert "production" in capsys.readouterr().err
