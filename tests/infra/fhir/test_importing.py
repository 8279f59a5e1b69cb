"""Stories of whole imports into a real log."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from domain.event import Actor, Command, Origin, Role
from domain.patient import (
    CorrectPatientDetails,
    ErasePatient,
    PatientDetails,
    PatientDetailsCorrected,
    PatientRegistered,
)
from domain.recommendation import RecommendationIssued
from infra.commands import Result, Wish
from infra.fhir.importing import Import
from infra.fhir.planning_deciding import IMPORTER
from infra.fhir.report import Report
from infra.ids import new_id
from infra.services import Services
from tests.infra.fhir.bundles import (
    allergy,
    care_plan,
    condition,
    pain,
    patient,
    prescription,
    resolved,
    write_bundle,
    write_lines,
)
from tests.infra.fhir.logs import House, content, source_ref

FULL = (
    patient(deceasedDateTime="2020-01-01T08:00:00Z"),
    condition(**resolved()),
    allergy(),
    care_plan(status="completed", period={"start": "2010-03-05T08:00:00Z", "end": "2012-03-05T08:00:00Z"}),
    prescription(status="stopped"),
    prescription("m2", authoredOn="2011-04-01T08:00:00Z"),
)
EVENTS_OF_FULL = 11


def asked(command: Command, role: Role) -> Callable[[Services], Awaitable[Result]]:
    """Somebody here asks something of the first patient."""

    async def ask(services: Services) -> Result:
        first = (await services.reader.after(0, 1))[0]
        wish = Wish(
            command=command,
            target_id=first.stream_id,
            actor=Actor(account_id=new_id(), role=role),
            origin=Origin(),
            correlation_id=new_id(),
        )
        return await services.commands.run(wish)

    return ask


def codes(report: Report) -> dict[str, str]:
    return {problem.ref or problem.place: problem.code for problem in report.problems}


def test_a_bundle_becomes_a_record_and_a_second_run_adds_nothing(house: House, tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "b", *FULL)
    first = house.imports(path)
    assert (first.problems, first.events, first.patients, first.files) == ([], EVENTS_OF_FULL, 1, 1)
    recorded = house.events()
    assert len(recorded) == EVENTS_OF_FULL
    assert {r.subject_id for r in recorded} == {recorded[0].stream_id}
    assert {r.actor_id for r in recorded} == {IMPORTER}
    assert {source_ref(r) for r in recorded} >= {"Patient/1", "Condition/c1", "MedicationRequest/m2"}
    again = house.imports(path)
    assert (again.events, again.problems, again.vanished) == (0, [], [])
    assert {name: kind.unchanged for name, kind in again.types.items()} == {
        "Patient": 1,
        "Condition": 1,
        "AllergyIntolerance": 1,
        "CarePlan": 1,
        "MedicationRequest": 2,
    }


def test_it_does_not_matter_how_the_resources_lie_in_files(
    new_house: Callable[[], House], tmp_path: Path
) -> None:
    bundled, lined = new_house(), new_house()
    bundled.imports(write_bundle(tmp_path, "b", *FULL))
    lined.imports(*(write_lines(tmp_path, f"f{number}", [one]) for number, one in enumerate(reversed(FULL))))
    assert content(bundled.events()) == content(lined.events())


def test_a_changed_resource_appends_its_change_and_a_vanished_one_is_told(
    house: House, tmp_path: Path
) -> None:
    house.imports(write_bundle(tmp_path, "b", patient(), condition(), condition("c2")))
    report = house.imports(write_bundle(tmp_path, "b", patient(), condition(**resolved())))
    assert report.events == 1
    assert house.events()[-1].tag == "diagnosis.resolved"
    assert [gone.ref for gone in report.vanished] == ["Condition/c2"]
    assert report.problems == []


def test_resources_of_a_patient_who_came_in_earlier_find_them(house: House, tmp_path: Path) -> None:
    house.imports(write_lines(tmp_path, "p", [patient()]))
    report = house.imports(write_lines(tmp_path, "c", [condition()]))
    assert (report.events, report.vanished) == (1, [])
    assert len({r.subject_id for r in house.events()}) == 1


def test_nobody_is_invented_for_resources_without_their_patient(house: House, tmp_path: Path) -> None:
    report = house.imports(
        write_lines(tmp_path, "c", [condition(), condition("c2", whose="2"), patient("2")])
    )
    assert codes(report) == {"Condition/c1": "import.patient_unknown"}
    assert report.problems[0].place.endswith("c.ndjson:1")
    assert report.types["Condition"].imported == 1


def test_what_is_wrong_is_named_and_the_rest_goes_on(house: House, tmp_path: Path) -> None:
    lines = [
        patient(),
        condition("broken", code=7),
        condition(),
        {"resourceType": "Patient"},
        pain(),
        allergy(),
    ]
    path = write_lines(tmp_path, "all", lines)
    (tmp_path / "bad.json").write_text("{", "utf-8")
    report = house.imports(tmp_path)
    assert codes(report) == {
        "Condition/broken": "import.malformed",
        str(tmp_path / "bad.json"): "import.no_resource",
        f"{path}:4": "import.identity_missing",
    }
    assert report.types["Condition"].imported == 1
    assert (report.skipped, report.types["Observation"].imported) == ([], 1)


def test_a_resource_that_comes_twice_counts_once_as_it_came_last(house: House, tmp_path: Path) -> None:
    report = house.imports(
        write_lines(tmp_path, "p", [patient(), patient(gender="male"), {**patient("9"), "id": "9"}])
    )
    assert report.types["Patient"].skipped == {"import.repeated": 1}
    registered = [r.event for r in house.events() if isinstance(r.event, PatientRegistered)]
    assert {(one.patient_no, one.sex) for one in registered} == {("MRN-1", "male"), ("MRN-9", "female")}


def test_a_dry_run_says_the_same_and_records_nothing(house: House, tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "b", *FULL)
    dry = house.imports(path, dry_run=True)
    assert (dry.events, house.events()) == (EVENTS_OF_FULL, [])
    assert dry.types == house.imports(path).types


def test_a_phone_that_another_patient_has_does_not_keep_them_out(house: House, tmp_path: Path) -> None:
    phone = {"telecom": [{"system": "phone", "value": "555-0100"}]}
    path = write_lines(tmp_path, "p", [patient("2", **phone), patient("1", **phone), patient("3", **phone)])
    report = house.imports(path)
    assert codes(report) == {"Patient/2": "claim.taken", "Patient/3": "claim.taken"}
    assert report.types["Patient"].imported == 3
    again = house.imports(path)
    assert (again.events, codes(again)) == (0, codes(report))


def test_a_phone_that_is_none_is_left_out_and_named(house: House, tmp_path: Path) -> None:
    telecom = [{"system": "phone", "value": "at home"}, {"system": "email", "value": "nowhere"}]
    report = house.imports(write_lines(tmp_path, "p", [patient(telecom=telecom)]))
    assert [problem.code for problem in report.problems] == ["patient.phone_invalid", "patient.email_invalid"]
    assert report.types["Patient"].imported == 1


def test_two_patients_do_not_share_a_number(house: House, tmp_path: Path) -> None:
    same = patient("2", identifier=patient("1")["identifier"])
    report = house.imports(write_lines(tmp_path, "p", [patient("1"), same, condition(whose="2")]))
    assert codes(report) == {"Patient/2": "claim.taken"}
    assert report.types["Condition"].skipped == {"import.patient_not_imported": 1}


def test_who_was_erased_does_not_come_back(house: House, tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "b", patient(), condition())
    house.imports(path)
    whom = house.run(asked(ErasePatient(legal_basis="art17"), "admin")).id
    for destroyed in (False, True):
        if destroyed:
            house.run(lambda services: services.vault.destroy([whom]))
        report = house.imports(path)
        assert (report.events, codes(report)) == (0, {"Patient/1": "patient.erased"})


def test_two_runs_at_once_make_one_record(house: House, tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "b", *FULL)

    async def twice(services: Services) -> list[Report]:
        runs = (Import(services.reader, services.writer, house.settings) for _ in range(2))
        return list(await asyncio.gather(*(run.run([path]) for run in runs)))

    reports = house.run(twice)
    assert [report.problems for report in reports] == [[], []]
    assert sum(report.events for report in reports) == EVENTS_OF_FULL
    assert len(house.events()) == EVENTS_OF_FULL


def test_what_somebody_here_decided_since_is_left_alone(house: House, tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "b", patient(), condition())
    house.imports(path)
    renamed = CorrectPatientDetails(
        changes=PatientDetails(name="Parvin Etesami"), reason_code="CORRECTION.DATA_ENTRY"
    )
    house.run(asked(renamed, "practitioner"))
    assert house.imports(path).events == 0
    changed = house.imports(write_bundle(tmp_path, "b", patient(gender="other"), condition()))
    assert changed.events == 1
    corrected = house.events()[-1].event
    assert isinstance(corrected, PatientDetailsCorrected)
    assert list(corrected.changes) == ["sex"]


def test_what_a_rule_refuses_is_named_with_its_field(house: House, tmp_path: Path) -> None:
    lines = [
        patient(),
        condition(**resolved("2001-01-01"), recordedDate=None),
        patient("2", birthDate="1700-01-01"),
    ]
    report = house.imports(write_lines(tmp_path, "p", [*lines, condition("c2", whose="2")]))
    assert codes(report) == {"Condition/c1": "time.backwards", "Patient/2": "time.out_of_range"}
    assert all("occurred_at: time" in problem.detail for problem in report.problems)
    assert report.types["Condition"].skipped == {"import.patient_not_imported": 1}


def test_a_value_that_the_record_does_not_take_is_malformed(house: House, tmp_path: Path) -> None:
    report = house.imports(
        write_lines(tmp_path, "p", [patient(telecom=[{"system": "phone", "value": "5" * 200}])])
    )
    assert codes(report) == {"Patient/1": "import.malformed"}
    assert "$.phone" in report.problems[0].detail


def test_a_medicine_may_lie_in_another_file(house: House, tmp_path: Path) -> None:
    request = prescription(medicationReference={"reference": "Medication/x"})
    del request["medicationCodeableConcept"]
    write_lines(tmp_path, "a", [patient(), request])
    write_lines(tmp_path, "b", [{"resourceType": "Medication", "id": "x", "code": {"text": "Salbutamol"}}])
    report = house.imports(tmp_path)
    assert report.problems == []
    assert report.types["Medication"].skipped == {"import.only_names": 1}
    issued = house.events()[-1].event
    assert isinstance(issued, RecommendationIssued)
    assert issued.items[0].remedy.text == "Salbutamol"
