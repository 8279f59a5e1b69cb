"""What the house knows of one patient: every stream's state, and what was brought in for which resource."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.catalog import tag_of
from domain.diagnosis import DiagnosisRecorded
from domain.event import Event
from domain.recommendation import RecommendationDrafted
from domain.recorded import Recorded
from infra.fhir.aggregates import AGGREGATES

PRESCRIPTIONS = "MedicationRequest/"
OBSERVATIONS = "Observation/"


@dataclass
class Stream:
    """One stream: its state, its version, its latest clinical time, and what the import itself said in it."""

    category: str
    state: Any
    version: int = 0
    last: datetime | None = None
    said: list[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Imported:
    """Where a resource went, and the digest of what it stated the last time that it made events."""

    stream_id: UUID
    digest: str


class KnownPatient:
    """Built from the log, and carried on with what is being planned: one fold for both."""

    def __init__(self, patient_id: UUID) -> None:
        self.patient_id = patient_id
        self.streams: dict[UUID, Stream] = {}
        self.imported: dict[str, Imported] = {}
        self.lines: dict[UUID | None, UUID] = {}
        """The medication line of each diagnosis; None is that of what names no diagnosis."""
        self.complaints: dict[str | None, UUID] = {}
        """The episodes that observations have opened for themselves, by what was measured."""

    def stream(self, stream_id: UUID, category: str) -> Stream:
        """A stream as it stands; one that is not there yet stands at its beginning."""
        return self.streams.get(stream_id) or Stream(category, AGGREGATES[category].INITIAL)

    @property
    def patient(self) -> Stream:
        """The patient's own stream."""
        return self.stream(self.patient_id, "patient")

    def learn_all(self, events: Iterable[Recorded[Event]]) -> None:
        """Take in what the log gives back, in its order."""
        for recorded in events:
            if recorded.event is None or recorded.meta is None:
                continue
            origin = recorded.meta.origin
            mark = recorded.meta.request
            ref = origin.source_ref if origin.channel == "import" else None
            self.learn(recorded.stream_id, recorded.event, ref, mark.digest if mark else None)

    def learn(self, stream_id: UUID, event: Event, ref: str | None, digest: str | None) -> None:
        """Take in one more event; `ref` says for which resource, `digest` stands on a request's first."""
        category = tag_of(type(event)).partition(".")[0]
        if category not in AGGREGATES:  # of no concern to an import
            return
        stream = self.streams.setdefault(stream_id, self.stream(stream_id, category))
        stream.state = AGGREGATES[category].evolve(stream.state, event)
        stream.version += 1
        stream.last = max(stream.last or event.occurred_at, event.occurred_at)
        if ref is None:
            return
        stream.said.append(event)
        if digest is not None or ref not in self.imported:
            self.imported[ref] = Imported(stream_id, digest or "")
        if isinstance(event, RecommendationDrafted) and ref.startswith(PRESCRIPTIONS):
            self.lines[event.diagnosis_id] = stream_id
        if isinstance(event, DiagnosisRecorded) and ref.startswith(OBSERVATIONS):
            self.complaints[event.condition.code] = stream_id
