"""Which stream a record is for, what it asks there, and which record comes before which."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec

from domain.diagnosis.state import DiagnosisInError
from domain.patient import CareTeamMemberAssigned
from domain.recommendation import EndedRecommendation, Line
from infra.fhir import planning_diagnoses, planning_patients, planning_recommendations
from infra.fhir.known import KnownPatient
from infra.fhir.mapping_base import last_known
from infra.fhir.planning_base import House, Step
from infra.fhir.planning_links import Links
from infra.fhir.practitioners import account_of
from infra.fhir.stated import (
    UNNAMED,
    AnyStated,
    PassedOver,
    StatedBackground,
    StatedDeath,
    StatedDiagnosis,
    StatedEncounter,
    StatedGoal,
    StatedMedication,
    StatedPatient,
    StatedPlan,
    StatedPrescription,
    StatedSymptom,
    Unusable,
)
from infra.fhir.times import When

OwnStated = StatedPatient | StatedDeath | StatedBackground
"""What goes into the patient's own stream."""


class Steps:
    """One patient's records, each seen among the others."""

    def __init__(self, known: KnownPatient, house: House, records: Iterable[AnyStated]) -> None:
        self._known = known
        self._house = house
        self._records = {record.ref: record for record in records}
        dates = [date for record in self._records.values() for date in _dates(record)]
        self._first, self._last = min(dates, default=None), max(dates, default=None)
        self._links = Links(known, self._records)

    def place_in_time(self, record: AnyStated) -> tuple[int, datetime, int, datetime, str]:
        """The patient comes first, the death last; nothing comes before the diagnosis that it is for."""
        at = self._at(record)
        about, diagnoses = self._links.about(record), self._links.diagnoses
        effective = max(at, self._at(diagnoses[about])) if about in diagnoses else at
        ends = {StatedPatient: 0, StatedDeath: 2}
        after_diagnosis = not isinstance(record, StatedDiagnosis)
        return ends.get(type(record), 1), effective, int(after_diagnosis), at, record.ref

    def completed(self, record: AnyStated) -> AnyStated:
        """The record with what others say of it: a medicine's name, a plan's goals, a container's date.

        Raises Unusable where a medicine has no name anywhere.
        """
        if isinstance(record, StatedPrescription) and record.medication is not None:
            return self._named(record, record.medication)
        if isinstance(record, StatedPlan) and (goals := self._links.goals(record)):
            return msgspec.structs.replace(record, goals=goals)
        holder, _, part = record.ref.partition("#")
        if record.at is None and part and holder in self._records and not isinstance(record, StatedDeath):
            return msgspec.structs.replace(record, at=last_known(self._records[holder].at))
        return record

    def author(self, record: AnyStated) -> UUID | None:
        """The account on whose behalf it is recorded."""
        return self._links.author(record)

    def step(self, record: AnyStated, *, again: bool) -> Step:
        """What the record asks; `again` says that it was brought in before. Raises PassedOver."""
        match record:
            case StatedPatient() | StatedDeath() | StatedBackground():
                return self._own(record)
            case StatedDiagnosis():
                stream_id = self._stream_of(record.ref)
                stream = self._known.stream(stream_id, "diagnosis")
                commands = planning_diagnoses.of_diagnosis(record, stream.said, stream.last, self._house.now)
                return Step(stream_id, "diagnosis", tuple(commands))
            case StatedSymptom():
                return self._symptom(record, again=again)
            case StatedPlan():
                return self._plan(record)
            case StatedPrescription():
                return self._prescription(record, again=again)
            case StatedEncounter():
                return self._encounter(record, again=again)
            case StatedGoal():
                part = self._links.has_plan(record)
                raise PassedOver("import.part_of_plan" if part else "import.goal_without_plan")
            case StatedMedication():
                raise PassedOver("import.only_names")
            case _:
                assert_never(record)

    def _own(self, record: OwnStated) -> Step:
        said, now = self._known.patient.said, self._house.now
        match record:
            case StatedPatient():
                commands = planning_patients.of_patient(record, said, self._first, self._house.locale, now)
            case StatedDeath():
                commands = planning_patients.of_death(record, said, self._last, now)
            case StatedBackground():
                commands = planning_patients.of_background(record, said, now)
            case _:
                assert_never(record)
        return Step(self._known.patient_id, "patient", tuple(commands))

    def _symptom(self, record: StatedSymptom, *, again: bool) -> Step:
        """Of the diagnosis that it is for, else of the complaint that such observations are by themselves."""
        if again:
            return Step(self._stream_of(record.ref), "diagnosis", ())
        about, now = self._links.about(record), self._house.now
        if found := self._known.imported.get(about) if about else None:
            return Step(found.stream_id, "diagnosis", planning_diagnoses.of_symptom(record, now))
        stream_id = self._known.complaints.get(record.name.code)
        if stream_id and isinstance(self._known.stream(stream_id, "diagnosis").state, DiagnosisInError):
            stream_id = None
        commands = planning_diagnoses.of_complaint(record, begins=stream_id is None, now=now)
        return Step(stream_id or self._house.new_id(), "diagnosis", commands)

    def _encounter(self, record: StatedEncounter, *, again: bool) -> Step:
        """Who met the patient is of their care team from then on; once said is said."""
        said = self._known.patient.said
        members = {one.account_id for one in said if isinstance(one, CareTeamMemberAssigned)}
        new = [ref for ref in dict.fromkeys(record.practitioners) if account_of(ref) not in members]
        if not new and not again:
            raise PassedOver("import.nobody_new")
        commands = planning_patients.of_encounter(record, new, self._house.now)
        return Step(self._known.patient_id, "patient", commands)

    def _plan(self, record: StatedPlan) -> Step:
        stream_id = self._stream_of(record.ref)
        stream = self._known.stream(stream_id, "recommendation")
        commands = planning_recommendations.of_plan(record, stream.said, _line(stream.state), self._house.now)
        return Step(stream_id, "recommendation", tuple(commands), self._diagnosis_of(record.addresses))

    def _prescription(self, record: StatedPrescription, *, again: bool) -> Step:
        about = self._diagnosis_of(record.reasons)
        stream_id = self._stream_of(record.ref) if again else self._line_for(about)
        line = _line(self._known.stream(stream_id, "recommendation").state)
        commands = planning_recommendations.of_prescription(record, line, self._house.now, again=again)
        return Step(stream_id, "recommendation", tuple(commands), about)

    def _line_for(self, diagnosis_id: UUID | None) -> UUID:
        """The medication line of a diagnosis; where there is none, or it was ended here, a new one."""
        stream_id = self._known.lines.get(diagnosis_id)
        if stream_id is None:
            return self._house.new_id()
        ended = isinstance(self._known.stream(stream_id, "recommendation").state, EndedRecommendation)
        return self._house.new_id() if ended else stream_id

    def _stream_of(self, ref: str) -> UUID:
        found = self._known.imported.get(ref)
        return found.stream_id if found else self._house.new_id()

    def _diagnosis_of(self, refs: Iterable[str]) -> UUID | None:
        """The first of these diagnoses that is known here; the record has one place for it."""
        known = (self._known.imported.get(ref) for ref in refs)
        return next((found.stream_id for found in known if found), None)

    def _named(self, record: StatedPrescription, medication: str) -> StatedPrescription:
        medicine = self._house.medications(medication)
        remedy = medicine.code if medicine else record.item.remedy
        if remedy == UNNAMED:
            raise Unusable("import.medication_unknown", medication)
        return msgspec.structs.replace(record, item=msgspec.structs.replace(record.item, remedy=remedy))

    def _at(self, record: AnyStated) -> datetime:
        holder = self._records.get(record.ref.partition("#")[0], record)
        when = record.at or holder.at
        return when.at if when else self._house.now


def _dates(record: AnyStated) -> Iterator[When]:
    ending = record.ending.at if isinstance(record, StatedDiagnosis | StatedPlan) and record.ending else None
    yield from (date for date in (record.at, ending) if date is not None)


def _line(state: object) -> Line | None:
    """The line of a recommendation that was issued."""
    return getattr(state, "line", None)
