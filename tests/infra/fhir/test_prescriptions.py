"""Stories of medication lines: the first prescription issues, each later one revises."""

from datetime import UTC, datetime

import pytest

from domain.recommendation import RecommendationDiscontinued, RecommendationIssued, RecommendationRevised
from infra.fhir.stated import PassedOver, StatedPrescription, Unusable
from tests.infra.fhir.bundles import Resource, concept, condition, patient, prescription
from tests.infra.fhir.stories import NOW, Record, events, left_out, refusals, said, tags

AUTHORED = datetime(2010, 4, 1, 8, tzinfo=UTC)
LATER: Resource = {"authoredOn": "2011-04-01T08:00:00Z"}
LATEST: Resource = {"authoredOn": "2012-04-01T08:00:00Z"}
NO_REASON: Resource = {"reasonReference": []}


def stated_prescription(resource: Resource) -> StatedPrescription:
    (record,) = said(resource)
    assert isinstance(record, StatedPrescription)
    return record


def revisions(record: Record, *resources: Resource) -> list[RecommendationRevised]:
    planned = record.brings(patient(), condition(), *resources)
    assert refusals(planned) == {}
    return [event for event in events(planned) if isinstance(event, RecommendationRevised)]


def test_the_first_of_a_diagnosis_issues_and_the_next_is_added() -> None:
    (added,) = revisions(Record(), prescription("m2", code="2", **LATER), prescription())
    assert (added.recommendation_version, added.occurred_at) == (2, datetime(2011, 4, 1, 8, tzinfo=UTC))
    (change,) = added.changes
    assert change.op == "add"
    assert change.after is not None
    assert change.after.source_ref == "MedicationRequest/m2"


def test_the_same_medicine_again_takes_the_place_of_what_was_stopped() -> None:
    record = Record()
    (again,) = revisions(record, prescription(status="stopped"), prescription("m2", **LATER))
    (change,) = again.changes
    assert change.op == "replace"
    assert change.after is not None
    assert (change.after.source_ref, change.after.status) == ("MedicationRequest/m2", "active")


def test_the_same_medicine_beside_one_that_goes_on_is_added() -> None:
    (beside,) = revisions(Record(), prescription(), prescription("m2", **LATER))
    assert beside.changes[0].op == "add"


def test_what_says_that_it_replaces_does() -> None:
    new = prescription("m2", code="2", priorPrescription={"reference": "MedicationRequest/m1"}, **LATER)
    (replaced,) = revisions(Record(), prescription(), new)
    assert replaced.changes[0].op == "replace"


def test_a_stopped_one_ends_at_the_last_date_known_and_says_that_it_is_unknown() -> None:
    issued = events(Record().brings(patient(), condition(), prescription(status="stopped")))[-1]
    assert isinstance(issued, RecommendationIssued)
    (item,) = issued.items
    assert item.status == "stopped"
    assert item.period is not None
    assert (item.period.start, item.period.end, item.period.end_precision) == (AUTHORED, AUTHORED, "unknown")


def test_an_active_one_ends_where_its_dosage_says() -> None:
    bounds = {"timing": {"repeat": {"boundsPeriod": {"end": "2010-06-01"}}}}
    period = stated_prescription(prescription(dosageInstruction=[bounds])).item.period
    assert period is not None
    assert period.end_precision == "day"


def test_each_diagnosis_has_a_line_of_its_own_and_what_has_none_shares_one() -> None:
    second: Resource = {"reasonReference": [{"reference": "Condition/c2"}]}
    elsewhere: Resource = {"reasonReference": [{"reference": "Condition/elsewhere"}]}
    record = Record()
    record.brings(
        patient(),
        condition(),
        condition("c2"),
        prescription(),
        prescription("m2", **second),
        prescription("m3", **NO_REASON),
        prescription("m4", code="4", **elsewhere),
    )
    streams = {ref: one.stream_id for ref, one in record.known.imported.items()}
    assert record.known.lines == {
        streams["Condition/c1"]: streams["MedicationRequest/m1"],
        streams["Condition/c2"]: streams["MedicationRequest/m2"],
        None: streams["MedicationRequest/m3"],
    }
    assert streams["MedicationRequest/m4"] == streams["MedicationRequest/m3"]


