"""Stories of tables that become patients and their events."""

import asyncio
import gzip
from pathlib import Path

import pytest

from domain.diagnosis import AssessmentAdded, FindingRecorded
from domain.patient import ErasePatient, PatientRegistered
from domain.recommendation import RecommendationDrafted
from infra.errors import CommandMisused
from infra.event_logs.importing import EventLogImport
from infra.event_logs.mapping import read_map
from infra.event_logs.report import Report
from infra.services import Services
from tests.infra.event_logs.tables import HEAD, MAP, Desk, problems
from tests.infra.fhir.logs import source_ref
from tests.infra.fhir.test_importing import asked

FEVER = (
    "A,CRP,2020-01-01 08:00,12.5,",
    "B,Note,2020-01-02 09:00,,تب بالا",
    "A,Drug,2020-01-03 08:00,,سکنجبین",
    "A,Stop,2020-01-04 08:00,,",
    "A,Lunch,2020-01-04 12:00,,",
    "A,Home,2020-01-05 08:00,,",
)


def test_cases_become_patients_with_an_episode_and_rows_its_events(desk: Desk) -> None:
    report = desk.imports(*FEVER)
    assert (report.rows, report.cases, report.imported, report.events) == (6, 2, 5, 10)
    assert (report.problems, report.skipped) == ([], {"import.activity_ignored": 1})
    of_a = [tag for ref, tag in desk.told() if ref.startswith("ward/A")]
    assert of_a == [
        "patient.registered",
        "diagnosis.recorded",
        "diagnosis.finding_recorded",
        "recommendation.drafted",
        "recommendation.issued",
        "recommendation.discontinued",
        "diagnosis.resolved",
    ]
    (finding,) = desk.events("diagnosis.finding_recorded")
    assert isinstance(finding.event, FindingRecorded)
    assert finding.event.attributes == {"test": "CRP", "value": 12.5}
    assert finding.event.occurred_at.isoformat() == "2020-01-01T04:30:00+00:00"
    (draft,) = desk.events("recommendation.drafted")
    assert isinstance(draft.event, RecommendationDrafted)
    assert draft.event.diagnosis_id == finding.stream_id


def test_a_second_run_adds_nothing_and_a_longer_table_what_is_new(desk: Desk) -> None:
    first = desk.imports(*FEVER)
    before = desk.told()
    again = desk.imports(*FEVER)
    assert (again.events, again.imported, again.unchanged) == (0, 0, first.imported)
    assert desk.told() == before
    longer = desk.imports("C,Note,2019-01-01,,first of all", *FEVER, "B,Home,2020-01-09 08:00,,")
    assert (longer.events, longer.imported, longer.vanished) == (4, 2, [])
    shorter = desk.imports(*FEVER[1:])
    assert (shorter.events, len(shorter.vanished)) == (0, 2)


def test_what_stands_at_one_time_keeps_the_order_of_the_table(desk: Desk) -> None:
    at = "2020-01-01 08:00"
    desk.imports(
        f"A,Note,{at},,third in time but first at it",
        f"B,Note,{at},,of another",
        f"A,Note,{at},,and this",
        f"A,Note,{at},,and this",
        "A,Note,2019-12-31 08:00,,before all",
        f"A,Note,{at},,the last",
    )
    statements = [
        one.event.statement
        for one in desk.events("diagnosis.assessment_added")
        if isinstance(one.event, AssessmentAdded) and source_ref(one).startswith("ward/A")
    ]
    assert statements == [
        "before all",
        "third in time but first at it",
        "and this",
        "and this",
        "the last",
    ]


def test_a_case_that_is_called_na_is_a_case(desk: Desk) -> None:
    for name in ("NA", "null", "None", "-"):
        desk.imports(f"{name},Note,2020-01-01,,x")
    registered = [one.event for one in desk.events("patient.registered")]
    assert [one.name for one in registered if isinstance(one, PatientRegistered)] == [
        "NA",
        "null",
        "None",
        "-",
    ]


