"""The events that an activity can be, by tag, and the command that asks for each."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.diagnosis import (
    AddAssessment,
    AdviseReferral,
    ConfirmDiagnosis,
    ObserveSymptom,
    RecordDiagnosis,
    RecordFinding,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
)
from domain.event import Command
from domain.patient import RecordBackground, RecordDeath
from domain.reasons import IMPORTED
from domain.recommendation import (
    CompleteRecommendation,
    DiscontinueRecommendation,
    IssueRecommendation,
    ResumeRecommendation,
    SuspendRecommendation,
)


class Asked(msgspec.Struct, frozen=True):
    """A command, and what it says where the map says nothing, since a log gives no reasons."""

    kind: type[Command]
    defaults: dict[str, Any] = {}
    begins: bool = False


WITHOUT_REASON = {"reason_code": IMPORTED}
COMMANDS: Mapping[str, Asked] = {
    "patient.background_recorded": Asked(RecordBackground),
    "patient.died": Asked(RecordDeath),
    "diagnosis.recorded": Asked(RecordDiagnosis, {"tradition": "modern"}, begins=True),
    "diagnosis.finding_recorded": Asked(RecordFinding),
    "diagnosis.assessment_added": Asked(AddAssessment, {"tradition": "modern"}),
    "diagnosis.symptom_observed": Asked(ObserveSymptom),
    "diagnosis.confirmed": Asked(ConfirmDiagnosis),
    "diagnosis.refuted": Asked(RefuteDiagnosis, WITHOUT_REASON),
    "diagnosis.resolved": Asked(ResolveDiagnosis, {"outcome": "not_stated"}),
    "diagnosis.recurred": Asked(RecurDiagnosis),
    "diagnosis.referral_advised": Asked(AdviseReferral),
    "recommendation.issued": Asked(
        IssueRecommendation, {"safety_check": {"result": "not_applicable"}}, begins=True
    ),
    "recommendation.suspended": Asked(SuspendRecommendation, WITHOUT_REASON),
    "recommendation.resumed": Asked(ResumeRecommendation, WITHOUT_REASON),
    "recommendation.completed": Asked(CompleteRecommendation, WITHOUT_REASON),
    "recommendation.discontinued": Asked(DiscontinueRecommendation, WITHOUT_REASON),
}
"""What begins a stream begins a new one each time; the others go on with the one that was begun last."""
