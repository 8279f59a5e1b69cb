"""Stories of predictions: what a model may foretell, how it comes true, fails, expires or is voided."""

from typing import Any

import msgspec
import pytest

from domain.event import EvidenceLink, Origin
from domain.feedback import Adherence, SymptomScore
from domain.feedback.state import Answer
from domain.prediction import (
    INITIAL,
    ConcludePrediction,
    Feature,
    MakePrediction,
    Observation,
    PredictionExpired,
    PredictionFacts,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
    ResolvePrediction,
    Target,
    VoidPrediction,
    decide,
    evolve,
    measured,
    reached,
)
from tests.domain.spec import (
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
    hence,
)

GINGER = an_id(71)
RULE = Origin(channel="engine", method="rule")
FACTS = PredictionFacts(
    now=NOW,
    actor=SERVICE,
    origin=BY_MODEL,
    new_id=an_id(50),
    patient_id=an_id(1),
    diagnosis_id=an_id(2),
    recommendation_id=an_id(3),
    version_in_force=2,
    items=frozenset({GINGER}),
)
PREDICTION = Spec(decide, evolve, INITIAL, FACTS)
SCORES = EvidenceLink(type="symptom_series", ref="headache")
ANSWER = EvidenceLink(type="feedback", ref=str(an_id(31)))
LESS_PAIN = Target(metric="headache", threshold=3, direction="at_most")

make = MakePrediction(
    version=2,
    item_id=GINGER,
    target=LESS_PAIN,
    horizon_days=30,
    probability=0.7,
    baseline=6,
    as_of_position=40,
    explanation=(Feature(name="last headache", value=6.0, weight=0.4, evidence=(SCORES,)),),
)
made = PredictionMade(
    occurred_at=NOW,
    patient_id=an_id(1),
    diagnosis_id=an_id(2),
    recommendation_id=an_id(3),
    version=2,
    item_id=GINGER,
    target=LESS_PAIN,
    horizon_days=30,
    probability=0.7,
    baseline=6,
    model_id="tabib",
    model_version="3",
    as_of_position=40,
    explanation=make.explanation,
)
a_while_ago = msgspec.structs.replace(made, occurred_at=ago(days=10))
void = VoidPrediction(reason="بیمار دارو را عوض کرد")
nothing = PREDICTION.given()
foretold = PREDICTION.given(a_while_ago)
came_true = PredictionResolved(occurred_at=ago(days=4), observed=3, came_true=True, evidence=(ANSWER,))


def changed(**fields: object) -> MakePrediction:
    return msgspec.structs.replace(make, **fields)


def seen(value: float, **how_long: float) -> Observation:
    return Observation(value=value, at=ago(**how_long), evidence=ANSWER)


def test_a_model_foretells_and_is_remembered_by_name_and_version() -> None:
    nothing.when(make).then(made)


def test_who_foretells_is_a_model_that_says_which_one() -> None:
    named = Origin(channel="engine", method="model", model_id="tabib")
    nothing.when(make, origin=named).then_rejected(
        "origin.model_required", "origin.model_version origin.model_required"
    )
    nothing.when(make, origin=ORIGIN, actor=PRACTITIONER).then_rejected("prediction.only_by_model")
    nothing.when(make, origin=RULE).then_rejected("prediction.only_by_model")


def test_an_import_tells_of_a_model_elsewhere_and_of_horizons_that_have_passed() -> None:
    told = changed(occurred_at=ago(days=90))
    elsewhere = msgspec.structs.replace(BY_IMPORT, model_id="tabib", model_version="3")
    nothing.when(told, origin=elsewhere).then_done()
    nothing.when(told, origin=BY_IMPORT).then_rejected("origin.model_required")
    nothing.when(told).then_rejected("prediction.horizon_past")


