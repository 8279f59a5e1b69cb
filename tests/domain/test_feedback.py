"""Stories of feedback: what a patient saw, said, amended and took back; how a practitioner judged it."""

import msgspec
import pytest

from domain.errors import FieldError
from domain.event import Change, Origin
from domain.feedback import (
    INITIAL,
    Adherence,
    AdverseEventEscalated,
    AmendFeedback,
    FeedbackAmended,
    FeedbackDetails,
    FeedbackFacts,
    FeedbackRetracted,
    FeedbackReviewed,
    FeedbackSubmitted,
    GivenFeedback,
    RetractFeedback,
    ReviewFeedback,
    SeenVersion,
    SideEffect,
    SubmitFeedback,
    SymptomScore,
    decide,
    evolve,
)
from domain.reasons import IMPORTED
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

THYME, MINT = an_id(71), an_id(72)
FACTS = FeedbackFacts(
    now=NOW,
    actor=PATIENT,
    origin=ORIGIN,
    new_id=an_id(50),
    patient_id=an_id(1),
    diagnosis_id=an_id(2),
    recommendation_id=an_id(3),
    versions={
        1: SeenVersion(since=ago(days=9), item_ids=frozenset({THYME})),
        2: SeenVersion(since=ago(days=2), item_ids=frozenset({THYME, MINT})),
    },
    reporter_may_report=True,
)
FEEDBACK = Spec(decide, evolve, INITIAL, FACTS)
RASH = SideEffect(code="rash", severity="severe", ongoing=True)
ITCH = SideEffect(code="itch", severity="mild")

submitted = FeedbackSubmitted(
    occurred_at=ago(days=1),
    patient_id=an_id(1),
    diagnosis_id=an_id(2),
    recommendation_id=an_id(3),
    recommendation_version=2,
    captured_at=ago(days=1),
    rating=4,
)
severe = msgspec.structs.replace(submitted, side_effects=(RASH,))
escalated = AdverseEventEscalated(occurred_at=NOW, severity="severe")
retracted = FeedbackRetracted(occurred_at=ago(days=1), reason_code="CORRECTION.DATA_ENTRY")
nothing = FEEDBACK.given()
said = FEEDBACK.given(submitted)

submit = SubmitFeedback(recommendation_version=2, captured_at=ago(days=1), rating=4)
retract = RetractFeedback(reason_code="CORRECTION.DATA_ENTRY")
review = ReviewFeedback(causality="probable", action="revise")


def amend(**changes: object) -> AmendFeedback:
    return AmendFeedback(
        changes=msgspec.convert(changes, FeedbackDetails), reason_code="CORRECTION.DATA_ENTRY"
    )


def test_an_answer_to_the_version_that_was_seen() -> None:
    nothing.when(submit).then(submitted)


def test_it_may_arrive_long_after_it_was_captured() -> None:
    old = msgspec.structs.replace(submit, recommendation_version=1, captured_at=ago(days=8))
    story = nothing.when(old).then_done()
    assert story.events[0].occurred_at == ago(days=8)


def test_without_a_time_it_was_captured_now() -> None:
    (event,) = nothing.when(SubmitFeedback(recommendation_version=2, rating=1)).events
    assert isinstance(event, FeedbackSubmitted)
    assert (event.captured_at, event.occurred_at) == (NOW, NOW)


def test_it_is_not_captured_in_the_future() -> None:
    nothing.when(msgspec.structs.replace(submit, captured_at=hence(minutes=4))).then_done()
    nothing.when(msgspec.structs.replace(submit, captured_at=hence(minutes=6))).then_rejected(
        "time.in_future", "captured_at time.in_future"
    )


@pytest.mark.parametrize(
    "component",
    [
        {"rating": 1},
        {"effectiveness": 0.0},
        {"adherence": Adherence(taken=0, expected=0)},
        {"symptom_scores": (SymptomScore(symptom_code="headache", score=3),)},
        {"side_effects": (ITCH,)},
        {"comment": "خیلی بهترم"},
    ],
    ids=lambda component: next(iter(component)),
)
def test_any_one_component_is_an_answer(component: dict[str, object]) -> None:
    nothing.when(msgspec.structs.replace(submit, **{"rating": None, **component})).then_done()


