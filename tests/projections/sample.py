"""One invented patient whose story has a bit of everything, told again and again."""

from datetime import UTC, date, datetime
from uuid import UUID

from domain import feedback, patient
from domain.diagnosis import events as diagnosis
from domain.event import Change, Coded, EvidenceLink, Narrative
from domain.items import Dose, Item, ItemBody, ItemChange, recorded_item
from domain.recommendation import events as recommendation
from tests.domain.spec import an_id
from tests.projections.story import DIAGNOSIS_ID, DOCTOR_ID, FEEDBACK_ID, LINE_ID, PATIENT_ID, Log

FINDING_ID, ASSESSMENT_ID, PROPOSAL_ID, REVIEW_ID = an_id(41), an_id(42), an_id(43), an_id(44)
GINGER_ID, MINT_ID, WALK_ID = an_id(51), an_id(52), an_id(53)
LATER_FEEDBACK_ID = an_id(32)


def on(month: int, day: int = 1) -> datetime:
    """Noon UTC of a day of 2025."""
    return datetime(2025, month, day, 12, tzinfo=UTC)


def registered(name: str = "Mina", number: str = "P-1") -> patient.PatientRegistered:
    return patient.PatientRegistered(
        occurred_at=on(1),
        patient_no=number,
        name=name,
        birth_date=date(1980, 2, 3),
        sex="female",
        phone="0912",
    )


def recorded(condition: str = "Migraine", **fields: object) -> diagnosis.DiagnosisRecorded:
    return diagnosis.DiagnosisRecorded(
        occurred_at=on(2),
        patient_id=PATIENT_ID,
        condition=Coded(text=condition, code="G43"),
        tradition="avicenna",
        severity="mild",
        **fields,  # type: ignore[arg-type]  # whatever a story wants to say otherwise
    )


def found() -> diagnosis.FindingRecorded:
    return diagnosis.FindingRecorded(
        occurred_at=on(2, 2),
        finding_id=FINDING_ID,
        modality="tongue",
        attributes={"colour": "pale", "depth": 2},
    )


def assessed() -> diagnosis.AssessmentAdded:
    return diagnosis.AssessmentAdded(
        occurred_at=on(2, 3),
        assessment_id=ASSESSMENT_ID,
        tradition="avicenna",
        statement="Cold and wet",
        humors=(diagnosis.HumorShift(humor="phlegm", direction="excess"),),
        confidence=0.8,
    )


def revised(**after: object) -> diagnosis.DiagnosisRevised:
    changes = {name: Change(before=None, after=value) for name, value in after.items()}
    return diagnosis.DiagnosisRevised(occurred_at=on(2), changes=changes, reason_code="CORRECTION.DATA_ENTRY")


def ginger(amount: float) -> Item:
    body = ItemBody(kind="herbal", remedy=Coded(text="Ginger"), dose=Dose(amount=amount, unit="g"))
    return recorded_item(body, GINGER_ID)


MINT = recorded_item(ItemBody(kind="herbal", remedy=Coded(text="Mint")), MINT_ID)
WALK = recorded_item(ItemBody(kind="lifestyle", remedy=Coded(text="Walking")), WALK_ID)


def drafted(diagnosis_id: UUID | None = DIAGNOSIS_ID) -> recommendation.RecommendationDrafted:
    return recommendation.RecommendationDrafted(
        occurred_at=on(3), patient_id=PATIENT_ID, diagnosis_id=diagnosis_id, tradition="avicenna"
    )


def issued() -> recommendation.RecommendationIssued:
    return recommendation.RecommendationIssued(
        occurred_at=on(3),
        recommendation_version=1,
        items=(ginger(2), WALK),
        phases=("cleansing", "balancing"),
        valid_from=on(3),
        decided_by=DOCTOR_ID,
        safety_check=recommendation.SafetyCheck(),
    )


def changed(
    version: int, month: int, *changes: ItemChange, **fields: object
) -> recommendation.RecommendationRevised:
    return recommendation.RecommendationRevised(
        occurred_at=on(month),
        recommendation_version=version,
        base_version=version - 1,
        changes=changes,
        narrative=Narrative(text="Heartburn after the evening dose", lang="en"),
        decided_by=DOCTOR_ID,
        safety_check=recommendation.SafetyCheck(),
        **fields,  # type: ignore[arg-type]  # whatever a story wants to say otherwise
    )


