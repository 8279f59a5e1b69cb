"""Two records of one person, from two towns; and an illness that was another patient's."""

from datetime import date, datetime

from domain.diagnosis import ConfirmDiagnosis, EnterDiagnosisInError, ResolveDiagnosis
from domain.event import Coded
from domain.feedback import SymptomScore
from domain.patient import (
    ApproveMerge,
    AssignCareTeamMember,
    CorrectPatientDetails,
    PatientDetails,
    ProposeMerge,
)
from domain.recommendation import CompleteRecommendation
from infra.demo.people import ADMIN, SHIRAZ, TEHRAN
from infra.demo.practice import Practice, advice, rests_on

MORNING, NIGHT = "صبح ناشتا", "شب پیش از خواب"


async def told(today: datetime) -> Practice:
    tell = Practice("mahshid", today, 610, "fa", SHIRAZ)
    tell.on(0)
    twin = await tell.register("ش-۲۰۹", "مهشید نارون", "1990-07-22", "female")
    itching = await tell.diagnose("خارش پوست", severity="mild")
    await tell.suffers(itching, "خارش", 5)
    tell.on(30)
    tell.practitioner = TEHRAN
    patient = await tell.register("ت-۱۴۰۵", "مهشید نارون", "1990-07-23", "female", phone="+98 912 000 1405")
    eczema = await tell.diagnose("اگزما (قوبا) از سودای سوخته", tradition="avicenna", severity="moderate")
    skin = await tell.find(eczema, "skin", {"جا": "پشت زانو و آرنج", "نما": "خشک و پوسته‌دار"})
    burnt = await tell.assess(eczema, "سودای محترق در پوست", skin, black_bile="corrupted")
    await tell.say(ConfirmDiagnosis(evidence=(skin, burnt)), eczema)
    line = await tell.issue(
        eczema,
        {
            "fumitory": advice("herbal", "عرق شاه‌تره", 1, "فنجان", 2, MORNING, phase="cleansing"),
            "wax": advice("natural", "قیروطی (موم‌روغن بنفشه)", 1, "لایه", 2, "پس از شست‌وشو"),
            "no_black": advice("avoidance", "پرهیز از بادمجان، عدس، سوسیس و غذای شور"),
        },
        title="تدبیر پوست",
        phases=("cleansing", "balancing"),
    )
    tell.on(33)
    wrong = await tell.diagnose("یرقان", severity="moderate")
    tell.on(34)
    await tell.say(EnterDiagnosisInError(reason_code="CORRECTION.DATA_ENTRY"), wrong)
    tell.on(60)
    half = await tell.answer(
        line, rating=3, symptom_scores=(SymptomScore(symptom_code="خارش", score=4),), effectiveness=5
    )
    await tell.revise(
        line,
        tell.add(
            "jujube",
            advice("herbal", "شربت عناب", 1, "لیوان", 1, NIGHT),
            "OUTCOME.PARTIAL_RESPONSE",
            rests_on("feedback", half),
        ),
    )
    tell.on(100)
    await tell.say(ProposeMerge(survivor_id=patient, retired_id=twin), twin, SHIRAZ)
    tell.on(102)
    await tell.say(ApproveMerge(), twin, ADMIN)
    await tell.say(
        CorrectPatientDetails(
            changes=PatientDetails(birth_date=date(1990, 7, 22)),
            reason_code="CORRECTION.MERGE",
        ),
        patient,
    )
    await tell.say(AssignCareTeamMember(account_id=SHIRAZ.account_id, relation="practitioner"), patient)
    tell.on(180)
    await tell.revise(
        line,
        tell.change(
            "fumitory", "PROTOCOL.PHASE_TRANSITION", phase="balancing", remedy=Coded(text="شاه‌تره و کاسنی")
        ),
        tell.drop("jujube", "ADHERENCE.NOT_TAKEN", rests_on("feedback", half, "context")),
        words="پاک‌سازی پایان یافت و شربت عناب خورده نمی‌شد.",
    )
    tell.on(420)
    await tell.answer(
        line, late=12, rating=5, effectiveness=9, symptom_scores=(SymptomScore(symptom_code="خارش", score=1),)
    )
    tell.on(425)
    await tell.say(CompleteRecommendation(), line)
    await tell.say(ResolveDiagnosis(outcome="recovered"), eczema)
    tell.named["retired"] = twin
    return tell
