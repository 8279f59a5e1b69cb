"""Stories of care plans, as a source states them."""

from datetime import UTC, datetime

import pytest

from domain.recommendation import (
    RecommendationCompleted,
    RecommendationDiscontinued,
    RecommendationDrafted,
    RecommendationIssued,
    RecommendationRevised,
)
from infra.fhir.stated import PassedOver, StatedPlan
from tests.infra.fhir.bundles import Resource, activity, care_plan, condition, patient
from tests.infra.fhir.stories import NOW, Record, events, left_out, refusals, said, tags

START, END = datetime(2010, 3, 5, 8, tzinfo=UTC), datetime(2012, 3, 5, 8, tzinfo=UTC)
ENDED: Resource = {
    "status": "completed",
    "period": {"start": "2010-03-05T08:00:00Z", "end": "2012-03-05T08:00:00Z"},
}


def stated_plan(resource: Resource) -> StatedPlan:
    (record,) = said(resource)
    assert isinstance(record, StatedPlan)
    return record


def test_a_plan_is_issued_for_the_diagnosis_it_addresses() -> None:
    record = Record()
    drafted, issued = events(record.brings(patient(), condition(), care_plan()))[-2:]
    assert isinstance(drafted, RecommendationDrafted)
    assert drafted.diagnosis_id == record.known.imported["Condition/c1"].stream_id
    assert drafted.title == "Asthma self management"
    assert isinstance(issued, RecommendationIssued)
    assert (issued.occurred_at, issued.valid_from, issued.valid_until) == (START, START, None)
    assert [(i.kind, i.remedy.text, i.status, i.source, i.source_ref) for i in issued.items] == [
        ("behavioral", "Smoking cessation therapy", "active", "import", "CarePlan/p1"),
        ("physical_therapy", "Exercise therapy", "active", "import", "CarePlan/p1"),
    ]


def test_a_plan_ends_at_its_true_time() -> None:
    issued, completed = events(Record().brings(patient(), condition(), care_plan(**ENDED)))[-2:]
    assert isinstance(issued, RecommendationIssued)
    assert issued.valid_until == END
    assert isinstance(completed, RecommendationCompleted)
    assert (completed.occurred_at, completed.reason_code) == (END, "SOURCE.IMPORTED")


def test_a_plan_that_ends_as_it_begins_was_not_valid_for_a_while() -> None:
    period = {"start": "2010-03-05T08:00:00Z", "end": "2010-03-05T08:00:00Z"}
    planned = Record().brings(patient(), condition(), care_plan(status="completed", period=period))
    assert refusals(planned) == {}
    assert tags(planned)[-1] == "recommendation.completed"


@pytest.mark.parametrize(
    ("status", "tag"), [("revoked", "recommendation.discontinued"), ("on-hold", "recommendation.suspended")]
)
def test_revoked_and_on_hold_without_a_date_are_told_as_of_the_last_one(status: str, tag: str) -> None:
    planned = Record().brings(patient(), condition(), care_plan(status=status))
    assert tags(planned)[-1] == tag
    assert (events(planned)[-1].occurred_at, events(planned)[-1].precision) == (START, "unknown")


def test_the_first_diagnosis_that_is_known_has_it_and_without_one_it_has_none() -> None:
    two = [{"reference": "Condition/elsewhere"}, {"reference": "Condition/c1"}]
    record = Record()
    drafted = events(record.brings(patient(), condition(), care_plan(addresses=two)))[2]
    assert isinstance(drafted, RecommendationDrafted)
    assert drafted.diagnosis_id == record.known.imported["Condition/c1"].stream_id
    alone = events(Record().brings(patient(), care_plan(addresses=two)))[1]
    assert isinstance(alone, RecommendationDrafted)
    assert alone.diagnosis_id is None


def test_a_plan_for_what_was_over_is_recorded_all_the_same() -> None:
    planned = Record().brings(patient(), condition(abatementDateTime="2010-03-04T09:00:00Z"), care_plan())
    assert refusals(planned) == {}
    assert "recommendation.issued" in tags(planned)


def test_a_plan_does_not_come_before_its_diagnosis() -> None:
    planned = Record().brings(patient(), condition(), care_plan(period={"start": "2000-01-01T00:00:00Z"}))
    assert [one.record.ref for one in planned] == ["Patient/1", "Condition/c1", "CarePlan/p1"]


