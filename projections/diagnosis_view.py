"""Diagnoses as they are shown: how each stands, with its revisions and everything recorded for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from domain.diagnosis.events import Severity, Urgency
from domain.errors import NotFound
from domain.event import Coded, Precision
from domain.patient import Tradition
from projections.diagnoses import DIAGNOSIS, ENTRY, Diagnosis, Entry, Part, Revision, Status
from projections.model import Rows
from projections.queries import NOTHING, Tables, both, living


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """Something seen, thought or advised; `retracted` is the reason, where it was taken back."""

    id: UUID | None
    version: int
    data: dict[str, Any]
    retracted: str | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int
    recorded_by: UUID


class DiagnosisView(msgspec.Struct, frozen=True, kw_only=True):
    """`version` and `position` are those of the last event of the stream."""

    id: UUID
    patient_id: UUID
    version: int
    position: int
    status: Status
    condition: Coded
    tradition: Tradition
    severity: Severity | None
    urgency: Urgency
    onset: datetime | None
    outcome: str | None
    ended_at: datetime | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    recorded_by: UUID
    revisions: tuple[Revision, ...]
    findings: tuple[EntryView, ...]
    assessments: tuple[EntryView, ...]
    symptoms: tuple[EntryView, ...]
    referrals: tuple[EntryView, ...]


OF_ONE = both(sql.SQL("diagnosis_id = %(diagnosis_id)s"))
NOT_IN_ERROR = both(sql.SQL("status <> 'entered_in_error'"))
"""A list is of what somebody has or had; what never was is found by its id only."""


async def by_id(tables: Tables, diagnosis_id: UUID) -> DiagnosisView:
    """Raises NotFound."""
    parameters: dict[str, object] = {"diagnosis_id": diagnosis_id}
    return _one(_all(*await tables.two(DIAGNOSIS, ENTRY, (OF_ONE, OF_ONE), parameters)))


def by_id_of(group: Sequence[Rows], diagnosis_id: UUID) -> DiagnosisView:
    """The same from rows in memory."""
    found = [one for one in living(group, DIAGNOSIS) if one.diagnosis_id == diagnosis_id]
    return _one(_all(found, living(group, ENTRY)))


async def by_patient(tables: Tables) -> tuple[DiagnosisView, ...]:
    """All diagnoses of the group but those entered in error, the latest first."""
    return _all(*await tables.two(DIAGNOSIS, ENTRY, (NOT_IN_ERROR, NOTHING)))


def by_patient_of(group: Sequence[Rows]) -> tuple[DiagnosisView, ...]:
    """The same from rows in memory."""
    found = [one for one in living(group, DIAGNOSIS) if one.status != "entered_in_error"]
    return _all(found, living(group, ENTRY))


def _one(found: Sequence[DiagnosisView]) -> DiagnosisView:
    if not found:
        raise NotFound("not_found")
    return found[0]


def _all(found: Iterable[Diagnosis], entries: Iterable[Entry]) -> tuple[DiagnosisView, ...]:
    parts: dict[tuple[UUID, Part], list[EntryView]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.occurred_at, entry.position)):
        parts.setdefault((entry.diagnosis_id, entry.part), []).append(_entry(entry))
    latest_first = sorted(found, key=lambda one: (one.occurred_at, one.diagnosis_id), reverse=True)
    return tuple(_told(one, parts) for one in latest_first)


def _entry(entry: Entry) -> EntryView:
    return EntryView(
        id=entry.entry_id,
        version=entry.version,
        data=entry.data,
        retracted=entry.retracted,
        occurred_at=entry.occurred_at,
        precision=entry.precision,
        recorded_at=entry.recorded_at,
        position=entry.position,
        recorded_by=entry.recorded_by,
    )


def _told(one: Diagnosis, parts: dict[tuple[UUID, Part], list[EntryView]]) -> DiagnosisView:
    def of(part: Part) -> tuple[EntryView, ...]:
        return tuple(parts.get((one.diagnosis_id, part), ()))

    return DiagnosisView(
        id=one.diagnosis_id,
        patient_id=one.patient_id,
        version=one.version,
        position=one.position,
        status=one.status,
        condition=one.condition,
        tradition=one.tradition,
        severity=one.severity,
        urgency=one.urgency,
        onset=one.onset,
        outcome=one.outcome,
        ended_at=one.ended_at,
        occurred_at=one.occurred_at,
        precision=one.precision,
        recorded_at=one.recorded_at,
        recorded_by=one.recorded_by,
        revisions=one.revisions,
        findings=of("finding"),
        assessments=of("assessment"),
        symptoms=of("symptom"),
        referrals=of("referral"),
    )
