"""What deciding reads of other streams: who is the same person, what a line is for, what must not move."""

from datetime import UTC, date, datetime

import pytest

from domain.diagnosis import RecordDiagnosis, RefuteDiagnosis
from domain.event import Coded, Command
from domain.feedback import AmendFeedback, FeedbackDetails, FeedbackSubmitted, SubmitFeedback
from domain.items import NewItemChange
from domain.patient import AssignCareTeamMember, RegisterPatient, ReverseMerge
from domain.recommendation import (
    INITIAL,
    CloseSafetyReview,
    CompleteRecommendation,
    DiscontinueRecommendation,
    IssueRecommendation,
    RecommendationDrafted,
    RequestSafetyReview,
    ResumeRecommendation,
    ReviseRecommendation,
    SuspendRecommendation,
    evolve,
    issued,
)
from infra.ids import new_id
from tests.infra.memories import ADMIN, BORAGE, Story, refused, themselves

ANSWER = SubmitFeedback(recommendation_version=1, rating=4)


async def test_feedback_on_a_retired_record_is_the_survivors() -> None:
    story = Story()
    retired, _, line = await story.treated()
    middle, _, _ = await story.treated()
    survivor, _, _ = await story.treated()
    await story.merge(retired, middle)
    await story.merge(middle, survivor)
    for who in (retired, middle, survivor):
        decided = await story.decide(ANSWER, line, themselves(who))
        (submitted,) = decided.own.events
        assert isinstance(submitted, FeedbackSubmitted)
        assert (submitted.patient_id, decided.own.subject_id) == (survivor, survivor)
        assert {guard.stream_id for guard in decided.guards} >= {retired, middle, survivor}
    with refused("feedback.reporter_not_allowed"):
        await story.decide(ANSWER, line, themselves(new_id()))


async def test_who_stands_in_for_one_record_reports_for_the_whole_person() -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, other_line = await story.treated()
    proxy = themselves(new_id())
    member = AssignCareTeamMember(account_id=proxy.account_id, relation="proxy")
    await story.say(member, retired, themselves(retired))
    with refused("feedback.reporter_not_allowed"):
        await story.decide(ANSWER, other_line, proxy)
    await story.merge(retired, survivor)
    assert (await story.decide(ANSWER, line, proxy)).own.events
    assert (await story.decide(ANSWER, other_line, proxy)).own.events


async def test_feedback_stays_with_whom_it_was_given_by_after_the_merge_is_reversed() -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, _ = await story.treated()
    await story.merge(retired, survivor)
    given = await story.say(ANSWER, line, themselves(survivor))
    await story.say(ReverseMerge(), retired, ADMIN)
    amend = AmendFeedback(changes=FeedbackDetails(rating=2), reason_code="CORRECTION.DATA_ENTRY")
    assert (await story.decide(amend, given, themselves(survivor))).own.subject_id == survivor
    with refused("feedback.reporter_not_allowed"):
        await story.decide(amend, given, themselves(retired))


async def test_a_recommendation_for_a_retired_records_diagnosis_is_the_survivors() -> None:
    story = Story()
    retired, diagnosis, _ = await story.treated()
    survivor, _, _ = await story.treated()
    await story.merge(retired, survivor)
    decided = await story.decide(IssueRecommendation(items=(BORAGE,)), diagnosis)
    drafted = decided.own.events[0]
    assert isinstance(drafted, RecommendationDrafted)
    assert (drafted.patient_id, drafted.diagnosis_id) == (survivor, diagnosis)
    assert decided.own.subject_id == survivor
    assert {guard.stream_id for guard in decided.guards} >= {retired, survivor, diagnosis}


@pytest.mark.parametrize(
    "command",
    [
        SuspendRecommendation(reason_code="SAFETY.ADVERSE_EVENT"),
        DiscontinueRecommendation(reason_code="SAFETY.ADVERSE_EVENT"),
        CompleteRecommendation(),
    ],
)
async def test_a_treatment_of_a_retired_record_can_be_stopped(command: Command) -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, _ = await story.treated()
    await story.merge(retired, survivor)
    assert (await story.decide(command, line)).own.subject_id == retired


async def test_a_safety_review_of_a_retired_record_can_be_closed() -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, _ = await story.treated()
    await story.say(RequestSafetyReview(trigger="adverse_event", severity="severe"), line)
    (review,) = issued(story.memory.read(line).state(INITIAL, evolve)).line.reviews
    await story.merge(retired, survivor)
    assert (await story.decide(CloseSafetyReview(review_id=review, decision="keep"), line)).own.events


async def test_a_treatment_of_a_retired_record_is_not_gone_on_with() -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, _ = await story.treated()
    await story.merge(retired, survivor)
    change = NewItemChange(op="add", after=BORAGE, reason_code="ADHERENCE.PREFERENCE")
    with refused("patient.merged"):
        await story.decide(ReviseRecommendation(base_version=1, changes=(change,)), line)
    await story.say(SuspendRecommendation(reason_code="ADHERENCE.COST"), line)
    with refused("patient.merged"):
        await story.decide(ResumeRecommendation(reason_code="ADHERENCE.COST"), line)


async def test_what_a_line_is_for_may_not_move_meanwhile() -> None:
    story = Story()
    _, diagnosis, line = await story.treated()
    change = NewItemChange(op="add", after=BORAGE, reason_code="ADHERENCE.PREFERENCE")
    command = ReviseRecommendation(base_version=1, changes=(change,))
    assert diagnosis in {guard.stream_id for guard in (await story.decide(command, line)).guards}
    await story.say(RefuteDiagnosis(reason_code="CORRECTION.DATA_ENTRY"), diagnosis)
    with refused("recommendation.diagnosis_closed"):
        await story.decide(command, line)
    assert (await story.decide(DiscontinueRecommendation(reason_code="DIAGNOSIS.REFUTED"), line)).own.events


async def test_no_diagnosis_is_made_before_birth() -> None:
    story = Story()
    born = date(2020, 3, 21)
    patient = await story.say(RegisterPatient(patient_no="B-1", name="نوزاد", birth_date=born), None)
    early = RecordDiagnosis(condition=Coded(text="زردی"), occurred_at=datetime(2020, 1, 1, tzinfo=UTC))
    with refused("time.before_birth"):
        await story.decide(early, patient)
