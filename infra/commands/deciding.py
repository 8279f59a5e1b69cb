"""For each aggregate: which streams a command needs, the facts they tell, and what is decided on them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from domain import diagnosis, feedback, patient, prediction, recommendation
from domain.diagnosis import DiagnosisCommand, DiagnosisFacts, DiagnosisRecorded, RecordDiagnosis
from domain.diagnosis.state import StandingDiagnosis
from domain.errors import NotFound, Rejected
from domain.event import Event, EvidenceLink
from domain.feedback import FeedbackCommand, FeedbackFacts, FeedbackSubmitted, SeenVersion, SubmitFeedback
from domain.patient import (
    ApproveMerge,
    AssessConstitution,
    ErasePatient,
    PatientCommand,
    PatientEvent,
    PatientFacts,
    PatientsMerged,
    PatientsMergeProposed,
    PatientState,
    ProposeMerge,
    RegisterPatient,
    ReverseMerge,
)
from domain.prediction import (
    ConcludePrediction,
    MakePrediction,
    PredictionCommand,
    PredictionFacts,
    PredictionMade,
)
from domain.recommendation import (
    AcceptProposal,
    IssueRecommendation,
    ProposeRevision,
    RecommendationCommand,
    RecommendationDrafted,
    RecommendationFacts,
    RecommendationState,
)
from infra.commands import house, predicting
from infra.commands.decided import Decided, Stream, StreamEvents
from infra.commands.evidence import links, live_findings, unresolved
from infra.commands.person import Person, person
from infra.commands.reading import Events
from infra.commands.wish import Wish
from infra.event_log.append import Claim
from infra.ids import new_id, shard_of

MergeCommand = ProposeMerge | ApproveMerge | ReverseMerge
E = TypeVar("E", bound=Event)


class Deciding:
    """Decides wishes on what the log says now; `fresh` gives an id of a shard."""

    def __init__(self, reader: Events, fresh: Callable[[int], UUID] = new_id) -> None:
        self._reader = reader
        self._fresh = fresh

    async def decide(self, wish: Wish, now: datetime) -> Decided:
        """What the command comes to; raises NotFound, Rejected or Conflict."""
        command = wish.command
        if isinstance(command, PatientCommand):
            return await self._patient(command, wish, now)
        if isinstance(command, DiagnosisCommand):
            return await self._diagnosis(command, wish, now)
        if isinstance(command, RecommendationCommand):
            return await self._recommendation(command, wish, now)
        if isinstance(command, FeedbackCommand):
            return await self._feedback(command, wish, now)
        if isinstance(command, PredictionCommand):
            return await self._prediction(command, wish, now)
        if isinstance(command, house.HouseCommand):
            return await house.decide(self._reader, self._fresh, command, wish, now)
        raise AssertionError(command)

    async def stream(self, stream_id: UUID) -> Stream:
        """A stream as it is now; raises NotFound where there is none."""
        stream = await self._reader.stream(stream_id)
        if not stream.version:
            raise NotFound("not_found")
        return stream

    async def open_stream(self, stream_id: UUID) -> Stream:
        """The same, of a patient who was not erased."""
        stream = await self.stream(stream_id)
        if stream.closed:
            raise Rejected("patient.erased")
        return stream

    async def person(self, patient_id: UUID) -> Person:
        """A patient and everybody who is merged with them."""
        return await person(await self.stream(patient_id), self.stream)

    async def _patient(self, command: PatientCommand, wish: Wish, now: datetime) -> Decided:
        if isinstance(command, RegisterPatient):
            stream = Stream(self._fresh(0))
        elif isinstance(command, ProposeMerge):
            stream = await self.stream(command.retired_id)
        else:
            stream = await self.stream(_target(wish))
        match command:
            case ProposeMerge() | ApproveMerge() | ReverseMerge():
                return await self._merge(command, wish, stream, now)
            case ErasePatient():
                return await self._erasure(command, wish, stream, now)
            case _:
                state = stream.state(patient.INITIAL, patient.evolve)
                findings: frozenset[UUID] = frozenset()
                if isinstance(command, AssessConstitution) and command.basis_finding_ids:
                    findings = await live_findings(self._reader, [stream.stream_id])
                known = await self._known(wish, now, stream, [stream.stream_id])
                facts = PatientFacts(**known, live_finding_ids=findings)
                events = patient.decide(command, state, facts)
                return Decided(
                    parts=(StreamEvents(stream, stream.stream_id, events),),
                    claims=tuple(_claims(stream.stream_id, events, state)),
                )

    async def _merge(self, command: MergeCommand, wish: Wish, retired: Stream, now: datetime) -> Decided:
        state = retired.state(patient.INITIAL, patient.evolve)
        survivor_id = _survivor(command, retired)
        survivors = await self.person(survivor_id)
        survivor = survivors.records[survivor_id]
        facts = PatientFacts(
            **await self._known(wish, now, retired, [retired.stream_id, *survivors.records]),
            survivor=survivor.state,
            survivor_group=frozenset(survivors.records),
        )
        events = patient.decide(command, state, facts)
        copies = patient.for_survivor(events)
        named = {survivor_id, retired.stream_id}
        others = [guard for guard in survivors.guards if guard.stream_id not in named]
        own = StreamEvents(retired, retired.stream_id, events)
        if not copies:
            return Decided(parts=(own,), guards=(survivor.stream.guard, *others))
        return Decided(parts=(StreamEvents(survivor.stream, survivor_id, copies), own), guards=tuple(others))

    async def _erasure(self, command: ErasePatient, wish: Wish, stream: Stream, now: datetime) -> Decided:
        """Whoever is merged is one person: all their records are erased in one request."""
        whom = await person(stream, self.stream)
        parts = []
        for patient_id, record in whom.records.items():
            facts = PatientFacts(**await self._known(wish, now, record.stream, []))
            events = patient.decide(command, record.state, facts)
            parts.append(StreamEvents(record.stream, patient_id, events))
        own = [part for part in parts if part.stream.stream_id == stream.stream_id]
        others = [part for part in parts if part.stream.stream_id != stream.stream_id and part.events]
        return Decided(parts=(*others, *own))

    async def _diagnosis(self, command: DiagnosisCommand, wish: Wish, now: datetime) -> Decided:
        if isinstance(command, RecordDiagnosis):
            patient_id = _target(wish)
            stream = Stream(self._fresh(shard_of(patient_id)))
        else:
            stream = await self.open_stream(_target(wish))
            patient_id = _first(stream, DiagnosisRecorded).patient_id
        whom = await self.person(patient_id)
        facts = DiagnosisFacts(
            **await self._known(wish, now, stream, whom.records),
            patient_id=patient_id,
            standing=whom.standing(patient_id),
            birth_date=whom.birth_date(patient_id),
        )
        events = diagnosis.decide(command, stream.state(diagnosis.INITIAL, diagnosis.evolve), facts)
        return Decided(parts=(StreamEvents(stream, patient_id, events),), guards=whom.guards)

    async def _recommendation(self, command: RecommendationCommand, wish: Wish, now: datetime) -> Decided:
        """A line belongs to whom it was drafted for; a new one to whoever lives on in a merge."""
        if isinstance(command, IssueRecommendation):
            diagnosis_id: UUID | None = _target(wish)
            diagnosed: Stream | None = (found := await self.open_stream(_target(wish)))
            whom = await self.person(_first(found, DiagnosisRecorded).patient_id)
            patient_id = whom.living_id
            stream = Stream(self._fresh(shard_of(patient_id)))
        else:
            stream = await self.open_stream(_target(wish))
            drafted = _first(stream, RecommendationDrafted)
            patient_id, diagnosis_id = drafted.patient_id, drafted.diagnosis_id
            diagnosed = None if diagnosis_id is None else await self.open_stream(diagnosis_id)
            whom = await self.person(patient_id)
        guards = [] if diagnosed is None else [diagnosed.guard]
        state = stream.state(recommendation.INITIAL, recommendation.evolve)
        facts = RecommendationFacts(
            **await self._known(wish, now, stream, whom.records, _proposed(command, state)),
            patient_id=patient_id,
            standing=whom.standing(patient_id),
            diagnosis_id=diagnosis_id,
            diagnosis_open=diagnosed is None or _stands(diagnosed),
        )
        events = recommendation.decide(command, state, facts)
        return Decided(parts=(StreamEvents(stream, patient_id, events),), guards=(*whom.guards, *guards))

    async def _feedback(self, command: FeedbackCommand, wish: Wish, now: datetime) -> Decided:
        """Feedback belongs to whoever lived on when it was given, whosever the line was."""
        if isinstance(command, SubmitFeedback):
            line = await self.open_stream(_target(wish))
            stream = Stream(self._fresh(shard_of(line.stream_id)))
            whom = await self.person(_first(line, RecommendationDrafted).patient_id)
            patient_id = whom.living_id
        else:
            stream = await self.open_stream(_target(wish))
            submitted = _first(stream, FeedbackSubmitted)
            line = await self.open_stream(submitted.recommendation_id)
            whom = await self.person(submitted.patient_id)
            patient_id = submitted.patient_id
        facts = FeedbackFacts(
            **await self._known(wish, now, stream, whom.records),
            patient_id=patient_id,
            standing=whom.standing(patient_id),
            diagnosis_id=_first(line, RecommendationDrafted).diagnosis_id,
            recommendation_id=line.stream_id,
            versions=_versions(line),
            reporter_may_report=whom.is_answered_for_by(wish.actor, now),
        )
        events = feedback.decide(command, stream.state(feedback.INITIAL, feedback.evolve), facts)
        return Decided(parts=(StreamEvents(stream, patient_id, events),), guards=whom.guards)

    async def _prediction(self, command: PredictionCommand, wish: Wish, now: datetime) -> Decided:
        """A prediction belongs to whom its recommendation was drafted for."""
        if isinstance(command, MakePrediction):
            line = await self.open_stream(_target(wish))
            stream = Stream(self._fresh(shard_of(line.stream_id)))
        else:
            stream = await self.open_stream(_target(wish))
            line = await self.open_stream(_first(stream, PredictionMade).recommendation_id)
        patient_id = _first(line, RecommendationDrafted).patient_id
        whom = await self.person(patient_id)
        also: dict[str, Any] = {}
        if isinstance(command, MakePrediction):
            also = await predicting.known_then(self._reader, command, whom.records)
            diagnosis_id = _first(line, RecommendationDrafted).diagnosis_id
            if diagnosis_id is not None:
                also["diagnosis_open"] = _stands(await self.open_stream(diagnosis_id))
        elif isinstance(command, ConcludePrediction):
            made = _first(stream, PredictionMade)
            also = await predicting.became_of(self._reader, made, line, whom.records)
        facts = PredictionFacts(
            **await self._known(wish, now, stream, whom.records),
            patient_id=patient_id,
            standing=whom.standing(patient_id),
            **predicting.plan(line),
            **also,
        )
        events = prediction.decide(command, stream.state(prediction.INITIAL, prediction.evolve), facts)
        return Decided(parts=(StreamEvents(stream, patient_id, events),), guards=(*whom.guards, line.guard))

    async def _known(
        self,
        wish: Wish,
        now: datetime,
        stream: Stream,
        patient_ids: Collection[UUID],
        also: Iterable[EvidenceLink] = (),
    ) -> dict[str, Any]:
        """The fields that all Facts have. A new stream's id is the fresh one."""
        return {
            "now": now,
            "actor": wish.actor,
            "origin": wish.origin,
            "new_id": self._fresh(shard_of(stream.stream_id)) if stream.version else stream.stream_id,
            "unresolved": await unresolved(self._reader, (*links(wish.command), *also), patient_ids),
        }


