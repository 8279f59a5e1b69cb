"""Items in words: what a reader sees of each, in English; the catalogs are held to each other elsewhere."""

import pytest

from domain import feedback, patient
from domain.diagnosis import events as diagnosis
from domain.event import Event
from domain.recommendation import events as recommendation
from projections.patient_timeline import MODEL
from projections.timeline_item import KINDS
from projections.timeline_page import Asked, page_of
from projections.timeline_words import ARGUMENTS, Words
from tests.domain.spec import an_id
from tests.projections.sample import REVIEW_ID, answered, assessed, drafted, found, issued, on, recorded
from tests.projections.story import DIAGNOSIS_ID, FEEDBACK_ID, LINE_ID, PATIENT_ID, Log

WITHOUT_ARGUMENTS = {"patient.merge_proposed", "patient.merged"}

TOLD: list[tuple[Event, str]] = [
    (
        patient.ConstitutionAssessed(
            occurred_at=on(1), tradition="avicenna", code="hot_dry", hot_cold=2, dry_wet=-2, confidence=0.75
        ),
        "Temperament: hot and dry (Avicennian medicine); confidence: 75%",
    ),
    (patient.PatientDied(occurred_at=on(1)), "Date of death: January 1, 2025"),
    (
        patient.PatientDied(occurred_at=on(1), precision="unknown"),
        "Date of death: January 1, 2025 (exact date unknown)",
    ),
    (
        patient.ConsentGranted(occurred_at=on(1), scope="care", policy_version="1", expires_at=on(2)),
        "Consent given: receiving care; until February 1, 2025",
    ),
    (
        patient.CareTeamMemberAssigned(occurred_at=on(1), account_id=an_id(9), relation="guardian"),
        "Joined the care team: guardian",
    ),
    (
        patient.PatientErasureRequested(occurred_at=on(1), legal_basis="GDPR-17"),
        "Permanent erasure of the record was requested. Legal basis: GDPR-17",
    ),
    (patient.PatientDeactivated(occurred_at=on(1)), "The record was deactivated."),
    (found(), "Tongue examination: colour: pale and depth: 2"),
    (assessed(), "Avicennian medicine: Cold and wet; humors: phlegm (excess); confidence: 80%"),
    (
        diagnosis.DiagnosisRefuted(occurred_at=on(1), reason_code="HOUSE.CODE"),
        "The diagnosis of Migraine was refuted. Reason: HOUSE.CODE.",
    ),
    (
        recommendation.SafetyReviewRequested(
            occurred_at=on(1), review_id=REVIEW_ID, trigger="rash", severity="severe"
        ),
        "A safety review is needed: rash; severity: severe",
    ),
    (
        recommendation.SafetyReviewRequested(
            occurred_at=on(1), review_id=REVIEW_ID, trigger="SAFETY.ADVERSE_EVENT", severity="severe"
        ),
        "A safety review is needed: Adverse event; severity: severe",
    ),
    (
        recommendation.SafetyReviewClosed(
            occurred_at=on(1), review_id=REVIEW_ID, severity="severe", decision="keep"
        ),
        "The safety review was closed. Decision: keep the recommendation.",
    ),
    (
        answered(
            symptom_scores=(feedback.SymptomScore(symptom_code="pain", score=3),),
            adherence=feedback.Adherence(taken=5, expected=7),
            comment="Better",
        ),
        (
            "On version 1. Rating: 2 out of 5. Adherence: 5 of 7 doses. Symptoms: pain (3 out of 10). "
            "Side effects: heartburn (moderate). Comment: “Better”"
        ),
    ),
]
STREAMS = {
    "patient": PATIENT_ID,
    "diagnosis": DIAGNOSIS_ID,
    "recommendation": LINE_ID,
    "feedback": FEEDBACK_ID,
}


@pytest.mark.parametrize(("event", "summary"), TOLD, ids=lambda value: type(value).__name__)
def test_an_item_in_words(event: Event, summary: str) -> None:
    log = Log().add(DIAGNOSIS_ID, recorded()).add(LINE_ID, drafted(), issued())
    log.add(STREAMS[str(event.__struct_config__.tag).partition(".")[0]], event)
    page = page_of([(PATIENT_ID, log.rows(MODEL))], Asked(), Words("en"), 0, 1)
    (told,) = [item.summary for item in page.items if item.position == len(log.events)]
    assert told == summary


def test_every_kind_of_item_has_its_words() -> None:
    tags = {str(of.__struct_config__.tag) for of in KINDS}
    assert set(ARGUMENTS) | WITHOUT_ARGUMENTS == tags
