"""Stories of conditions and symptoms, as a source states them."""

from datetime import UTC, datetime

import pytest

from domain.diagnosis import (
    DiagnosisRecorded,
    DiagnosisRefuted,
    DiagnosisResolved,
    DiagnosisRevised,
    SymptomObserved,
)
from domain.recommendation import RecommendationDrafted
from infra.fhir.stated import PassedOver, Unusable
from tests.infra.fhir.bundles import Resource, care_plan, coded, concept, condition, pain, patient, resolved
from tests.infra.fhir.stories import NOW, Record, events, left_out, refusals, said, tags

MET: Resource = {"encounter": {"reference": "Encounter/e1"}}


def at(year: int, month: int = 1, day: int = 1, hour: int = 8) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_a_condition_is_recorded_as_it_arrives() -> None:
    planned = Record().brings(patient(), condition(severity=coded("24484000"), onsetDateTime="2009-12-01"))
    recorded = events(planned)[-1]
    assert isinstance(recorded, DiagnosisRecorded)
    assert (recorded.condition.code, recorded.severity, recorded.status) == (
        "195967001",
        "severe",
        "confirmed",
    )
    assert recorded.occurred_at == at(2010, 3, 4)
    assert recorded.onset == at(2009, 11, 30, 20).replace(minute=30)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("differential", "differential"), ("unconfirmed", "provisional"), ("anything", "provisional")],
)
def test_how_sure_it_is(status: str, expected: str) -> None:
    recorded = events(Record().brings(patient(), condition(verificationStatus=coded(status))))[-1]
    assert isinstance(recorded, DiagnosisRecorded)
    assert recorded.status == expected


def test_it_is_resolved_at_its_abatement_and_the_outcome_is_not_invented() -> None:
    planned = Record().brings(patient(), condition(**resolved()))
    assert events(planned)[-1] == DiagnosisResolved(occurred_at=at(2011), outcome="not_stated")


def test_an_end_without_a_date_is_told_as_of_the_last_date_known() -> None:
    ended = events(Record().brings(patient(), condition(clinicalStatus=coded("inactive"))))[-1]
    assert isinstance(ended, DiagnosisResolved)
    assert (ended.occurred_at, ended.precision) == (at(2010, 3, 4), "unknown")


def test_what_was_written_down_after_its_end_had_begun_before() -> None:
    planned = Record().brings(
        patient(), condition(**resolved("2010-03-10T08:00:00Z"), recordedDate="2012-01-01")
    )
    assert refusals(planned) == {}
    assert [event.occurred_at for event in events(planned)[1:]] == [at(2010, 3, 4), at(2010, 3, 10)]


def test_an_end_before_the_beginning_is_named_and_the_rest_recorded_and_named_again() -> None:
    record = Record()
    everything = patient(), condition(**resolved("2001-01-01"), recordedDate=None)
    planned = record.brings(*everything)
    assert tags(planned) == ["patient.registered", "diagnosis.recorded"]
    assert refusals(planned) == {"Condition/c1": "time.backwards"}
    again = record.brings(*everything)
    assert (tags(again), refusals(again)) == ([], {"Condition/c1": "time.backwards"})


def test_what_was_refuted_or_an_error_says_so() -> None:
    refuted = Record().brings(patient(), condition(verificationStatus=coded("refuted")))
    assert isinstance(events(refuted)[-1], DiagnosisRefuted)
    in_error = Record().brings(patient(), condition(verificationStatus=coded("entered-in-error")))
    assert tags(in_error)[-1] == "diagnosis.entered_in_error"


def test_an_abatement_that_is_learned_later_resolves() -> None:
    record = Record()
    record.brings(patient(), condition())
    assert tags(record.brings(patient(), condition(**resolved()))) == ["diagnosis.resolved"]
    assert tags(record.brings(patient(), condition(**resolved()))) == []


def test_what_is_active_again_recurred_by_now() -> None:
    record = Record()
    record.brings(patient(), condition(**resolved()))
    (recurred,) = events(record.brings(patient(), condition()))
    assert (recurred.occurred_at, recurred.precision) == (NOW, "unknown")


