"""What is constant about a patient: constitution and background."""

from collections.abc import Iterator
from typing import assert_never

from domain.errors import FieldError
from domain.patient.commands import AssessConstitution, RecordBackground
from domain.patient.events import BackgroundRecorded, ConstitutionAssessed, PatientEvent
from domain.patient.evolving import background_key
from domain.patient.state import Known, PatientFacts, PatientState, active
from domain.rules import has_words, not_in_future, possible, refuse, well_told, when

HealthCommand = AssessConstitution | RecordBackground


def decide(command: HealthCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """These may be dated before one another, as they are told. A model may state them."""
    known = active(state)
    match command:
        case AssessConstitution():
            return _assess(command, known, facts)
        case RecordBackground():
            return _record_background(command, known, facts)
        case _:
            assert_never(command)


def _assess(command: AssessConstitution, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    """A second assessment with the same result is news, unless it is of the same moment."""
    refuse(well_told(command, facts), _basis_is_live(command, facts))
    assessed = ConstitutionAssessed(
        occurred_at=when(command, facts),
        precision=command.precision,
        tradition=command.tradition,
        code=command.code,
        hot_cold=command.hot_cold,
        dry_wet=command.dry_wet,
        confidence=command.confidence,
        basis_finding_ids=command.basis_finding_ids,
    )
    return [] if known.constitutions.get(command.tradition) == assessed else [assessed]


def _basis_is_live(command: AssessConstitution, facts: PatientFacts) -> Iterator[FieldError]:
    """It rests on findings of this patient that nobody retracted."""
    for index, finding_id in enumerate(command.basis_finding_ids):
        if finding_id not in facts.live_finding_ids:
            yield FieldError(path=f"basis_finding_ids.{index}", code="evidence.unresolved")


def _record_background(command: RecordBackground, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    refuse(
        well_told(command, facts),
        has_words("code.text", command.code.text),
        possible("onset", command.onset),
        not_in_future("onset", command.onset, facts),
    )
    at = when(command, facts)
    last = known.backgrounds.get(background_key(command.kind, command.code))
    if last and last.occurred_at <= at and (last.status, last.onset) == (command.status, command.onset):
        return []
    recorded = BackgroundRecorded(
        occurred_at=at,
        precision=command.precision,
        kind=command.kind,
        code=command.code,
        status=command.status,
        onset=command.onset,
    )
    return [recorded]
