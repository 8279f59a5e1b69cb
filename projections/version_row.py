"""The rows that tell of a recommendation's versions, and why each came after the other."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

from domain.event import Event, EvidenceLink, Narrative, Value
from domain.items import ItemChange
from domain.recommendation.events import (
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationRevised,
    RecommendationVersionRestored,
)
from domain.recorded import Recorded

VersionEvent: TypeAlias = (
    RecommendationIssued | RecommendationRevised | RecommendationPhaseAdvanced | RecommendationVersionRestored
)
VERSION_EVENTS = (
    RecommendationIssued,
    RecommendationRevised,
    RecommendationPhaseAdvanced,
    RecommendationVersionRestored,
)

PHASE_ADVANCED = "PROTOCOL.PHASE_TRANSITION"


class Reason(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Why a version came to be: one for each code, with the evidence and the items it was given for."""

    version: int
    reason_code: str
    item_ids: tuple[UUID, ...] = ()
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    decided_by: UUID
    approved_by: UUID | None = None
    recorded_at: datetime
    position: int


def reasons(recorded: Recorded[Event], event: VersionEvent) -> tuple[Reason, ...]:
    """The reasons of a new version, in the order in which they were given."""
    if isinstance(event, RecommendationRevised):
        return tuple(_by_code(recorded, event))
    reason_code, narrative, evidence = _said(event)
    reason = Reason(
        version=event.recommendation_version,
        reason_code=reason_code,
        narrative=narrative,
        evidence=evidence,
        decided_by=event.decided_by,
        approved_by=getattr(event, "approved_by", None),
        recorded_at=recorded.recorded_at,
        position=recorded.position,
    )
    return (reason,)


def _said(
    event: RecommendationIssued | RecommendationPhaseAdvanced | RecommendationVersionRestored,
) -> tuple[str, Narrative | None, tuple[EvidenceLink, ...]]:
    match event:
        case RecommendationIssued():
            return event.reason_code, None, ()
        case RecommendationPhaseAdvanced():
            return PHASE_ADVANCED, None, ()
        case RecommendationVersionRestored():
            return event.reason_code, event.narrative, event.evidence
        case _:
            assert_never(event)


def _by_code(recorded: Recorded[Event], event: RecommendationRevised) -> Iterator[Reason]:
    groups: dict[str, list[ItemChange]] = {}
    for change in event.changes:
        groups.setdefault(change.reason_code, []).append(change)
    for code, changes in groups.items():
        yield Reason(
            version=event.recommendation_version,
            reason_code=code,
            item_ids=tuple(dict.fromkeys(change.item_id for change in changes)),
            narrative=event.narrative,
            evidence=tuple(dict.fromkeys(link for change in changes for link in change.evidence)),
            decided_by=event.decided_by,
            approved_by=event.approved_by,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
        )