def test_bad_rows_are_named_by_line_and_nothing_of_them_is_stored(desk: Desk) -> None:
    report = desk.imports(
        "A,CRP,2020-01-01,much,",
        ",CRP,2020-01-01,1,",
        "A,Dance,2020-01-01,1,",
        "A,,2020-01-01,1,",
        "A,CRP,yesterday,1,",
        "A,CRP,2020-01-01",
        "",
        'A,Note,2020-01-01,,"over',
        'two lines"',
        "A,Note,2020-01-02,,",
        "A,Home,2999-01-01,,",
        "A,Stop,2020-01-03,,",
        "A,CRP,2020-01-01,-,",
        "Z,Note,2020-01-01,,\u200c",
    )
    assert problems(report) == {
        2: "import.value_malformed",
        3: "import.case_missing",
        4: "import.activity_unknown",
        5: "import.activity_missing",
        6: "import.date_malformed",
        7: "import.columns_wrong",
        11: "import.malformed",
        12: "request.rejected",
        13: "import.no_recommendation",
        15: "text.blank",
    }
    assert report.problems[0].detail == "crp: much"
    assert (report.imported, report.events) == (2, 4)
    assert {ref.split("/")[1][0] for ref, _ in desk.told()} == {"A"}


def test_bytes_that_are_no_text_and_cells_without_end_are_named_too(desk: Desk) -> None:
    path, found = desk.table(), read_map(desk.map())
    path.write_bytes(
        f"{HEAD}\nA,Note,2020-01-01,,".encode()
        + b"\xff\nA,Note,2020-01-01,,good\nA,Note,2020-01-01,,"
        + b"x" * 1_100_000
        + b"\n"
    )

    async def run(services: Services) -> Report:
        return await EventLogImport(services.reader, services.writer, desk.house.settings).run(path, found)

    report = desk.house.run(run)
    assert problems(report) == {2: "import.not_utf8", 4: "import.row_unreadable"}
    assert report.imported == 1


def test_an_id_tells_rows_apart_and_a_changed_row_is_told(desk: Desk) -> None:
    named = 'id = "note"\n'
    first = desk.imports(
        "A,CRP,2020-01-01,1,r1", "A,CRP,2020-01-01,1,r2", "A,CRP,2020-01-01,1,r2", more=named
    )
    assert problems(first) == {4: "import.repeated"}
    changed = desk.imports("A,CRP,2020-01-01,2,r1", "A,CRP,2020-01-01,1,", more=named)
    assert (changed.events, changed.skipped) == (0, {"import.change_without_event": 1})
    assert problems(changed) == {3: "import.identity_missing"}
    assert changed.vanished == ["ward/A/r2"]
    too_long = desk.imports(f"A,CRP,2020-01-01,2,{'x' * 400}", more=named)
    assert problems(too_long) == {2: "import.identity_too_long"}


def test_what_changes_nothing_is_counted(desk: Desk) -> None:
    report = desk.imports("A,Home,2020-01-01,,", "A,Home,2020-01-02,,")
    assert (report.imported, report.problems, report.skipped) == (1, [], {"import.changes_nothing": 1})


def test_a_case_that_cannot_be_a_patient_is_named_once(desk: Desk) -> None:
    number = '[patient]\npatient_no = "the same"\n'
    text = MAP.replace("[diagnosis]", f"{number}[diagnosis]")
    path = desk.table("A,Note,2020-01-01,,x", "B,Note,2020-01-01,,y", "B,Note,2020-01-02,,z")
    found = read_map(desk.map(text))

    async def run(services: Services) -> Report:
        return await EventLogImport(services.reader, services.writer, desk.house.settings).run(path, found)

    report = desk.house.run(run)
    assert [wrong.code for wrong in report.problems] == ["claim.taken"]
    assert report.imported + sum(report.skipped.values()) + len(report.problems) == report.rows
    wordless = MAP.replace("[diagnosis]", '[patient]\nname = "{note}"\n[diagnosis]')
    found = read_map(desk.map(wordless))
    desk.table("D,CRP,2020-01-01,1,\u200c", "E,CRP,2020-01-01,1,")
    report = desk.house.run(run)
    assert problems(report) == {2: "text.blank", 3: "import.malformed"}


