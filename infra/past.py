"""The past by the code that shows the present: the same folds, over what was known or true by then."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.catalog import tag_of
from domain.event import Event
from domain.patient import PatientErased, PatientMergeReversed, PatientsMerged
from domain.recorded import Recorded
from infra.event_log.reader import Reader
from infra.projector.fold import fold_history
from projections import patient_groups
from projections.model import ReadModel, Rows

GROUPING: tuple[type[Event], ...] = (PatientsMerged, PatientMergeReversed, PatientErased)
"""Of a long record few events say whom it was merged with; an erasure closes what they said."""


class Moment(msgspec.Struct, frozen=True):
    """What to leave out: all that was recorded after `position`, all that was not yet true at `as_of`."""

    position: int | None = None
    as_of: datetime | None = None

    @property
    def is_past(self) -> bool:
        """Whether anything is left out at all."""
        return self.position is not None or self.as_of is not None

    def shows(self, recorded: Recorded[Event]) -> bool:
        """Whether an event had happened by then. What cannot be opened any more has no time and stays."""
        return self.as_of is None or recorded.event is None or recorded.event.occurred_at <= self.as_of

    def of(self, events: Iterable[Recorded[Event]]) -> list[Recorded[Event]]:
        """What is left of these events. The two questions are independent: either may be asked first."""
        return [
            recorded
            for recorded in events
            if self.shows(recorded) and (self.position is None or recorded.position <= self.position)
        ]


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day of the zone."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond of a day of the zone."""
    return start_of_day(day + timedelta(days=1), zone) - timedelta(microseconds=1)


class Past:
    """Folds what a patient's record looked like."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def group(self, patient_id: UUID, moment: Moment) -> list[UUID]:
        """Who was known then to be one with the patient, the patient among them, in the order of their ids.

        Whoever is one person has always been so: since when a merge is true is not asked.
        """
        known: dict[UUID, Rows] = {}
        members, missing = [patient_id], [patient_id]
        while missing:
            events = await self._reader.by_subject(
                missing, until=moment.position, tags=[tag_of(kind) for kind in GROUPING]
            )
            known |= {
                one: fold_history(patient_groups.MODEL, [r for r in events if r.subject_id == one])
                for one in missing
            }
            members, missing = patient_groups.group_of(known, patient_id)
        return members

    async def group_still(self, patient_id: UUID, moment: Moment) -> list[UUID]:
        """The same without those who were parted from the patient since: they are somebody else's record."""
        then = await self.group(patient_id, moment)
        if len(then) == 1 or moment.position is None:
            return then
        today = await self.group(patient_id, Moment())
        return [member for member in then if member in today]

    async def rows(self, model: ReadModel, group: Collection[UUID], moment: Moment) -> Sequence[Rows]:
        """The rows of each patient of the group, as they were then."""
        return _folded(model, group, moment, await self._events(model, group, moment))

    async def of_one(self, model: ReadModel, patient_id: UUID, moment: Moment) -> Rows | None:
        """The same of a patient in one statement; None where they were one with somebody then."""
        events = await self._events(model, [patient_id], moment)
        if any(isinstance(one.event, PatientsMerged) for one in events):
            return None
        return _folded(model, [patient_id], moment, events)[0]

    async def _events(
        self, model: ReadModel, group: Collection[UUID], moment: Moment
    ) -> list[Recorded[Event]]:
        """All that the model looks at, and what says whom somebody was merged with."""
        looked_at = None if model.of is None else [tag_of(kind) for kind in {*model.of, *GROUPING}]
        return await self._reader.by_subject(group, until=moment.position, tags=looked_at)


def _folded(
    model: ReadModel, group: Collection[UUID], moment: Moment, events: Sequence[Recorded[Event]]
) -> list[Rows]:
    shown = moment.of(events)
    return [fold_history(model, [r for r in shown if r.subject_id == subject]) for subject in group]