def test_one_that_comes_late_is_told_after_the_last_and_keeps_its_own_date() -> None:
    record = Record()
    record.brings(patient(), condition(), prescription("m2", code="2", **LATER))
    (late,) = revisions(record, prescription(), prescription("m2", code="2", **LATER))
    assert (late.occurred_at, late.precision) == (datetime(2011, 4, 1, 8, tzinfo=UTC), "unknown")
    assert late.changes[0].after is not None
    assert late.changes[0].after.period is not None
    assert late.changes[0].after.period.start == AUTHORED


def test_a_changed_one_revises_its_item_by_now() -> None:
    record = Record()
    record.brings(patient(), condition(), prescription())
    (revised,) = revisions(record, prescription(status="stopped"))
    assert (revised.occurred_at, revised.precision) == (NOW, "unknown")
    assert revised.changes[0].op == "replace"
    assert revisions(record, prescription(status="stopped")) == []


def test_a_change_of_one_that_another_has_replaced_says_nothing_new() -> None:
    record = Record()
    record.brings(patient(), condition(), prescription(status="stopped"), prescription("m2", **LATER))
    planned = record.brings(
        patient(), condition(), prescription(status="cancelled"), prescription("m2", **LATER)
    )
    assert (tags(planned), left_out(planned)) == ([], {"MedicationRequest/m1": "import.superseded"})


def test_what_turns_out_an_error_leaves_the_line_and_the_last_one_ends_it() -> None:
    record, error = Record(), {"status": "entered-in-error"}
    record.brings(patient(), condition(), prescription(), prescription("m2", code="2"))
    (removed,) = revisions(record, prescription(**error), prescription("m2", code="2"))
    assert removed.changes[0].op == "remove"
    planned = record.brings(patient(), condition(), prescription("m2", code="2", **error))
    assert isinstance(events(planned)[-1], RecommendationDiscontinued)


def test_after_a_line_was_ended_the_next_prescription_begins_another() -> None:
    record = Record()
    record.brings(patient(), condition(), prescription())
    record.brings(patient(), condition(), prescription(status="entered-in-error"))
    planned = record.brings(patient(), condition(), prescription("m2", **LATEST))
    assert tags(planned) == ["recommendation.drafted", "recommendation.issued"]


def test_an_error_from_the_start_a_draft_and_a_proposal_are_passed_over() -> None:
    planned = Record().brings(patient(), prescription(status="entered-in-error"))
    assert left_out(planned) == {"MedicationRequest/m1": "import.not_true"}
    for difference in ({"status": "draft"}, {"intent": "proposal"}):
        with pytest.raises(PassedOver, match=r"import\.not_in_force"):
            said(prescription(**difference))


def test_the_dose_is_that_of_the_first_instruction_with_the_words_of_all() -> None:
    instructions = [
        {
            "text": "One tablet",
            "asNeededBoolean": True,
            "additionalInstruction": [{"text": "with food"}],
            "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d", "when": ["CM"]}},
            "doseAndRate": [{"doseQuantity": {"value": 2.5, "unit": "mg"}}],
        },
        {"text": "then two"},
    ]
    dose = stated_prescription(prescription(dosageInstruction=instructions)).item.dose
    assert dose is not None
    assert (dose.amount, dose.unit, dose.times_per_day) == (2.5, "mg", 3)
    assert (dose.timing, dose.text) == ("as_needed, CM", "One tablet; with food; then two")


def test_times_that_nobody_could_follow_are_left_to_the_words() -> None:
    seconds = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "s"}}}
    assert stated_prescription(prescription(dosageInstruction=[seconds])).item.dose is None


def test_a_medicine_may_be_named_elsewhere() -> None:
    elsewhere = prescription(medicationReference={"reference": "Medication/x"})
    del elsewhere["medicationCodeableConcept"]
    parts = [{"itemCodeableConcept": concept("7", "Zinc")}, {"itemCodeableConcept": concept("8", "Starch")}]
    issued = events(
        Record().brings(
            {"resourceType": "Medication", "id": "x", "ingredient": parts}, patient(), condition(), elsewhere
        )
    )[-1]
    assert isinstance(issued, RecommendationIssued)
    assert issued.items[0].remedy.text == "Zinc + Starch"
    assert refusals(Record().brings(patient(), elsewhere)) == {
        "MedicationRequest/m1": "import.medication_unknown"
    }


def test_a_medicine_without_any_name_is_refused() -> None:
    with pytest.raises(Unusable, match=r"import\.code_missing"):
        said(prescription(medicationCodeableConcept={}))
    with pytest.raises(Unusable, match=r"import\.code_missing"):
        said({"resourceType": "Medication", "id": "x"})
