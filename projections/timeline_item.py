"""The rows of a patient's timeline: which events are items, and what an item holds."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import field

from domain import feedback, patient
from domain.diagnosis import events as diagnosis
from domain.event import Event, Precision
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from projections.model import Row, Table


class Item(Row, frozen=True, kw_only=True):
    """A fact in its present state: `data` holds codes and plain values, to be put into words when read.

    `twin_of` names the other patient of a merge, on whose timeline the same fact stands.
    """

    stream_id: UUID
    version: int
    kind: str
    tag: str
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int
    diagnosis_id: UUID | None = None
    twin_of: UUID | None = None
    refs: dict[str, UUID] = field(default_factory=dict)
    data: dict[str, Any]
    corrected: bool = False


class Thread(Row, frozen=True, kw_only=True):
    """What later facts of a stream refer to: ids, the name of the condition, the number of items."""

    stream_id: UUID
    diagnosis_id: UUID | None = None
    refs: dict[str, UUID] = field(default_factory=dict)
    condition: dict[str, Any] | None = None
    items: int = 0


ITEM = Table("item", Item, key=("stream_id", "version"), indexes=("occurred_at, position",))
THREAD = Table("thread", Thread, key=("stream_id",))

Envelope: TypeAlias = Recorded[Event]

KINDS: dict[type[Event], str] = {
    patient.PatientRegistered: "registration",
    patient.PatientDied: "death",
    patient.ConstitutionAssessed: "constitution",
    patient.BackgroundRecorded: "background",
    patient.ConsentGranted: "consent",
    patient.ConsentWithdrawn: "consent",
    patient.CareTeamMemberAssigned: "care_team",
    patient.CareTeamMemberRemoved: "care_team",
    patient.PatientsMergeProposed: "merge",
    patient.PatientsMerged: "merge",
    patient.PatientMergeReversed: "merge",
    patient.PatientDeactivated: "status",
    patient.PatientReactivated: "status",
    patient.PatientErasureRequested: "status",
    diagnosis.DiagnosisRecorded: "diagnosis",
    diagnosis.DiagnosisConfirmed: "diagnosis",
    diagnosis.DiagnosisRefuted: "diagnosis",
    diagnosis.DiagnosisResolved: "diagnosis",
    diagnosis.DiagnosisRecurred: "diagnosis",
    diagnosis.FindingRecorded: "finding",
    diagnosis.AssessmentAdded: "assessment",
    diagnosis.SymptomObserved: "symptom",
    diagnosis.ReferralAdvised: "referral",
    recommendation.RecommendationIssued: "recommendation",
    recommendation.RecommendationRevised: "recommendation",
    recommendation.RecommendationPhaseAdvanced: "recommendation",
    recommendation.RecommendationVersionRestored: "recommendation",
    recommendation.RecommendationSuspended: "recommendation",
    recommendation.RecommendationResumed: "recommendation",
    recommendation.RecommendationCompleted: "recommendation",
    recommendation.RecommendationDiscontinued: "recommendation",
    recommendation.RecommendationAcknowledged: "recommendation",
    recommendation.SafetyReviewRequested: "recommendation",
    recommendation.SafetyReviewClosed: "recommendation",
    feedback.FeedbackSubmitted: "feedback",
    feedback.FeedbackReviewed: "feedback",
    feedback.AdverseEventEscalated: "feedback",
}
"""The events that are items. Drafts and proposals are not: a patient is shown what was decided."""

HIDDEN = {
    "occurred_at",
    "precision",
    "patient_id",
    "diagnosis_id",
    "recommendation_id",
    "phone",
    "email",
    "national_id",
    "items",
    "changes",
    "safety_check",
}
"""Fields that are no part of an item's data: told elsewhere, too long, or more than a timeline needs."""

SHOWN = {of: tuple(name for name in of.__struct_fields__ if name not in HIDDEN) for of in KINDS}


def plain(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values, exactly as a table gives them back."""
    shown = {name: getattr(event, name) for name in SHOWN[type(event)]}
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shown))
    return values


def item_of(
    recorded: Envelope,
    event: Event,
    data: dict[str, Any],
    diagnosis_id: UUID | None = None,
    refs: dict[str, UUID] | None = None,
    twin_of: UUID | None = None,
) -> Item:
    return Item(
        stream_id=recorded.stream_id,
        version=recorded.version,
        kind=KINDS[type(event)],
        tag=recorded.tag,
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
        diagnosis_id=diagnosis_id,
        twin_of=twin_of,
        refs=refs or {},
        data=data,
    )
