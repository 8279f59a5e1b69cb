"""Stories of `tarikh import events`: what it prints and how it ends."""

import msgspec
import pytest

from infra.cli import main
from infra.event_logs.report import Report
from tests.infra.event_logs.tables import Desk


@pytest.fixture
def at_home(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The command works on this log."""
    for name, value in desk.house.environment.items():
        monkeypatch.setenv(name, value)
    return desk


def test_it_says_what_it_did(at_home: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    table, found = at_home.table("A,Note,2020-01-01,,x", "A,Lunch,2020-01-01,,"), at_home.map()
    assert main(["import", "events", str(table), "--map", str(found)]) == 0
    said = capsys.readouterr().out
    assert "2 rows, 1 cases, 1 imported, 0 unchanged, 3 events recorded" in said
    assert "skipped:  1  import.activity_ignored" in said
    at_home.table("A,Note,2020-01-02,,y")
    assert main(["import", "events", str(table), "--map", str(found)]) == 0
    assert "vanished:  1 rows" in capsys.readouterr().out


def test_a_wrong_row_is_printed_with_its_line(at_home: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    table, found = at_home.table("A,Note,2020-01-01,,x", "A,CRP,soon,1,"), at_home.map()
    assert main(["import", "events", str(table), "--map", str(found)]) == 1
    assert "problem:  line 3  A  CRP  import.date_malformed  at: soon" in capsys.readouterr().out


def test_programs_get_json_and_a_dry_run_records_nothing(
    at_home: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    table, found = at_home.table("A,Note,2020-01-01,,x"), at_home.map()
    assert main(["import", "events", str(table), "--map", str(found), "--json", "--dry-run"]) == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert (report.dry_run, report.events, report.peak_memory_mb > 0) == (True, 3, True)
    assert at_home.told() == []


@pytest.mark.usefixtures("at_home")
def test_what_cannot_be_meant_is_misuse(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "events", "nowhere.csv", "--map", str(desk.map())]) == 2
    assert "there is no nowhere.csv" in capsys.readouterr().err
    table = desk.table(head="a,b")
    assert main(["import", "events", str(table), "--map", str(desk.map())]) == 2
    assert "no column at, case, crp, note, what" in capsys.readouterr().err


def test_the_map_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "events", "--help"]) == 0
    said = capsys.readouterr().out
    assert 'case = "case_id"' in said
    assert "recommendation.discontinued" in said