def test_nothing_at_all_is_no_answer() -> None:
    nothing.when(msgspec.structs.replace(submit, rating=None)).then_rejected("feedback.empty")
    blank = msgspec.structs.replace(submit, rating=None, comment=" \u200c")
    nothing.when(blank).then_rejected("text.blank", "comment text.blank")


def test_nobody_takes_more_than_was_expected() -> None:
    eager = msgspec.structs.replace(submit, adherence=Adherence(taken=8, expected=7))
    nothing.when(eager).then_rejected(
        "feedback.taken_exceeds_expected", "adherence.taken feedback.taken_exceeds_expected"
    )


def test_the_version_exists_is_in_force_and_holds_the_item() -> None:
    nothing.when(msgspec.structs.replace(submit, recommendation_version=3)).then_rejected(
        "feedback.version_unknown", "recommendation_version feedback.version_unknown"
    )
    before = msgspec.structs.replace(submit, captured_at=ago(days=3), item_id=an_id(99))
    nothing.when(before).then_rejected(
        "request.rejected", "captured_at feedback.version_not_yet", "item_id feedback.item_unknown"
    )
    on_mint = msgspec.structs.replace(submit, item_id=MINT)
    nothing.when(on_mint).then_done()
    nothing.when(msgspec.structs.replace(on_mint, recommendation_version=1)).then_rejected(
        "feedback.item_unknown"
    )


def test_clocks_differ_by_a_little() -> None:
    nothing.when(msgspec.structs.replace(submit, captured_at=ago(days=2, minutes=4))).then_done()


