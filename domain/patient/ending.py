"""How a record rests, wakes and ends: deactivation and erasure."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from domain.errors import FieldError
from domain.patient.commands import DeactivatePatient, ErasePatient, ReactivatePatient, RequestErasure
from domain.patient.events import (
    LegalBasis,
    PatientDeactivated,
    PatientErased,
    PatientErasureRequested,
    PatientEvent,
    PatientReactivated,
)
from domain.patient.state import (
    DeactivatedPatient,
    Details,
    ErasedPatient,
    PatientFacts,
    PatientState,
    active,
    unmerged,
)
from domain.rules import a_person_decides, not_before, refuse, well_told, when

EndingCommand = DeactivatePatient | ReactivatePatient | RequestErasure | ErasePatient
TELLING = 4
"""Shorter details than this stand in too many words to be meant."""


def decide(command: EndingCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    match command:
        case DeactivatePatient():
            return _deactivate(command, state, facts)
        case ReactivatePatient():
            return _reactivate(command, state, facts)
        case RequestErasure():
            return _request_erasure(command, state, facts)
        case ErasePatient():
            return _erase(command, state, facts)
        case _:
            assert_never(command)


def _deactivate(command: DeactivatePatient, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    if isinstance(state, DeactivatedPatient):
        return []
    known = active(state)
    refuse(well_told(command, facts), a_person_decides(facts), not_before(command, known.since))
    at = when(command, facts, known.since)
    return [PatientDeactivated(occurred_at=at, precision=command.precision, reason=command.reason)]


def _reactivate(command: ReactivatePatient, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """Wakes what was deactivated; a death recorded in error is taken back by correcting the details."""
    if not isinstance(state, DeactivatedPatient):
        active(state)
        return []
    since = state.known.since
    refuse(well_told(command, facts), a_person_decides(facts), not_before(command, since))
    at = when(command, facts, since)
    return [PatientReactivated(occurred_at=at, precision=command.precision, reason=command.reason)]


def _request_erasure(command: RequestErasure, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    known = unmerged(state).known
    refuse(well_told(command, facts), a_person_decides(facts), _is_code(command.legal_basis))
    if known.erasure_requested == command.legal_basis:
        return []
    at = when(command, facts)
    return [
        PatientErasureRequested(occurred_at=at, precision=command.precision, legal_basis=command.legal_basis)
    ]


def _erase(command: ErasePatient, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """For good, whatever became of the patient before, and whether or not it had been requested."""
    if isinstance(state, ErasedPatient):
        return []
    details = unmerged(state).known.details
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        _is_code(command.legal_basis),
        _says_nothing_personal("legal_basis", command.legal_basis, details),
    )
    at = when(command, facts)
    return [PatientErased(occurred_at=at, precision=command.precision, legal_basis=command.legal_basis)]


def _is_code(basis: str) -> Iterator[FieldError]:
    """To the last letter, whichever way the command came in."""
    try:
        msgspec.convert(basis, LegalBasis)
        code = not basis.endswith("\n")
    except msgspec.ValidationError:
        code = False
    if not code:
        yield FieldError(path="legal_basis", code="erasure.basis_code")


def _says_nothing_personal(path: str, text: str, details: Details) -> Iterator[FieldError]:
    """The last event is never sealed, so it may not name whom it forgets."""
    personal = (details.name, details.patient_no, details.phone, details.email, details.national_id)
    words = text.casefold()
    if any(value and len(value) >= TELLING and value.casefold() in words for value in personal):
        yield FieldError(path=path, code="erasure.basis_personal")
