"""Stories of a recommendation's course: pauses, ends, proposals, safety reviews, readers."""

import msgspec
import pytest

from domain.event import EvidenceLink, Narrative, Origin
from domain.items import ItemChange
from domain.patient import Standing
from domain.reasons import IMPORTED
from domain.recommendation import (
    AcceptProposal,
    AcknowledgeRecommendation,
    AdvancePhase,
    CloseSafetyReview,
    CompleteRecommendation,
    DiscontinueRecommendation,
    EndedRecommendation,
    ProposalRejected,
    ProposeRevision,
    RecommendationAcknowledged,
    RecommendationCommand,
    RecommendationCompleted,
    RecommendationDiscontinued,
    RecommendationResumed,
    RecommendationRevised,
    RecommendationSuspended,
    RejectProposal,
    RequestSafetyReview,
    RestoreVersion,
    ResumeRecommendation,
    RevisionProposed,
    SafetyCheck,
    SafetyReviewClosed,
    SafetyReviewRequested,
    SuspendRecommendation,
)
from tests.domain.lines import (
    FEEDBACK,
    MINT,
    PREDICTION,
    RECOMMENDATION,
    WALKING,
    WORDS,
    a_line,
    drafted,
    entry,
    issued,
    mint,
    new,
    nothing,
    revise,
    revised,
    severe_review,
    suspended,
)
from tests.domain.spec import (
    BY_IMPORT,
    BY_MODEL,
    NOW,
    PATIENT,
    PRACTITIONER,
    SERVICE,
    ago,
    an_id,
)

PROPOSAL = an_id(51)
suspend = SuspendRecommendation(reason_code="SAFETY.ADVERSE_EVENT")
resume = ResumeRecommendation(reason_code="PROTOCOL.SCHEDULED_REVIEW")
complete = CompleteRecommendation()
discontinue = DiscontinueRecommendation(reason_code="PATIENT.REQUEST")
acknowledge = AcknowledgeRecommendation(version=1)
propose = ProposeRevision(
    base_version=1,
    changes=(
        entry("remove", item_id=MINT, reason_code="EVIDENCE.MODEL_UPDATE", evidence=[PREDICTION]),
        entry("add", after=new(WALKING)),
    ),
    prediction_id=an_id(90),
)
proposed = RevisionProposed(
    occurred_at=ago(days=1),
    proposal_id=PROPOSAL,
    base_version=1,
    changes=(
        ItemChange(
            op="remove",
            item_id=MINT,
            before_hash=mint.item_hash,
            reason_code="EVIDENCE.MODEL_UPDATE",
            evidence=(PREDICTION,),
        ),
    ),
)
paused = RECOMMENDATION.given(drafted, issued, suspended)
ended = RECOMMENDATION.given(
    drafted, issued, RecommendationCompleted(occurred_at=ago(days=3), reason_code="OUTCOME.GOAL_MET")
)
a_proposal = RECOMMENDATION.given(drafted, issued, proposed)
under_review = RECOMMENDATION.given(drafted, issued, severe_review)


# pauses and ends


def test_a_line_pauses_and_goes_on() -> None:
    story = a_line.when(suspend).then(
        RecommendationSuspended(occurred_at=NOW, reason_code="SAFETY.ADVERSE_EVENT")
    )
    story.when(suspend).then_nothing()
    story = story.when(resume).then(
        RecommendationResumed(occurred_at=NOW, reason_code="PROTOCOL.SCHEDULED_REVIEW")
    )
    story.when(resume).then_nothing()


def test_a_line_ends_once() -> None:
    story = a_line.when(complete).then(
        RecommendationCompleted(occurred_at=NOW, reason_code="OUTCOME.GOAL_MET")
    )
    story.when(complete).then_nothing()
    story.when(discontinue).then_rejected("recommendation.ended")
    assert isinstance(story.state, EndedRecommendation)
    story = paused.when(discontinue).then(
        RecommendationDiscontinued(occurred_at=NOW, reason_code="PATIENT.REQUEST")
    )
    story.when(discontinue).then_nothing()
    story.when(complete).then_rejected("recommendation.ended")


