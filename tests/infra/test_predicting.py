"""What the streams tell of a prediction: what it may cite, what became of it, and who may rest on it."""

from uuid import UUID

import pytest

from domain.diagnosis import ObserveSymptom
from domain.event import Actor, EvidenceLink, Origin
from domain.feedback import AmendFeedback, FeedbackDetails, RetractFeedback, SubmitFeedback, SymptomScore
from domain.items import NewItemChange
from domain.prediction import (
    ConcludePrediction,
    Feature,
    MakePrediction,
    PredictionEvent,
    PredictionExpired,
    PredictionResolved,
    ResolvePrediction,
    Target,
    VoidPrediction,
)
from domain.recommendation import DiscontinueRecommendation, ProposeRevision, ReviseRecommendation
from infra.ids import new_id
from tests.infra.memories import BORAGE, Story, refused, themselves

MODEL = Actor(account_id=new_id(), role="service")
BY_MODEL = Origin(channel="engine", method="model", model_id="tabib", model_version="3")
BY_RULE = Origin(channel="engine", method="rule")
WRONG = "CORRECTION.DATA_ENTRY"


def foretelling(position: int, *cited: EvidenceLink) -> MakePrediction:
    return MakePrediction(
        version=1,
        target=Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=14,
        probability=0.7,
        baseline=6,
        as_of_position=position,
        explanation=tuple(Feature(name="x", evidence=(link,)) for link in cited),
    )


async def foretold() -> tuple[Story, UUID, UUID, UUID, UUID]:
    story = Story()
    patient, diagnosis, line = await story.treated()
    made = await story.say(foretelling(len(story.memory.recorded)), line, MODEL, BY_MODEL)
    return story, patient, diagnosis, line, made


async def concluded(story: Story, made: UUID) -> list[PredictionEvent]:
    decided = await story.decide(ConcludePrediction(), made, MODEL, BY_RULE)
    return list(decided.own.events)  # type: ignore[arg-type]  # the events of its stream


def score(value: float, version: int = 1) -> SubmitFeedback:
    scores = (SymptomScore(symptom_code="headache", score=value),)
    return SubmitFeedback(recommendation_version=version, symptom_scores=scores)


async def test_what_was_recorded_later_than_the_model_says_is_a_leak() -> None:
    story = Story()
    patient, _, line = await story.treated()
    before = len(story.memory.recorded)
    given = await story.say(score(5), line, themselves(patient))
    now = len(story.memory.recorded)
    links = (
        EvidenceLink(type="feedback", ref=str(given)),
        EvidenceLink(type="symptom_series", ref="headache"),
        EvidenceLink(type="event", ref=str(now)),
    )
    assert (await story.decide(foretelling(now, *links), line, MODEL, BY_MODEL)).own.events
    for link in links:
        with refused("prediction.leaks"):
            await story.decide(foretelling(before, link), line, MODEL, BY_MODEL)
    with refused("prediction.position_unknown"):
        await story.decide(foretelling(now + 1), line, MODEL, BY_MODEL)
    with refused("evidence.unresolved"):
        await story.decide(foretelling(now, EvidenceLink(type="event", ref="99")), line, MODEL, BY_MODEL)


async def test_a_revision_may_rest_on_a_prediction_until_it_is_voided() -> None:
    story, _, _, line, made = await foretold()
    evidence = (EvidenceLink(type="prediction", ref=str(made).upper()),)
    change = NewItemChange(op="add", after=BORAGE, reason_code="EVIDENCE.MODEL_UPDATE", evidence=evidence)
    revise = ReviseRecommendation(base_version=1, changes=(change,))
    assert (await story.decide(revise, line)).own.events
    await story.say(VoidPrediction(reason="another diagnosis"), made)
    with refused("evidence.unresolved"):
        await story.decide(revise, line)


async def test_feedback_to_the_version_decides_as_it_stands_today() -> None:
    story, patient, _, line, made = await foretold()
    given = await story.say(score(5), line, themselves(patient))
    assert await concluded(story, made) == []
    scores = (SymptomScore(symptom_code="headache", score=2),)
    amend = AmendFeedback(changes=FeedbackDetails(symptom_scores=scores), reason_code=WRONG)
    await story.say(amend, given, themselves(patient))
    (ending,) = await concluded(story, made)
    assert isinstance(ending, PredictionResolved)
    assert (ending.observed, ending.came_true) == (2, True)
    assert ending.evidence == (EvidenceLink(type="feedback", ref=str(given)),)
    await story.say(RetractFeedback(reason_code=WRONG), given, themselves(patient))
    assert await concluded(story, made) == []


async def test_a_symptom_that_was_noted_decides_too() -> None:
    story, _, diagnosis, _, made = await foretold()
    await story.say(ObserveSymptom(symptom_code="nausea", score=1), diagnosis)
    assert await concluded(story, made) == []
    await story.say(ObserveSymptom(symptom_code="headache", score=1), diagnosis)
    (ending,) = await concluded(story, made)
    assert isinstance(ending, PredictionResolved)
    assert ending.evidence == (EvidenceLink(type="event", ref=str(len(story.memory.recorded))),)


async def test_an_answer_to_another_item_or_without_the_metric_says_nothing() -> None:
    story, patient, _, line, made = await foretold()
    await story.say(SubmitFeedback(recommendation_version=1, rating=5), line, themselves(patient))
    assert await concluded(story, made) == []


@pytest.mark.parametrize("ends", [False, True])
async def test_a_plan_that_was_left_expires_it(*, ends: bool) -> None:
    story, patient, _, line, made = await foretold()
    if ends:
        await story.say(DiscontinueRecommendation(reason_code="ADHERENCE.COST"), line)
    else:
        change = NewItemChange(op="add", after=BORAGE, reason_code="ADHERENCE.PREFERENCE")
        await story.say(ReviseRecommendation(base_version=1, changes=(change,)), line)
        await story.say(score(1, version=2), line, themselves(patient))
    (ending,) = await concluded(story, made)
    assert isinstance(ending, PredictionExpired)
    assert ending.why == "plan_changed"


async def test_who_treats_resolves_it_with_what_there_is() -> None:
    story, patient, _, line, made = await foretold()
    given = await story.say(score(4), line, themselves(patient))
    nowhere = ResolvePrediction(observed=4, evidence=(EvidenceLink(type="feedback", ref=str(new_id())),))
    with refused("evidence.unresolved"):
        await story.decide(nowhere, made)
    there = ResolvePrediction(observed=4, evidence=(EvidenceLink(type="feedback", ref=str(given)),))
    await story.say(there, made)
    with refused("prediction.ended"):
        await story.decide(VoidPrediction(reason="a mistake"), made)


async def test_a_proposal_follows_from_a_prediction_of_this_patient() -> None:
    story, _, _, line, made = await foretold()
    _, _, other_line = await story.treated()
    change = NewItemChange(op="add", after=BORAGE, reason_code="PROTOCOL.SEASONAL")

    def following(prediction: UUID) -> ProposeRevision:
        return ProposeRevision(base_version=1, changes=(change,), prediction_id=prediction)

    assert (await story.decide(following(made), line, MODEL, BY_MODEL)).own.events
    for prediction, where in ((new_id(), line), (made, other_line)):
        with refused("evidence.unresolved") as raised:
            await story.decide(following(prediction), where, MODEL, BY_MODEL)
        assert [error.path for error in raised.value.errors] == ["prediction_id"]
