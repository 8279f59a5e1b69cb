"""A season of sneezing that comes back every spring; advised in English."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, RecurDiagnosis, ResolveDiagnosis
from domain.feedback import Adherence, SymptomScore
from domain.recommendation import AcknowledgeRecommendation, Goal
from infra.demo.people import LONDON
from infra.demo.practice import Practice, advice, rests_on


async def told(today: datetime) -> Practice:
    tell = Practice("margaret", today, 630, "en", LONDON)
    tell.on(0)
    await tell.register("L-3001", "Margaret Ashdown", "1979-04-17", "female", phone="+44 20 0000 3001")
    fever = await tell.diagnose("Seasonal allergic rhinitis", severity="mild", status="differential")
    face = await tell.find(fever, "face", {"eyes": "red and watering", "nose": "clear discharge"})
    await tell.say(ConfirmDiagnosis(evidence=(face,)), fever)
    await tell.suffers(fever, "sneezing", 7)
    line = await tell.issue(
        fever,
        {
            "saline": advice("natural", "Saline nasal rinse", 1, "rinse", 2, "morning and night"),
            "nettle": advice("herbal", "Nettle leaf tea", 1, "cup", 2, "after meals", duration_days=42),
            "windows": advice("lifestyle", "Windows closed while pollen is high"),
        },
        title="Through the pollen season",
        tradition="modern",
        goals=(Goal(metric="sneezing", target="below 3"),),
    )
    tell.on(1)
    await tell.say(AcknowledgeRecommendation(version=1, locale="en"), line, tell.patient, tell.phone())
    tell.on(21)
    bitter = await tell.answer(
        line,
        rating=3,
        adherence=Adherence(taken=12, expected=42, reason="too bitter"),
        symptom_scores=(SymptomScore(symptom_code="sneezing", score=5),),
    )
    tell.on(24)
    await tell.revise(
        line,
        tell.drop("nettle", "ADHERENCE.NOT_TAKEN", rests_on("feedback", bitter)),
        tell.add(
            "honey", advice("dietary", "Ginger and lemon with honey", 1, "cup", 2), "ADHERENCE.PREFERENCE"
        ),
    )
    tell.on(90)
    well = await tell.answer(
        line, rating=5, effectiveness=8, symptom_scores=(SymptomScore(symptom_code="sneezing", score=1),)
    )
    tell.on(95)
    await tell.revise(
        line,
        tell.drop("windows", "PROTOCOL.SEASONAL"),
        tell.change("saline", "OUTCOME.GOAL_MET", rests_on("feedback", well), duration_days=14),
    )
    await tell.say(ResolveDiagnosis(outcome="recovered"), fever)
    tell.on(330)
    await tell.say(RecurDiagnosis(), fever)
    await tell.revise(
        line,
        tell.change("saline", "PROTOCOL.TITRATION", duration_days=60),
        words="Two weeks were too short last year; rinse through the whole season.",
    )
    tell.on(410)
    await tell.answer(line, late=5, rating=4, effectiveness=7, comment="Hardly a tissue this June.")
    return tell
