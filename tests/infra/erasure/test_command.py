"""`tarikh patient erase`: every step is shown, and the certificate at the end."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from infra.cli import main
from infra.cli.patient import STEPS
from infra.erasure import certificate
from infra.ids import new_id
from infra.notary.keys import Known
from infra.notary.note import NoteRefused, read
from tests.infra.house import House
from tests.infra.tales import Teller

Out = pytest.CaptureFixture[str]


@pytest.fixture
def patient(house: House, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Somebody to forget, in a house whose settings commands find."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)

    async def tell() -> UUID:
        async with house.opened() as services:
            return (await Teller(services, 1).tell(12)).patients[0]

    return asyncio.run(tell())


def erase(patient: UUID, *more: str, basis: str = "GDPR.17") -> int:
    return main(["patient", "erase", str(patient), "--basis", basis, *more])


def test_every_step_is_shown_and_then_the_certificate(house: House, patient: UUID, capsys: Out) -> None:
    by = new_id()
    assert erase(patient, "--json", "--by", str(by)) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [f"done: {step}" for step in STEPS.values()]
    told = json.loads(shown.out)
    assert (told["basis"], told["by"], told["role"]) == ("GDPR.17", str(by), "admin")
    assert told["patients"] == [str(patient)]
    assert told["keys"] == 1
    text, _ = read(told["note"], Known(house.settings.data_dir).verifiers(), "the certificate")
    signed = certificate.parse(text)
    assert signed.patients == (patient,)
    assert signed.rows == told["rows"]
    assert signed.before.root.hex() == told["before"]["root"]
    assert signed.after.size == told["positions"][1] == signed.before.size + 1


@pytest.mark.parametrize(
    ("locale", "title"), [("fa", "گواهی پاک‌سازی"), ("en", "Certificate of erasure"), ("ar", "شهادة المحو")]
)
def test_people_read_it_in_their_language(
    patient: UUID, monkeypatch: pytest.MonkeyPatch, capsys: Out, locale: str, title: str
) -> None:
    monkeypatch.setenv("TARIKH_LOCALE", locale)
    assert erase(patient) == 0
    shown = capsys.readouterr().out
    assert shown.lstrip().startswith(title)
    assert f"patient {patient}" in shown
    assert "— tarikh/" in shown


def test_a_signed_certificate_says_nothing_else(house: House, patient: UUID, capsys: Out) -> None:
    assert erase(patient, "--json") == 0
    note = json.loads(capsys.readouterr().out)["note"]
    keys = Known(house.settings.data_dir).verifiers()
    with pytest.raises(NoteRefused):
        read(note.replace("keys 1", "keys 2"), keys, "the certificate")
    text, _ = read(note, keys, "the certificate")
    for wrong in (
        text + "rows 3\n",
        text.replace("erasure 1", "erasure 2"),
        text.replace("wal kept", "wal lost"),
    ):
        with pytest.raises(NoteRefused):
            certificate.parse(wrong)


@pytest.mark.parametrize("basis", ["she asked us to", "", "GDPR.17\n", "بند ۱۷"])
def test_a_basis_that_is_no_code_is_misuse(house: House, patient: UUID, capsys: Out, basis: str) -> None:
    head = house.one("SELECT position FROM log.head")
    assert erase(patient, basis=basis) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "such as GDPR.17" in said
    assert house.one("SELECT position FROM log.head") == head


@pytest.mark.usefixtures("patient")
def test_nobody_cannot_be_forgotten(capsys: Out) -> None:
    assert erase(UUID(int=7)) == 1
    assert capsys.readouterr().err == f"tarikh: there is no patient {UUID(int=7)}\n"
    assert main(["patient", "erase", "zahra", "--basis", "GDPR.17"]) == 2


def test_a_log_that_was_altered_keeps_nobody_from_being_forgotten(
    house: House, patient: UUID, capsys: Out
) -> None:
    assert main(["log", "checkpoint"]) == 0
    with house.owner() as owner:
        owner.execute("ALTER TABLE log.event DISABLE TRIGGER append_only")
        owner.execute("UPDATE log.event SET leaf_hash = sha256('x') WHERE notification_id = 2")
        owner.execute("ALTER TABLE log.event ENABLE TRIGGER append_only")
    capsys.readouterr()
    assert erase(patient) == 1
    said = capsys.readouterr().err
    assert "the person is forgotten, but there is no certificate" in said
    assert "tarikh log verify" in said
    assert house.one("SELECT count(*) FROM log.erased") == 1


def test_the_ledger_that_cannot_be_read_is_named(house: House, patient: UUID, capsys: Out) -> None:
    ledger: Path = house.settings.data_dir / "secrets" / "erasures"
    ledger.write_text(f"yesterday GDPR.17 {patient} {patient}\n")
    assert erase(patient) == 1
    assert f"the erasure ledger {ledger} cannot be used" in capsys.readouterr().err