def adds_mint() -> ItemChange:
    return ItemChange(op="add", item_id=MINT_ID, after=MINT, reason_code="PROTOCOL.SEASONAL")


def removes_mint() -> ItemChange:
    return ItemChange(op="remove", item_id=MINT_ID, before_hash=MINT.item_hash, reason_code="ADHERENCE.COST")


def less_ginger() -> ItemChange:
    return ItemChange(
        op="replace",
        item_id=GINGER_ID,
        before_hash=ginger(2).item_hash,
        after=ginger(1),
        reason_code="SAFETY.ADVERSE_EVENT",
        evidence=(
            EvidenceLink(type="feedback", ref=str(FEEDBACK_ID)),
            EvidenceLink(type="finding", ref=str(FINDING_ID)),
        ),
    )


def answered(**fields: object) -> feedback.FeedbackSubmitted:
    told: dict[str, object] = {
        "occurred_at": on(4),
        "patient_id": PATIENT_ID,
        "diagnosis_id": DIAGNOSIS_ID,
        "recommendation_id": LINE_ID,
        "recommendation_version": 1,
        "captured_at": on(4),
        "rating": 2,
        "side_effects": (feedback.SideEffect(code="heartburn", severity="moderate"),),
        **fields,
    }
    return feedback.FeedbackSubmitted(**told)  # type: ignore[arg-type]  # as above


def amended(**after: object) -> feedback.FeedbackAmended:
    changes = {name: Change(before=None, after=value) for name, value in after.items()}
    return feedback.FeedbackAmended(occurred_at=on(4), changes=changes, reason_code="CORRECTION.DATA_ENTRY")


def retracted() -> feedback.FeedbackRetracted:
    return feedback.FeedbackRetracted(occurred_at=on(4), reason_code="PATIENT.REQUEST")


def merged(survivor: UUID, retired: UUID, side: patient.Side) -> patient.PatientsMerged:
    return patient.PatientsMerged(
        occurred_at=on(7), survivor_id=survivor, retired_id=retired, approver=DOCTOR_ID, side=side
    )


def reversed_merge(survivor: UUID, retired: UUID, side: patient.Side) -> patient.PatientMergeReversed:
    return patient.PatientMergeReversed(
        occurred_at=on(8), survivor_id=survivor, retired_id=retired, side=side
    )


def a_year() -> Log:
    """From registration to three versions, feedback, a confirmed diagnosis that went and came back."""
    log = Log()
    log.add(PATIENT_ID, registered())
    log.add(
        PATIENT_ID,
        patient.ConsentGranted(occurred_at=on(1), scope="research_cohort", policy_version="1"),
        patient.BackgroundRecorded(occurred_at=on(1), kind="allergy", code=Coded(text="Pollen", code="POL")),
    )
    log.add(DIAGNOSIS_ID, recorded(), found(), assessed())
    log.add(
        DIAGNOSIS_ID,
        diagnosis.SymptomObserved(occurred_at=on(2, 4), symptom_code="headache", score=7),
        diagnosis.ReferralAdvised(occurred_at=on(2, 5), specialty="neurology", urgency="routine"),
        diagnosis.DiagnosisConfirmed(occurred_at=on(2, 6)),
    )
    log.add(LINE_ID, drafted(), issued())
    log.add(FEEDBACK_ID, answered())
    log.add(LATER_FEEDBACK_ID, answered(occurred_at=on(5), rating=5, side_effects=()))
    log.add(LINE_ID, changed(2, 5, adds_mint()))
    log.add(LINE_ID, changed(3, 6, less_ginger(), removes_mint()))
    log.add(
        LINE_ID,
        recommendation.RecommendationAcknowledged(
            occurred_at=on(6, 2), recommendation_version=3, by=PATIENT_ID, locale="fa"
        ),
    )
    log.add(DIAGNOSIS_ID, diagnosis.DiagnosisResolved(occurred_at=on(7), outcome="improved"))
    log.add(DIAGNOSIS_ID, diagnosis.DiagnosisRecurred(occurred_at=on(9)))
    return log
