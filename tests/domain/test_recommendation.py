"""Stories of a recommendation's versions: issued, revised, advanced, restored."""

import msgspec

from domain.event import Coded, Origin
from domain.items import NewItem, Period
from domain.recommendation import (
    AdvancePhase,
    IssueRecommendation,
    RecommendationDrafted,
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationVersionRestored,
    RestoreVersion,
    SafetyCheck,
)
from tests.domain.lines import (
    FEEDBACK,
    MINT,
    MINT_TEA,
    RECOMMENDATION,
    THYME,
    THYME_TEA,
    WALK,
    WALKING,
    a_line,
    drafted,
    entry,
    in_phases,
    issued,
    items_of,
    mint,
    new,
    nothing,
    revise,
    revised,
    severe_review,
    suspended,
    thyme,
    walk,
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
    hence,
)

issue = IssueRecommendation(
    tradition="avicenna", items=(new(THYME_TEA, item_id=str(THYME)), new(MINT_TEA, item_id=str(MINT)))
)
# issuing


def test_issuing_drafts_the_line_and_gives_it_version_1() -> None:
    nothing.when(issue).then(
        RecommendationDrafted(
            occurred_at=NOW, patient_id=an_id(1), diagnosis_id=an_id(2), tradition="avicenna"
        ),
        RecommendationIssued(
            occurred_at=NOW,
            recommendation_version=1,
            items=(thyme, mint),
            valid_from=NOW,
            decided_by=PRACTITIONER.account_id,
            safety_check=SafetyCheck(),
        ),
    )


def test_ids_that_are_left_open_are_given_by_the_house() -> None:
    unnamed = IssueRecommendation(items=(new(THYME_TEA), new(MINT_TEA, item_id=str(MINT)), new(WALKING)))
    event = nothing.when(unnamed).events[1]
    assert isinstance(event, RecommendationIssued)
    assert [item.item_id for item in event.items] == [an_id(51), MINT, an_id(52)]


def test_a_draft_is_issued_once() -> None:
    draft = RECOMMENDATION.given(drafted)
    assert len(draft.when(issue).events) == 1
    draft.when(msgspec.structs.replace(issue, occurred_at=ago(days=10))).then_rejected("time.backwards")
    a_line.when(issue).then_conflict("recommendation.issued_already")
    draft.when(revise(entry("remove", item_id=MINT))).then_not_found()


def test_nothing_is_issued_without_an_item() -> None:
    nothing.when(IssueRecommendation(items=())).then_rejected(
        "recommendation.items_required", "items recommendation.items_required"
    )


def test_all_wrong_fields_of_a_first_version_are_named_at_once() -> None:
    backwards = Period(start=NOW, end=ago(days=1))
    wrong = IssueRecommendation(
        items=(
            new(THYME_TEA, item_id=str(THYME), phase="maintenance"),
            NewItem(kind="herbal", remedy=Coded(text=" "), item_id=THYME, period=backwards),
        ),
        phases=("cleansing", "balancing", "cleansing"),
        occurred_at=hence(hours=1),
        safety_check=SafetyCheck(result="not_applicable"),
    )
    nothing.when(wrong).then_rejected(
        "request.rejected",
        "occurred_at time.in_future",
        "items.0.phase recommendation.phase_unknown",
        "items.1.remedy.text text.blank",
        "items.1.period.end time.ends_before_start",
        "items.1.item_id recommendation.item_twice",
        "phases.2 recommendation.phase_twice",
        "safety_check.result recommendation.safety_check_required",
    )


def test_an_item_may_say_how_long() -> None:
    taken = new(THYME_TEA, period={"start": ago(days=3).isoformat(), "end": NOW.isoformat()})
    nothing.when(IssueRecommendation(items=(taken, new(MINT_TEA, period={})))).then_done()
    never = NewItem(kind="herbal", remedy=Coded(text="x"), period=Period(start=NOW.replace(year=1404)))
    nothing.when(IssueRecommendation(items=(never,))).then_rejected(
        "time.out_of_range", "items.0.period.start time.out_of_range"
    )


def test_a_recommendation_ends_after_it_begins() -> None:
    until_now = msgspec.structs.replace(issue, valid_until=NOW)
    nothing.when(until_now).then_rejected("time.ends_before_start", "valid_until time.ends_before_start")
    nothing.when(msgspec.structs.replace(until_now, valid_from=ago(days=1))).then_done()


def test_a_safety_check_was_passed_or_its_alerts_acknowledged() -> None:
    def checked(result: str) -> IssueRecommendation:
        check = msgspec.convert({"result": result, "alerts": ["interaction:warfarin"]}, SafetyCheck)
        return msgspec.structs.replace(issue, safety_check=check)

    nothing.when(checked("passed")).then_rejected("recommendation.alerts_unacknowledged")
    nothing.when(checked("acknowledged")).then_done()


def test_a_recommendation_is_for_a_diagnosis_that_stands() -> None:
    nothing.when(issue, diagnosis_id=None).then_rejected("recommendation.diagnosis_required")
    nothing.when(issue, diagnosis_open=False).then_rejected("recommendation.diagnosis_closed")


