"""Laws of the deciders, for whatever is asked in whatever order."""

from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import diagnosis, feedback, prediction, recommendation
from domain.diagnosis import DiagnosisCommand, DiagnosisEvent, DiagnosisFacts, RecordDiagnosis, RecordFinding
from domain.event import Coded, EvidenceLink, EvidenceType, Facts
from domain.feedback import FeedbackCommand, FeedbackEvent, FeedbackFacts, SeenVersion, SubmitFeedback
from domain.items import Items, apply_changes
from domain.prediction import MakePrediction, PredictionCommand, PredictionEvent, PredictionFacts, Target
from domain.reasons import REASONS
from domain.recommendation import (
    DraftRecommendation,
    IssueRecommendation,
    MissingRecommendation,
    NewItemChange,
    RecommendationCommand,
    RecommendationEvent,
    RecommendationFacts,
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationRevised,
    RecommendationState,
    RecommendationVersionRestored,
    ReviseRecommendation,
    SafetyCheck,
)
from tests.domain.lines import MINT_TEA, THYME_TEA, WALKING, new
from tests.domain.spec import (
    ADMIN,
    BY_IMPORT,
    BY_MODEL,
    NOW,
    ORIGIN,
    PATIENT,
    PRACTITIONER,
    SERVICE,
    Spec,
    ago,
    an_id,
)
from tests.domain.strategies import IDS, anything

VERSIONS = st.integers(1, 3)
OFTEN: dict[str, st.SearchStrategy[Any]] = {
    "reason_code": st.sampled_from([*sorted(REASONS), "WHIM"]),
    "base_version": VERSIONS,
    "restored_version": VERSIONS,
    "recommendation_version": VERSIONS,
    "version": VERSIONS,
    "index": st.none() | st.integers(0, 3),
    "before_hash": st.none(),
    "text": st.sampled_from([" ", "روزی دو بار، پیش از غذا، تا پایان هفتهٔ سوم"]),
    "evidence": st.just(()) | st.just(tuple(EvidenceLink(type=t, ref="n=7") for t in get_args(EvidenceType))),
    "occurred_at": st.none() | st.sampled_from([ago(days=2), NOW]),
}
"""Fields that would nearly always be wrong if anything were drawn for them."""
HAPPENED = {"occurred_at": st.sampled_from([ago(days=2), ago(days=1), NOW])}

SEEN = SeenVersion(since=ago(days=9), item_ids=frozenset({an_id(1), an_id(2)}))
PLACE: dict[type[Facts], dict[str, Any]] = {
    DiagnosisFacts: {"patient_id": an_id(1)},
    RecommendationFacts: {"patient_id": an_id(1), "diagnosis_id": an_id(2)},
    FeedbackFacts: {
        "patient_id": an_id(1),
        "diagnosis_id": None,
        "recommendation_id": an_id(3),
        "versions": {1: SEEN, 2: SEEN},
        "reporter_may_report": True,
    },
    PredictionFacts: {
        "patient_id": an_id(1),
        "diagnosis_id": None,
        "recommendation_id": an_id(3),
        "version_in_force": 1,
        "items": frozenset({an_id(1)}),
    },
}
A_LINE = IssueRecommendation(
    occurred_at=ago(days=3),
    items=tuple(
        new(body, item_id=str(an_id(n))) for n, body in enumerate((THYME_TEA, MINT_TEA, WALKING), start=1)
    ),
)
OPENINGS: dict[str, tuple[Any, ...]] = {
    "diagnosis": (
        RecordDiagnosis(condition=Coded(text="میگرن"), occurred_at=ago(days=3)),
        RecordFinding(modality="pulse", attributes={"rate": "rapid"}, finding_id=an_id(1)),
    ),
    "recommendation": (A_LINE,),
    "feedback": (SubmitFeedback(recommendation_version=1, rating=3, captured_at=ago(days=3)),),
    "prediction": (
        MakePrediction(
            version=1,
            target=Target(metric="rating", threshold=4, direction="at_least"),
            horizon_days=30,
            probability=0.5,
            baseline=2,
            as_of_position=1,
            occurred_at=ago(days=3),
        ),
    ),
}
"""How a story may begin, so that what follows has something to follow."""


def facts_of(kind: type[Facts]) -> st.SearchStrategy[Any]:
    """What the house knows; mostly a practitioner asks, for a patient who is well."""
    return st.builds(
        kind,
        now=st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours)),
        actor=st.sampled_from([PRACTITIONER] * 12 + [PATIENT, SERVICE, ADMIN]),
        origin=st.sampled_from([ORIGIN] * 8 + [BY_IMPORT, BY_IMPORT, BY_MODEL]),
        new_id=st.integers(10, 500).map(an_id),
        standing=st.sampled_from(["active"] * 20 + ["dead", "erased", "merged"]),
        **{name: st.just(value) for name, value in PLACE[kind].items()},
    )


def plain(kind: type[Facts]) -> Any:  # noqa: ANN401  # each decider has facts of its own
    return kind(now=NOW, actor=PRACTITIONER, origin=ORIGIN, new_id=an_id(50), **PLACE[kind])


