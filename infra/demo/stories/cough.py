"""A heart with its tablets, and herbs that do not go with them."""

from datetime import datetime

from domain.diagnosis import ConfirmDiagnosis, ResolveDiagnosis
from domain.event import Coded, Origin
from domain.feedback import Adherence, SymptomScore
from domain.patient import RecordBackground
from domain.recommendation import CloseSafetyReview, RequestSafetyReview, SafetyCheck
from infra.demo.people import ENGINE, TEHRAN
from infra.demo.practice import Practice, advice, rests_on

MORNING, NIGHT = "صبح ناشتا", "شب پیش از خواب"
A_RULE = Origin(channel="engine", method="rule")


async def told(today: datetime) -> Practice:
    tell = Practice("hossein", today, 560, "fa", TEHRAN)
    tell.on(0)
    await tell.register("ت-۱۴۰۶", "حسین رستگارپور", "1951-03-14", "male", phone="+98 912 000 1406")
    await tell.say(
        RecordBackground(kind="medication", code=Coded(text="وارفارین"), onset=tell.ago(1500)),
        tell.patient_id,
    )
    cough = await tell.diagnose("سرفهٔ خشک مزمن", severity="mild")
    voice = await tell.find(cough, "voice", {"صدا": "گرفته", "سرفه": "بی‌خلط، شبانه"})
    await tell.say(ConfirmDiagnosis(evidence=(voice,)), cough)
    line = await tell.issue(
        cough,
        {
            "licorice": advice("herbal", "دمنوش شیرین‌بیان", 1, "فنجان", 2, MORNING),
            "quince": advice("herbal", "لعاب به‌دانه", 1, "قاشق", 3, "ولرم"),
            "thyme": advice("herbal", "بخور آویشن", 1, "نوبت", 1, NIGHT),
        },
        title="تدبیر سینه",
    )
    tell.on(8)
    pressure = await tell.find(cough, "vitals", {"فشار خون": "165/95 mmHg"})
    await tell.say(RecordBackground(kind="condition", code=Coded(text="پرفشاری خون")), tell.patient_id)
    await tell.revise(
        line,
        tell.drop("licorice", "SAFETY.CONTRAINDICATION", rests_on("background", "پرفشاری خون"), pressure),
        words="شیرین‌بیان فشار خون را بالا می‌برد.",
        safety_check=SafetyCheck(result="acknowledged", alerts=("licorice-hypertension",)),
    )
    tell.on(30)
    await tell.say(
        RequestSafetyReview(trigger="تداخل احتمالی آویشن خوراکی با وارفارین", severity="moderate"),
        line,
        ENGINE,
        A_RULE,
    )
    tell.on(31)
    review = tell.open_review(line)
    await tell.say(CloseSafetyReview(review_id=review, decision="revise", note="تنها بخور می‌ماند."), line)
    await tell.revise(
        line,
        tell.change(
            "thyme",
            "SAFETY.INTERACTION",
            rests_on("background", "وارفارین"),
            cautions=("تنها بخور؛ خورده نشود.",),
        ),
    )
    tell.on(95)
    await tell.answer(
        line,
        rating=4,
        adherence=Adherence(taken=70, expected=90),
        effectiveness=7,
        symptom_scores=(SymptomScore(symptom_code="سرفه", score=3),),
    )
    tell.on(300)
    await tell.revise(
        line,
        tell.change(
            "quince",
            "PROTOCOL.GUIDELINE_UPDATE",
            rests_on("literature", "راهنمای تدبیر سرفه، ویرایش سوم"),
            duration_days=60,
        ),
    )
    tell.on(540)
    await tell.say(ResolveDiagnosis(outcome="improved"), cough)
    return tell
