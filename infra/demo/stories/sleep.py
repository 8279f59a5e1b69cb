"""Nights without sleep, an allergy that was not told at first, and a child on the way."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, ResolveDiagnosis
from domain.event import Coded
from domain.feedback import ReviewFeedback, SideEffect, SymptomScore
from domain.patient import RecordBackground
from domain.recommendation import DiscontinueRecommendation
from infra.demo.people import TEHRAN
from infra.demo.practice import Practice, advice, rests_on

NIGHT = "شب پیش از خواب"


async def told(today: datetime) -> Practice:
    tell = Practice("parvaneh", today, 590, "fa", TEHRAN)
    tell.on(0)
    await tell.register("ت-۱۴۰۳", "پروانه گلدره", "1994-02-03", "female", phone="+98 912 000 1403")
    sleepless = await tell.diagnose(
        "بی‌خوابی (سهر)", tradition="avicenna", severity="moderate", status="differential"
    )
    pulse = await tell.find(sleepless, "pulse", {"نبض": "صلب و باریک"})
    dryness = await tell.assess(sleepless, "خشکی دماغ از سودا", pulse, black_bile="excess")
    line = await tell.issue(
        sleepless,
        {
            "chamomile": advice("herbal", "دمنوش بابونه", 2, "گرم", 1, NIGHT),
            "almond": advice("massage", "چرب‌کردن کف پا با روغن بادام شیرین", 1, "نوبت", 1, NIGHT),
            "lettuce": advice("dietary", "شوربای کاهو و جو در شام"),
            "screen": advice("behavioral", "کنارگذاشتن تلفن همراه یک ساعت پیش از خواب"),
        },
        title="تدبیر خواب",
    )
    tell.on(9)
    itch = await tell.answer(
        line,
        rating=2,
        side_effects=(SideEffect(code="خارش پوست", severity="mild"),),
        item_id=tell.item_id("chamomile"),
        comment="یادم آمد بچه که بودم هم به بابونه حساسیت داشتم.",
    )
    tell.on(10)
    await tell.say(
        RecordBackground(kind="allergy", code=Coded(text="بابونه"), onset=tell.ago(9000), precision="day"),
        tell.patient_id,
    )
    await tell.say(ReviewFeedback(causality="certain", action="revise", note="حساسیت دیرین"), itch)
    await tell.revise(
        line,
        tell.drop("chamomile", "SAFETY.ALLERGY", rests_on("background", "بابونه")),
        tell.add(
            "borage",
            advice("herbal", "گل‌گاوزبان و لیمو عمانی", 1, "فنجان", 1, NIGHT),
            "SAFETY.ALLERGY",
            rests_on("background", "بابونه"),
        ),
    )
    tell.on(70)
    await tell.say(ConfirmDiagnosis(evidence=(dryness,)), sleepless)
    sleeps = await tell.answer(
        line, rating=4, symptom_scores=(SymptomScore(symptom_code="بی‌خوابی", score=4),), effectiveness=6
    )
    tell.on(210)
    await tell.say(RecordBackground(kind="pregnancy", code=Coded(text="بارداری، هفتهٔ هشتم")), tell.patient_id)
    await tell.revise(
        line,
        tell.drop("borage", "SAFETY.PREGNANCY_LACTATION", rests_on("background", "بارداری، هفتهٔ هشتم")),
        words="گل‌گاوزبان در بارداری توصیه نمی‌شود.",
    )
    tell.on(250)
    await tell.revise(
        line,
        tell.add("rose", advice("natural", "بوییدن گلاب", 3, "قطره", 1, NIGHT), "PATIENT.REQUEST"),
        tell.change("almond", "PROTOCOL.TITRATION", dose=advice("massage", "-", 1, "نوبت", 2, NIGHT).dose),
        words="بیمار تدبیری بدون خوراکی خواست؛ چرب‌کردن کف پا دو بار شد.",
    )
    tell.on(520)
    await tell.say(
        RecordBackground(kind="pregnancy", code=Coded(text="بارداری، هفتهٔ هشتم"), status="ended"),
        tell.patient_id,
    )
    await tell.answer(
        line, rating=5, effectiveness=7, symptom_scores=(SymptomScore(symptom_code="بی‌خوابی", score=2),)
    )
    tell.on(530)
    await tell.say(
        DiscontinueRecommendation(
            reason_code="OUTCOME.GOAL_MET", evidence=(rests_on("feedback", sleeps, "context"),)
        ),
        line,
    )
    await tell.say(ResolveDiagnosis(outcome="improved"), sleepless)
    return tell
