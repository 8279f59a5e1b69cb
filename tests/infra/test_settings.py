"""Settings are read whole: what is wrong is said at once, and secrets are shown to nobody."""

import base64
import threading
from pathlib import Path

import pytest

from infra.secret import Secret, made_once
from infra.settings import NAMES, PREFIX, Settings, SettingsError, redacted

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = bytes(range(32, 64)).hex()
PRODUCTION = {
    "TARIKH_ENV": "prod",
    "TARIKH_DATABASE_URL": "postgresql://tarikh:spring@db/tarikh",
    "TARIKH_CACHE_URL": "redis://:summer@cache/0",
    "TARIKH_MASTER_KEY": KEY,
    "TARIKH_TOKEN_KEY": OTHER_KEY,
}


def problems_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environ)
    assert all("\n" not in problem for problem in caught.value.problems)
    return caught.value.problems


def test_a_newcomer_needs_to_set_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert (settings.env, settings.host, settings.port, settings.locale) == ("dev", "127.0.0.1", 8000, "fa")
    assert settings.data_dir == tmp_path / ".tarikh"
    assert settings.time_zone.key == "Asia/Tehran"
    assert settings.database_url is settings.cache_url is settings.vault_url is None


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    problems = problems_of(
        {
            "TARIKH_DATA_DIR": str(tmp_path),
            "TARIKH_DATBASE_URL": "postgresql://db/tarikh",
            "TARIKH_PORT": "eighty",
            "TARIKH_TIME_ZONE": "Asia/Isfahan",
            "TARIKH_LOCALE": "de",
            "TARIKH_CACHE_URL": "http://cache",
            "TARIKH_MASTER_KEY": "short",
        }
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "TARIKH_DATBASE_URL",
        "TARIKH_CACHE_URL",
        "TARIKH_PORT",
        "TARIKH_LOCALE",
        "TARIKH_TIME_ZONE",
        "TARIKH_MASTER_KEY",
    ]
    assert "did you mean TARIKH_DATABASE_URL?" in problems[0]


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8e3", "۸۰۰۰", "1" * 5000])
def test_a_port_is_a_plain_number(tmp_path: Path, port: str) -> None:
    assert len(problems_of({"TARIKH_DATA_DIR": str(tmp_path), "TARIKH_PORT": port})) == 1


def test_every_name_is_read_and_an_empty_value_is_no_value(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {**{f"{PREFIX}{name}": "" for name in NAMES}, "TARIKH_DATA_DIR": str(tmp_path)}
    )
    assert settings == Settings.from_environment({"TARIKH_DATA_DIR": str(tmp_path)})


def test_production_refuses_made_keys_and_embedded_servers(tmp_path: Path) -> None:
    problems = problems_of({"TARIKH_ENV": "prod", "TARIKH_DATA_DIR": str(tmp_path)})
    assert {problem.partition(":")[0] for problem in problems} == {
        "TARIKH_DATABASE_URL",
        "TARIKH_CACHE_URL",
        "TARIKH_MASTER_KEY",
        "TARIKH_TOKEN_KEY",
        "TARIKH_NOTARY_KEY_FILE",
    }
    assert list(tmp_path.iterdir()) == []


def test_production_runs_with_keys_given_or_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "notary"
    file.write_text(OTHER_KEY + "\n")
    settings = Settings.from_environment({**PRODUCTION, "TARIKH_NOTARY_KEY_FILE": str(file)})
    assert settings.master_key.reveal() == bytes(range(32))
    assert settings.token_key == settings.notary_key == Secret(bytes(range(32, 64)))
    assert settings.log_format == "json"


def test_a_key_comes_from_one_place(tmp_path: Path) -> None:
    both = {"TARIKH_MASTER_KEY": KEY, "TARIKH_MASTER_KEY_FILE": str(tmp_path / "key")}
    assert "not both" in problems_of({"TARIKH_DATA_DIR": str(tmp_path), **both})[0]


def test_no_printout_shows_a_key_or_a_password(tmp_path: Path) -> None:
    file = tmp_path / "notary"
    file.write_text(OTHER_KEY)
    shown = repr(Settings.from_environment({**PRODUCTION, "TARIKH_NOTARY_KEY_FILE": str(file)}))
    assert "db/tarikh" in shown
    for secret in (KEY, OTHER_KEY, "spring", "summer", repr(bytes(range(32)))):
        assert secret not in shown


def test_no_problem_repeats_a_key_or_a_password(tmp_path: Path) -> None:
    problems = problems_of(
        {
            "TARIKH_DATA_DIR": str(tmp_path),
            "TARIKH_MASTER_KEY": "a-key-that-is-too-short",
            "TARIKH_DATABASE_URL": "mysql://tarikh:spring@db/tarikh",
        }
    )
    assert not any("a-key" in problem or "spring" in problem for problem in problems)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@w:x@db/tarikh?a=1", "postgresql://u:…@db/tarikh?a=1"),
        ("redis://:summer@cache/0", "redis://:…@cache/0"),
        ("postgresql://db/tarikh?user=u&password=spring&a=1", "postgresql://db/tarikh?user=u&password=…&a=1"),
        ("postgresql://tarikh@/tarikh?host=%2Frun", "postgresql://tarikh@/tarikh?host=%2Frun"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_keys_of_development_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first, second = (Settings.from_environment({"TARIKH_DATA_DIR": str(tmp_path)}) for _ in range(2))
    assert first == second
    assert len({first.master_key, first.token_key, first.notary_key}) == 3
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()} == {0o600}


def test_many_who_make_a_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    found: list[Secret] = []
    together = threading.Barrier(8)

    def make() -> None:
        together.wait()
        found.append(made_once(tmp_path / "master.key"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]
