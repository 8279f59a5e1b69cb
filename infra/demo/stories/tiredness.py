"""A tired teacher: a model proposes, a practitioner decides, and a constitution is judged anew."""

from datetime import datetime
from uuid import UUID

from domain.diagnosis import ConfirmDiagnosis, RetractFinding
from domain.event import Coded, Origin
from domain.feedback import SymptomScore
from domain.patient import AssessConstitution, GrantConsent, WithdrawConsent
from domain.recommendation import AcceptProposal, ProposeRevision, RejectProposal
from infra.demo.people import ENGINE, TEHRAN
from infra.demo.practice import Practice, advice, rests_on

NIGHT = "شب پیش از خواب"
A_MODEL = Origin(channel="engine", method="model", model_id="tadbir", model_version="0.3")


async def told(today: datetime) -> Practice:
    tell = Practice("elham", today, 480, "fa", TEHRAN)
    tell.on(0)
    await tell.register("ت-۱۴۰۷", "الهام باغستانی", "1983-11-02", "female", phone="+98 912 000 1407")
    await tell.say(
        GrantConsent(scope="research_cohort", policy_version="1"), tell.patient_id, tell.patient, tell.phone()
    )
    tired = await tell.diagnose("ضعف عمومی و خفقان سودایی", tradition="avicenna", severity="mild")
    face = await tell.find(tired, "face", {"رنگ": "تیره و بی‌رونق"})
    iris = await tell.find(tired, "iris", {"لکه": "ربع پایین چپ"})
    found = await tell.assess(tired, "غلبهٔ سودا با ضعف قلب", face, iris, black_bile="excess")
    await tell.say(
        AssessConstitution(code="cold_dry", hot_cold=-2, dry_wet=-3, confidence=0.6), tell.patient_id
    )
    await tell.say(ConfirmDiagnosis(evidence=(found,)), tired)
    await tell.suffers(tired, "خستگی", 8)
    line = await tell.issue(
        tired,
        {
            "borage": advice("herbal", "گل‌گاوزبان و سنبل‌الطیب", 1, "فنجان", 1, NIGHT),
            "apple": advice("dietary", "سیب با گلاب و دارچین", 1, "عدد", 1, "عصر"),
            "garden": advice("spiritual", "همنشینی با دوستان و گشت در باغ"),
        },
        title="تقویت قلب",
    )
    tell.on(3)
    await tell.say(RetractFinding(finding_id=UUID(iris.ref), reason_code="CORRECTION.DATA_ENTRY"), tired)
    tell.on(60)
    some = await tell.answer(
        line, rating=3, effectiveness=4, symptom_scores=(SymptomScore(symptom_code="خستگی", score=6),)
    )
    saffron = advice("herbal", "شربت زعفران رقیق", 1, "فنجان", 1, "عصر", source="model")
    await tell.say(
        ProposeRevision(
            base_version=1,
            changes=(tell.add("saffron", saffron, "OUTCOME.PARTIAL_RESPONSE", rests_on("feedback", some)),),
        ),
        line,
        ENGINE,
        A_MODEL,
    )
    tell.on(62)
    await tell.say(AcceptProposal(proposal_id=tell.open_proposal(line)), line)
    tell.on(150)
    await tell.say(AssessConstitution(code="cold", hot_cold=-2, dry_wet=0, confidence=0.8), tell.patient_id)
    again = await tell.assess(tired, "خشکی فرونشسته و سردی مانده است", face)
    await tell.revise(
        line,
        tell.change(
            "apple", "DIAGNOSIS.CONSTITUTION_REASSESSED", again, remedy=Coded(text="مربای سیب و زنجبیل")
        ),
    )
    await tell.say(
        ProposeRevision(
            base_version=3, changes=(tell.drop("garden", "OUTCOME.INEFFECTIVE", rests_on("feedback", some)),)
        ),
        line,
        ENGINE,
        A_MODEL,
    )
    tell.on(151)
    await tell.say(
        RejectProposal(proposal_id=tell.open_proposal(line), reason="بیمار آن را دوست دارد."), line
    )
    tell.on(300)
    await tell.say(WithdrawConsent(scope="research_cohort"), tell.patient_id, tell.patient, tell.phone())
    await tell.revise(
        line,
        tell.drop("saffron", "PATIENT.CONSENT_WITHDRAWN", rests_on("consent", "research_cohort")),
        words="بیمار نمی‌خواهد داده‌هایش به مدل برسد و پیشنهاد مدل هم در برنامه‌اش بماند.",
    )
    tell.on(440)
    await tell.answer(line, late=6, rating=4, effectiveness=7, comment="سرِ کلاس دیگر نفس کم نمی‌آورم.")
    return tell