def test_only_who_may_report_reports() -> None:
    nothing.when(submit, reporter_may_report=False).then_rejected("feedback.reporter_not_allowed")
    nothing.when(submit, reporter_may_report=False, origin=BY_IMPORT).then_done()
    nothing.when(submit, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


def test_it_is_submitted_once() -> None:
    said.when(submit).then_conflict("feedback.submitted_already")


def test_nothing_new_of_the_dead_but_corrections() -> None:
    nothing.when(submit, standing="dead").then_rejected("patient.dead")
    said.when(review, standing="dead", actor=PRACTITIONER).then_rejected("patient.dead")
    said.when(amend(rating=5), standing="dead").then_done()
    said.when(retract, standing="dead").then_done()
    said.when(retract, standing="erased").then_rejected("patient.erased")


def test_a_severe_side_effect_is_escalated_at_once() -> None:
    nothing.when(msgspec.structs.replace(submit, side_effects=(ITCH, RASH))).then(
        msgspec.structs.replace(submitted, side_effects=(ITCH, RASH)), escalated
    )
    nothing.when(msgspec.structs.replace(submit, side_effects=(ITCH,))).then(
        msgspec.structs.replace(submitted, side_effects=(ITCH,))
    )


def test_an_escalation_is_not_before_the_answer() -> None:
    ahead = msgspec.structs.replace(submit, captured_at=hence(minutes=3), side_effects=(RASH,))
    assert nothing.when(ahead).events[1].occurred_at == hence(minutes=3)


def test_an_amendment_takes_the_time_of_the_answer_and_says_from_what_to_what() -> None:
    story = said.when(amend(rating=None, effectiveness=6.5)).then(
        FeedbackAmended(
            occurred_at=ago(days=1),
            changes={
                "rating": Change(before=4, after=None),
                "effectiveness": Change(before=None, after=6.5),
            },
            reason_code="CORRECTION.DATA_ENTRY",
        )
    )
    assert isinstance(story.state, GivenFeedback)
    assert (story.state.answer.rating, story.state.answer.effectiveness) == (None, 6.5)


def test_an_amendment_leaves_an_answer_that_holds() -> None:
    said.when(amend(rating=None)).then_rejected("feedback.empty", "changes feedback.empty")
    said.when(amend(adherence={"taken": 3, "expected": 2})).then_rejected(
        "feedback.taken_exceeds_expected", "changes.adherence.taken feedback.taken_exceeds_expected"
    )


def test_an_amendment_without_a_change_changes_nothing() -> None:
    said.when(amend(rating=4, side_effects=[])).then_nothing()


def test_an_amendment_that_tells_of_harm_escalates_once() -> None:
    worse = amend(side_effects=[{"code": "rash", "severity": "severe"}])
    story = said.when(worse).then_done()
    assert story.events[-1] == escalated
    FEEDBACK.given(severe, escalated).when(worse).then(
        FeedbackAmended(
            occurred_at=ago(days=1),
            changes={
                "side_effects": Change(
                    before=[{"code": "rash", "severity": "severe", "ongoing": True}],
                    after=[{"code": "rash", "severity": "severe"}],
                )
            },
            reason_code="CORRECTION.DATA_ENTRY",
        )
    )


def test_nobody_changes_a_patients_words_but_who_may_report() -> None:
    said.when(amend(rating=5), reporter_may_report=False, actor=PRACTITIONER).then_rejected(
        "feedback.reporter_not_allowed"
    )
    said.when(amend(rating=5), origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


def test_a_correction_has_a_reason_that_fits() -> None:
    wrong = AmendFeedback(changes=FeedbackDetails(rating=5), reason_code="OUTCOME.WORSENED")
    said.when(wrong).then_rejected("reason.not_for_this_change")
    said.when(RetractFeedback(reason_code=IMPORTED)).then_rejected("reason.only_for_imports")
    said.when(RetractFeedback(reason_code=IMPORTED), origin=BY_IMPORT, actor=SERVICE).then_done()


def test_a_retraction_takes_the_time_of_the_answer() -> None:
    story = said.when(retract).then(retracted)
    story.when(retract).then_nothing()
    story.when(amend(rating=5)).then_rejected("feedback.retracted")
    story.when(review, actor=PRACTITIONER).then_rejected("feedback.retracted")


def test_a_practitioner_may_retract_what_came_twice() -> None:
    twice = RetractFeedback(reason_code="CORRECTION.DUPLICATE")
    said.when(twice, actor=PRACTITIONER, reporter_may_report=False).then_done()
    said.when(twice, actor=SERVICE, reporter_may_report=False).then_rejected("feedback.reporter_not_allowed")


def test_a_practitioner_judges() -> None:
    judged = FeedbackReviewed(occurred_at=NOW, causality="probable", action="revise")
    story = said.when(review, actor=PRACTITIONER).then(judged)
    story.when(review, actor=PRACTITIONER).then_nothing()
    other = ReviewFeedback(causality="unlikely", action="none", note="Had eaten strawberries")
    story.when(other, actor=PRACTITIONER).then_done()
    said.when(review).then_rejected("origin.practitioner_required")
    said.when(review, actor=PRACTITIONER, origin=Origin(method="device")).then_rejected(
        "origin.practitioner_required"
    )


def test_no_judgement_before_what_it_judges() -> None:
    early = msgspec.structs.replace(review, occurred_at=ago(days=2))
    said.when(early, actor=PRACTITIONER).then_rejected("time.backwards")


@pytest.mark.parametrize("command", [retract, review, amend(rating=5)], ids=lambda c: type(c).__name__)
def test_nothing_can_be_asked_of_what_is_not_there(
    command: RetractFeedback | ReviewFeedback | AmendFeedback,
) -> None:
    nothing.when(command, actor=PRACTITIONER).then_not_found()


def test_every_wrong_field_is_named() -> None:
    outcome = nothing.when(msgspec.structs.replace(submit, rating=None), reporter_may_report=False)
    assert outcome.refusal is not None
    assert outcome.refusal.errors == (
        FieldError(path="origin", code="feedback.reporter_not_allowed"),
        FieldError(path="", code="feedback.empty"),
    )


def test_an_event_that_cannot_follow_changes_nothing() -> None:
    assert FEEDBACK.fold((retracted,)) == INITIAL
    assert FEEDBACK.fold((submitted, severe)) == FEEDBACK.fold((submitted,))
    assert FEEDBACK.fold((submitted, retracted, escalated)) == FEEDBACK.fold((submitted, retracted))
