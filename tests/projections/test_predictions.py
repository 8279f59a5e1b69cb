"""The ledger of predictions and the sums that scores are told from."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.diagnosis import DiagnosisEnteredInError
from domain.event import EvidenceLink
from domain.feedback import FeedbackRetracted
from domain.prediction import (
    Feature,
    PredictionExpired,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
    Target,
)
from projections import prediction_accuracy, prediction_view
from projections.model import Rows
from projections.prediction_accuracy import Accuracy, Scored, Sums
from projections.predictions import MODEL, SCORE
from projections.timeline_words import Words
from tests.domain.spec import an_id
from tests.projections.sample import a_year, on
from tests.projections.story import DIAGNOSIS_ID, FEEDBACK_ID, LINE_ID, Log

FIRST = 60


def made(probability: float = 0.7, model: str = "tabib", version: str = "3") -> PredictionMade:
    return PredictionMade(
        occurred_at=on(4),
        patient_id=an_id(1),
        diagnosis_id=DIAGNOSIS_ID,
        recommendation_id=LINE_ID,
        version=1,
        target=Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=30,
        probability=probability,
        baseline=6,
        model_id=model,
        model_version=version,
        as_of_position=8,
        explanation=(Feature(name="age", value=45.0),),
    )


def resolved(*, came_true: bool = True) -> PredictionResolved:
    link = EvidenceLink(type="feedback", ref=str(FEEDBACK_ID))
    observed = 2 if came_true else 6
    return PredictionResolved(occurred_at=on(5), observed=observed, came_true=came_true, evidence=(link,))


def foretold(log: Log, *ended: tuple[float, bool], model: str = "tabib", version: str = "3") -> Log:
    """Predictions that came true or not, each with the probability that was given to it."""
    for probability, came_true in ended:
        place = an_id(FIRST + len(log.events))
        log.add(place, made(probability, model, version), resolved(came_true=came_true))
    return log


def summed(rows: Rows) -> list[Sums]:
    """What the rollup comes to."""
    living = [row for row in rows.all(SCORE) if not row.removed]
    return [
        Sums(**{name: getattr(row, name) for name in Sums.__struct_fields__})  # each is a group of its own
        for row in living
    ]


def accuracy(log: Log) -> Accuracy:
    return prediction_accuracy.told(summed(log.rows(MODEL)))


def ledger(log: Log, locale: str = "en", **past: object) -> tuple[prediction_view.PredictionView, ...]:
    rows = log.rows(MODEL, **past)  # type: ignore[arg-type]  # known_at and as_of
    return prediction_view.by_patient_of([rows], Words(locale))


PREDICTED = an_id(FIRST)


def test_the_ledger_tells_what_was_foretold_and_how_it_ended() -> None:
    log = a_year().add(PREDICTED, made())
    before = len(log.events)
    (still,) = ledger(log)
    assert (still.status, still.probability, still.horizon) == ("open", 0.7, on(5))
    log.add(PREDICTED, resolved())
    (ended,) = ledger(log)
    assert (ended.status, ended.came_true, ended.observed, ended.ended_at) == ("resolved", True, 2, on(5))
    assert ledger(log, known_at=before) == (still,)
    assert ledger(log, as_of=on(4, 15)) == (still,)
    assert ledger(log, as_of=on(3)) == ()
    asked = [log.rows(MODEL)]
    assert prediction_view.by_recommendation_of(asked, LINE_ID, Words("en")) == (ended,)
    assert prediction_view.by_recommendation_of(asked, an_id(22), Words("en")) == ()


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "Model tabib, version 3: headache reaches at most 3 within 30 days; probability: 70%."),
        ("fa", "احتمال: ۷۰٪"),
        ("ar", "خلال ٣٠ يوما"),
    ],
)
def test_it_is_told_in_words(locale: str, told: str) -> None:
    (view,) = ledger(Log().add(PREDICTED, made()), locale)
    plain = "".join(letter for letter in view.summary if not "\u2066" <= letter <= "\u2069")
    assert told in plain.replace("\u061c", "").replace("\u200e", "").replace("\u200f", "")
    endings = [
        resolved(),
        resolved(came_true=False),
        PredictionExpired(occurred_at=on(5), why="no_data"),
        PredictionExpired(occurred_at=on(5), why="plan_changed"),
        PredictionVoided(occurred_at=on(5), reason="خطا"),
    ]
    told_of = {ledger(Log().add(PREDICTED, made(), end), locale)[0].summary for end in endings}
    assert len(told_of) == len(endings)


def test_it_ends_once_whatever_a_log_says() -> None:
    void = PredictionVoided(occurred_at=on(5), reason="late")
    (view,) = ledger(Log().add(PREDICTED, made(), resolved(), void))
    assert view.status == "resolved"
    assert ledger(Log().add(PREDICTED, void)) == ()


def test_scores_are_those_of_the_formulas() -> None:
    told = ((0.9, True), (0.8, True), (0.7, False), (0.2, False), (0.1, True))
    score = accuracy(foretold(a_year(), *told)).overall
    brier = sum((p - y) ** 2 for p, y in told) / 5
    assert score.status == "scored"
    assert score.n == 5
    assert score.brier == pytest.approx(brier)
    assert score.base_rate == 0.6
    assert score.skill == pytest.approx(1 - brier / (0.6 * 0.4))
    assert score.mean_probability == pytest.approx(0.54)
    assert [(one.start, one.n) for one in score.bins] == [
        (0.1, 1), (0.2, 1), (0.7, 1), (0.8, 1), (0.9, 1)
    ]  # fmt: skip
    assert {one.observed_rate for one in score.bins} == {None}


def test_a_bin_with_enough_in_it_says_how_often_it_came_true() -> None:
    score = accuracy(foretold(Log(), *[(0.75, True)] * 4, (0.79, False), (1.0, True))).overall
    sevens, last = score.bins
    assert (sevens.start, sevens.end, sevens.n, sevens.observed_rate) == (0.7, 0.8, 5, 0.8)
    assert sevens.mean_probability == pytest.approx(0.758)
    assert (last.start, last.end, last.n, last.observed_rate) == (0.9, 1.0, 1, None)


def test_of_fewer_than_five_nothing_is_said() -> None:
    told = accuracy(foretold(Log(), *[(0.9, True)] * 4))
    assert told.overall == told.models[0].score
    assert (told.overall.status, told.overall.n, told.overall.brier) == ("insufficient_data", 4, None)
    assert (told.overall.skill, told.overall.base_rate) == (None, None)


def test_what_is_always_so_leaves_no_room_for_skill() -> None:
    score = accuracy(foretold(Log(), *[(0.9, True)] * 5)).overall
    assert (score.status, score.base_rate, score.skill) == ("scored", 1, None)
    assert score.brier == pytest.approx(0.01)


def test_models_and_versions_are_told_apart() -> None:
    log = foretold(Log(), *[(0.9, True)] * 5)
    foretold(log, *[(0.9, False)] * 5, version="4")
    foretold(log, (0.5, True), model="hakim")
    told = accuracy(log)
    assert [(one.model_id, one.score.n) for one in told.models] == [("hakim", 1), ("tabib", 10)]
    third, fourth = told.models[1].versions
    assert (third.model_version, fourth.model_version) == ("3", "4")
    assert third.score.brier == pytest.approx(0.01)
    assert fourth.score.brier == pytest.approx(0.81)
    assert told.overall.n == 11


def test_only_what_was_resolved_is_scored() -> None:
    log = foretold(Log(), *[(0.9, True)] * 5)
    log.add(an_id(1), made()).add(an_id(2), made(), PredictionExpired(occurred_at=on(5), why="no_data"))
    log.add(an_id(3), made(), PredictionVoided(occurred_at=on(5), reason="x"))
    assert accuracy(log).overall.n == 5


def test_feedback_that_was_taken_back_scores_nobody() -> None:
    log = foretold(a_year(), *[(0.9, True)] * 5)
    other = EvidenceLink(type="feedback", ref=str(an_id(32)))
    elsewhere = msgspec.structs.replace(resolved(), evidence=(other,))
    log.add(an_id(9), made(), elsewhere)
    before = len(log.events)
    log.add(FEEDBACK_ID, FeedbackRetracted(occurred_at=on(4), reason_code="PATIENT.REQUEST"))
    assert accuracy(log).overall.n == 1
    assert {(one.status, one.supported) for one in ledger(log)} == {("resolved", False), ("resolved", True)}
    known = prediction_accuracy.told(summed(log.rows(MODEL, known_at=before)))
    assert known.overall.n == 6


def test_of_an_illness_that_never_was_nothing_was_foretold() -> None:
    log = foretold(a_year(), *[(0.9, True)] * 5)
    log.add(an_id(9), made())
    log.add(an_id(10), msgspec.structs.replace(made(), diagnosis_id=None))
    log.add(DIAGNOSIS_ID, DiagnosisEnteredInError(occurred_at=on(2), reason_code="CORRECTION.DATA_ENTRY"))
    log.add(an_id(9), resolved())
    assert accuracy(log).overall.n == 0
    assert [one.id for one in ledger(log)] == [an_id(10)]


OUTCOMES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=5, max_size=30)


@given(OUTCOMES, st.data())
def test_law_sums_give_the_scores_of_the_list_and_subtract_exactly(
    outcomes: list[tuple[float, bool]], data: st.DataObject
) -> None:
    rows = foretold(Log(), *outcomes).rows(MODEL)
    known = summed(rows)
    whole = prediction_accuracy.scored(known)
    brier = sum((p - y) ** 2 for p, y in outcomes) / len(outcomes)
    assert whole.brier == pytest.approx(brier, abs=1e-5)
    assert sum(one.n for one in whole.bins) == whole.n == len(outcomes)
    gone = data.draw(st.sets(st.integers(0, len(known) - 1)))
    kept = [one for place, one in enumerate(known) if place not in gone]
    left = [
        Sums(
            n=-known[place].n,
            bin=known[place].bin,
            probability=-known[place].probability,
            came_true=-known[place].came_true,
            squared_error=-known[place].squared_error,
        )
        for place in sorted(gone)
    ]
    taken: Scored = prediction_accuracy.scored([*known, *left])
    assert taken == prediction_accuracy.scored(kept)


def ids(views: tuple[prediction_view.PredictionView, ...]) -> list[UUID]:
    return [view.id for view in views]


def test_the_latest_comes_first() -> None:
    log = Log().add(an_id(61), made()).add(an_id(62), made())
    log.add(an_id(63), msgspec.structs.replace(made(), occurred_at=on(2)))
    assert ids(ledger(log)) == [an_id(62), an_id(61), an_id(63)]
