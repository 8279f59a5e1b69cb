"""What deciding needs to know of a diagnosis, folded from its own stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.diagnosis.events import Outcome, Severity, Urgency
from domain.errors import NotFound, Rejected
from domain.event import Coded, Precision
from domain.patient.events import Tradition

Stage = Literal["provisional", "differential", "confirmed", "recurrent"]


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is diagnosed, as known now."""

    condition: Coded
    tradition: Tradition
    severity: Severity | None
    urgency: Urgency
    onset: datetime | None

    @property
    def needs_referral(self) -> bool:
        """Severe or urgent: somebody else should see the patient."""
        return self.severity == "severe" or self.urgency != "routine"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    by_model: bool
    occurred_at: datetime
    precision: Precision


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    by_model: bool
    basis: tuple[UUID, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What an episode holds in whatever stage; `since` is the last change of stage."""

    patient_id: UUID
    details: Details
    recorded_at: datetime
    precision: Precision
    since: datetime
    findings: dict[UUID, Finding] = {}
    retracted: frozenset[UUID] = frozenset()
    assessments: dict[UUID, Assessment] = {}
    referral_settled: bool = False

    @property
    def live_finding_ids(self) -> frozenset[UUID]:
        """The findings that nobody has taken back."""
        return frozenset(self.findings) - self.retracted

    @property
    def support(self) -> tuple[Finding | Assessment, ...]:
        """Live findings, and assessments that do not rest on retracted findings alone."""
        live = self.live_finding_ids
        assessed = (a for a in self.assessments.values() if not a.basis or live.intersection(a.basis))
        return (*(self.findings[finding_id] for finding_id in live), *assessed)


class MissingDiagnosis(msgspec.Struct, frozen=True):
    pass


class OpenDiagnosis(msgspec.Struct, frozen=True, kw_only=True):
    chart: Chart
    stage: Stage


class ResolvedDiagnosis(msgspec.Struct, frozen=True, kw_only=True):
    chart: Chart
    outcome: Outcome


class RefutedDiagnosis(msgspec.Struct, frozen=True, kw_only=True):
    chart: Chart


class DiagnosisInError(msgspec.Struct, frozen=True):
    pass


StandingDiagnosis = OpenDiagnosis | ResolvedDiagnosis
RecordedDiagnosis = StandingDiagnosis | RefutedDiagnosis
DiagnosisState = MissingDiagnosis | RecordedDiagnosis | DiagnosisInError
INITIAL: DiagnosisState = MissingDiagnosis()


def recorded(state: DiagnosisState) -> RecordedDiagnosis:
    """A diagnosis that may be observed and corrected; raises NotFound, or Rejected for one in error."""
    if isinstance(state, MissingDiagnosis):
        raise NotFound("not_found")
    if isinstance(state, DiagnosisInError):
        raise Rejected("diagnosis.in_error")
    return state


def standing_diagnosis(state: DiagnosisState) -> StandingDiagnosis:
    """A diagnosis that holds or held; raises as `recorded`, and Rejected for a refuted one."""
    found = recorded(state)
    if isinstance(found, RefutedDiagnosis):
        raise Rejected("diagnosis.refuted")
    return found