def test_the_status_of_an_activity_is_its_own() -> None:
    statuses = ("not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped")
    plan = stated_plan(care_plan(activity=[activity(s, s, s) for s in (*statuses, "entered-in-error")]))
    assert [item.status for item in plan.items] == [
        "not_started",
        "not_started",
        "active",
        "on_hold",
        "completed",
        "cancelled",
        "stopped",
    ]


def test_what_must_not_be_done_is_to_be_avoided() -> None:
    forbidden = {"detail": {"code": {"text": "Weight lifting"}, "doNotPerform": True}}
    assert stated_plan(care_plan(activity=[forbidden])).items[0].kind == "avoidance"


def test_the_kind_of_request_goes_before_words() -> None:
    shakes = {"detail": {"kind": "NutritionOrder", "code": {"text": "Exercise shakes"}}}
    assert stated_plan(care_plan(activity=[shakes])).items[0].kind == "dietary"
    walking = {"detail": {"description": "A walk at noon"}}
    assert stated_plan(care_plan(activity=[walking])).items[0].kind == "lifestyle"
    named = {"reference": {"reference": "MedicationRequest/7", "display": "Salbutamol"}}
    assert stated_plan(care_plan(activity=[named])).items[0].kind == "medication"


def test_amount_and_times_of_an_activity_are_kept() -> None:
    detail = {
        "code": {"text": "Potassium"},
        "dailyAmount": {"value": 80, "unit": "mmol"},
        "scheduledString": "daily",
        "scheduledPeriod": {"start": "2013-01-01T00:00:00Z", "end": "2013-02-01"},
    }
    item = stated_plan(care_plan(activity=[{"detail": detail}])).items[0]
    assert item.dose is not None
    assert (item.dose.amount, item.dose.unit, item.dose.timing) == (80, "mmol", "daily")
    assert item.period is not None
    assert (item.period.start, item.period.end_precision) == (datetime(2013, 1, 1, tzinfo=UTC), "day")


@pytest.mark.parametrize(
    ("difference", "code"),
    [
        ({"status": "draft"}, "import.not_in_force"),
        ({"intent": "proposal"}, "import.not_in_force"),
        ({"status": "entered-in-error"}, "import.not_in_force"),
        ({"activity": []}, "import.no_activity"),
        ({"activity": [{"reference": {"reference": "Task/1"}}]}, "import.no_activity"),
    ],
)
def test_what_is_not_in_force_or_asks_nothing_is_passed_over(difference: Resource, code: str) -> None:
    with pytest.raises(PassedOver) as passed:
        said(care_plan(**difference))
    assert passed.value.code == code


def test_a_plan_that_ends_later_is_completed_then() -> None:
    record = Record()
    record.brings(patient(), condition(), care_plan())
    (completed,) = events(record.brings(patient(), condition(), care_plan(**ENDED)))
    assert (type(completed), completed.occurred_at) == (RecommendationCompleted, END)
    assert tags(record.brings(patient(), condition(), care_plan(**ENDED))) == []


def test_a_plan_that_was_on_hold_goes_on_or_is_revoked() -> None:
    record = Record()
    record.brings(patient(), condition(), care_plan(status="on-hold"))
    assert tags(record.brings(patient(), condition(), care_plan())) == ["recommendation.resumed"]
    (ended,) = events(record.brings(patient(), condition(), care_plan(status="revoked")))
    assert isinstance(ended, RecommendationDiscontinued)


def test_activities_that_change_come_and_go_make_the_next_version() -> None:
    record = Record()
    record.brings(patient(), condition(), care_plan())
    smoking, diet = activity("710081004", "Smoking cessation therapy", "completed"), activity("1", "Diet")
    (revised,) = events(record.brings(patient(), condition(), care_plan(activity=[smoking, diet])))
    assert isinstance(revised, RecommendationRevised)
    assert [change.op for change in revised.changes] == ["replace", "add", "remove"]
    assert {change.reason_code for change in revised.changes} == {"SOURCE.IMPORTED"}
    assert (revised.occurred_at, revised.precision) == (NOW, "unknown")


def test_a_plan_that_was_over_and_goes_on_cannot_be_said_in_an_event() -> None:
    record = Record()
    record.brings(patient(), condition(), care_plan(**ENDED))
    planned = record.brings(patient(), condition(), care_plan())
    assert left_out(planned) == {"CarePlan/p1": "import.change_without_event"}
