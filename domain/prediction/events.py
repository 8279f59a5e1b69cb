"""What a model foretold of a recommendation, and the one way in which it ended."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.event import Code, Confidence, EvidenceLink, Fact, ShortText, Value

Direction = Literal["at_least", "at_most"]
Why = Literal["no_data", "plan_changed"]
Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]
Position = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
Measure = Annotated[float, msgspec.Meta(ge=-1_000_000, le=1_000_000)]


class Target(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A metric is to reach a threshold.

    `metric` is `rating`, `effectiveness`, `adherence` (taken / expected), or the code of a symptom.
    """

    metric: Code
    threshold: Measure
    direction: Direction


class Feature(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What the model looked at, how much it weighed, and where it stands in the record."""

    name: Code
    value: ShortText | Measure | None = None
    weight: Measure | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class PredictionMade(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="prediction.made"):
    """The target is reached within the horizon, with this probability; `baseline` is the metric before.

    Nothing that was recorded after `as_of_position` was looked at.
    """

    patient_id: UUID
    diagnosis_id: UUID | None
    recommendation_id: UUID
    version: int
    item_id: UUID | None = None
    target: Target
    horizon_days: Days
    probability: Confidence
    baseline: Measure
    model_id: Code
    model_version: Code
    as_of_position: Position
    explanation: tuple[Feature, ...] = ()


class PredictionResolved(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="prediction.resolved"):
    """`came_true` is what the target says of the observed value, so that no view has to look it up."""

    observed: Measure
    came_true: bool
    evidence: tuple[EvidenceLink, ...] = ()


class PredictionExpired(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="prediction.expired"):
    why: Why


class PredictionVoided(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="prediction.voided"):
    reason: ShortText


PredictionEvent = PredictionMade | PredictionResolved | PredictionExpired | PredictionVoided
