"""A slow digestion: costs and empty shelves change the advice as much as the stomach does."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, RecurDiagnosis, ResolveDiagnosis
from domain.event import Coded
from domain.feedback import Adherence, SymptomScore
from domain.recommendation import AdvancePhase, CompleteRecommendation
from infra.demo.people import TEHRAN
from infra.demo.practice import Practice, advice, rests_on

AFTER_MEALS = "بعد از غذا"


async def told(today: datetime) -> Practice:
    tell = Practice("bahram", today, 640, "fa", TEHRAN)
    tell.on(0)
    await tell.register("ت-۱۴۰۲", "بهرام سروستانی", "1971-09-30", "male", phone="+98 912 000 1402")
    stomach = await tell.diagnose("سوءهاضمه با غلبهٔ بلغم", tradition="avicenna", severity="moderate")
    tongue = await tell.find(stomach, "tongue", {"رنگ": "سفید", "بار": "ضخیم و مرطوب"})
    found = await tell.assess(stomach, "سوءمزاج سرد و تر معده", tongue, phlegm="excess")
    await tell.say(ConfirmDiagnosis(evidence=(found,)), stomach)
    await tell.suffers(stomach, "نفخ", 7)
    line = await tell.issue(
        stomach,
        {
            "jawarish": advice("herbal", "جوارش کمونی", 5, "گرم", 2, AFTER_MEALS, phase="cleansing"),
            "cumin": advice("herbal", "زیرهٔ سیاه و زنیان کوبیده", 1, "گرم", 3, "همراه غذا"),
            "no_cold": advice("avoidance", "پرهیز از ماست، دوغ، خیار و آب سرد میان غذا"),
            "chew": advice("behavioral", "آهسته خوردن و خوب جویدن"),
        },
        title="تقویت معده",
        phases=("cleansing", "balancing", "maintenance"),
    )
    tell.on(40)
    dear = await tell.answer(line, rating=3, adherence=Adherence(taken=30, expected=80, reason="گران بود"))
    tell.on(42)
    await tell.revise(
        line,
        tell.change(
            "jawarish", "ADHERENCE.COST", rests_on("feedback", dear), remedy=Coded(text="پودر زنجبیل و نبات")
        ),
        words="هزینهٔ جوارش برای بیمار سنگین بود.",
    )
    tell.on(95)
    await tell.revise(
        line, tell.change("cumin", "ADHERENCE.UNAVAILABLE", remedy=Coded(text="رازیانه و بادیان"))
    )
    tell.on(150)
    same = await tell.answer(
        line, rating=2, effectiveness=2, symptom_scores=(SymptomScore(symptom_code="نفخ", score=7),)
    )
    tell.on(155)
    await tell.revise(
        line,
        tell.drop("cumin", "OUTCOME.INEFFECTIVE", rests_on("feedback", same)),
        tell.add(
            "cupping",
            advice("cupping", "بادکش گرم روی معده", 10, "دقیقه", 1, "هفته‌ای دو بار، پیش از غذا"),
            "OUTCOME.PARTIAL_RESPONSE",
            rests_on("symptom_series", "نفخ"),
        ),
        words="رازیانه اثری بر نفخ نداشت؛ بادکش گرم افزوده شد.",
    )
    tell.on(260)
    await tell.say(AdvancePhase(to_phase="balancing", criteria_met=("زبان بدون بار",)), line)
    tell.on(430)
    light = await tell.answer(
        line,
        late=9,
        rating=5,
        effectiveness=8,
        symptom_scores=(SymptomScore(symptom_code="نفخ", score=1),),
        comment="دیگر بعد از ناهار سنگین نیستم.",
    )
    tell.on(436)
    await tell.say(CompleteRecommendation(evidence=(rests_on("feedback", light),)), line)
    await tell.say(ResolveDiagnosis(outcome="recovered"), stomach)
    tell.on(600)
    await tell.say(RecurDiagnosis(), stomach)
    return tell
