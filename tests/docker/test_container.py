"""What the container files say agrees with what Tarikh is: settings, commands, packages, secrets."""

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml

from infra import checkup
from infra.cli import main
from infra.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text())
PROCESSES = ("api", "migrate", "projector", "worker")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def sh(script: str, *arguments: str, **environment: str) -> str:
    command = ["/bin/sh", str(DOCKER / script), *arguments]
    ran = subprocess.run(  # noqa: S603  our own script
        command, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=True
    )
    return ran.stdout


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docker") / "secrets"
    sh("secrets.sh", str(folder))
    return folder


class Service(NamedTuple):
    """One process of compose.yml: the environment it gets and the secrets that are mounted for it."""

    environment: dict[str, str]
    secrets: set[str]
    command: str


def service(name: str) -> Service:
    said = COMPOSE["services"][name]
    environment = {
        key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for key, value in said["environment"].items()
    }
    return Service(environment, set(said["secrets"]), said["command"][0])


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_starts_with_settings_that_the_doctor_has_nothing_against(
    name: str, secrets: Path, tmp_path: Path
) -> None:
    environment = {
        key: value.replace("/run/secrets", str(secrets)) for key, value in service(name).environment.items()
    }
    settings = Settings.from_environment({**environment, "TARIKH_DATA_DIR": str(tmp_path)})
    assert settings.env == "prod"
    assert list(checkup.of_settings(settings)) == []


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_has_the_passwords_of_the_logins_it_uses_and_of_no_other(name: str) -> None:
    environment, mounted, _ = service(name)
    urls = (environment["TARIKH_DATABASE_URL"], environment["TARIKH_VAULT_URL"])
    logins = {f"{urlsplit(url).username}.password" for url in urls}
    assert {secret for secret in mounted if secret.endswith(".password")} == logins


def test_only_migrate_signs_in_as_the_owner_of_the_log() -> None:
    owners = [name for name in PROCESSES if "tarikh.password" in service(name).secrets]
    assert owners == ["migrate"]


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_runs_a_command_that_there_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = service(name).command
    assert main([command, "--help"]) == 0
    assert f"tarikh {command}" in capsys.readouterr().out


def test_every_secret_that_is_mounted_is_made(secrets: Path) -> None:
    assert {file.name for file in secrets.iterdir()} == set(COMPOSE["secrets"])


def test_secrets_are_kept_when_made_again_and_lie_where_nobody_else_looks(secrets: Path) -> None:
    before = {file: file.read_text() for file in secrets.iterdir()}
    assert len(set(before.values())) == len(before)
    sh("secrets.sh", str(secrets))
    assert {file: file.read_text() for file in secrets.iterdir()} == before
    assert mode(secrets) == 0o700


def test_the_entrypoint_becomes_tarikh_with_a_password_file_that_libpq_accepts(
    secrets: Path, tmp_path: Path
) -> None:
    program = tmp_path / "tarikh"
    program.write_text('#!/bin/sh\necho "$$ $PPID $*"\n')
    program.chmod(0o755)
    passfile = tmp_path / "pgpass"
    said = sh(
        "entrypoint.sh",
        "serve",
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        PGPASSFILE=str(passfile),
        SECRETS_DIR=str(secrets),
    )
    assert said.split()[1:] == [str(os.getpid()), "serve"]
    assert mode(passfile) == 0o600
    password = (secrets / "tarikh_api.password").read_text()
    assert f"*:*:*:tarikh_api:{password}\n" in passfile.read_text()


def test_the_image_holds_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    copied = re.findall(r"^COPY (\w+) \1$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    allowed = set((ROOT / ".dockerignore").read_text().split())
    assert set(copied) == packages
    assert {f"!{package}" for package in packages} <= allowed
