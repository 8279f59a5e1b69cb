"""A person: a patient's record, and every other one that is merged with it."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from uuid import UUID

import msgspec

from domain import patient
from domain.event import Actor
from domain.patient import ErasedPatient, MergedPatient, MissingPatient, PatientState, Standing
from domain.patient.state import unmerged
from infra.commands.decided import Stream
from infra.event_log.append import Guard


class Record(msgspec.Struct, frozen=True):
    """One of the records of a person, as its own stream tells it."""

    stream: Stream
    state: PatientState


class Person(msgspec.Struct, frozen=True):
    """All records of one person, by id; `asked_id` is the one that was asked for."""

    asked_id: UUID
    records: dict[UUID, Record]

    @property
    def living_id(self) -> UUID:
        """The record that takes new facts: the survivor of all merges."""
        patient_id = self.asked_id
        while isinstance(state := self.records[patient_id].state, MergedPatient):
            patient_id = state.into
        return patient_id

    @property
    def guards(self) -> tuple[Guard, ...]:
        """That no record of theirs has moved, and none was merged or parted."""
        return tuple(record.stream.guard for record in self.records.values())

    def standing(self, patient_id: UUID) -> Standing:
        """How one of the records stands."""
        return patient.standing(self.records[patient_id].state)

    def birth_date(self, patient_id: UUID) -> date | None:
        """When the patient was born, as one of the records says."""
        state = self.records[patient_id].state
        if isinstance(state, MissingPatient | ErasedPatient):
            return None
        return unmerged(state).known.details.birth_date

    def is_answered_for_by(self, actor: Actor, now: datetime) -> bool:
        """The patient, under whichever of their ids, or a guardian or proxy in any of their records."""
        return actor.patient_id in self.records or any(
            _stands_in(record.state, actor.account_id, now) for record in self.records.values()
        )


async def person(asked: Stream, read: Callable[[UUID], Awaitable[Stream]]) -> Person:
    """Everybody who is the same person as this patient."""
    records: dict[UUID, Record] = {}
    waiting = [asked]
    while waiting:
        stream = waiting.pop()
        state = stream.state(patient.INITIAL, patient.evolve)
        records[stream.stream_id] = Record(stream, state)
        waiting += [await read(other) for other in _merged_with(state) if other not in records]
    return Person(asked.stream_id, records)


def _merged_with(state: PatientState) -> set[UUID]:
    match state:
        case MergedPatient(into=into, patient=beneath):
            return {into, *beneath.known.absorbed}
        case MissingPatient() | ErasedPatient():
            return set()
        case _:
            return set(state.known.absorbed)


def _stands_in(state: PatientState, account_id: UUID, now: datetime) -> bool:
    if isinstance(state, MissingPatient | ErasedPatient):
        return False
    care_team = unmerged(state).known.care_team
    members = [care_team.get((account_id, relation)) for relation in ("guardian", "proxy")]
    return any(member is not None and (member.until is None or now < member.until) for member in members)