def test_a_dry_run_says_the_same_and_records_nothing(desk: Desk) -> None:
    dry = desk.imports(*FEVER, dry_run=True)
    assert desk.told() == []
    done = desk.imports(*FEVER)
    assert (dry.events, dry.imported, dry.skipped) == (done.events, done.imported, done.skipped)


def test_two_runs_at_once_make_one_record(desk: Desk) -> None:
    path, found = desk.table(*FEVER), read_map(desk.map())

    async def twice(services: Services) -> list[Report]:
        runs = (EventLogImport(services.reader, services.writer, desk.house.settings) for _ in range(2))
        return list(await asyncio.gather(*(run.run(path, found) for run in runs)))

    reports = desk.house.run(twice)
    assert [report.problems for report in reports] == [[], []]
    assert sum(report.events for report in reports) == len(desk.told()) == 10


def test_who_was_erased_does_not_come_back(desk: Desk) -> None:
    desk.imports("A,Note,2020-01-01,,x")
    desk.house.run(asked(ErasePatient(legal_basis="art17"), "admin"))
    report = desk.imports("A,Note,2020-01-01,,x", "A,Note,2020-01-02,,y")
    assert (report.events, problems(report)) == (0, {2: "patient.erased"})
    assert report.skipped == {"import.case_not_imported": 1}


def test_a_gzipped_table_with_other_signs_and_times(desk: Desk) -> None:
    path = desk.folder / "t.csv.gz"
    path.write_bytes(gzip.compress("\ufeffcase;what;at;crp;note\nA;CRP;31/12/2019 23:30;7;ok\n".encode()))
    more = 'delimiter = ";"\ntime_format = "%d/%m/%Y %H:%M"\ntime_zone = "Europe/Amsterdam"\n'
    found = read_map(desk.map(more + MAP))

    async def run(services: Services) -> Report:
        return await EventLogImport(services.reader, services.writer, desk.house.settings).run(path, found)

    assert desk.house.run(run).problems == []
    (finding,) = desk.events("diagnosis.finding_recorded")
    assert finding.event is not None
    assert finding.event.occurred_at.isoformat() == "2019-12-31T22:30:00+00:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source =", "ward.toml"),
        ('source = "x"', "missing required field"),
        (MAP.replace("ignored", "ignore"), "unknown field"),
        (MAP.replace("diagnosis.resolved", "diagnosis.dissolved"), "no event diagnosis.dissolved"),
        (MAP.replace("statement", "sentence"), "no field sentence"),
        (MAP.replace("statement", "occurred_at"), "no field occurred_at"),
        (MAP.replace("condition =", "disease ="), "no field disease"),
        ('delimiter = "ab"\n' + MAP, "delimiter"),
        ('time_zone = "Moon/Sea"\n' + MAP, "there is no Moon/Sea"),
    ],
)
def test_a_map_that_cannot_be_meant_is_misuse(desk: Desk, text: str, said: str) -> None:
    with pytest.raises(CommandMisused, match=said):
        read_map(desk.map(text))


def test_a_map_may_be_json(desk: Desk) -> None:
    path = desk.map(
        '{"source": "s", "case": "c", "activity": "a", "time": "t",'
        ' "activities": {"x": {"event": "patient.died"}}}',
        "map.json",
    )
    assert read_map(path).activities["x"].event == "patient.died"


@pytest.mark.parametrize(
    ("head", "said"), [("case,what,at,crp", "no column note"), (f"{HEAD},crp", "more than one column crp")]
)
def test_a_table_without_the_columns_of_its_map_is_misuse(desk: Desk, head: str, said: str) -> None:
    path, found = desk.table(head=head), read_map(desk.map())

    async def run(services: Services) -> Report:
        return await EventLogImport(services.reader, services.writer, desk.house.settings).run(path, found)

    with pytest.raises(CommandMisused, match=said):
        desk.house.run(run)


def test_a_broken_archive_is_misuse(desk: Desk) -> None:
    path = Path(desk.folder / "t.csv.gz")
    path.write_bytes(b"no archive")
    found = read_map(desk.map())

    async def run(services: Services) -> Report:
        return await EventLogImport(services.reader, services.writer, desk.house.settings).run(path, found)

    with pytest.raises(CommandMisused, match=r"t\.csv\.gz"):
        desk.house.run(run)
