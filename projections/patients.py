"""Who the patients are and how they stand, and whose patients they are."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.event import Event, Locale
from domain.patient.events import (
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    PatientDeactivated,
    PatientDetailsCorrected,
    PatientDied,
    PatientErasureRequested,
    PatientEvent,
    PatientMergeReversed,
    PatientReactivated,
    PatientRegistered,
    PatientsMerged,
    Relation,
    Sex,
)
from domain.patient.state import Details
from domain.recorded import Recorded
from projections.model import ReadModel, Row, Rows, Table, Touch

Standing = Literal["active", "dead", "deactivated", "merged"]
EVERYBODY = UUID(int=0)
"""The grantee of a consent that names none."""


class Patient(Row, frozen=True, kw_only=True):
    """`beneath` is how one who was merged stands apart from that; `version` is that of the stream."""

    patient_id: UUID
    patient_no: str
    name: str
    birth_date: date | None
    sex: Sex
    phone: str | None
    email: str | None
    national_id: str | None
    locale: Locale
    beneath: Standing = "active"
    died_at: datetime | None = None
    merged_into: UUID | None = None
    erasure_requested: bool = False
    registered_at: datetime
    first_position: int
    version: int
    position: int

    @property
    def standing(self) -> Standing:
        """How the record stands today."""
        return "merged" if self.merged_into else self.beneath


class Member(Row, frozen=True, kw_only=True):
    """The last word on an account's relation to the patient."""

    account_id: UUID
    relation: Relation
    since: datetime
    until: datetime | None


class CareConsent(Row, frozen=True, kw_only=True):
    """The patient's last word on being cared for, by one account or by everybody."""

    grantee: UUID
    given: bool
    expires_at: datetime | None


PATIENT = Table("patient", Patient, key=("patient_id",), across=("first_position",))
MEMBER = Table("member", Member, key=("account_id", "relation"), across=("account_id, relation",))
CONSENT = Table("consent", CareConsent, key=("grantee",))


def touches(recorded: Recorded[Event]) -> Iterable[Touch]:
    if recorded.stream_id == recorded.subject_id:
        yield PATIENT, recorded.stream_id
    match recorded.event:
        case CareTeamMemberAssigned(account_id=account_id) | CareTeamMemberRemoved(account_id=account_id):
            yield MEMBER, account_id
        case ConsentGranted(grantee=grantee) | ConsentWithdrawn(grantee=grantee):
            yield CONSENT, grantee or EVERYBODY


def evolve(rows: Rows, recorded: Recorded[Event]) -> Iterator[Row]:
    event = recorded.event
    if event is None or recorded.stream_id != recorded.subject_id:
        return
    if isinstance(event, PatientRegistered):
        yield _registered(recorded, event)
    elif (found := rows.get(PATIENT, recorded.stream_id)) is not None:
        yield replace(_changed(found, event), version=recorded.version, position=recorded.position)
    yield from _trust(event)


def _registered(recorded: Recorded[Event], event: PatientRegistered) -> Patient:
    return Patient(
        patient_id=recorded.stream_id,
        registered_at=event.occurred_at,
        first_position=recorded.position,
        version=recorded.version,
        position=recorded.position,
        **{name: getattr(event, name) for name in Details.__struct_fields__},
    )


def _changed(found: Patient, event: Event) -> Patient:
    changes: dict[str, object] = {}
    match event:
        case PatientDetailsCorrected():
            return _corrected(found, event)
        case PatientDied() if found.beneath == "active":
            changes = {"beneath": "dead", "died_at": event.occurred_at}
        case PatientDeactivated() if found.beneath == "active":
            changes = {"beneath": "deactivated"}
        case PatientReactivated() if found.beneath == "deactivated":
            changes = {"beneath": "active"}
        case PatientsMerged(side="retired"):
            changes = {"merged_into": event.survivor_id}
        case PatientMergeReversed(side="retired"):
            changes = {"merged_into": None}
        case PatientErasureRequested():
            changes = {"erasure_requested": True}
    return replace(found, **changes)


def _corrected(found: Patient, event: PatientDetailsCorrected) -> Patient:
    """A death that was none gives the patient back to the living."""
    known = msgspec.to_builtins(found) | {name: change.after for name, change in event.changes.items()}
    corrected = msgspec.convert(known, Patient)
    if corrected.beneath != "dead":
        return replace(corrected, died_at=None)
    return corrected if corrected.died_at else replace(corrected, beneath="active")


def _trust(event: Event) -> Iterator[Row]:
    match event:
        case CareTeamMemberAssigned() | CareTeamMemberRemoved():
            until = event.until if isinstance(event, CareTeamMemberAssigned) else event.occurred_at
            yield Member(
                account_id=event.account_id, relation=event.relation, since=event.occurred_at, until=until
            )
        case ConsentGranted(scope="care"):
            yield CareConsent(grantee=event.grantee or EVERYBODY, given=True, expires_at=event.expires_at)
        case ConsentWithdrawn(scope="care"):
            yield CareConsent(grantee=event.grantee or EVERYBODY, given=False, expires_at=None)


MODEL = ReadModel(
    name="patients",
    tables=(PATIENT, MEMBER, CONSENT),
    touches=touches,
    evolve=evolve,
    of=frozenset(get_args(PatientEvent)),
)
