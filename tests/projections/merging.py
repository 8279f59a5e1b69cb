"""Two patients who are taken for one for a while: their histories, and those as if nothing had been."""

from collections.abc import Callable, Sequence
from uuid import UUID

from hypothesis import strategies as st

from domain.event import Event
from domain.patient import PatientMergeReversed, PatientsMerged, PatientsMergeProposed, Side
from domain.recorded import Recorded
from projections import patient_groups
from tests.domain.spec import an_id
from tests.projections.histories import histories
from tests.projections.sample import merged, reversed_merge
from tests.projections.story import PATIENT_ID, Log

SURVIVOR, RETIRED = an_id(1), an_id(2)
ELSEWHERE = 5_000 << 16
"""What tells the streams of the second patient from those of the first."""
OF_MERGES = (PatientsMergeProposed, PatientsMerged, PatientMergeReversed)

Told = Sequence[tuple[UUID, UUID, Event]]
"""Whose, in which stream, what."""


def of_survivor() -> st.SearchStrategy[Told]:
    return histories().map(lambda events: _told(events, SURVIVOR))


def of_retired() -> st.SearchStrategy[Told]:
    return histories().map(lambda events: _told(events, RETIRED))


def _told(events: Sequence[Recorded[Event]], patient: UUID) -> Told:
    def stream(one: UUID) -> UUID:
        if one == PATIENT_ID:
            return patient
        return one if patient == SURVIVOR else UUID(int=one.int + ELSEWHERE)

    return [
        (patient, stream(one.stream_id), one.event)
        for one in events
        if one.event is not None and not isinstance(one.event, OF_MERGES)
    ]


def shuffled(data: st.DataObject, *told: Told) -> Told:
    """All of these, each in its own order, in any order among each other."""
    left, mixed = [list(one) for one in told], []
    while any(left):
        mixed.append(data.draw(st.sampled_from([one for one in left if one])).pop(0))
    return mixed


class Story:
    """What was recorded of both, with a merge in it, perhaps its reversal, and where those stand."""

    def __init__(self, told: Told, at: int, until: int | None) -> None:
        """Merged after `at` facts and parted after `until` of them."""
        self.log = Log()
        first = min(at, len(told))
        for number in range(len(told) + 1):
            if number == first:
                self.before = len(self.log.events)
                self._both(merged)
            if until is not None and number == max(first, min(until, len(told))):
                self._both(reversed_merge)
            if number < len(told):
                patient, stream, event = told[number]
                self.log.add(stream, event, subject_id=patient)

    def _both(self, event: Callable[[UUID, UUID, Side], Event]) -> None:
        sides: tuple[tuple[UUID, Side], ...] = ((SURVIVOR, "survivor"), (RETIRED, "retired"))
        for patient, side in sides:
            self.log.add(patient, event(SURVIVOR, RETIRED, side), subject_id=patient)

    def group(self, patient: UUID, known_at: int | None = None) -> list[UUID]:
        """Who is one with the patient, as known then."""
        rows = {one: self.log.rows(patient_groups.MODEL, one, known_at) for one in (SURVIVOR, RETIRED)}
        return patient_groups.group_of(rows, patient)[0]


def apart(log: Log) -> Log:
    """The same record without a word of a merge: whatever else it holds stands where it did."""
    never = Log()
    never.events = [one for one in log.events if not isinstance(one.event, OF_MERGES)]
    return never
