"""A restless bowel: a thing that did nothing, a thing that helped, and a feedback that was not meant."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis
from domain.event import Coded
from domain.feedback import RetractFeedback, SideEffect, SymptomScore
from infra.demo.people import LONDON
from infra.demo.practice import Practice, advice, rests_on


async def told(today: datetime) -> Practice:
    tell = Practice("daniel", today, 500, "en", LONDON)
    tell.on(0)
    await tell.register("L-3002", "Daniel Okereke", "1986-10-08", "male")
    bowel = await tell.diagnose("Irritable bowel syndrome", severity="moderate")
    asked = await tell.find(bowel, "interview", {"pain": "cramping, relieved by stool", "since": "two years"})
    await tell.suffers(bowel, "bloating", 7)
    line = await tell.issue(
        bowel,
        {
            "peppermint": advice("herbal", "Peppermint oil capsule", 0.2, "ml", 3, "before meals"),
            "bran": advice("dietary", "Wheat bran", 1, "tablespoon", 2, "with food"),
            "walk": advice("lifestyle", "A walk after dinner", 20, "minutes", 1),
        },
        title="Settling the bowel",
        tradition="modern",
    )
    tell.on(20)
    burn = await tell.answer(
        line,
        rating=2,
        item_id=tell.item_id("peppermint"),
        side_effects=(SideEffect(code="heartburn", severity="mild", ongoing=True),),
    )
    tell.on(21)
    await tell.revise(
        line,
        tell.change(
            "peppermint",
            "SAFETY.ADVERSE_EVENT",
            rests_on("feedback", burn),
            dose=advice("herbal", "-", 0.2, "ml", 2, "with meals").dose,
        ),
        words="Heartburn after the capsule: twice a day, and with food.",
    )
    tell.on(80)
    bloated = await tell.answer(
        line,
        rating=2,
        effectiveness=2,
        symptom_scores=(SymptomScore(symptom_code="bloating", score=7),),
    )
    await tell.revise(
        line,
        tell.change(
            "bran", "OUTCOME.INEFFECTIVE", rests_on("feedback", bloated), remedy=Coded(text="Psyllium husk")
        ),
    )
    tell.on(140)
    await tell.say(ConfirmDiagnosis(evidence=(asked,)), bowel)
    await tell.revise(
        line,
        tell.add(
            "fodmap",
            advice("dietary", "Low-FODMAP diet for six weeks", duration_days=42),
            "EVIDENCE.NEW_LITERATURE",
            rests_on("literature", "Review of diets in functional bowel disorders"),
        ),
    )
    tell.on(200)
    slip = await tell.answer(line, rating=1, comment="Wrong button.")
    await tell.say(RetractFeedback(reason_code="CORRECTION.DATA_ENTRY"), slip, tell.patient, tell.phone())
    await tell.answer(
        line, rating=4, effectiveness=7, symptom_scores=(SymptomScore(symptom_code="bloating", score=3),)
    )
    return tell
