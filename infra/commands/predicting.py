"""What the streams of a recommendation and its patient tell of a prediction."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain import feedback, recommendation
from domain.catalog import tag_of
from domain.diagnosis import SymptomObserved
from domain.event import Event, EvidenceLink
from domain.feedback import FeedbackAmended, FeedbackRetracted, FeedbackSubmitted, GivenFeedback
from domain.prediction import MakePrediction, Observation, PredictionMade, measured
from domain.recommendation import ActiveRecommendation, RecommendationDiscontinued, SuspendedRecommendation
from domain.recorded import Recorded
from infra.commands.decided import Stream
from infra.commands.evidence import links, unresolved
from infra.commands.reading import Events

TOLD: tuple[type[Event], ...] = (SymptomObserved, FeedbackSubmitted, FeedbackAmended, FeedbackRetracted)
TAGS = sorted(map(tag_of, TOLD))


def plan(line: Stream) -> dict[str, Any]:
    """The facts about the recommendation: its version in force, and whether it goes on."""
    state = recommendation.issued(line.state(recommendation.INITIAL, recommendation.evolve))
    return {
        "recommendation_id": line.stream_id,
        "diagnosis_id": state.line.diagnosis_id,
        "version_in_force": state.line.version,
        "items": frozenset(item.item_id for item in state.line.items),
        "line_ended": not isinstance(state, ActiveRecommendation | SuspendedRecommendation),
    }


async def known_then(
    reader: Events, command: MakePrediction, patient_ids: Collection[UUID]
) -> dict[str, Any]:
    """Whether the log was as long as the model says, and what it cites that was not there by then."""
    position = command.as_of_position
    cited = tuple(links(command.explanation))
    return {
        "position_known": bool(await reader.at([position])),
        "leaking": await unresolved(reader, cited, patient_ids, position),
    }


async def became_of(
    reader: Events, made: PredictionMade, line: Stream, patient_ids: Collection[UUID]
) -> dict[str, Any]:
    """What was observed of the target since, and when the plan that it speaks of was left."""
    recorded = await reader.by_subject(patient_ids, tags=TAGS)
    return {
        "observations": tuple(_observations(made, recorded)),
        "plan_changed_at": _left_at(made, line),
    }


def _left_at(made: PredictionMade, line: Stream) -> datetime | None:
    state = recommendation.issued(line.state(recommendation.INITIAL, recommendation.evolve))
    later = state.line.versions.get(made.version + 1)
    ended = [event.occurred_at for event in line.events if isinstance(event, RecommendationDiscontinued)]
    return min([*ended, *([later.since] if later else [])], default=None)


def _observations(made: PredictionMade, recorded: Sequence[Recorded[Event]]) -> Iterator[Observation]:
    """Feedback to the version as it stands today, and symptoms that were noted with the diagnosis."""
    by_stream = sorted(recorded, key=attrgetter("stream_id", "version"))
    for stream_id, found in groupby(by_stream, key=attrgetter("stream_id")):
        stream = list(found)
        if isinstance(stream[0].event, FeedbackSubmitted):
            yield from _answered(made, stream_id, stream[0].event, stream)
        elif stream_id == made.diagnosis_id:
            yield from _noted(made, stream)


def _answered(
    made: PredictionMade, stream_id: UUID, submitted: FeedbackSubmitted, stream: Sequence[Recorded[Event]]
) -> Iterator[Observation]:
    if (submitted.recommendation_id, submitted.recommendation_version) != (
        made.recommendation_id,
        made.version,
    ) or submitted.item_id not in {None, made.item_id}:
        return
    state = reduce(feedback.evolve, (one.event for one in stream), feedback.INITIAL)  # type: ignore[arg-type]  # tagged TOLD
    if isinstance(state, GivenFeedback):
        value = measured(made.target.metric, state.answer)
        if value is not None:
            link = EvidenceLink(type="feedback", ref=str(stream_id))
            yield Observation(value=value, at=state.captured_at, evidence=link)


def _noted(made: PredictionMade, stream: Sequence[Recorded[Event]]) -> Iterator[Observation]:
    for one in stream:
        if isinstance(one.event, SymptomObserved) and one.event.symptom_code == made.target.metric:
            link = EvidenceLink(type="event", ref=str(one.position))
            yield Observation(value=one.event.score, at=one.event.occurred_at, evidence=link)