def test_it_speaks_of_the_version_in_force_and_of_what_it_holds() -> None:
    nothing.when(changed(version=1)).then_rejected(
        "prediction.version_not_in_force", "version prediction.version_not_in_force"
    )
    nothing.when(changed(item_id=an_id(72))).then_rejected("prediction.item_unknown")
    nothing.when(changed(item_id=None)).then_done()
    nothing.when(make, line_ended=True).then_rejected("recommendation.ended")
    nothing.when(make, diagnosis_open=False).then_rejected("recommendation.diagnosis_closed")
    nothing.when(make, standing="dead").then_rejected("patient.dead")
    PREDICTION.given(made).when(make).then_conflict("prediction.made_already")


def test_it_looked_no_further_than_it_says() -> None:
    place = "explanation.0.evidence.0.ref"
    nothing.when(make, position_known=False).then_rejected("prediction.position_unknown")
    nothing.when(make, unresolved=frozenset({("symptom_series", "headache")})).then_rejected(
        "evidence.unresolved", f"{place} evidence.unresolved"
    )
    nothing.when(make, leaking=frozenset({("symptom_series", "headache")})).then_rejected(
        "prediction.leaks", f"{place} prediction.leaks"
    )
    pinned = [msgspec.structs.replace(SCORES, pinned_position=place) for place in (40, 41)]
    known, later = (changed(explanation=(Feature(name="pain", evidence=(link,)),)) for link in pinned)
    nothing.when(known).then_done()
    nothing.when(later).then_rejected("prediction.leaks")
    nothing.when(changed(explanation=(Feature(name="age", value=40.0),))).then_done()


@pytest.mark.parametrize(("observed", "true"), [(2.0, True), (3.0, True), (3.5, False)])
def test_who_treats_says_what_was_observed_and_the_target_says_whether_it_came_true(
    observed: float, *, true: bool
) -> None:
    resolve = ResolvePrediction(observed=observed, evidence=(ANSWER,), occurred_at=ago(days=4))
    said = PredictionResolved(occurred_at=ago(days=4), observed=observed, came_true=true, evidence=(ANSWER,))
    foretold.when(resolve, actor=PRACTITIONER, origin=ORIGIN).then(said)


def test_neither_a_model_nor_a_patient_judges_and_only_within_the_horizon() -> None:
    resolve = ResolvePrediction(observed=3)
    foretold.when(resolve).then_rejected("origin.model_may_only_propose")
    foretold.when(resolve, actor=PATIENT, origin=ORIGIN).then_rejected("origin.practitioner_required")
    by_doctor: dict[str, Any] = {"actor": PRACTITIONER, "origin": ORIGIN}
    foretold.when(resolve, **by_doctor, now=hence(days=21)).then_rejected("prediction.after_horizon")
    early = msgspec.structs.replace(resolve, occurred_at=ago(days=11))
    foretold.when(early, **by_doctor).then_rejected("time.backwards")
    cited = msgspec.structs.replace(resolve, evidence=(ANSWER,))
    lost = frozenset({("feedback", str(an_id(31)))})
    foretold.when(cited, **by_doctor, unresolved=lost).then_rejected("evidence.unresolved")
    foretold.when(resolve, **by_doctor, standing="erased").then_rejected("patient.erased")
    nothing.when(resolve, **by_doctor).then_not_found()


def test_it_ends_once() -> None:
    by_doctor: dict[str, Any] = {"actor": PRACTITIONER, "origin": ORIGIN}
    over = PREDICTION.given(a_while_ago, came_true)
    over.when(ResolvePrediction(observed=3, evidence=(ANSWER,)), **by_doctor).then_nothing()
    over.when(ResolvePrediction(observed=4), **by_doctor).then_rejected("prediction.ended")
    over.when(void, **by_doctor).then_rejected("prediction.ended")
    over.when(ConcludePrediction(), origin=RULE).then_nothing()
    voided = foretold.when(void, **by_doctor).then(PredictionVoided(occurred_at=NOW, reason=void.reason))
    voided.when(void, **by_doctor).then_nothing()
    voided.when(ResolvePrediction(observed=3), **by_doctor).then_rejected("prediction.ended")


