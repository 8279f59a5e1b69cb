"""A headache: first taken for tension, later known as migraine; the showpiece of the demo."""

from datetime import datetime
from uuid import UUID

from domain.diagnosis import ConfirmDiagnosis
from domain.event import Coded
from domain.feedback import (
    Adherence,
    AmendFeedback,
    FeedbackDetails,
    ReviewFeedback,
    SideEffect,
    SymptomScore,
)
from domain.patient import AssessConstitution, GrantConsent
from domain.recommendation import AcknowledgeRecommendation, AdvancePhase, Goal
from infra.demo.people import TEHRAN
from infra.demo.practice import Practice, advice, rests_on

MORNING, NIGHT, AFTER_MEALS = "صبح ناشتا", "شب پیش از خواب", "بعد از غذا"


async def told(today: datetime) -> Practice:
    tell = Practice("nasrin", today, 700, "fa", TEHRAN)
    headache = await _comes(tell)
    line = await _is_advised(tell, headache)
    await _answers(tell, line)
    await _turns_out_to_be_migraine(tell, headache, line)
    await _gets_well(tell, line)
    tell.named |= {"line": line, "diagnosis": headache, "item": tell.item_id("coriander") or line}
    return tell


async def _comes(tell: Practice) -> UUID:
    tell.on(0)
    await tell.register("ت-۱۴۰۱", "نسرین آبگون", "1988-05-11", "female", phone="+98 912 000 1401")
    await tell.say(
        GrantConsent(scope="care", policy_version="1"), tell.patient_id, tell.patient, tell.phone()
    )
    headache = await tell.diagnose(
        "سردرد تنشی", tradition="avicenna", severity="mild", onset=tell.ago(240), status="provisional"
    )
    pulse = await tell.find(headache, "pulse", {"نبض": "باریک و سریع", "قوت": "متوسط"})
    tongue = await tell.find(headache, "tongue", {"رنگ": "زرد کم‌رنگ", "رطوبت": "خشک"})
    await tell.assess(headache, "غلبهٔ صفرا بر سر با خشکی", pulse, tongue, yellow_bile="excess")
    await tell.say(
        AssessConstitution(code="hot_dry", hot_cold=2, dry_wet=-2, confidence=0.7),
        tell.patient_id,
    )
    await tell.suffers(headache, "سردرد", 7)
    return headache


async def _is_advised(tell: Practice, headache: UUID) -> UUID:
    return await tell.issue(
        headache,
        {
            "lavender": advice("herbal", "دمنوش اسطوخودوس", 2, "گرم", 2, AFTER_MEALS, duration_days=30),
            "violet": advice(
                "herbal", "روغن بنفشه بادامی", 3, "قطره", 1, NIGHT, preparation="در هر سوراخ بینی"
            ),
            "no_fast_food": advice("avoidance", "پرهیز از غذای مانده، شکلات و سرخ‌کردنی"),
            "sleep": advice("lifestyle", "خواب پیش از ساعت ۲۳ و بیداری هنگام سحر", priority=2),
        },
        title="تدبیر سردرد",
        goals=(Goal(metric="سردرد", target="کمتر از ۳"),),
        phases=("balancing", "maintenance"),
    )


async def _answers(tell: Practice, line: UUID) -> None:
    tell.on(2)
    await tell.say(AcknowledgeRecommendation(version=1), line, tell.patient, tell.phone())
    tell.on(16)
    nausea = await tell.answer(
        line,
        rating=3,
        adherence=Adherence(taken=26, expected=28),
        symptom_scores=(SymptomScore(symptom_code="سردرد", score=6),),
        side_effects=(SideEffect(code="تهوع", severity="moderate", ongoing=True),),
        item_id=tell.item_id("lavender"),
        comment="یک ساعت بعد از دمنوش دلم آشوب می‌شود.",
    )
    tell.on(17)
    await tell.say(ReviewFeedback(causality="probable", action="revise"), nausea)
    await tell.revise(
        line,
        tell.change(
            "lavender",
            "SAFETY.ADVERSE_EVENT",
            rests_on("feedback", nausea),
            dose=advice("herbal", "-", 1, "گرم", 1, AFTER_MEALS).dose,
            cautions=("در صورت تهوع، مصرف را قطع کنید و اطلاع دهید.",),
        ),
        words="تهوع پس از دمنوش؛ مقدار مصرف نصف شد و پس از غذا میل شود.",
    )
    tell.on(75)
    better = await tell.answer(
        line,
        rating=4,
        effectiveness=5,
        adherence=Adherence(taken=50, expected=56),
        symptom_scores=(SymptomScore(symptom_code="سردرد", score=5),),
        comment="تهوع نیست. سردرد کمتر شده ولی هفته‌ای دو بار هست.",
    )
    tell.on(80)
    await tell.revise(
        line,
        tell.add(
            "massage",
            advice("massage", "ماساژ شقیقه و پشت گردن با روغن گل سرخ", 10, "دقیقه", 1, NIGHT),
            "OUTCOME.PARTIAL_RESPONSE",
            rests_on("feedback", better),
        ),
        tell.change("sleep", "ADHERENCE.TOO_COMPLEX", remedy=Coded(text="خواب پیش از نیمه‌شب"), priority=1),
        words="پاسخ نسبی؛ ماساژ موضعی افزوده و دستور خواب ساده‌تر شد.",
    )


