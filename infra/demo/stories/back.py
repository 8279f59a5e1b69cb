"""A back that gets worse: a severe reaction, a safety review, another illness behind the first."""

from datetime import datetime

from domain.diagnosis import (
    AdviseReferral,
    ConfirmDiagnosis,
    RecordDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
)
from domain.event import Coded, Origin
from domain.feedback import ReviewFeedback, SideEffect
from domain.recommendation import (
    CloseSafetyReview,
    DiscontinueRecommendation,
    RequestSafetyReview,
    RestoreVersion,
    ResumeRecommendation,
    SuspendRecommendation,
)
from infra.demo.people import ENGINE, TEHRAN
from infra.demo.practice import Practice, advice, rests_on

NIGHT = "شب پیش از خواب"
A_RULE = Origin(channel="engine", method="rule")


async def told(today: datetime) -> Practice:
    tell = Practice("kamran", today, 520, "fa", TEHRAN)
    tell.on(0)
    await tell.register("ت-۱۴۰۴", "کامران دشتبان", "1965-12-19", "male")
    back = await tell.diagnose("کمردرد از بلغم و باد", tradition="avicenna", severity="moderate")
    seen = await tell.find(back, "interview", {"درد": "منتشر به پای چپ", "بدتر": "با نشستن"})
    await tell.suffers(back, "کمردرد", 6)
    line = await tell.issue(
        back,
        {
            "cupping": advice("cupping", "حجامت عام", 1, "نوبت", 1, "نیمهٔ ماه قمری"),
            "rue": advice("massage", "ماساژ کمر با روغن سداب", 15, "دقیقه", 1, NIGHT),
            "walk": advice("physical_therapy", "پیاده‌روی آرام و حرکت کششی", 20, "دقیقه", 2, "صبح و عصر"),
        },
        title="تدبیر کمردرد",
    )
    tell.on(12)
    faint = await tell.answer(
        line,
        late=2,
        rating=1,
        side_effects=(SideEffect(code="سرگیجه و غش کوتاه", severity="severe"),),
        item_id=tell.item_id("cupping"),
        comment="فردای حجامت از حال رفتم. آنجا آنتن نداشتم.",
    )
    await tell.say(
        RequestSafetyReview(trigger="عارضهٔ شدید پس از حجامت", severity="severe"),
        line,
        ENGINE,
        A_RULE,
    )
    tell.on(13)
    await tell.say(
        SuspendRecommendation(reason_code="SAFETY.ADVERSE_EVENT", evidence=(rests_on("feedback", faint),)),
        line,
    )
    await tell.say(ReviewFeedback(causality="probable", action="suspend"), faint)
    await tell.revise(
        line,
        tell.drop("cupping", "SAFETY.ADVERSE_EVENT", rests_on("feedback", faint)),
        words="غش پس از حجامت؛ حجامت برای این بیمار کنار گذاشته شد.",
    )
    tell.on(20)
    review = tell.open_review(line)
    await tell.say(
        CloseSafetyReview(review_id=review, decision="revise", note="بدون حجامت ادامه یابد."), line
    )
    await tell.say(ResumeRecommendation(reason_code="PROTOCOL.SCHEDULED_REVIEW"), line)
    tell.on(90)
    worse = await tell.suffers(back, "کمردرد", 8)
    await tell.revise(
        line,
        tell.change(
            "walk", "OUTCOME.WORSENED", worse, remedy=Coded(text="استراحت نسبی و پرهیز از نشستن طولانی")
        ),
        words="درد رو به افزایش است؛ حرکت کششی فعلاً متوقف شد.",
    )
    await tell.say(AdviseReferral(specialty="جراحی مغز و اعصاب", urgency="urgent"), back)
    tell.on(120)
    scan = await tell.find(back, "lab", {"ام‌آرآی": "بیرون‌زدگی دیسک L5-S1"})
    await tell.say(RefuteDiagnosis(reason_code="DIAGNOSIS.REVISED", evidence=(scan, seen)), back)
    await tell.say(DiscontinueRecommendation(reason_code="DIAGNOSIS.REFUTED", evidence=(scan,)), line)
    disc = await tell.say(
        RecordDiagnosis(condition=Coded(text="فتق دیسک کمر"), severity="severe", urgency="urgent"),
        tell.patient_id,
    )
    film = await tell.find(disc, "lab", {"ام‌آرآی": "فشار بر ریشهٔ S1 چپ"})
    await tell.say(AdviseReferral(specialty="جراحی مغز و اعصاب", urgency="urgent"), disc)
    await tell.say(ConfirmDiagnosis(evidence=(film,)), disc)
    after = await tell.issue(
        disc,
        {
            "physio": advice("physical_therapy", "فیزیوتراپی زیر نظر جراح", 30, "دقیقه", 1, "سه روز در هفته"),
            "weight": advice("dietary", "کاهش وزن با غذای سبک و کم‌نمک"),
        },
        title="پس از مشاورهٔ جراحی",
        tradition="modern",
    )
    tell.on(200)
    await tell.revise(
        after,
        tell.drop("weight", "ADHERENCE.PREFERENCE"),
        tell.add("barley", advice("dietary", "سوپ جو و سبزی در شام"), "ADHERENCE.PREFERENCE"),
    )
    tell.on(260)
    await tell.say(
        RestoreVersion(
            restored_version=1,
            reason_code="PATIENT.SECOND_OPINION",
            narrative=tell.narrative("جراح دوم بر کاهش وزن پای فشرد."),
        ),
        after,
    )
    tell.on(400)
    await tell.say(ResolveDiagnosis(outcome="unchanged"), disc)
    return tell
