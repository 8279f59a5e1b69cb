"""What deciding needs to know of a recommendation, folded from its own stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.errors import NotFound, Rejected
from domain.event import Narrative
from domain.items import ItemChange, Items, Phase
from domain.recommendation.events import AlertSeverity, Decision

End = Literal["completed", "discontinued"]
Answer = Literal["accepted", "rejected"]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The items of one version, and since when it is in force."""

    items: Items
    since: datetime


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    base_version: int
    changes: tuple[ItemChange, ...]
    narrative: Narrative | None
    answer: Answer | None = None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    severity: AlertSeverity
    decision: Decision | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """All versions of one line; `since` is the last change of version or status."""

    patient_id: UUID
    diagnosis_id: UUID | None
    version: int
    versions: dict[int, Version]
    since: datetime
    phases: tuple[Phase, ...] = ()
    phase: Phase | None = None
    proposals: dict[UUID, Proposal] = {}
    reviews: dict[UUID, Review] = {}
    acknowledged: frozenset[tuple[int, UUID]] = frozenset()

    @property
    def items(self) -> Items:
        """What the version in force holds."""
        return self.versions[self.version].items

    @property
    def severe_review_open(self) -> bool:
        """Whether anything severe waits for its answer."""
        return any(r.severity == "severe" and r.decision is None for r in self.reviews.values())


class MissingRecommendation(msgspec.Struct, frozen=True):
    pass


class DraftRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    patient_id: UUID
    diagnosis_id: UUID | None
    since: datetime


class ActiveRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    line: Line


class SuspendedRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    line: Line


class EndedRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    line: Line
    end: End


OpenRecommendation = ActiveRecommendation | SuspendedRecommendation
IssuedRecommendation = OpenRecommendation | EndedRecommendation
RecommendationState = MissingRecommendation | DraftRecommendation | IssuedRecommendation
INITIAL: RecommendationState = MissingRecommendation()


def issued(state: RecommendationState) -> IssuedRecommendation:
    """A line that has versions; raises NotFound for any other."""
    if isinstance(state, MissingRecommendation | DraftRecommendation):
        raise NotFound("not_found")
    return state


def open_line(state: RecommendationState) -> Line:
    """A line that may still be changed; raises NotFound, or Rejected after its end."""
    line_state = issued(state)
    if isinstance(line_state, EndedRecommendation):
        raise Rejected("recommendation.ended")
    return line_state.line