async def _turns_out_to_be_migraine(tell: Practice, headache: UUID, line: UUID) -> None:
    tell.on(300)
    await tell.suffers(headache, "سردرد", 5)
    tell.on(347)
    aura = await tell.answer(
        line,
        late=19,
        rating=2,
        symptom_scores=(
            SymptomScore(symptom_code="سردرد", score=8),
            SymptomScore(symptom_code="تاری دید", score=4),
        ),
        comment="در روستا اینترنت نبود. سه بار سردرد یک‌طرفه با تاری دید داشتم و نور آزارم می‌داد.",
    )
    tell.on(352)
    eyes = await tell.find(
        headache, "interview", {"درد": "یک‌طرفه و ضربان‌دار", "همراه": "نورگریزی و تاری دید"}
    )
    migraine = await tell.assess(headache, "شقیقه (میگرن) با مشارکت معده", eyes, yellow_bile="excess")
    await tell.rediagnose(
        headache,
        "DIAGNOSIS.REVISED",
        "شرح حال تازه با میگرن می‌خواند، نه با سردرد تنشی.",
        rests_on("feedback", aura),
        migraine,
        condition=Coded(text="میگرن (شقیقه)", system="http://hl7.org/fhir/sid/icd-10", code="G43.1"),
        severity="moderate",
    )
    await tell.say(ConfirmDiagnosis(evidence=(migraine,)), headache)
    await tell.revise(
        line,
        tell.drop("lavender", "DIAGNOSIS.REVISED", migraine),
        tell.add(
            "coriander",
            advice("herbal", "شربت تمر هندی و گشنیز", 1, "لیوان", 1, MORNING, duration_days=45),
            "DIAGNOSIS.REVISED",
            migraine,
        ),
        tell.add("diary", advice("monitoring", "یادداشت روزانهٔ سردرد و خوراک"), "PROTOCOL.SCHEDULED_REVIEW"),
        words="با تشخیص میگرن، تدبیر بر تعدیل صفرا و معده نهاده شد.",
    )


async def _gets_well(tell: Practice, line: UUID) -> None:
    tell.on(370)
    fixed = await tell.answer(
        line, rating=4, effectiveness=6, symptom_scores=(SymptomScore(symptom_code="سردرد", score=6),)
    )
    tell.on(371)
    amended = FeedbackDetails(symptom_scores=(SymptomScore(symptom_code="سردرد", score=4),))
    await tell.say(
        AmendFeedback(changes=amended, reason_code="CORRECTION.DATA_ENTRY"), fixed, tell.patient, tell.phone()
    )
    tell.on(455)
    await tell.revise(
        line,
        tell.change("coriander", "PROTOCOL.SEASONAL", remedy=Coded(text="شربت سکنجبین و عرق کاسنی")),
        words="با گرم‌شدن هوا شربت خنک‌تر جایگزین شد.",
    )
    tell.on(560)
    good = await tell.answer(
        line,
        rating=5,
        effectiveness=8,
        adherence=Adherence(taken=80, expected=90),
        symptom_scores=(SymptomScore(symptom_code="سردرد", score=2),),
        comment="ماهی یک بار و کوتاه.",
    )
    tell.on(566)
    await tell.say(AdvancePhase(to_phase="maintenance", criteria_met=("سردرد کمتر از ۳ در هشت هفته",)), line)
    tell.on(580)
    await tell.revise(
        line,
        tell.drop("massage", "OUTCOME.GOAL_MET", rests_on("feedback", good)),
        tell.drop("violet", "PATIENT.REQUEST"),
        words="هدف درمان به دست آمد؛ روغن بنفشه به درخواست بیمار کنار رفت.",
    )