def test_an_import_may_bring_a_line_without_a_diagnosis_or_a_safety_check() -> None:
    unchecked = msgspec.structs.replace(issue, safety_check=SafetyCheck(result="not_applicable"))
    nothing.when(unchecked, diagnosis_id=None, origin=BY_IMPORT, actor=SERVICE).then_done()


def test_only_practitioners_publish() -> None:
    nothing.when(issue, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")
    nothing.when(issue, origin=Origin(channel="engine", method="rule")).then_rejected(
        "origin.practitioner_required"
    )
    nothing.when(issue, actor=PATIENT).then_rejected("origin.practitioner_required")
    a_line.when(revise(entry("remove", item_id=MINT)), origin=BY_MODEL).then_rejected(
        "origin.model_may_only_propose"
    )


def test_nothing_new_for_a_patient_who_takes_no_facts() -> None:
    nothing.when(issue, standing="dead").then_rejected("patient.dead")
    a_line.when(revise(entry("remove", item_id=MINT)), standing="merged").then_rejected("patient.merged")


# phases


def test_the_next_phase_is_a_version_with_the_same_items() -> None:
    story = RECOMMENDATION.given(drafted, in_phases)
    after = story.when(AdvancePhase(to_phase="cleansing", criteria_met=("appetite",))).then(
        RecommendationPhaseAdvanced(
            occurred_at=NOW,
            recommendation_version=2,
            from_phase="balancing",
            to_phase="cleansing",
            criteria_met=("appetite",),
            decided_by=PRACTITIONER.account_id,
        )
    )
    assert items_of(after.state) == items_of(story.state)
    after.when(AdvancePhase(to_phase="cleansing")).then_nothing()
    after.when(AdvancePhase(to_phase="balancing")).then_rejected("recommendation.phase_not_ahead")
    after.when(AdvancePhase(to_phase="maintenance")).then_rejected("recommendation.phase_unknown")


def test_a_line_without_phases_takes_the_usual_order() -> None:
    story = a_line.when(AdvancePhase(to_phase="balancing")).then_done()
    story.when(AdvancePhase(to_phase="cleansing")).then_rejected("recommendation.phase_not_ahead")
    story.when(AdvancePhase(to_phase="maintenance")).then_done()


def test_no_next_phase_while_suspended_or_under_severe_review() -> None:
    RECOMMENDATION.given(drafted, issued, suspended).when(AdvancePhase(to_phase="balancing")).then_rejected(
        "recommendation.suspended"
    )
    RECOMMENDATION.given(drafted, issued, severe_review).when(
        AdvancePhase(to_phase="balancing")
    ).then_rejected("recommendation.safety_review_open")


# restoring


def test_an_old_version_comes_back_as_a_new_one() -> None:
    story = RECOMMENDATION.given(drafted, issued, revised)
    after = story.when(RestoreVersion(restored_version=1, reason_code="ADHERENCE.TOO_COMPLEX")).then(
        RecommendationVersionRestored(
            occurred_at=NOW,
            recommendation_version=3,
            restored_version=1,
            items=(thyme, mint),
            reason_code="ADHERENCE.TOO_COMPLEX",
            decided_by=PRACTITIONER.account_id,
        )
    )
    assert items_of(after.state) == ["دمنوش آویشن", "نعناع"]
    after.when(RestoreVersion(restored_version=1, reason_code="ADHERENCE.TOO_COMPLEX")).then_nothing()
    after.when(RestoreVersion(restored_version=2, reason_code="OUTCOME.WORSENED")).then_rejected(
        "request.rejected",
        "evidence reason.evidence_required",
        "narrative reason.narrative_required",
    )
    after.when(RestoreVersion(restored_version=9, reason_code="ADHERENCE.COST")).then_rejected(
        "recommendation.version_unknown", "restored_version recommendation.version_unknown"
    )


def test_under_severe_review_only_safety_restores() -> None:
    story = RECOMMENDATION.given(drafted, issued, revised, severe_review)
    story.when(RestoreVersion(restored_version=1, reason_code="ADHERENCE.COST")).then_rejected(
        "recommendation.safety_review_open"
    )
    story.when(
        RestoreVersion(restored_version=1, reason_code="SAFETY.INTERACTION", evidence=(FEEDBACK,))
    ).then_done()


def test_events_that_cannot_follow_change_nothing() -> None:
    fold = RECOMMENDATION.fold
    assert fold((issued, revised)) == fold(())
    assert fold((drafted, revised)) == fold((drafted,))
    assert fold((drafted, issued, drafted, issued)) == fold((drafted, issued))
    stray = msgspec.structs.replace(revised, proposal_id=an_id(99))
    assert fold((drafted, issued, stray)) == fold((drafted, issued, revised))
    assert walk.item_id == WALK


def test_an_issued_line_is_approved_by_who_issues_it_and_its_items_are_theirs() -> None:
    other = msgspec.structs.replace(issue, approved_by=an_id(99))
    nothing.when(other).then_rejected("approval.not_yours", "approved_by approval.not_yours")
    nothing.when(other, origin=BY_IMPORT, actor=SERVICE).then_done()
    nothing.when(msgspec.structs.replace(issue, approved_by=PRACTITIONER.account_id)).then_done()
    by_model = msgspec.structs.replace(issue, items=(new(WALKING, source="model"),))
    nothing.when(by_model).then_rejected("provenance.not_yours", "items.0.source provenance.not_yours")
