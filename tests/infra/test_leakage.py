"""Whether a prediction knew more than it says: what got past the door is named by a replay."""

import asyncio
import json
from uuid import UUID

import pytest

from domain.diagnosis import AddAssessment, ObserveSymptom, RecordFinding, RetractFinding
from domain.event import Actor, Coded, EvidenceLink, EvidenceType, Origin
from domain.feedback import RetractFeedback, SubmitFeedback, SymptomScore
from domain.patient import GrantConsent, RecordBackground
from domain.prediction import Feature, PredictionMade, Target
from domain.recorded import Meta
from infra.cli import main
from infra.event_log.append import Append, NewEvent
from infra.ids import new_id
from infra.leakage import check
from tests.domain.spec import NOW
from tests.infra.house import House
from tests.infra.tales import Teller

WRONG = "CORRECTION.DATA_ENTRY"
META = Meta(
    role="service",
    origin=Origin(channel="engine", method="model", model_id="tabib", model_version="3"),
    correlation_id=new_id(),
)


async def past_the_door(teller: Teller, position: int, *cited: EvidenceLink) -> UUID:
    """Append a prediction as it stands, which nobody has decided."""
    line, prediction = teller.lines[-1], new_id()
    made = PredictionMade(
        occurred_at=NOW,
        patient_id=line.patient_id,
        diagnosis_id=teller.diagnoses[-1],
        recommendation_id=line.line_id,
        version=1,
        target=Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=30,
        probability=0.7,
        baseline=6,
        model_id="tabib",
        model_version="3",
        as_of_position=position,
        explanation=tuple(Feature(name="x", evidence=(link,)) for link in cited),
    )
    new = NewEvent(
        stream_id=prediction,
        version=1,
        subject_id=line.patient_id,
        actor_id=new_id(),
        event=made,
        meta=META,
    )
    await teller.services.writer.append(Append(events=(new,), request_id=new_id().bytes))
    return prediction


async def head(teller: Teller) -> int:
    return (await teller.services.reader.head()).position


async def everything(teller: Teller) -> list[EvidenceLink]:
    """One of each that can be cited, told after the recommendation."""
    line, diagnosis = teller.lines[-1], teller.diagnoses[-1]
    patient = Actor(account_id=new_id(), role="patient", patient_id=line.patient_id)
    finding, assessment = new_id(), new_id()
    await teller.say(RecordFinding(finding_id=finding, modality="pulse", attributes={"rate": 80}), diagnosis)
    await teller.say(AddAssessment(assessment_id=assessment, statement="cold"), diagnosis)
    await teller.say(ObserveSymptom(symptom_code="nausea", score=4), diagnosis)
    background = RecordBackground(kind="allergy", code=Coded(text="pollen", code="POL"))
    await teller.say(background, line.patient_id)
    consent = GrantConsent(scope="research_cohort", policy_version="1")
    await teller.say(consent, line.patient_id, patient)
    scores = (SymptomScore(symptom_code="headache", score=5),)
    answer = SubmitFeedback(recommendation_version=1, symptom_scores=scores)
    given = await teller.say(answer, line.line_id, patient)
    earlier = await past_the_door(teller, await head(teller))
    found: list[tuple[EvidenceType, str]] = [
        ("finding", str(finding).upper()),
        ("assessment", str(assessment)),
        ("symptom_series", "nausea"),
        ("symptom_series", "headache"),
        ("background", "POL"),
        ("background", "pollen"),
        ("consent", "research_cohort"),
        ("feedback", str(given.id)),
        ("prediction", str(earlier)),
        ("event", str(given.position)),
    ]
    return [EvidenceLink(type=type_, ref=ref) for type_, ref in found]


async def test_what_was_there_to_be_seen_leaks_nothing_and_what_was_not_is_named(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        await teller._begin()
        before = await head(teller)
        links = await everything(teller)
        literature = EvidenceLink(type="literature", ref="doi:10.1000/1")
        now = await head(teller)
        await past_the_door(teller, now, *links, literature)
        sound = await check(services)
        assert (sound.predictions, sound.cited, sound.leaks) == (2, len(links) + 1, ())
        leaking = await past_the_door(teller, before, *links, literature)
        checked = await check(services, teller.lines[-1].patient_id)
    assert {leak.prediction_id for leak in checked.leaks} == {leaking}
    assert [leak.cites for leak in checked.leaks] == [f"{link.type} {link.ref}" for link in links]
    for leak in checked.leaks:
        assert leak.as_of_position == before
        assert leak.recorded_at_position is not None
        assert before < leak.recorded_at_position <= now


async def test_what_had_been_taken_back_by_then_was_not_there_either(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        await teller._begin()
        links = {link.type: link for link in await everything(teller)}
        known = await head(teller)
        finding, answer = UUID(links["finding"].ref), UUID(links["feedback"].ref)
        await teller.say(RetractFinding(finding_id=finding, reason_code=WRONG), teller.diagnoses[-1])
        await teller.say(RetractFeedback(reason_code=WRONG), answer)
        cited = (links["finding"], links["feedback"])
        await past_the_door(teller, known, *cited)
        assert (await check(services)).leaks == ()
        await past_the_door(teller, await head(teller), *cited)
        assert [leak.cites.split()[0] for leak in (await check(services)).leaks] == ["finding", "feedback"]


async def test_a_pin_to_what_is_later_leaks_and_nobody_speaks_from_after_their_own_word(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        await teller._begin()
        now = await head(teller)
        await past_the_door(
            teller, now + 1, EvidenceLink(type="literature", ref="x", pinned_position=now + 2)
        )
        (itself, pinned) = (await check(services)).leaks
    assert (itself.cites, itself.recorded_at_position) == ("itself", now + 1)
    assert (pinned.cites, pinned.recorded_at_position) == ("literature x", now + 2)


async def test_what_an_erased_patient_was_told_is_not_read_any_more(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        await teller._begin()
        await past_the_door(teller, 10**6)
        assert len((await check(services)).leaks) == 1
        await teller.erase(teller.patients[-1])
        assert (await check(services)).predictions == 0


def test_the_command_names_what_leaks(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)

    async def story() -> tuple[UUID, UUID]:
        async with house.opened() as services:
            teller = Teller(services, 1)
            await teller._begin()
            nowhere = EvidenceLink(type="feedback", ref=str(new_id()))
            return await past_the_door(teller, 1, nowhere), teller.lines[-1].patient_id

    assert main(["predictions", "check"]) == 0
    prediction, patient = asyncio.run(story())
    capsys.readouterr()
    assert main(["predictions", "check"]) == 1
    told = capsys.readouterr().out
    assert f"prediction {prediction} speaks from position 1 and cites feedback" in told
    assert "which is nowhere in the record" in told
    assert told.endswith("1 predictions, 1 cited, 1 leaks\n")
    assert main(["predictions", "check", "--patient", str(patient), "--json"]) == 1
    (leak,) = json.loads(capsys.readouterr().out)["leaks"]
    assert leak["prediction_id"] == str(prediction)
