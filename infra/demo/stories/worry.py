"""Worry and wakeful nights, advised in Arabic: what helped, what was a burden, and what was taken back."""

from datetime import datetime
from uuid import UUID

from domain.diagnosis import ConfirmDiagnosis, RetractFinding
from domain.feedback import Adherence, SymptomScore
from domain.recommendation import ResumeRecommendation, SuspendRecommendation
from infra.demo.people import BEIRUT
from infra.demo.practice import Practice, advice, rests_on


async def told(today: datetime) -> Practice:
    tell = Practice("layla", today, 450, "ar", BEIRUT)
    tell.on(0)
    await tell.register("ب-٢٠٠٣", "ليلى الزهراني", "1999-12-30", "female")
    worry = await tell.diagnose(
        "قلق مع أرق", tradition="avicenna", severity="moderate", status="differential"
    )
    pulse = await tell.find(worry, "pulse", {"النبض": "سريع متفاوت"})
    heart = await tell.assess(worry, "سوداء تصعد إلى القلب", pulse, black_bile="excess")
    await tell.say(ConfirmDiagnosis(evidence=(heart,)), worry)
    line = await tell.issue(
        worry,
        {
            "balm": advice("herbal", "منقوع المليسة (الترنجان)", 1, "كوب", 2, "عصرًا ومساءً"),
            "breath": advice("behavioral", "تنفّس بطيء", 10, "دقائق", 2),
            "screen": advice("lifestyle", "ترك الهاتف قبل النوم بساعة"),
        },
        title="سكينة القلب",
    )
    tell.on(30)
    less = await tell.answer(
        line,
        rating=4,
        effectiveness=6,
        adherence=Adherence(taken=40, expected=60),
        symptom_scores=(SymptomScore(symptom_code="أرق", score=4),),
    )
    tell.on(31)
    await tell.revise(
        line,
        tell.change(
            "breath", "ADHERENCE.TOO_COMPLEX", dose=advice("behavioral", "-", 5, "دقائق", 1, "عند النوم").dose
        ),
        tell.add(
            "lavender",
            advice("natural", "شمّ الخزامى", 3, "قطرات", 1, "عند النوم"),
            "OUTCOME.PARTIAL_RESPONSE",
            rests_on("feedback", less),
        ),
    )
    tell.on(110)
    await tell.say(SuspendRecommendation(reason_code="PATIENT.REQUEST"), line)
    tell.on(150)
    await tell.say(ResumeRecommendation(reason_code="PATIENT.REQUEST"), line)
    await tell.revise(
        line,
        tell.drop("lavender", "PATIENT.SECOND_OPINION"),
        words="رأى طبيب آخر أن الروائح القوية تزيد صداعها.",
    )
    tell.on(210)
    tired = await tell.find(worry, "face", {"اللون": "شاحب"})
    tell.on(211)
    await tell.say(RetractFinding(finding_id=UUID(tired.ref), reason_code="CORRECTION.DATA_ENTRY"), worry)
    tell.on(360)
    await tell.answer(
        line, late=4, rating=5, effectiveness=8, symptom_scores=(SymptomScore(symptom_code="أرق", score=2),)
    )
    return tell
