"""`tarikh token issue`: the token stands on the last line, and speaks for who was asked for."""

import json
from base64 import urlsafe_b64decode
from uuid import UUID

import pytest

from infra.cli import main
from infra.ids import new_id
from infra.settings import Settings
from infra.tokens import Tokens


@pytest.fixture
def tokens(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """The keys of the house that the commands run in."""
    monkeypatch.setenv("TARIKH_DATA_DIR", str(settings.data_dir))
    return Tokens(settings.token_key)


def issued(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["token", "issue", *arguments]) == 0
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("role", ["practitioner", "auditor", "admin", "service"])
def test_of_a_role(role: str, tokens: Tokens, capsys: pytest.CaptureFixture[str]) -> None:
    actor = tokens.read(issued(capsys, "--role", role))
    assert (actor.role, actor.patient_id) == (role, None)
    assert actor.account_id.version == 7


def test_of_an_account(tokens: Tokens, capsys: pytest.CaptureFixture[str]) -> None:
    account = new_id()
    assert tokens.read(issued(capsys, "--role", "admin", "--account", str(account))).account_id == account


def test_of_a_patient(tokens: Tokens, capsys: pytest.CaptureFixture[str]) -> None:
    patient = new_id()
    actor = tokens.read(issued(capsys, "--role", "patient", "--patient", str(patient)))
    assert (actor.role, actor.patient_id) == ("patient", patient)


def test_holds_as_long_as_was_asked(tokens: Tokens, capsys: pytest.CaptureFixture[str]) -> None:
    token = issued(capsys, "--role", "auditor", "--ttl", "90")
    assert tokens.read(token).role == "auditor"
    claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 90


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--role", "king"),
        ("--role", "patient"),
        ("--role", "admin", "--patient", str(UUID(int=1))),
        ("--role", "admin", "--account", "nobody"),
        ("--role", "admin", "--ttl", "0"),
        ("--role", "admin", "--ttl", "soon"),
    ],
)
def test_misuse_is_said(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "issue", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