def test_a_practitioner_voids_and_no_model_takes_its_word_back() -> None:
    foretold.when(void).then_rejected("origin.model_may_only_propose")
    foretold.when(void, origin=RULE).then_rejected("origin.practitioner_required")
    foretold.when(void, actor=PATIENT, origin=ORIGIN).then_rejected("origin.practitioner_required")
    blank = VoidPrediction(reason=" ")
    foretold.when(blank, actor=PRACTITIONER, origin=ORIGIN).then_rejected("text.blank")
    nothing.when(void, actor=PRACTITIONER, origin=ORIGIN).then_not_found()


def test_the_first_value_that_reaches_the_target_makes_it_true() -> None:
    observations = (seen(2, days=1), seen(5, days=6), seen(3, days=4), seen(1, days=11))
    foretold.when(ConcludePrediction(), origin=RULE, observations=observations).then(came_true)


def test_while_it_may_come_true_nothing_is_said() -> None:
    foretold.when(ConcludePrediction(), origin=RULE, observations=(seen(5, days=6),)).then_nothing()
    nothing.when(ConcludePrediction(), origin=RULE).then_nothing()


def test_at_the_horizon_it_failed_by_the_last_value_or_nothing_is_known() -> None:
    over: dict[str, Any] = {"origin": RULE, "now": hence(days=20)}
    observations = (seen(5, days=2), seen(6, days=6))
    foretold.when(ConcludePrediction(), **over, observations=observations).then(
        PredictionResolved(occurred_at=hence(days=20), observed=5, came_true=False, evidence=(ANSWER,))
    )
    foretold.when(ConcludePrediction(), **over).then(
        PredictionExpired(occurred_at=hence(days=20), why="no_data")
    )


def test_a_plan_that_was_left_ends_it_unless_it_had_come_true() -> None:
    left: dict[str, Any] = {"origin": RULE, "plan_changed_at": ago(days=2)}
    foretold.when(ConcludePrediction(), **left, observations=(seen(1, days=1), seen(5, days=3))).then(
        PredictionExpired(occurred_at=ago(days=2), why="plan_changed")
    )
    foretold.when(ConcludePrediction(), **left, observations=(seen(3, days=4),)).then(came_true)
    after: dict[str, Any] = {"origin": RULE, "now": hence(days=30), "plan_changed_at": hence(days=25)}
    foretold.when(ConcludePrediction(), **after).then(
        PredictionExpired(occurred_at=hence(days=20), why="no_data")
    )


def test_no_model_concludes() -> None:
    foretold.when(ConcludePrediction()).then_rejected("origin.model_may_only_propose")


@pytest.mark.parametrize(
    ("direction", "value", "met"),
    [("at_most", 3, True), ("at_most", 4, False), ("at_least", 3, True), ("at_least", 2, False)],
)
def test_the_threshold_itself_counts(direction: str, value: float, *, met: bool) -> None:
    target = msgspec.convert({"metric": "x", "threshold": 3, "direction": direction}, Target)
    assert reached(target, value) is met


def test_a_metric_is_read_from_an_answer() -> None:
    answer = Answer(
        rating=4,
        effectiveness=None,
        adherence=Adherence(taken=9, expected=12),
        symptom_scores=(SymptomScore(symptom_code="headache", score=2),),
        side_effects=(),
        comment=None,
    )
    told = {name: measured(name, answer) for name in ("rating", "effectiveness", "adherence", "headache")}
    assert told == {"rating": 4, "effectiveness": None, "adherence": 0.75, "headache": 2}
    assert measured("nausea", answer) is None
    none_expected = msgspec.structs.replace(answer, adherence=Adherence(taken=0, expected=0))
    assert measured("adherence", none_expected) is None


def test_an_ending_without_a_beginning_is_none() -> None:
    assert PREDICTION.fold((came_true,)) == INITIAL
    assert PREDICTION.fold((made, made)) == PREDICTION.fold((made,))
