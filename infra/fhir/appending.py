"""Between an import and the log: what is known of a patient there, and a planned request appended."""

from typing import cast
from uuid import UUID

from domain.event import Event, Locale, Origin
from domain.patient import ErasedPatient, PatientEvent, claims
from domain.recorded import Meta, RequestMark
from infra.event_log.append import Append, Claim, Guard, NewEvent, SubjectErased, request_id
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.fhir.known import KnownPatient
from infra.fhir.planning_deciding import ACTOR, IMPORTER, Request


class SomebodyWasFaster(Exception):
    """The same request was stored by another run; what it made is to be read anew."""


def request_key(patient_ref: str, ref: str, version: int) -> bytes:
    """The id of what a resource asks of a stream that stands at `version`: the same on every run."""
    return request_id(IMPORTER, "import", f"{patient_ref} {ref} {version}")


async def load(reader: Reader, patient_ref: str) -> KnownPatient | None:
    """What is known of a patient who was imported before; None for a new one. Raises SubjectErased."""
    registration = request_key(patient_ref, patient_ref, 0)
    found = await reader.by_requests([registration])
    if not found:
        return None
    (first,) = await reader.at([found[registration]])
    known = KnownPatient(first.stream_id)
    events = await reader.by_subject([first.stream_id])
    known.learn_all(events)
    unreadable = any(recorded.event is None for recorded in events)
    if unreadable or isinstance(known.patient.state, ErasedPatient):
        raise SubjectErased(first.stream_id)
    return known


class Appending:
    """Appends the requests of one patient."""

    def __init__(
        self, writer: GroupWriter, patient_ref: str, patient_id: UUID, run: UUID, locale: Locale
    ) -> None:
        self._writer = writer
        self._patient_ref = patient_ref
        self._patient_id = patient_id
        self._run = run
        self._locale = locale

    async def append(self, ref: str, request: Request) -> None:
        """Raises VersionMoved, ClaimTaken, SubjectErased, StorageUnavailable; SomebodyWasFaster."""
        own = request.stream_id == self._patient_id
        appended = await self._writer.append(
            Append(
                events=self._events(ref, request),
                request_id=request_key(self._patient_ref, ref, request.version),
                guards=() if own else (Guard(self._patient_id, request.patient_version),),
                claims=self._claims(request) if own else (),
            )
        )
        if appended.duplicate:
            raise SomebodyWasFaster

    def _events(self, ref: str, request: Request) -> tuple[NewEvent, ...]:
        mark = RequestMark(digest=request.digest, events=len(request.events))
        return tuple(
            self._event(request, number, event, ref, mark if number == 1 else None)
            for number, event in enumerate(request.events, 1)
        )

    def _event(
        self, request: Request, number: int, event: Event, ref: str, mark: RequestMark | None
    ) -> NewEvent:
        meta = Meta(
            role=ACTOR.role,
            on_behalf_of=request.by,
            origin=Origin(channel="import", method="imported", source_ref=ref),
            correlation_id=self._run,
            locale=self._locale,
            request=mark,
        )
        return NewEvent(
            stream_id=request.stream_id,
            version=request.version + number,
            subject_id=self._patient_id,
            actor_id=ACTOR.account_id,
            event=event,
            meta=meta,
        )

    def _claims(self, request: Request) -> tuple[Claim, ...]:
        changed = claims(cast("tuple[PatientEvent, ...]", request.events), request.before)
        return (
            *(Claim(kind, value, self._patient_id, take=False) for kind, value in sorted(changed.release)),
            *(Claim(kind, value, self._patient_id) for kind, value in sorted(changed.take)),
        )