def test_a_changed_severity_is_revised_and_nothing_else() -> None:
    record = Record()
    record.brings(patient(), condition(severity=coded("255604002")))
    (revised,) = events(record.brings(patient(), condition(severity=coded("24484000"))))
    assert isinstance(revised, DiagnosisRevised)
    assert {n: (c.before, c.after) for n, c in revised.changes.items()} == {"severity": ("mild", "severe")}
    assert revised.reason_code == "SOURCE.IMPORTED"


def test_what_turns_out_surer_is_confirmed() -> None:
    record = Record()
    record.brings(patient(), condition(verificationStatus=coded("provisional")))
    later = record.brings(patient(), condition(verificationStatus=coded("differential")))
    assert tags(later) == ["diagnosis.revised"]
    assert tags(record.brings(patient(), condition())) == ["diagnosis.confirmed"]
    assert tags(record.brings(patient(), condition())) == []


def test_a_change_that_no_event_can_say_is_said_in_the_report() -> None:
    record = Record()
    record.brings(patient(), condition(**resolved("2011-01-01")))
    planned = record.brings(patient(), condition(**resolved("2011-02-01")))
    assert (tags(planned), left_out(planned)) == ([], {"Condition/c1": "import.change_without_event"})


def test_what_the_source_does_not_state_any_more_is_told_and_stays() -> None:
    record = Record()
    record.brings(patient(), condition(), condition("c2"))
    planned = record.brings(patient(), condition())
    assert (tags(planned), record.vanished) == ([], ["Condition/c2"])
    record.brings(condition())
    assert record.vanished == []


def test_a_condition_says_what_it_is_and_whose() -> None:
    with pytest.raises(Unusable, match=r"import\.code_missing"):
        said(condition(code={}))
    with pytest.raises(Unusable, match=r"import\.patient_not_named"):
        said(condition(subject={"display": "somebody"}))
    with pytest.raises(Unusable, match=r"import\.subject_no_patient"):
        said(condition(subject={"reference": "Group/1"}))


def test_a_contained_condition_has_the_date_of_what_contains_it() -> None:
    inner = condition("x", ref="CarePlan/p1#x", onsetDateTime=None, recordedDate=None)
    record = Record()
    planned = record.brings(patient(), care_plan(addresses=[{"reference": "#x"}]), inner)
    recorded, drafted = events(planned)[1:3]
    assert isinstance(recorded, DiagnosisRecorded)
    assert (recorded.occurred_at, recorded.precision) == (at(2010, 3, 5), "unknown")
    assert isinstance(drafted, RecommendationDrafted)
    assert drafted.diagnosis_id == record.known.imported["CarePlan/p1#x"].stream_id


def test_pain_goes_to_the_diagnosis_of_the_same_encounter() -> None:
    planned = Record().brings(patient(), condition(**MET), pain(**MET))
    symptom = events(planned)[-1]
    assert symptom == SymptomObserved(occurred_at=at(2010, 3, 4), symptom_code="pain", score=6, scale="nrs")


def test_pain_goes_where_it_says_itself() -> None:
    focus = [{"reference": "Condition/c2"}]
    record = Record()
    planned = record.brings(patient(), condition(**MET), condition("c2", **MET), pain(focus=focus, **MET))
    assert planned[-1].request is not None
    assert planned[-1].request.stream_id == record.known.imported["Condition/c2"].stream_id


def test_other_observations_are_passed_over() -> None:
    with pytest.raises(PassedOver, match=r"import\.no_symptom"):
        said(pain(code=concept("8302-2", "Body height", "http://loinc.org")))
    with pytest.raises(PassedOver, match=r"import\.not_true"):
        said(pain(status="entered-in-error"))
    with pytest.raises(Unusable, match=r"import\.score_missing"):
        said(pain(score=11))


def test_a_symptom_is_observed_once_whatever_becomes_of_the_observation() -> None:
    record = Record()
    record.brings(patient(), condition(**MET), pain(**MET))
    planned = record.brings(patient(), condition(**MET), pain(score=7, **MET))
    assert left_out(planned) == {"Observation/o1": "import.change_without_event"}
