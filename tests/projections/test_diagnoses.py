"""Diagnoses: how each stands, what was revised and why, and what was recorded for it."""

import pytest

from domain.diagnosis import events as diagnosis
from domain.errors import NotFound
from domain.event import Coded
from projections.diagnoses import MODEL
from projections.diagnosis_view import DiagnosisView, by_id_of, by_patient_of
from tests.projections.sample import ASSESSMENT_ID, FINDING_ID, a_year, on, recorded, revised
from tests.projections.story import DIAGNOSIS_ID, LINE_ID, Log


def the_one(log: Log) -> DiagnosisView:
    return by_id_of([log.rows(MODEL)], DIAGNOSIS_ID)


def test_a_diagnosis_with_everything_that_was_recorded_for_it() -> None:
    told = the_one(a_year())
    assert (told.status, told.version, told.outcome, told.ended_at) == ("recurrent", 8, None, None)
    assert [one.changes["status"].after for one in told.revisions] == ["confirmed", "resolved", "recurrent"]
    assert [one.id for one in told.findings] == [FINDING_ID]
    assert [one.id for one in told.assessments] == [ASSESSMENT_ID]
    assert [one.data["score"] for one in told.symptoms] == [7]
    assert [one.data["specialty"] for one in told.referrals] == ["neurology"]


def test_a_resolved_one_has_an_end_and_an_outcome() -> None:
    log = Log().add(
        DIAGNOSIS_ID, recorded(), diagnosis.DiagnosisResolved(occurred_at=on(7), outcome="improved")
    )
    assert (the_one(log).outcome, the_one(log).ended_at) == ("improved", on(7))


def test_a_revision_changes_the_fields_and_says_why() -> None:
    log = a_year()
    before = len(log.events)
    log.add(
        DIAGNOSIS_ID,
        revised(condition={"text": "Cluster headache"}, severity=None, onset="2024-12-01T12:00:00Z"),
    )
    told = the_one(log)
    assert (told.condition, told.severity) == (Coded(text="Cluster headache"), None)
    assert told.onset is not None
    assert told.onset.year == 2024
    assert told.revisions[-1].reason_code == "CORRECTION.DATA_ENTRY"
    assert by_id_of([log.rows(MODEL, known_at=before)], DIAGNOSIS_ID).condition.text == "Migraine"


def test_a_retracted_finding_stays_and_says_why() -> None:
    log = a_year().add(
        DIAGNOSIS_ID,
        diagnosis.FindingRetracted(
            occurred_at=on(2), finding_id=FINDING_ID, reason_code="CORRECTION.DUPLICATE"
        ),
    )
    assert [one.retracted for one in the_one(log).findings] == ["CORRECTION.DUPLICATE"]
    assert [one.retracted for one in the_one(log).assessments] == [None]


def test_what_was_entered_in_error_is_found_by_its_id_only() -> None:
    log = a_year()
    assert len(by_patient_of([log.rows(MODEL)])) == 1
    log.add(
        DIAGNOSIS_ID, diagnosis.DiagnosisEnteredInError(occurred_at=on(2), reason_code="CORRECTION.DUPLICATE")
    )
    assert by_patient_of([log.rows(MODEL)]) == ()
    assert the_one(log).status == "entered_in_error"


def test_an_unknown_one_is_not_found() -> None:
    with pytest.raises(NotFound):
        by_id_of([a_year().rows(MODEL)], LINE_ID)