SPECS: dict[str, tuple[Spec[Any, Any, Any, Any], type[Facts], object, object]] = {
    "diagnosis": (
        Spec(diagnosis.decide, diagnosis.evolve, diagnosis.INITIAL, plain(DiagnosisFacts)),
        DiagnosisFacts,
        DiagnosisCommand,
        DiagnosisEvent,
    ),
    "recommendation": (
        Spec(
            recommendation.decide, recommendation.evolve, recommendation.INITIAL, plain(RecommendationFacts)
        ),
        RecommendationFacts,
        RecommendationCommand,
        RecommendationEvent,
    ),
    "feedback": (
        Spec(feedback.decide, feedback.evolve, feedback.INITIAL, plain(FeedbackFacts)),
        FeedbackFacts,
        FeedbackCommand,
        FeedbackEvent,
    ),
    "prediction": (
        Spec(
            prediction.decide,
            prediction.evolve,
            prediction.INITIAL,
            msgspec.structs.replace(plain(PredictionFacts), origin=BY_MODEL),
        ),
        PredictionFacts,
        PredictionCommand,
        PredictionEvent,
    ),
}
RECOMMENDATION = SPECS["recommendation"][0]
quick = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", sorted(SPECS))
@quick
@given(data=st.data())
def test_law_three_refusals_only_and_the_refused_leave_no_event(name: str, data: st.DataObject) -> None:
    spec, facts, commands, _ = SPECS[name]
    story = data.draw(st.lists(anything(commands, **OFTEN), min_size=1, max_size=6))
    known = data.draw(st.lists(facts_of(facts), min_size=len(story), max_size=len(story)))
    if data.draw(st.booleans()):
        story, known = [*OPENINGS[name], *story], [spec.facts] * len(OPENINGS[name]) + known
    events = spec.decides_lawfully(tuple(story), known)
    spec.folds_in_parts(events, data.draw(st.integers(0, len(events))))


@pytest.mark.parametrize("name", sorted(SPECS))
@quick
@given(data=st.data())
def test_law_a_fold_in_two_parts_is_the_fold(name: str, data: st.DataObject) -> None:
    """Also of events in an order that no decider would give them."""
    spec, _, _, events_of = SPECS[name]
    events = tuple(data.draw(st.lists(anything(events_of, **HAPPENED), max_size=6)))
    spec.folds_in_parts(events, data.draw(st.integers(0, len(events))))


@st.composite
def revisions(draw: st.DrawFn) -> tuple[ReviseRecommendation, ...]:
    """Revisions of the line, many of them legal."""
    entries = anything(
        NewItemChange,
        op=st.sampled_from(["add", "replace", "remove", "reorder"]),
        item_id=IDS,
        before_hash=st.none(),
        after=st.sampled_from([new(body, priority=n) for body in (THYME_TEA, WALKING) for n in (1, 2)]),
        index=st.integers(0, 2),
        reason_code=st.just("ADHERENCE.PREFERENCE"),
        evidence=st.just(()),
    ).map(_shaped)
    return tuple(
        ReviseRecommendation(
            base_version=version,
            changes=tuple(draw(st.lists(entries, min_size=1, max_size=3))),
            safety_check=SafetyCheck(),
        )
        for version in (1, 1, 2, 2, 3)
    )


def _shaped(entry: NewItemChange) -> NewItemChange:
    """Without what means nothing for its op."""
    nothing: dict[str, dict[str, None]] = {
        "add": {},
        "replace": {"index": None},
        "remove": {"after": None, "index": None},
        "reorder": {"after": None},
    }
    return msgspec.structs.replace(entry, **nothing[entry.op])


def items_and_version(state: RecommendationState) -> tuple[Items, int]:
    if isinstance(state, MissingRecommendation | DraftRecommendation):
        return (), 0
    return state.line.items, state.line.version


@quick
@given(story=revisions())
def test_law_a_revision_applied_to_a_version_gives_exactly_the_next(
    story: tuple[ReviseRecommendation, ...],
) -> None:
    events = RECOMMENDATION.decides_lawfully((A_LINE, *story), [RECOMMENDATION.facts] * 6)
    state = RECOMMENDATION.fold(events[:2])
    for event in events[2:]:
        before, number = items_and_version(state)
        state = RECOMMENDATION.evolve(state, event)
        assert isinstance(event, RecommendationRevised)
        assert event.base_version == number
        assert items_and_version(state) == (apply_changes(before, event.changes), number + 1)
        assert event.recommendation_version == number + 1


@quick
@given(data=st.data())
def test_law_only_four_events_raise_the_version_and_by_one(data: st.DataObject) -> None:
    story = data.draw(st.lists(anything(RecommendationCommand, **OFTEN), max_size=6))
    known = data.draw(st.lists(facts_of(RecommendationFacts), min_size=len(story), max_size=len(story)))
    events = RECOMMENDATION.decides_lawfully((A_LINE, *story), [RECOMMENDATION.facts, *known])
    raising = (
        RecommendationIssued,
        RecommendationRevised,
        RecommendationPhaseAdvanced,
        RecommendationVersionRestored,
    )
    state = RECOMMENDATION.initial
    for event in events:
        _, before = items_and_version(state)
        state = RECOMMENDATION.evolve(state, event)
        assert items_and_version(state)[1] == before + isinstance(event, raising)


@quick
@given(data=st.data())
def test_law_a_prediction_ends_once(data: st.DataObject) -> None:
    spec = SPECS["prediction"][0]
    story = data.draw(st.lists(anything(PredictionCommand, **OFTEN), max_size=6))
    known = data.draw(st.lists(facts_of(PredictionFacts), min_size=len(story), max_size=len(story)))
    events = spec.decides_lawfully((*OPENINGS["prediction"], *story), [spec.facts, *known])
    made, *endings = events
    assert isinstance(made, prediction.PredictionMade)
    assert len(endings) <= 1
    assert all(made.occurred_at <= ending.occurred_at for ending in endings)
