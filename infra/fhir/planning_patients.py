"""Patients, deaths and backgrounds: from what is stated to commands for the patient's own stream."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from domain.event import Command, Event, Locale
from domain.patient import (
    AssignCareTeamMember,
    BackgroundRecorded,
    CorrectPatientDetails,
    PatientDetails,
    PatientDetailsCorrected,
    PatientDied,
    PatientRegistered,
    RecordBackground,
    RecordDeath,
    RegisterPatient,
)
from domain.reasons import IMPORTED
from infra.fhir.planning_base import changed, told, view
from infra.fhir.practitioners import account_of
from infra.fhir.stated import StatedBackground, StatedDeath, StatedEncounter, StatedPatient
from infra.fhir.times import When, unknown

DETAILS = ("patient_no", "name", "birth_date", "sex", "phone", "email", "locale")


def of_patient(
    record: StatedPatient, said: Iterable[Event], first_known: When | None, locale: Locale, now: datetime
) -> list[Command]:
    """Registered as of the first date that is known of them, since no source says when; then corrected."""
    wanted = {name: getattr(record, name) for name in DETAILS} | {"locale": record.locale or locale}
    known = view(said, DETAILS, PatientRegistered, PatientDetailsCorrected)
    if not known:
        since = first_known if record.at is None else record.at
        return [RegisterPatient(**told(unknown(since) if since else None, now), **wanted)]
    changes = changed(wanted, known)
    if not changes:
        return []
    return [CorrectPatientDetails(changes=PatientDetails(**changes), reason_code=IMPORTED)]


def of_death(
    record: StatedDeath, said: Iterable[Event], last_known: When | None, now: datetime
) -> list[Command]:
    """A death without a date is told as of the last date that is known of the patient."""
    died_at: datetime | None = None
    for event in said:
        if isinstance(event, PatientDied):
            died_at = event.occurred_at
        elif isinstance(event, PatientDetailsCorrected) and "died_at" in event.changes:
            died_at = msgspec.convert(event.changes["died_at"].after, datetime | None)
    if died_at is None:
        when = record.at or (unknown(last_known) if last_known else None)
        return [RecordDeath(**told(when, now))]
    if record.at is None or record.at.at == died_at:
        return []
    return [CorrectPatientDetails(changes=PatientDetails(died_at=record.at.at), reason_code=IMPORTED)]


def of_encounter(record: StatedEncounter, new: Iterable[str], now: datetime) -> tuple[Command, ...]:
    """Members since they met the patient."""
    return tuple(
        AssignCareTeamMember(**told(record.at, now), account_id=account_of(ref), relation="practitioner")
        for ref in new
    )


def of_background(record: StatedBackground, said: Iterable[Event], now: datetime) -> list[Command]:
    """Told as of its own date; what changed in it since, as of now."""
    once = any(isinstance(e, BackgroundRecorded) and e.code == record.code for e in said)
    return [
        RecordBackground(
            **told(None if once else record.at, now),
            kind="allergy",
            code=record.code,
            status=record.status,
            onset=record.onset.at if record.onset else None,
        )
    ]