@pytest.mark.parametrize(
    "command",
    [
        revise(entry("remove", item_id=MINT)),
        AdvancePhase(to_phase="balancing"),
        RestoreVersion(restored_version=1, reason_code="ADHERENCE.COST"),
        suspend,
        resume,
        discontinue,
        propose,
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_has_ended_is_not_changed(command: RecommendationCommand) -> None:
    ended.when(command).then_rejected("recommendation.ended")
    nothing.when(command).then_not_found()


def test_an_end_may_say_more_than_its_code() -> None:
    told = Narrative(text="Moved to another town, and goes to a colleague there.")
    seen = EvidenceLink(type="event", ref="12")
    command = DiscontinueRecommendation(reason_code="OTHER", narrative=told, evidence=(seen,))
    a_line.when(command).then(
        RecommendationDiscontinued(occurred_at=NOW, reason_code="OTHER", narrative=told, evidence=(seen,))
    )
    a_line.when(command, unresolved=frozenset({("event", "12")})).then_rejected(
        "evidence.unresolved", "evidence.0.ref evidence.unresolved"
    )
    a_line.when(DiscontinueRecommendation(reason_code="OTHER")).then_rejected("reason.narrative_required")


def test_an_end_has_a_reason_that_fits() -> None:
    a_line.when(CompleteRecommendation(reason_code="SAFETY.ALLERGY")).then_rejected(
        "reason.not_for_this_change"
    )
    a_line.when(CompleteRecommendation(reason_code=IMPORTED)).then_rejected("reason.only_for_imports")
    a_line.when(CompleteRecommendation(reason_code=IMPORTED), origin=BY_IMPORT, actor=SERVICE).then_done()


def test_pauses_and_ends_do_not_run_backwards() -> None:
    paused.when(msgspec.structs.replace(resume, occurred_at=ago(days=5))).then_rejected("time.backwards")


def test_a_practitioner_pauses_and_ends() -> None:
    a_line.when(suspend, actor=PATIENT).then_rejected("origin.practitioner_required")


@pytest.mark.parametrize("standing", ["dead", "deactivated", "merged"])
def test_a_treatment_can_be_stopped_whatever_became_of_the_patient(standing: Standing) -> None:
    for stop in (suspend, complete, discontinue):
        a_line.when(stop, standing=standing).then_done()
        a_line.when(stop, standing="erased").then_rejected("patient.erased")
    RECOMMENDATION.given(drafted, issued, suspended).when(resume, standing=standing).then_rejected(
        f"patient.{standing}"
    )
    close = CloseSafetyReview(review_id=an_id(80), decision="discontinue")
    reviewed = RECOMMENDATION.given(drafted, issued, severe_review)
    reviewed.when(close, standing=standing).then_done()
    reviewed.when(close, standing="erased").then_rejected("patient.erased")


def test_what_was_stopped_for_safety_waits_for_its_answer() -> None:
    story = RECOMMENDATION.given(drafted, issued, suspended, severe_review)
    story.when(resume).then_rejected("recommendation.safety_review_open")
    story.when(CloseSafetyReview(review_id=an_id(80), decision="keep")).then_done().when(resume).then_done()


# proposals


def test_a_model_proposes_and_nothing_is_revised() -> None:
    story = a_line.when(propose, origin=BY_MODEL, actor=SERVICE).then_done()
    (event,) = story.events[2:]
    assert isinstance(event, RevisionProposed)
    assert (event.proposal_id, event.base_version) == (PROPOSAL, 1)
    assert [change.item_id for change in event.changes] == [MINT, an_id(52)]
    story.when(revise(entry("remove", item_id=MINT))).then_done()


def test_a_proposal_is_held_to_the_rules_of_a_revision() -> None:
    without = msgspec.structs.replace(propose, changes=(entry("remove", item_id=an_id(99)),))
    a_line.when(without, origin=BY_MODEL).then_rejected("recommendation.item_unknown")
    a_line.when(msgspec.structs.replace(propose, base_version=2)).then_conflict(
        "recommendation.version_moved"
    )
    a_line.when(msgspec.structs.replace(propose, changes=())).then_nothing()


def test_who_takes_the_treatment_proposes_no_revision() -> None:
    nowhere = frozenset({("prediction", str(an_id(90)))})
    a_line.when(propose, origin=BY_MODEL, actor=SERVICE, unresolved=nowhere).then_rejected(
        "evidence.unresolved"
    )
    a_line.when(propose, actor=PATIENT).then_rejected("origin.practitioner_required")
    a_line.when(propose, origin=Origin(method="self_report")).then_rejected("origin.practitioner_required")


def test_a_practitioner_accepts_and_has_approved() -> None:
    story = a_proposal.when(AcceptProposal(proposal_id=PROPOSAL)).then(
        RecommendationRevised(
            occurred_at=NOW,
            recommendation_version=2,
            base_version=1,
            changes=proposed.changes,
            decided_by=PRACTITIONER.account_id,
            approved_by=PRACTITIONER.account_id,
            safety_check=SafetyCheck(),
            proposal_id=PROPOSAL,
        )
    )
    story.when(AcceptProposal(proposal_id=PROPOSAL)).then_nothing()
    story.when(RejectProposal(proposal_id=PROPOSAL)).then_conflict("recommendation.proposal_answered")


def test_no_model_accepts_what_a_model_proposes() -> None:
    a_proposal.when(AcceptProposal(proposal_id=PROPOSAL), origin=BY_MODEL).then_rejected(
        "origin.model_may_only_propose"
    )


def test_a_proposal_to_a_version_that_is_past_cannot_be_accepted() -> None:
    moved = RECOMMENDATION.given(drafted, issued, proposed, revised)
    moved.when(AcceptProposal(proposal_id=PROPOSAL)).then_conflict("recommendation.version_moved")
    moved.when(RejectProposal(proposal_id=PROPOSAL)).then_done()


def test_what_is_accepted_rests_on_what_is_still_there() -> None:
    a_proposal.when(
        AcceptProposal(proposal_id=PROPOSAL), unresolved=frozenset({("prediction", "p-1")})
    ).then_rejected("evidence.unresolved", "changes.0.evidence.0.ref evidence.unresolved")
    RECOMMENDATION.given(*a_proposal.events, severe_review).when(
        AcceptProposal(proposal_id=PROPOSAL)
    ).then_rejected("recommendation.safety_review_open")


def test_a_proposal_is_rejected() -> None:
    command = RejectProposal(proposal_id=PROPOSAL, reason="She likes mint")
    story = a_proposal.when(command).then(
        ProposalRejected(occurred_at=NOW, proposal_id=PROPOSAL, reason="She likes mint")
    )
    story.when(command).then_nothing()
    story.when(AcceptProposal(proposal_id=PROPOSAL)).then_conflict("recommendation.proposal_answered")


@pytest.mark.parametrize(
    "command",
    [
        AcceptProposal(proposal_id=an_id(99)),
        RejectProposal(proposal_id=an_id(99)),
        CloseSafetyReview(review_id=an_id(99), decision="keep"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nobody_answers_what_was_not_asked(command: RecommendationCommand) -> None:
    a_line.when(command).then_not_found()


# safety reviews


def test_anybody_may_ask_for_a_review_at_any_time() -> None:
    command = RequestSafetyReview(trigger="adverse_event", severity="severe")
    for story in (a_line, paused, ended):
        story.when(command, origin=Origin(channel="engine", method="rule"), actor=SERVICE).then(
            SafetyReviewRequested(
                occurred_at=NOW, review_id=an_id(51), trigger="adverse_event", severity="severe"
            )
        )
    for standing in ("dead", "merged", "deactivated"):
        a_line.when(command, standing=standing).then_done()
    a_line.when(command, standing="erased").then_rejected("patient.erased")
    nothing.when(command).then_not_found()


def test_a_practitioner_closes_a_review() -> None:
    command = CloseSafetyReview(review_id=an_id(80), decision="keep")
    story = under_review.when(command).then(
        SafetyReviewClosed(occurred_at=NOW, review_id=an_id(80), severity="severe", decision="keep")
    )
    story.when(command).then_nothing()
    story.when(msgspec.structs.replace(command, decision="suspend")).then_conflict(
        "recommendation.safety_review_closed"
    )
    story.when(revise(entry("remove", item_id=MINT))).then_done()
    under_review.when(command, actor=SERVICE).then_rejected("origin.practitioner_required")


# readers


def test_a_reader_acknowledges_a_version_once() -> None:
    story = a_line.when(acknowledge, actor=PATIENT).then(
        RecommendationAcknowledged(
            occurred_at=NOW, recommendation_version=1, by=PATIENT.account_id, locale="fa"
        )
    )
    story.when(acknowledge, actor=PATIENT).then_nothing()
    story.when(acknowledge).then_done()


def test_a_phone_that_was_away_acknowledges_the_version_it_had() -> None:
    story = RECOMMENDATION.given(drafted, issued, revised)
    late = msgspec.structs.replace(acknowledge, occurred_at=ago(days=7))
    story.when(late, actor=PATIENT).then_done()
    story.when(msgspec.structs.replace(late, version=2), actor=PATIENT).then_rejected(
        "recommendation.version_not_yet", "occurred_at recommendation.version_not_yet"
    )
    story.when(msgspec.structs.replace(late, version=3), actor=PATIENT).then_rejected(
        "recommendation.version_unknown", "version recommendation.version_unknown"
    )


def test_an_answer_to_a_proposal_nobody_made_changes_nothing() -> None:
    answer = ProposalRejected(occurred_at=NOW, proposal_id=PROPOSAL)
    assert RECOMMENDATION.fold((*a_line.events, answer)) == a_line.state


def test_what_is_refuted_is_treated_no_further() -> None:
    routine = revise(entry("remove", item_id=MINT))
    closed = "recommendation.diagnosis_closed"
    for command in (routine, AdvancePhase(to_phase="balancing"), propose):
        a_line.when(command, diagnosis_open=False).then_rejected(closed)
    paused.when(resume, diagnosis_open=False).then_rejected(closed)
    RECOMMENDATION.given(drafted, issued, proposed).when(
        AcceptProposal(proposal_id=PROPOSAL), diagnosis_open=False
    ).then_rejected(closed)
    added = RECOMMENDATION.given(drafted, issued, revised)
    back = RestoreVersion(restored_version=1, reason_code="ADHERENCE.PREFERENCE")
    added.when(back, diagnosis_open=False).then_rejected(closed)
    a_line.when(routine, diagnosis_open=False, origin=BY_IMPORT, actor=SERVICE).then_done()


def test_what_is_refuted_can_be_stopped_corrected_and_made_safe() -> None:
    for stop in (suspend, complete, discontinue):
        a_line.when(stop, diagnosis_open=False).then_done()
    for code in ("SAFETY.CONTRAINDICATION", "CORRECTION.DATA_ENTRY", "DIAGNOSIS.REFUTED"):
        change = entry("remove", item_id=MINT, reason_code=code, evidence=[FEEDBACK])
        a_line.when(revise(change, narrative=WORDS), diagnosis_open=False).then_done()
    added = RECOMMENDATION.given(drafted, issued, revised)
    back = RestoreVersion(restored_version=1, reason_code="CORRECTION.DATA_ENTRY", narrative=WORDS)
    added.when(back, diagnosis_open=False).then_done()
