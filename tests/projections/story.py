"""Stories of patients as the log would tell them: events in their envelopes, and what is known at a time."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.catalog import tag_of
from domain.event import Event, Origin
from domain.recorded import Meta, Recorded
from projections.model import ReadModel, Rows
from tests.domain.spec import NOW, an_id

PATIENT_ID, OTHER_PATIENT_ID = an_id(1), an_id(2)
DIAGNOSIS_ID, LINE_ID, FEEDBACK_ID = an_id(11), an_id(21), an_id(31)
DOCTOR_ID = an_id(901)
META = Meta(role="practitioner", origin=Origin(), correlation_id=an_id(801))


class Log:
    """Events as they were recorded, a minute after each other."""

    def __init__(self) -> None:
        self.events: list[Recorded[Event]] = []
        self._versions: Counter[UUID] = Counter()

    def add(self, stream_id: UUID, *events: Event, subject_id: UUID | None = PATIENT_ID) -> "Log":
        for event in events:
            self._versions[stream_id] += 1
            position = len(self.events) + 1
            self.events.append(
                Recorded(
                    shard=0,
                    position=position,
                    stream_id=stream_id,
                    version=self._versions[stream_id],
                    tag=tag_of(type(event)),
                    schema=1,
                    recorded_at=NOW + timedelta(minutes=position),
                    subject_id=subject_id,
                    actor_id=DOCTOR_ID,
                    meta=META,
                    event=event,
                )
            )
        return self

    def of(
        self, subject_id: UUID = PATIENT_ID, known_at: int | None = None, as_of: datetime | None = None
    ) -> list[Recorded[Event]]:
        """A patient's events, those known at a position, those that are about a time."""
        return [
            one
            for one in self.events
            if one.subject_id == subject_id
            and (known_at is None or one.position <= known_at)
            and (as_of is None or (one.event is not None and one.event.occurred_at <= as_of))
        ]

    def rows(
        self,
        model: ReadModel,
        subject_id: UUID = PATIENT_ID,
        known_at: int | None = None,
        as_of: datetime | None = None,
    ) -> Rows:
        return model.fold(self.of(subject_id, known_at, as_of))


def a_day(text: str) -> date:
    return date.fromisoformat(text)
