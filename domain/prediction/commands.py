"""What may be asked of a prediction, and what the house must know to answer."""

from uuid import UUID

import msgspec

from domain.event import Command, Confidence, EvidenceLink, Facts, Instant, ShortText
from domain.patient.state import Standing
from domain.prediction.events import Days, Feature, Measure, Position, Target


class MakePrediction(Command, frozen=True, kw_only=True):
    """The model and its version are those of `origin`."""

    version: int
    item_id: UUID | None = None
    target: Target
    horizon_days: Days
    probability: Confidence
    baseline: Measure
    as_of_position: Position
    explanation: tuple[Feature, ...] = ()


class ResolvePrediction(Command, frozen=True, kw_only=True):
    observed: Measure
    evidence: tuple[EvidenceLink, ...] = ()


class VoidPrediction(Command, frozen=True, kw_only=True):
    reason: ShortText


class ConcludePrediction(Command, frozen=True, kw_only=True):
    """The house looks whether there is an end by now: no route, a process manager asks for it."""


PredictionCommand = MakePrediction | ResolvePrediction | VoidPrediction | ConcludePrediction


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the target's metric in the patient's record."""

    value: float
    at: Instant
    evidence: EvidenceLink


class PredictionFacts(Facts, frozen=True, kw_only=True):
    """What the streams of recommendation and patient tell.

    `items` are those of the version in force. `leaking` is (type, ref) of what is cited and was not there
    at `as_of_position`. `observations` and `plan_changed_at` are what became of the target since.
    """

    patient_id: UUID
    standing: Standing = "active"
    diagnosis_id: UUID | None
    recommendation_id: UUID
    version_in_force: int
    items: frozenset[UUID]
    line_ended: bool = False
    diagnosis_open: bool = True
    position_known: bool = True
    leaking: frozenset[tuple[str, str]] = frozenset()
    observations: tuple[Observation, ...] = ()
    plan_changed_at: Instant | None = None
