"""What is observed and advised under a diagnosis: findings, assessments, symptoms, referrals.

It keeps its own time, which may lie before the diagnosis, and is taken whatever became of it since, so that
nothing a phone brings late is lost; only a diagnosis entered in error takes no more.
"""

from collections.abc import Iterator

from domain.diagnosis.commands import (
    AddAssessment,
    AdviseReferral,
    DiagnosisFacts,
    ObserveSymptom,
    RecordFinding,
    RetractFinding,
)
from domain.diagnosis.events import (
    AssessmentAdded,
    DiagnosisEvent,
    FindingRecorded,
    FindingRetracted,
    ReferralAdvised,
    SymptomObserved,
)
from domain.diagnosis.state import Chart, DiagnosisState, recorded, standing_diagnosis
from domain.errors import FieldError, NotFound
from domain.event import Method
from domain.patient.state import takes_corrections, takes_facts
from domain.provenance import method_is_own
from domain.reasons import unfit
from domain.rules import (
    a_clinician_or_engine,
    a_practitioner_decides,
    has_words,
    is_import,
    not_before_birth,
    refuse,
    well_told,
    when,
)


def record_finding(
    command: RecordFinding, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    chart = recorded(state).chart
    takes_facts(facts.standing)
    refuse(
        well_told(command, facts),
        not_before_birth(command, facts.birth_date, facts),
        _finding_sound(command, chart),
        method_is_own("method", command.method, facts),
    )
    return [
        FindingRecorded(
            occurred_at=when(command, facts),
            precision=command.precision,
            finding_id=command.finding_id or facts.minted(1),
            modality=command.modality,
            attributes=command.attributes,
            confidence=command.confidence,
            method=_method(command, facts),
            media_hash=command.media_hash,
        )
    ]


def retract_finding(
    command: RetractFinding, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    """A correction: it takes the time of the finding."""
    chart = recorded(state).chart
    finding = chart.findings.get(command.finding_id)
    if finding is None:
        raise NotFound("not_found")
    if command.finding_id in chart.retracted:
        return []
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        unfit("retract", command.reason_code, imported=is_import(facts)),
    )
    return [
        FindingRetracted(
            occurred_at=finding.occurred_at,
            precision=finding.precision,
            finding_id=command.finding_id,
            reason_code=command.reason_code,
        )
    ]


def add_assessment(
    command: AddAssessment, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    """What a model assesses says so, whether it is asked to or not."""
    chart = recorded(state).chart
    takes_facts(facts.standing)
    refuse(
        well_told(command, facts),
        a_clinician_or_engine(facts),
        has_words("statement", command.statement),
        _basis_is_live(command, chart),
    )
    model = facts.origin.model_id if facts.origin.method == "model" else None
    return [
        AssessmentAdded(
            occurred_at=when(command, facts),
            precision=command.precision,
            assessment_id=command.assessment_id or facts.minted(1),
            tradition=command.tradition,
            statement=command.statement,
            humors=command.humors,
            confidence=command.confidence,
            basis_finding_ids=command.basis_finding_ids,
            predicted_by=command.predicted_by or model,
        )
    ]


def observe_symptom(
    command: ObserveSymptom, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    recorded(state)
    takes_facts(facts.standing)
    refuse(well_told(command, facts), has_words("symptom_code", command.symptom_code))
    return [
        SymptomObserved(
            occurred_at=when(command, facts),
            precision=command.precision,
            symptom_code=command.symptom_code,
            score=command.score,
            scale=command.scale,
            raw=command.raw,
        )
    ]


def advise_referral(
    command: AdviseReferral, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    """With an override reason it says why nobody is referred to: that settles the question as well."""
    standing_diagnosis(state)
    takes_facts(facts.standing)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        has_words("specialty", command.specialty),
        has_words("override_reason", command.override_reason),
    )
    return [
        ReferralAdvised(
            occurred_at=when(command, facts),
            precision=command.precision,
            specialty=command.specialty,
            urgency=command.urgency,
            override_reason=command.override_reason,
        )
    ]


def _method(command: RecordFinding, facts: DiagnosisFacts) -> Method:
    """Who found it: nobody's finding passes for a practitioner's that came in another way."""
    if facts.origin.method == "model":
        return "model"
    if command.method != "practitioner":
        return command.method
    return "self_report" if facts.actor.role == "patient" else facts.origin.method


def _finding_sound(command: RecordFinding, chart: Chart) -> Iterator[FieldError]:
    if not command.attributes and command.media_hash is None:
        yield FieldError(path="attributes", code="diagnosis.finding_empty")
    if command.finding_id in chart.findings:
        yield FieldError(path="finding_id", code="diagnosis.finding_exists")


def _basis_is_live(command: AddAssessment, chart: Chart) -> Iterator[FieldError]:
    for index, finding_id in enumerate(command.basis_finding_ids):
        if finding_id not in chart.live_finding_ids:
            yield FieldError(path=f"basis_finding_ids.{index}", code="diagnosis.finding_unknown")
    if command.assessment_id in chart.assessments:
        yield FieldError(path="assessment_id", code="diagnosis.assessment_exists")
