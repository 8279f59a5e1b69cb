"""Figures by day: what is undone is subtracted, wherever it had been counted."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from domain import patient
from domain.diagnosis import events as diagnosis
from domain.event import Change
from projections.statistics import CONTRIBUTION, model
from projections.statistics_view import Sum, told
from tests.projections.sample import (
    a_year,
    amended,
    answered,
    merged,
    on,
    recorded,
    registered,
    retracted,
    reversed_merge,
    revised,
)
from tests.projections.story import DIAGNOSIS_ID, FEEDBACK_ID, OTHER_PATIENT_ID, PATIENT_ID, Log

TEHRAN = model("Asia/Tehran")


def figures(log: Log, *, zone: str = "Asia/Tehran") -> dict[tuple[str, str], int]:
    """The sums of all days that are not zero."""
    sums: Counter[tuple[str, str]] = Counter()
    for subject_id in (PATIENT_ID, OTHER_PATIENT_ID):
        for row in log.rows(model(zone), subject_id).all(CONTRIBUTION):
            sums[row.figure, row.dimension] += row.n
    return {figure: n for figure, n in sums.items() if n}


def test_a_year_in_figures() -> None:
    assert figures(a_year()) == {
        ("patients.registered", ""): 1,
        ("patients.by_sex", "female"): 1,
        ("consents.active", "research_cohort"): 1,
        ("diagnoses.active_by_condition", "G43"): 1,
        ("diagnoses.active_by_severity", "mild"): 1,
        ("recommendations.issued", ""): 1,
        ("recommendations.revised", "PROTOCOL.SEASONAL"): 1,
        ("recommendations.revised", "SAFETY.ADVERSE_EVENT"): 1,
        ("recommendations.revised", "ADHERENCE.COST"): 1,
        ("feedback.submitted", ""): 2,
        ("feedback.rating", "2"): 1,
        ("feedback.rating", "5"): 1,
        ("feedback.side_effects", "moderate"): 1,
    }


def test_days_are_days_of_the_house() -> None:
    evening = datetime(2025, 3, 20, 21, 0, tzinfo=UTC)
    log = Log().add(PATIENT_ID, patient.PatientDied(occurred_at=evening))
    days = {zone: next(log.rows(model(zone)).all(CONTRIBUTION)).day for zone in ("Asia/Tehran", "UTC")}
    assert days == {"Asia/Tehran": date(2025, 3, 21), "UTC": date(2025, 3, 20)}
    assert model("UTC").fingerprint != TEHRAN.fingerprint


def test_a_diagnosis_is_active_until_it_ends_and_again_when_it_comes_back() -> None:
    log = Log().add(
        DIAGNOSIS_ID, recorded(), diagnosis.DiagnosisResolved(occurred_at=on(5), outcome="recovered")
    )
    assert figures(log) == {}
    log.add(DIAGNOSIS_ID, diagnosis.DiagnosisRecurred(occurred_at=on(6)))
    assert figures(log)["diagnoses.active_by_severity", "mild"] == 1
    refuted = diagnosis.DiagnosisRefuted(occurred_at=on(7), reason_code="OTHER")
    log.add(DIAGNOSIS_ID, refuted, refuted)
    assert figures(log) == {}


def test_a_revision_moves_a_diagnosis_to_its_right_place() -> None:
    log = Log().add(DIAGNOSIS_ID, recorded(), revised(severity="severe"))
    assert figures(log)["diagnoses.active_by_severity", "severe"] == 1
    log.add(DIAGNOSIS_ID, revised(condition={"text": "Tension"}, severity=None), revised(urgency="urgent"))
    assert figures(log) == {
        ("diagnoses.active_by_condition", "uncoded"): 1,
        ("diagnoses.active_by_severity", "unknown"): 1,
    }


def test_what_was_entered_in_error_was_never_there() -> None:
    log = Log().add(
        DIAGNOSIS_ID,
        recorded(),
        diagnosis.DiagnosisEnteredInError(occurred_at=on(2), reason_code="CORRECTION.DUPLICATE"),
    )
    assert figures(log) == {}


def test_feedback_is_counted_as_it_was_meant() -> None:
    log = Log().add(
        FEEDBACK_ID,
        answered(),
        amended(rating=None, side_effects=[{"code": "rash", "severity": "severe"}]),
    )
    assert figures(log) == {("feedback.submitted", ""): 1, ("feedback.side_effects", "severe"): 1}
    log.add(FEEDBACK_ID, amended(comment="Better"))
    assert len(figures(log)) == 2
    assert figures(log.add(FEEDBACK_ID, retracted())) == {}


def test_feedback_without_a_rating() -> None:
    log = Log().add(FEEDBACK_ID, answered(rating=None, side_effects=(), comment="Fine"))
    assert figures(log) == {("feedback.submitted", ""): 1}
    assert figures(log.add(FEEDBACK_ID, amended(rating=4)))["feedback.rating", "4"] == 1


def test_two_records_of_one_person_are_one_patient_until_the_reversal() -> None:
    log = Log().add(PATIENT_ID, registered(), merged(PATIENT_ID, OTHER_PATIENT_ID, "survivor"))
    log.add(
        OTHER_PATIENT_ID,
        registered("Mina R.", "P-2"),
        patient.ConsentGranted(occurred_at=on(1), scope="care", policy_version="1"),
        merged(PATIENT_ID, OTHER_PATIENT_ID, "retired"),
        subject_id=OTHER_PATIENT_ID,
    )
    assert figures(log)["patients.registered", ""] == 1
    log.add(
        OTHER_PATIENT_ID, reversed_merge(PATIENT_ID, OTHER_PATIENT_ID, "retired"), subject_id=OTHER_PATIENT_ID
    )
    assert figures(log)["patients.registered", ""] == 2


def test_a_withdrawn_consent_is_active_no_more() -> None:
    log = a_year().add(
        PATIENT_ID,
        patient.ConsentWithdrawn(occurred_at=on(9), scope="research_cohort", policy_version="1"),
    )
    assert ("consents.active", "research_cohort") not in figures(log)


@pytest.mark.parametrize(("died_at", "days"), [("2025-05-04T12:00:00Z", [date(2025, 5, 4)]), (None, [])])
def test_corrected_details_are_counted_as_corrected(died_at: str | None, days: list[date]) -> None:
    changes = {"died_at": Change(before=None, after=died_at), "sex": Change(before="female", after="male")}
    correct = patient.PatientDetailsCorrected(
        occurred_at=on(5), changes=changes, reason_code="CORRECTION.DATA_ENTRY"
    )
    log = Log().add(PATIENT_ID, registered(), patient.PatientDied(occurred_at=on(5)), correct)
    rows = list(log.rows(TEHRAN).all(CONTRIBUTION))
    assert [row.day for row in rows if row.figure == "patients.died" and row.n] == days
    assert ("patients.by_sex", "male") in figures(log)


def test_details_that_are_not_counted_change_nothing() -> None:
    changes = {"name": Change(before="Mina", after="Mina R.")}
    correct = patient.PatientDetailsCorrected(
        occurred_at=on(1), changes=changes, reason_code="CORRECTION.DATA_ENTRY"
    )
    log = Log().add(PATIENT_ID, registered(), patient.PatientDied(occurred_at=on(5)))
    before = figures(log)
    assert figures(log.add(PATIENT_ID, correct)) == before


def test_a_span_of_days_begins_with_what_had_come_before() -> None:
    sums = [
        Sum(figure="a", dimension="x", day=None, n=3),
        Sum(figure="a", dimension="x", day=date(2025, 1, 2), n=1),
        Sum(figure="a", dimension="x", day=date(2025, 1, 3), n=-2),
        Sum(figure="a", dimension="y", day=date(2025, 1, 3), n=5),
    ]
    shown = told(sums, date(2025, 1, 1), date(2025, 1, 31), "UTC")
    assert [(one.dimension, one.before, one.total, len(one.days)) for one in shown.figures] == [
        ("x", 3, -1, 2),
        ("y", 0, 5, 1),
    ]
