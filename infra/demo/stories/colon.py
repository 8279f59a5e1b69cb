"""A nervous colon, advised in Arabic: a season, an intolerance, and a goal that was met."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, ResolveDiagnosis
from domain.event import Coded
from domain.feedback import Adherence, ReviewFeedback, SideEffect, SymptomScore
from domain.patient import GrantConsent, RecordBackground
from domain.recommendation import AcknowledgeRecommendation, CompleteRecommendation, Goal
from infra.demo.people import BEIRUT
from infra.demo.practice import Practice, advice, rests_on

BEFORE_MEALS, EVENING = "قبل الطعام", "مساءً"


async def told(today: datetime) -> Practice:
    tell = Practice("salma", today, 660, "ar", BEIRUT)
    tell.on(0)
    await tell.register("ب-٢٠٠١", "سلمى البستاوي", "1992-08-05", "female", phone="+961 1 000 201")
    await tell.say(
        GrantConsent(scope="care", policy_version="1"), tell.patient_id, tell.patient, tell.phone()
    )
    colon = await tell.diagnose("القولون العصبي", tradition="avicenna", severity="moderate")
    tongue = await tell.find(colon, "tongue", {"اللون": "أبيض", "الطبقة": "سميكة"})
    cold = await tell.assess(colon, "برودة المعدة وغلبة البلغم", tongue, phlegm="excess")
    await tell.say(ConfirmDiagnosis(evidence=(cold,)), colon)
    await tell.suffers(colon, "انتفاخ", 7)
    line = await tell.issue(
        colon,
        {
            "anise": advice("herbal", "منقوع اليانسون والشمر", 1, "كوب", 2, "بعد الطعام"),
            "mint": advice("herbal", "النعناع المغلي", 1, "كوب", 1, EVENING),
            "milk": advice("dietary", "لبن رائب مع الكمّون", 1, "كوب", 1, BEFORE_MEALS),
            "no_cold": advice("avoidance", "تجنّب المشروبات الباردة والبقول الثقيلة"),
        },
        title="تدبير القولون",
        goals=(Goal(metric="انتفاخ", target="أقل من 3"),),
    )
    tell.on(1)
    await tell.say(AcknowledgeRecommendation(version=1, locale="ar"), line, tell.patient, tell.phone())
    tell.on(18)
    milk = await tell.answer(
        line,
        rating=2,
        item_id=tell.item_id("milk"),
        side_effects=(SideEffect(code="إسهال", severity="moderate"),),
        comment="كلما شربت اللبن اشتدّ الألم.",
    )
    tell.on(19)
    await tell.say(RecordBackground(kind="allergy", code=Coded(text="عدم تحمّل اللاكتوز")), tell.patient_id)
    await tell.say(ReviewFeedback(causality="certain", action="revise"), milk)
    await tell.revise(
        line,
        tell.drop("milk", "SAFETY.ALLERGY", rests_on("background", "عدم تحمّل اللاكتوز")),
        tell.change(
            "mint",
            "SAFETY.ADVERSE_EVENT",
            rests_on("feedback", milk, "context"),
            cautions=("يُوقف عند حرقة المعدة.",),
        ),
        words="إسهال بعد اللبن؛ حُذف وأُضيف تنبيه على النعناع.",
    )
    tell.on(120)
    half = await tell.answer(
        line,
        rating=3,
        effectiveness=5,
        adherence=Adherence(taken=150, expected=200),
        symptom_scores=(SymptomScore(symptom_code="انتفاخ", score=5),),
    )
    tell.on(123)
    await tell.revise(
        line,
        tell.add(
            "caraway",
            advice("herbal", "كراوية مع العسل", 1, "ملعقة صغيرة", 2, BEFORE_MEALS),
            "OUTCOME.PARTIAL_RESPONSE",
            rests_on("feedback", half),
        ),
    )
    tell.on(260)
    await tell.revise(
        line,
        tell.change("anise", "PROTOCOL.SEASONAL", remedy=Coded(text="منقوع اليانسون والزنجبيل")),
        words="أُضيف الزنجبيل لبرد الشتاء.",
    )
    tell.on(430)
    good = await tell.answer(
        line,
        late=15,
        rating=5,
        effectiveness=9,
        symptom_scores=(SymptomScore(symptom_code="انتفاخ", score=2),),
        comment="كنت مسافرة بلا إنترنت. تحسّنت كثيرًا.",
    )
    tell.on(440)
    await tell.revise(line, tell.drop("caraway", "OUTCOME.GOAL_MET", rests_on("feedback", good)))
    tell.on(600)
    await tell.say(CompleteRecommendation(evidence=(rests_on("feedback", good),)), line)
    await tell.say(ResolveDiagnosis(outcome="recovered"), colon)
    return tell
