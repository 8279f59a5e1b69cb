"""Stories of scores: which symptom they are of, how bad, and of which diagnosis."""

import pytest

from domain.diagnosis import DiagnosisRecorded, SymptomObserved
from infra.fhir.stated import Unusable
from tests.infra.fhir.bundles import Resource, coded, concept, condition, encounter, pain, patient, score
from tests.infra.fhir.stories import Record, events, left_out, refusals, said, tags

MET: Resource = {"encounter": {"reference": "Encounter/e1"}}
DEMENTIA: Resource = {
    "code": concept("26929004", "Alzheimer's disease"),
    "onsetDateTime": "2009-01-01T08:00:00Z",
}


def observed(*resources: Resource) -> list[SymptomObserved]:
    found = events(Record().brings(patient(), *resources))
    return [event for event in found if isinstance(event, SymptomObserved)]


@pytest.mark.parametrize(
    ("code", "value", "symptom", "scale", "expected", "raw"),
    [
        ("72514-3", 7.25, "pain", "nrs", 7.25, None),
        ("44261-6", 27, "depression", "phq-9", 10, 27),
        ("44261-6", 13, "depression", "phq-9", 4.81, 13),
        ("55758-7", 3, "depression", "phq-2", 5, 3),
        ("70274-6", 21, "anxiety", "gad-7", 10, 21),
        ("72106-8", 30, "cognitive_impairment", "mmse", 0, 30),
        ("72106-8", 6, "cognitive_impairment", "mmse", 8, 6),
        ("75626-2", 0, "alcohol_use", "audit-c", 0, 0),
    ],
)
def test_ten_is_the_worst_whichever_scale_and_the_raw_score_is_kept(
    code: str, value: float, symptom: str, scale: str, expected: float, raw: float | None
) -> None:
    (one,) = observed(score(code, value))
    assert (one.symptom_code, one.scale, one.score, one.raw) == (symptom, scale, expected, raw)


@pytest.mark.parametrize(("code", "value"), [("72514-3", 10.5), ("44261-6", 28), ("55758-7", -1)])
def test_a_score_beyond_its_scale_is_named(code: str, value: float) -> None:
    with pytest.raises(Unusable, match=r"import\.score_missing"):
        said(score(code, value))


def test_what_belongs_to_no_diagnosis_opens_one_for_what_was_measured_and_goes_on_with_it() -> None:
    record = Record()
    later = pain("o2", effectiveDateTime="2011-01-01T08:00:00Z")
    planned = record.brings(patient(), later, pain(), score("44261-6", 9, "o3"))
    assert tags(planned)[1:] == [
        "diagnosis.recorded",
        "diagnosis.symptom_observed",
        "diagnosis.recorded",
        "diagnosis.symptom_observed",
        "diagnosis.symptom_observed",
    ]
    opened = next(event for event in events(planned) if isinstance(event, DiagnosisRecorded))
    assert (opened.condition.text, opened.condition.code) == ("Pain severity", "72514-3")
    assert (opened.status, opened.occurred_at.year) == ("provisional", 2010)
    streams = {ref: one.stream_id for ref, one in record.known.imported.items()}
    assert streams["Observation/o1"] == streams["Observation/o2"] != streams["Observation/o3"]
    again = record.brings(patient(), later, pain(), score("44261-6", 9, "o3"), pain("o4"))
    assert tags(again) == ["diagnosis.symptom_observed"]
    assert record.known.imported["Observation/o4"].stream_id == streams["Observation/o1"]
    assert record.vanished == []


def test_what_may_be_of_two_diagnoses_is_not_guessed() -> None:
    record = Record()
    record.brings(patient(), condition(**MET), condition("c2", **MET), pain(**MET))
    diagnoses = {record.known.imported[f"Condition/{one}"].stream_id for one in ("c1", "c2")}
    assert record.known.imported["Observation/o1"].stream_id not in diagnoses


def test_an_encounter_says_which_of_two_it_was_for() -> None:
    reasons: list[Resource] = [
        {"reasonReference": [{"reference": "Condition/c2"}]},
        {"diagnosis": [{"condition": {"reference": "Condition/c2"}}]},
    ]
    for reason in reasons:
        record = Record()
        record.brings(patient(), condition(**MET), condition("c2", **MET), pain(**MET), encounter(**reason))
        streams = {ref: one.stream_id for ref, one in record.known.imported.items()}
        assert streams["Observation/o1"] == streams["Condition/c2"]


def test_or_gives_a_code_of_what_the_patient_had_by_then() -> None:
    record = Record()
    reason: Resource = {"reasonCode": [concept("26929004", "Alzheimer's disease")]}
    first = condition("c1", **DEMENTIA, recordedDate="2009-01-01T08:00:00Z")
    second = condition("c2", **DEMENTIA, recordedDate="2010-01-01T08:00:00Z")
    after = condition("c3", **DEMENTIA, recordedDate="2012-01-01T08:00:00Z")
    other = condition("c4", recordedDate="2010-02-01T08:00:00Z")
    measured = score("72106-8", 21, **MET)
    record.brings(patient(), first, second, after, other, encounter(**reason), measured)
    streams = {ref: one.stream_id for ref, one in record.known.imported.items()}
    assert streams["Observation/o1"] == streams["Condition/c2"]


def test_what_was_opened_in_error_is_not_gone_on_with() -> None:
    record = Record()
    record.brings(patient(), pain())
    stream_id = record.known.imported["Observation/o1"].stream_id
    stream = record.known.streams[stream_id]
    in_error = Record()
    in_error.brings(patient(), condition(verificationStatus=coded("entered-in-error")))
    stream.state = in_error.known.streams[in_error.known.imported["Condition/c1"].stream_id].state
    planned = record.brings(patient(), pain(), pain("o2"))
    assert (tags(planned), refusals(planned), left_out(planned)) == (
        ["diagnosis.recorded", "diagnosis.symptom_observed"],
        {},
        {},
    )
    assert record.known.imported["Observation/o2"].stream_id != stream_id
