"""A stiff shoulder that nobody heard of again: not every story has an end."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, ResolveDiagnosis
from domain.event import Coded
from domain.feedback import Adherence, SymptomScore
from domain.recommendation import DiscontinueRecommendation
from infra.demo.people import LONDON
from infra.demo.practice import Practice, advice, rests_on


async def told(today: datetime) -> Practice:
    tell = Practice("priya", today, 420, "en", LONDON)
    tell.on(0)
    await tell.register("L-3003", "Priya Varadkar", "1961-01-25", "female")
    shoulder = await tell.diagnose("Frozen shoulder", severity="moderate")
    stiff = await tell.find(shoulder, "interview", {"movement": "outward rotation lost", "side": "left"})
    await tell.say(ConfirmDiagnosis(evidence=(stiff,)), shoulder)
    line = await tell.issue(
        shoulder,
        {
            "pendulum": advice("physical_therapy", "Pendulum exercises", 10, "minutes", 2),
            "heat": advice("natural", "Warm sesame oil massage", 15, "minutes", 1, "evening"),
            "turmeric": advice("dietary", "Turmeric milk", 1, "cup", 1, "at night"),
        },
        title="Loosening the shoulder",
        tradition="ayurveda",
    )
    tell.on(35)
    await tell.answer(line, rating=3, adherence=Adherence(taken=20, expected=70, reason="too much"))
    await tell.revise(
        line,
        tell.change(
            "pendulum", "ADHERENCE.TOO_COMPLEX", dose=advice("physical_therapy", "-", 5, "minutes", 1).dose
        ),
        tell.drop("turmeric", "PATIENT.REQUEST"),
        words="She asked for less to do, and does not like turmeric.",
    )
    tell.on(100)
    worse = await tell.answer(
        line, late=21, rating=2, symptom_scores=(SymptomScore(symptom_code="shoulder pain", score=7),)
    )
    tell.on(104)
    await tell.revise(
        line,
        tell.change(
            "heat",
            "OUTCOME.WORSENED",
            rests_on("feedback", worse),
            remedy=Coded(text="Warm compress, no massage"),
        ),
        words="More pain after massage; warmth alone for now.",
    )
    tell.on(300)
    await tell.say(
        DiscontinueRecommendation(
            reason_code="OTHER",
            narrative=tell.narrative("No answer to three calls and two letters since May."),
        ),
        line,
    )
    await tell.say(ResolveDiagnosis(outcome="lost"), shoulder)
    return tell
