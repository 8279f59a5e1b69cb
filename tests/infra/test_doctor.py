"""The doctor tells an operator what runs and what to put right, and tells nobody a password."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.cli import main
from infra.embedded import Servers

Examine = Callable[..., tuple[int, dict[str, Any]]]
PROMISED = {"database_url", "cache_url", "postgres_version", "data_dir", "head", "checkpoints", "problems"}


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Run `tarikh doctor --json` with these settings (`PORT=…`) and return its exit code and its answer."""

    def run(**given: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setenv("TARIKH_DATA_DIR", str(tmp_path))
        for name, value in given.items():
            monkeypatch.setenv(f"TARIKH_{name}", value)
        code = main(["doctor", "--json"])
        return code, json.loads(capsys.readouterr().out)

    for name in ("DATABASE_URL", "VAULT_URL", "CACHE_URL", "TEST_DATA"):
        monkeypatch.delenv(f"TARIKH_{name}", raising=False)
    return run


@pytest.fixture
def urls(servers: Servers, fresh_database_urls: Callable[[], tuple[str, str]]) -> dict[str, str]:
    database_url, vault_url = fresh_database_urls()
    return {"DATABASE_URL": database_url, "VAULT_URL": vault_url, "CACHE_URL": servers.cache_url or "none"}


def test_a_sound_installation_has_no_problems(examine: Examine, urls: dict[str, str], tmp_path: Path) -> None:
    code, report = examine(**urls)
    assert code == 0
    assert report.keys() >= PROMISED
    assert report["problems"] == []
    assert report["data_dir"] == str(tmp_path)
    assert (report["head"], report["checkpoints"]) == (0, {})
    assert int(report["postgres_version"].split(".")[0]) >= 15


def test_it_says_how_far_log_and_read_models_are(examine: Examine, urls: dict[str, str]) -> None:
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute(
            """
            INSERT INTO app.checkpoint (shard, model, fingerprint, position, generation)
            VALUES (0, 'patient_timeline', 'old', 3, 1), (0, 'patient_timeline', 'new', 7, 1)
            """
        )
    assert examine(**urls)[1]["checkpoints"] == {"patient_timeline": 7}


def test_it_starts_and_stops_embedded_servers_and_asks_for_the_migration(examine: Examine) -> None:
    code, report = examine(CACHE_URL="none")
    assert code == 1
    assert report["postgres_version"].startswith("18")
    assert report["cache_url"] is None
    assert [problem for problem in report["problems"] if "tarikh migrate" in problem] == report["problems"]


def test_what_does_not_answer_is_named_without_its_password(examine: Examine) -> None:
    code, report = examine(
        DATABASE_URL="postgresql://tarikh:spring@127.0.0.1:1/tarikh", CACHE_URL="redis://:summer@127.0.0.1:1"
    )
    assert code == 1
    assert report["database_url"] == "postgresql://tarikh:…@127.0.0.1:1/tarikh"
    assert report["cache_url"] == "redis://:…@127.0.0.1:1"
    assert ["the database" in report["problems"][0], "the cache" in report["problems"][1]] == [True, True]
    assert not any(password in json.dumps(report) for password in ("spring", "summer"))


def test_settings_that_cannot_be_used_are_problems_too(examine: Examine) -> None:
    code, report = examine(PORT="eighty", LOCALE="de")
    assert code == 1
    assert len(report["problems"]) == 2
    assert report["database_url"] is None


def test_production_is_told_of_its_weaknesses(examine: Examine, urls: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "notary").write_text("0" * 64)
    _, report = examine(
        **{**urls, "VAULT_URL": ""},
        ENV="prod",
        MASTER_KEY="1" * 64,
        TOKEN_KEY="1" * 64,
        NOTARY_KEY_FILE=str(tmp_path / "notary"),
    )
    told = " ".join(report["problems"])
    assert "the same key" in told
    assert "TARIKH_VAULT_URL" in told


def test_for_people_it_is_a_list_of_lines(
    examine: Examine, urls: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    examine(**urls)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no problems"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["doctor", "--no-such-option"]])
def test_misuse_is_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_is_no_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--help"]) == 0
    assert "--json" in capsys.readouterr().out
