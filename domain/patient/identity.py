"""Who the patient is: registering, correcting what was registered, and death."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TypeVar, assert_never

import msgspec

from domain.changes import change, changes_between
from domain.errors import Conflict, FieldError, Rejected
from domain.patient.commands import CorrectPatientDetails, PatientDetails, RecordDeath, RegisterPatient
from domain.patient.events import (
    CareTeamMemberAssigned,
    PatientDetailsCorrected,
    PatientDied,
    PatientEvent,
    PatientRegistered,
)
from domain.patient.state import (
    DeadPatient,
    Details,
    ErasedPatient,
    MissingPatient,
    PatientFacts,
    PatientState,
    UnmergedPatient,
    active,
    unmerged,
)
from domain.rules import (
    a_person_decides,
    day_possible,
    has_words,
    not_in_future,
    possible,
    refuse,
    well_told,
    when,
)

T = TypeVar("T")
IdentityCommand = RegisterPatient | CorrectPatientDetails | RecordDeath
DIGITS_OF_A_PHONE = range(3, 21)


def decide(command: IdentityCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    match command:
        case RegisterPatient():
            return _register(command, state, facts)
        case CorrectPatientDetails():
            return _correct(command, unmerged(state), facts)
        case RecordDeath():
            return _record_death(command, state, facts)
        case _:
            assert_never(command)


def _register(command: RegisterPatient, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """Who registers as a practitioner is of the care team from then on."""
    if isinstance(state, ErasedPatient):
        raise Rejected("patient.erased")
    if not isinstance(state, MissingPatient):
        raise Conflict("patient.registered_already")
    details = msgspec.convert(command, PatientDetails, from_attributes=True)
    refuse(well_told(command, facts), a_person_decides(facts), _sound(details, facts, ""))
    at = when(command, facts)
    registered = PatientRegistered(
        occurred_at=at,
        precision=command.precision,
        **{name: getattr(command, name) for name in Details.__struct_fields__},
    )
    if facts.actor.role != "practitioner":
        return [registered]
    member = CareTeamMemberAssigned(
        occurred_at=at,
        precision=command.precision,
        account_id=facts.actor.account_id,
        relation="practitioner",
    )
    return [registered, member]


def _correct(
    command: CorrectPatientDetails, patient: UnmergedPatient, facts: PatientFacts
) -> list[PatientEvent]:
    """One event for what was registered, one for the death: each takes the time of what it corrects."""
    known = patient.known
    wanted = command.changes
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        has_words("reason_code", command.reason_code),
        _sound(wanted, facts, "changes."),
        _death_corrigible(wanted, patient, facts),
    )
    events: list[PatientEvent] = []
    if changes := changes_between(known.details, wanted):
        events.append(
            PatientDetailsCorrected(
                occurred_at=known.registered_at,
                precision=known.registered_precision,
                changes=changes,
                reason_code=command.reason_code,
            )
        )
    died_at = wanted.died_at
    if isinstance(patient, DeadPatient) and died_at is not msgspec.UNSET and died_at != patient.died_at:
        events.append(
            PatientDetailsCorrected(
                occurred_at=patient.died_at,
                precision=patient.precision,
                changes={"died_at": change(patient.died_at, died_at)},
                reason_code=command.reason_code,
            )
        )
    return events


def _record_death(command: RecordDeath, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    if isinstance(state, DeadPatient) and state.died_at == command.occurred_at:
        return []
    known = active(state)
    refuse(well_told(command, facts), a_person_decides(facts))
    at = when(command, facts)
    refuse(_lived("occurred_at", known.details.birth_date, at))
    return [PatientDied(occurred_at=at, precision=command.precision)]


def _sound(details: PatientDetails, facts: PatientFacts, prefix: str) -> Iterator[FieldError]:
    """Light rules only: numbers and names take many forms, and a record must be able to hold them."""
    yield from has_words(f"{prefix}patient_no", _said(details.patient_no))
    yield from has_words(f"{prefix}name", _said(details.name))
    yield from has_words(f"{prefix}national_id", _said(details.national_id))
    yield from day_possible(f"{prefix}birth_date", _said(details.birth_date), facts)
    phone, email = _said(details.phone), _said(details.email)
    if phone is not None and sum(letter.isdecimal() for letter in phone) not in DIGITS_OF_A_PHONE:
        yield FieldError(path=f"{prefix}phone", code="patient.phone_invalid")
    if email is not None and not _is_email(email):
        yield FieldError(path=f"{prefix}email", code="patient.email_invalid")


def _is_email(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name and host) and not any(letter.isspace() for letter in text)


def _death_corrigible(
    wanted: PatientDetails, patient: UnmergedPatient, facts: PatientFacts
) -> Iterator[FieldError]:
    """A death that was recorded can be moved or taken back; birth and death stay in their order."""
    died_at = patient.died_at if isinstance(patient, DeadPatient) else None
    if wanted.died_at is not msgspec.UNSET:
        if wanted.died_at is not None and not isinstance(patient, DeadPatient):
            yield FieldError(path="changes.died_at", code="patient.not_dead")
        yield from possible("changes.died_at", wanted.died_at)
        yield from not_in_future("changes.died_at", wanted.died_at, facts)
        died_at = wanted.died_at
    born = wanted.birth_date if wanted.birth_date is not msgspec.UNSET else patient.known.details.birth_date
    path = "changes.birth_date" if wanted.died_at is msgspec.UNSET else "changes.died_at"
    yield from _lived(path, born, died_at)


def _lived(path: str, born: date | None, died_at: datetime | None) -> Iterator[FieldError]:
    """Nobody dies before they are born; a day is allowed for time zones."""
    if born and died_at and died_at.date() < born - timedelta(days=1):
        yield FieldError(path=path, code="patient.died_before_birth")


def _said(value: T | msgspec.UnsetType) -> T | None:
    return None if value is msgspec.UNSET else value
