"""A worn knee, advised in Arabic: an oil that could not be had, and a hard year."""

from datetime import datetime

from domain.diagnosis import AdviseReferral, ConfirmDiagnosis
from domain.event import Coded
from domain.feedback import SymptomScore
from domain.patient import RecordBackground
from infra.demo.people import BEIRUT
from infra.demo.practice import Practice, advice, rests_on


async def told(today: datetime) -> Practice:
    tell = Practice("yusuf", today, 540, "ar", BEIRUT)
    tell.on(0)
    await tell.register("ب-٢٠٠٢", "يوسف القرطباوي", "1957-06-12", "male")
    knee = await tell.diagnose("خشونة الركبة اليمنى", severity="mild")
    gait = await tell.find(knee, "interview", {"الألم": "عند صعود الدرج", "التيبّس": "صباحًا"})
    await tell.suffers(knee, "ألم الركبة", 5)
    line = await tell.issue(
        knee,
        {
            "oil": advice("massage", "تدليك بزيت القُسط", 10, "دقائق", 1, "مساءً"),
            "swim": advice("physical_therapy", "المشي في الماء", 30, "دقيقة", 1, "ثلاث مرات في الأسبوع"),
            "weight": advice("dietary", "تخفيف العشاء وترك الحلويات"),
        },
        title="تدبير المفاصل",
    )
    tell.on(25)
    await tell.revise(
        line, tell.change("oil", "ADHERENCE.UNAVAILABLE", remedy=Coded(text="زيت السمسم الدافئ"))
    )
    tell.on(140)
    await tell.say(RecordBackground(kind="condition", code=Coded(text="السكري")), tell.patient_id)
    await tell.revise(
        line,
        tell.change(
            "weight",
            "DIAGNOSIS.COMORBIDITY",
            rests_on("background", "السكري"),
            remedy=Coded(text="حمية السكري بإشراف اختصاصي التغذية"),
        ),
    )
    tell.on(320)
    pain = await tell.answer(
        line,
        late=7,
        rating=2,
        effectiveness=2,
        symptom_scores=(SymptomScore(symptom_code="ألم الركبة", score=8),),
    )
    tell.on(322)
    film = await tell.find(knee, "lab", {"الأشعة": "تضيّق شديد في المفصل"})
    await tell.rediagnose(knee, "OUTCOME.WORSENED", "الأشعة تُظهر تضيّقًا شديدًا.", film, severity="severe")
    await tell.say(AdviseReferral(specialty="جراحة العظام", urgency="routine"), knee)
    await tell.say(ConfirmDiagnosis(evidence=(gait, film)), knee)
    await tell.revise(
        line,
        tell.drop("oil", "OUTCOME.INEFFECTIVE", rests_on("feedback", pain)),
        tell.add(
            "surgeon",
            advice("referral", "مراجعة جرّاح العظام", priority=1),
            "DIAGNOSIS.SEVERITY_CHANGED",
            film,
        ),
        words="اشتدّ الألم مع تضيّق المفصل؛ أُحيل إلى جرّاح العظام.",
    )
    return tell
