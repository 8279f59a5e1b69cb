"""Every version of every recommendation as it was given, and how each line stands today."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, TypeAlias, assert_never
from uuid import UUID

from msgspec.structs import replace

from domain import items
from domain.event import Event, EvidenceLink, Locale, Narrative, Precision, Value
from domain.items import Item, ItemChange, Phase, apply_changes
from domain.patient import Tradition
from domain.recommendation import events
from domain.recommendation.events import AlertSeverity, Decision, Goal, SafetyCheck
from domain.recorded import Recorded
from projections import version_row
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.version_row import VERSION_EVENTS, Reason, VersionEvent, reasons

Status: TypeAlias = Literal["drafted", "active", "suspended", "completed", "discontinued"]


class Acknowledgement(Value, frozen=True, kw_only=True, omit_defaults=False):
    recommendation_version: int
    by: UUID
    locale: Locale
    occurred_at: datetime


class Proposal(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A revision that somebody, or a model, proposed and nobody has answered yet."""

    proposal_id: UUID
    base_version: int
    changes: tuple[ItemChange, ...]
    prediction_id: UUID | None
    narrative: Narrative | None
    occurred_at: datetime
    proposed_by: UUID


class Review(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A safety review; without a decision it is open."""

    review_id: UUID
    trigger: str
    severity: AlertSeverity
    occurred_at: datetime
    decision: Decision | None = None
    note: str | None = None
    closed_at: datetime | None = None


class StatusReason(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Why the line was suspended, resumed or ended."""

    reason_code: str
    narrative: Narrative | None
    evidence: tuple[EvidenceLink, ...]
    decided_by: UUID


class Line(Row, frozen=True, kw_only=True):
    """How a line stands; `version` and `position` are those of its last event."""

    recommendation_id: UUID
    patient_id: UUID
    diagnosis_id: UUID | None
    version: int
    position: int
    tradition: Tradition
    title: str | None
    goals: tuple[Goal, ...]
    status: Status = "drafted"
    status_since: datetime
    status_reason: StatusReason | None = None
    recommendation_version: int = 0
    items: tuple[Item, ...] = ()
    phases: tuple[Phase, ...] = ()
    phase: Phase | None = None
    valid_until: datetime | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    safety_reviews: tuple[Review, ...] = ()


class Version(Row, frozen=True, kw_only=True):
    """What was recommended from `valid_from` on; never changed afterwards."""

    recommendation_id: UUID
    recommendation_version: int
    items: tuple[Item, ...]
    reasons: tuple[Reason, ...]
    base_version: int | None
    restored_version: int | None
    phase: Phase | None
    valid_from: datetime
    valid_until: datetime | None
    decided_by: UUID
    approved_by: UUID | None
    safety_check: SafetyCheck | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int


LINE = Table("line", Line, key=("recommendation_id",), indexes=("diagnosis_id",))
VERSION = Table("version", Version, key=("recommendation_id", "recommendation_version"))

Envelope: TypeAlias = Recorded[Event]


def _draft(_rows: Rows, recorded: Envelope, event: events.RecommendationDrafted) -> Iterator[Row]:
    yield Line(
        recommendation_id=recorded.stream_id,
        patient_id=event.patient_id,
        diagnosis_id=event.diagnosis_id,
        version=recorded.version,
        position=recorded.position,
        tradition=event.tradition,
        title=event.title,
        goals=event.goals,
        status_since=event.occurred_at,
    )


def _standing(rows: Rows, recorded: Envelope) -> Iterator[Line]:
    """The line of this stream, after this event; nothing where the past does not know of it yet."""
    found = rows.get(LINE, recorded.stream_id)
    if found is not None:
        yield replace(found, version=recorded.version, position=recorded.position)


def _raise_version(rows: Rows, recorded: Envelope, event: VersionEvent) -> Iterator[Row]:
    for found in _standing(rows, recorded):
        line = _next(found, event)
        yield line
        yield Version(
            recommendation_id=line.recommendation_id,
            recommendation_version=line.recommendation_version,
            items=line.items,
            reasons=reasons(recorded, event),
            base_version=found.recommendation_version or None,
            restored_version=getattr(event, "restored_version", None),
            phase=line.phase,
            valid_from=getattr(event, "valid_from", event.occurred_at),
            valid_until=line.valid_until,
            decided_by=event.decided_by,
            approved_by=getattr(event, "approved_by", None),
            safety_check=getattr(event, "safety_check", None),
            occurred_at=event.occurred_at,
            precision=event.precision,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
        )


def _next(line: Line, event: VersionEvent) -> Line:
    line = replace(line, recommendation_version=event.recommendation_version)
    match event:
        case events.RecommendationIssued():
            return replace(
                line,
                status="active",
                status_since=event.occurred_at,
                items=event.items,
                phases=event.phases,
                phase=event.phases[0] if event.phases else None,
                valid_until=event.valid_until,
            )
        case events.RecommendationRevised():
            open_proposals = tuple(p for p in line.proposals if p.proposal_id != event.proposal_id)
            return replace(line, items=apply_changes(line.items, event.changes), proposals=open_proposals)
        case events.RecommendationPhaseAdvanced():
            return replace(line, phase=event.to_phase)
        case events.RecommendationVersionRestored():
            return replace(line, items=event.items)
        case _:
            assert_never(event)


StatusEvent: TypeAlias = (
    events.RecommendationSuspended
    | events.RecommendationResumed
    | events.RecommendationCompleted
    | events.RecommendationDiscontinued
)

STATUS: dict[type[Event], Status] = {
    events.RecommendationSuspended: "suspended",
    events.RecommendationResumed: "active",
    events.RecommendationCompleted: "completed",
    events.RecommendationDiscontinued: "discontinued",
}


def _status(rows: Rows, recorded: Envelope, event: StatusEvent) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        reason = StatusReason(
            reason_code=event.reason_code,
            narrative=event.narrative,
            evidence=event.evidence,
            decided_by=recorded.actor_id,
        )
        yield replace(line, status=STATUS[type(event)], status_since=event.occurred_at, status_reason=reason)


def _propose(rows: Rows, recorded: Envelope, event: events.RevisionProposed) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        proposal = Proposal(
            proposal_id=event.proposal_id,
            base_version=event.base_version,
            changes=event.changes,
            prediction_id=event.prediction_id,
            narrative=event.narrative,
            occurred_at=event.occurred_at,
            proposed_by=recorded.actor_id,
        )
        yield replace(line, proposals=(*line.proposals, proposal))


def _reject(rows: Rows, recorded: Envelope, event: events.ProposalRejected) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        yield replace(line, proposals=tuple(p for p in line.proposals if p.proposal_id != event.proposal_id))


def _request_review(rows: Rows, recorded: Envelope, event: events.SafetyReviewRequested) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        review = Review(
            review_id=event.review_id,
            trigger=event.trigger,
            severity=event.severity,
            occurred_at=event.occurred_at,
        )
        yield replace(line, safety_reviews=(*line.safety_reviews, review))


def _close_review(rows: Rows, recorded: Envelope, event: events.SafetyReviewClosed) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        yield replace(
            line,
            safety_reviews=tuple(
                replace(r, decision=event.decision, note=event.note, closed_at=event.occurred_at)
                if r.review_id == event.review_id
                else r
                for r in line.safety_reviews
            ),
        )


def _acknowledge(rows: Rows, recorded: Envelope, event: events.RecommendationAcknowledged) -> Iterator[Row]:
    for line in _standing(rows, recorded):
        seen = Acknowledgement(
            recommendation_version=event.recommendation_version,
            by=event.by,
            locale=event.locale,
            occurred_at=event.occurred_at,
        )
        yield replace(line, acknowledgements=(*line.acknowledgements, seen))


FOLDS: dict[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    events.RecommendationDrafted: _draft,
    **dict.fromkeys(VERSION_EVENTS, _raise_version),
    **dict.fromkeys(STATUS, _status),
    events.RevisionProposed: _propose,
    events.ProposalRejected: _reject,
    events.SafetyReviewRequested: _request_review,
    events.SafetyReviewClosed: _close_review,
    events.RecommendationAcknowledged: _acknowledge,
}


def touches(recorded: Envelope) -> Iterable[Touch]:
    return ((LINE, recorded.stream_id),) if type(recorded.event) in FOLDS else ()


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return () if fold is None else fold(rows, recorded, recorded.event)


MODEL = ReadModel(
    name="recommendation_versions",
    tables=(LINE, VERSION),
    touches=touches,
    evolve=evolve,
    of=FOLDS.keys(),
    depends=(version_row, items),
)
