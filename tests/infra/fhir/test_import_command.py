"""Stories of `tarikh import fhir`: what it prints and how it ends."""

from pathlib import Path

import msgspec
import pytest

from infra.cli import main
from infra.fhir.report import Report
from tests.infra.fhir.bundles import condition, patient, write_bundle, write_lines
from tests.infra.fhir.logs import House


@pytest.fixture
def at_home(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The command works on this log."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    return house


def test_it_says_what_it_did(at_home: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_bundle(tmp_path, "b", patient(), condition())
    assert main(["import", "fhir", str(path)]) == 0
    said = capsys.readouterr().out
    assert "1 files, 1 patients, 2 events recorded" in said
    assert [line.split()[:4] for line in said.splitlines() if line.startswith("Condition")] == [
        ["Condition", "1", "1", "1"]
    ]
    assert len(at_home.events()) == 2


def test_programs_get_json_and_a_dry_run_records_nothing(
    at_home: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path, "p", [patient(), condition(code={})])
    assert main(["import", "fhir", str(path), "--json", "--dry-run"]) == 1
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert (report.dry_run, report.events, report.peak_memory_mb > 0) == (True, 1, True)
    assert [(problem.ref, problem.code) for problem in report.problems] == [
        ("Condition/c1", "import.code_missing")
    ]
    assert at_home.events() == []


def test_what_is_wrong_is_printed_with_its_place(
    at_home: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path, "p", [condition()])
    assert main(["import", "fhir", str(path)]) == 1
    assert f"problem:  Condition/c1  import.patient_unknown  Patient/1  {path}:1" in capsys.readouterr().out
    assert at_home.events() == []


@pytest.mark.usefixtures("at_home")
def test_a_path_that_is_not_there_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "fhir", str(tmp_path / "nowhere")]) == 2
    assert "there is no" in capsys.readouterr().err