def _target(wish: Wish) -> UUID:
    if wish.target_id is None:
        raise NotFound("not_found")
    return wish.target_id


def _first(stream: Stream, kind: type[E]) -> E:
    """The event that a stream of this category begins with; raises NotFound for another category."""
    first = stream.events[0]
    if not isinstance(first, kind):
        raise NotFound("not_found")
    return first


def _survivor(command: MergeCommand, retired: Stream) -> UUID:
    if isinstance(command, ProposeMerge):
        return command.survivor_id
    named = [event for event in retired.events if isinstance(event, PatientsMergeProposed | PatientsMerged)]
    if not named:
        raise NotFound("not_found")
    return named[-1].survivor_id


def _claims(owner_id: UUID, events: list[PatientEvent], state: PatientState) -> Iterator[Claim]:
    changed = patient.claims(events, state)
    for one in sorted(changed.release):
        yield Claim(one.kind, one.value, owner_id, take=False)
    for one in sorted(changed.take):
        yield Claim(one.kind, one.value, owner_id)


def _stands(diagnosed: Stream) -> bool:
    """Whether there is anything to recommend for: a refuted diagnosis, or one in error, asks for nothing."""
    return isinstance(diagnosed.state(diagnosis.INITIAL, diagnosis.evolve), StandingDiagnosis)


def _proposed(command: RecommendationCommand, state: RecommendationState) -> tuple[EvidenceLink, ...]:
    """What a proposal rests on: the prediction that it names, or all that is in the one to be accepted."""
    if isinstance(command, ProposeRevision) and command.prediction_id is not None:
        return (EvidenceLink(type="prediction", ref=str(command.prediction_id)),)
    if not isinstance(command, AcceptProposal):
        return ()
    proposal = recommendation.issued(state).line.proposals.get(command.proposal_id)
    return () if proposal is None else tuple(links(proposal.changes))


def _versions(line: Stream) -> dict[int, SeenVersion]:
    """Every version of a recommendation: since when, and which items it holds."""
    found = recommendation.issued(line.state(recommendation.INITIAL, recommendation.evolve)).line
    return {
        number: SeenVersion(since=version.since, item_ids=frozenset(item.item_id for item in version.items))
        for number, version in found.versions.items()
    }
