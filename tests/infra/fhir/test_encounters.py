"""Stories of encounters: who met the patient is of the care team, and answers for what came of it."""

from pathlib import Path

import pytest

from domain.patient import CareTeamMemberAssigned
from infra.fhir.practitioners import account_of
from infra.fhir.stated import PassedOver
from infra.ids import shard_of
from tests.infra.fhir.bundles import (
    Resource,
    allergy,
    care_plan,
    condition,
    encounter,
    pain,
    patient,
    prescription,
    write_bundle,
)
from tests.infra.fhir.logs import House, source_ref
from tests.infra.fhir.stories import Record, events, left_out, said, tags

MET: Resource = {"encounter": {"reference": "Encounter/e1"}}
SMITH: Resource = {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Smith"}]}


def by(name: str) -> Resource:
    return {"reference": f"Practitioner/{name}"}


def test_a_practitioner_has_one_account_whoever_brings_them_in() -> None:
    assert account_of("Practitioner/d1") == account_of("Practitioner/d1") != account_of("Practitioner/d2")
    account_id = account_of("Practitioner/d1")
    assert (account_id.version, account_id.variant, shard_of(account_id)) == (8, "specified in RFC 4122", 0)


def test_who_met_the_patient_is_of_the_care_team_since_then_and_is_told_once() -> None:
    record = Record()
    later = encounter("e2", by=("d1", "d2"), period={"start": "2011-01-01T08:00:00Z"})
    planned = record.brings(patient(), later, encounter(), encounter("e3", by=()))
    assigned = [event for event in events(planned) if isinstance(event, CareTeamMemberAssigned)]
    assert [(one.account_id, one.relation, one.occurred_at.year) for one in assigned] == [
        (account_of("Practitioner/d1"), "practitioner", 2010),
        (account_of("Practitioner/d2"), "practitioner", 2011),
    ]
    assert left_out(planned) == {"Encounter/e3": "import.nobody_new"}
    again = record.brings(patient(), later, encounter(), encounter("e3", by=()))
    assert (tags(again), record.vanished) == ([], [])
    changed = record.brings(patient(), later, encounter(by=("d3", "d1")), encounter("e3", by=()))
    assert [one.account_id for one in events(changed) if isinstance(one, CareTeamMemberAssigned)] == [
        account_of("Practitioner/d3")
    ]


def test_what_did_not_happen_is_passed_over_and_of_a_practitioner_nothing_is_taken() -> None:
    with pytest.raises(PassedOver, match=r"import\.not_true"):
        said(encounter(status="cancelled"))
    with pytest.raises(PassedOver, match=r"import\.only_identity"):
        said(SMITH)


def test_what_is_recorded_is_recorded_on_behalf_of_who_is_named_or_met_the_patient(
    house: House, tmp_path: Path
) -> None:
    path = write_bundle(
        tmp_path,
        "b",
        patient(),
        encounter(),
        SMITH,
        condition(**MET),
        condition("c2", recorder=by("d2"), **MET),
        condition("c3"),
        pain(performer=[{"reference": "Organization/o"}, by("d3")]),
        allergy(recorder=by("d4")),
        care_plan(author=by("d5")),
        prescription(requester={"reference": "Practitioner?identifier=npi|7"}),
    )
    report = house.imports(path)
    assert (report.problems, report.skipped) == ([], [])
    assert report.types["Practitioner"].skipped == {"import.only_identity": 1}
    found = {source_ref(one): one.meta.on_behalf_of for one in house.events() if one.meta}
    assert found == {
        "Patient/1": None,
        "Encounter/e1": None,
        "Condition/c1": account_of("Practitioner/d1"),
        "Condition/c2": account_of("Practitioner/d2"),
        "Condition/c3": None,
        "Observation/o1": account_of("Practitioner/d3"),
        "AllergyIntolerance/a1": account_of("Practitioner/d4"),
        "CarePlan/p1": account_of("Practitioner/d5"),
        "MedicationRequest/m1": account_of("Practitioner?identifier=npi|7"),
    }
    again = house.imports(path)
    assert (again.events, again.problems, again.vanished) == (0, [], [])
