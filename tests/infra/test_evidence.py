"""Which evidence leads somewhere, and which does not or not any more."""

import pytest

from domain.diagnosis import AddAssessment, RecordFinding, RetractFinding
from domain.event import EvidenceLink
from domain.feedback import RetractFeedback, SubmitFeedback, SymptomScore
from domain.items import NewItemChange
from domain.recommendation import (
    INITIAL,
    AcceptProposal,
    ProposeRevision,
    ReviseRecommendation,
    evolve,
    issued,
)
from infra.ids import new_id
from tests.infra.memories import BORAGE, Story, refused, themselves

WRONG = "CORRECTION.DATA_ENTRY"


def resting_on(*evidence: EvidenceLink) -> ReviseRecommendation:
    change = NewItemChange(op="add", after=BORAGE, reason_code="ADHERENCE.NOT_TAKEN", evidence=evidence)
    return ReviseRecommendation(base_version=1, changes=(change,))


async def test_a_finding_that_was_retracted_supports_nothing() -> None:
    story = Story()
    _, diagnosis, line = await story.treated()
    finding = new_id()
    await story.say(RecordFinding(finding_id=finding, modality="pulse", attributes={"rate": 80}), diagnosis)
    command = resting_on(EvidenceLink(type="finding", ref=str(finding)))
    assert (await story.decide(command, line)).own.events
    await story.say(RetractFinding(finding_id=finding, reason_code=WRONG), diagnosis)
    with refused("evidence.unresolved"):
        await story.decide(command, line)


async def test_feedback_that_was_retracted_supports_nothing_and_its_event_is_still_there() -> None:
    story = Story()
    patient, _, line = await story.treated()
    answer = SubmitFeedback(
        recommendation_version=1, symptom_scores=(SymptomScore(symptom_code="pain", score=3),)
    )
    given = await story.say(answer, line, themselves(patient))
    position = len(story.memory.recorded)
    links = (
        EvidenceLink(type="feedback", ref=str(given)),
        EvidenceLink(type="symptom_series", ref="pain"),
        EvidenceLink(type="event", ref=str(position)),
    )
    assert (await story.decide(resting_on(*links), line)).own.events
    await story.say(RetractFeedback(reason_code=WRONG), given, themselves(patient))
    with refused("evidence.unresolved") as raised:
        await story.decide(resting_on(*links), line)
    assert [error.path for error in raised.value.errors] == [f"changes.0.evidence.{n}.ref" for n in (0, 1)]


@pytest.mark.parametrize(
    "link",
    [
        EvidenceLink(type="cohort_snapshot", ref="tired/n=12"),
        EvidenceLink(type="catalogue", ref="saffron"),
        EvidenceLink(type="prediction", ref=str(new_id())),
        EvidenceLink(type="measurement", ref="1"),
    ],
)
async def test_what_is_not_recorded_yet_is_no_evidence(link: EvidenceLink) -> None:
    story = Story()
    _, _, line = await story.treated()
    with refused("evidence.unresolved"):
        await story.decide(resting_on(link), line)


async def test_literature_is_nobodys() -> None:
    story = Story()
    _, _, line = await story.treated()
    assert (
        await story.decide(resting_on(EvidenceLink(type="literature", ref="doi:10.1000/1")), line)
    ).own.events


async def test_an_id_is_the_same_however_it_is_written() -> None:
    story = Story()
    patient, diagnosis, line = await story.treated()
    finding, assessment = new_id(), new_id()
    await story.say(RecordFinding(finding_id=finding, modality="pulse", attributes={"rate": 80}), diagnosis)
    await story.say(AddAssessment(assessment_id=assessment, statement="سرد"), diagnosis)
    given = await story.say(SubmitFeedback(recommendation_version=1, rating=4), line, themselves(patient))
    command = resting_on(
        EvidenceLink(type="finding", ref=str(finding).upper()),
        EvidenceLink(type="assessment", ref=str(assessment).upper()),
        EvidenceLink(type="feedback", ref=given.hex),
    )
    assert (await story.decide(command, line)).own.events
    for broken in ("no id", str(finding)[:-1]):
        with refused("evidence.unresolved"):
            await story.decide(resting_on(EvidenceLink(type="finding", ref=broken)), line)


async def test_the_evidence_of_a_proposal_must_still_be_there_when_it_is_accepted() -> None:
    story = Story()
    patient, _, line = await story.treated()
    given = await story.say(SubmitFeedback(recommendation_version=1, rating=4), line, themselves(patient))
    changes = resting_on(EvidenceLink(type="feedback", ref=str(given))).changes
    await story.say(ProposeRevision(base_version=1, changes=changes), line)
    (proposal,) = issued(story.memory.read(line).state(INITIAL, evolve)).line.proposals
    accept = AcceptProposal(proposal_id=proposal)
    assert (await story.decide(accept, line)).own.events
    await story.say(RetractFeedback(reason_code=WRONG), given, themselves(patient))
    with refused("evidence.unresolved"):
        await story.decide(accept, line)


async def test_evidence_in_any_record_of_a_person_is_theirs() -> None:
    story = Story()
    retired, _, line = await story.treated()
    survivor, _, other_line = await story.treated()
    given = await story.say(SubmitFeedback(recommendation_version=1, rating=4), line, themselves(retired))
    command = resting_on(EvidenceLink(type="feedback", ref=str(given)))
    with refused("evidence.unresolved"):
        await story.decide(command, other_line)
    await story.merge(retired, survivor)
    assert (await story.decide(command, other_line)).own.events
