"""Stories of diagnoses: suspected, observed, confirmed, ended, come back, taken back."""

from datetime import timedelta

import msgspec
import pytest

from domain.diagnosis import (
    INITIAL,
    AddAssessment,
    AdviseReferral,
    AssessmentAdded,
    ConfirmDiagnosis,
    DiagnosisCommand,
    DiagnosisConfirmed,
    DiagnosisDetails,
    DiagnosisEnteredInError,
    DiagnosisFacts,
    DiagnosisRecorded,
    DiagnosisRecurred,
    DiagnosisRefuted,
    DiagnosisResolved,
    DiagnosisRevised,
    EnterDiagnosisInError,
    FindingRecorded,
    FindingRetracted,
    ObserveSymptom,
    OpenDiagnosis,
    RecordDiagnosis,
    RecordFinding,
    RecurDiagnosis,
    ReferralAdvised,
    RefuteDiagnosis,
    ResolveDiagnosis,
    RetractFinding,
    ReviseDiagnosis,
    SymptomObserved,
    decide,
    evolve,
)
from domain.event import Change, Coded, EvidenceLink, Narrative, Origin
from domain.patient import Standing
from tests.domain.spec import (
    BY_IMPORT,
    BY_MODEL,
    NOW,
    ORIGIN,
    PATIENT,
    PRACTITIONER,
    SERVICE,
    Spec,
    ago,
    an_id,
    hence,
)

FACTS = DiagnosisFacts(now=NOW, actor=PRACTITIONER, origin=ORIGIN, new_id=an_id(50), patient_id=an_id(1))
DIAGNOSIS = Spec(decide, evolve, INITIAL, FACTS)
MIGRAINE = Coded(text="میگرن", system="icd-10", code="G43")
FINDING, MODELS_FINDING, ASSESSMENT = an_id(61), an_id(62), an_id(63)

recorded = DiagnosisRecorded(
    occurred_at=ago(days=9), precision="day", patient_id=an_id(1), condition=MIGRAINE, tradition="avicenna"
)
severe = msgspec.structs.replace(recorded, severity="severe")
arrived_confirmed = msgspec.structs.replace(recorded, status="confirmed")
found = FindingRecorded(
    occurred_at=ago(days=8), finding_id=FINDING, modality="pulse", attributes={"rate": "rapid"}
)
found_by_model = FindingRecorded(
    occurred_at=ago(days=8),
    finding_id=MODELS_FINDING,
    modality="tongue",
    attributes={"coat": 1},
    method="model",
)
assessed = AssessmentAdded(
    occurred_at=ago(days=7), assessment_id=ASSESSMENT, tradition="avicenna", statement="Excess of yellow bile"
)
confirmed = DiagnosisConfirmed(occurred_at=ago(days=6))
resolved = DiagnosisResolved(occurred_at=ago(days=5), outcome="recovered")
recurred = DiagnosisRecurred(occurred_at=ago(days=4))
refuted = DiagnosisRefuted(occurred_at=ago(days=6), reason_code="DIAGNOSIS.REVISED")
in_error = DiagnosisEnteredInError(occurred_at=ago(days=9), reason_code="CORRECTION.DUPLICATE")
retracted = FindingRetracted(occurred_at=ago(days=8), finding_id=FINDING, reason_code="CORRECTION.DATA_ENTRY")
nothing = DIAGNOSIS.given()
suspected = DIAGNOSIS.given(recorded)

record = RecordDiagnosis(condition=MIGRAINE, tradition="avicenna")
revise = ReviseDiagnosis(
    changes=DiagnosisDetails(severity="moderate"), reason_code="DIAGNOSIS.SEVERITY_CHANGED"
)
LATER_COMMANDS: list[DiagnosisCommand] = [
    RecordFinding(modality="pulse", attributes={"rate": "rapid"}),
    RetractFinding(finding_id=FINDING, reason_code="CORRECTION.DATA_ENTRY"),
    AddAssessment(statement="Excess of yellow bile"),
    ObserveSymptom(symptom_code="headache", score=7),
    revise,
    ConfirmDiagnosis(),
    RefuteDiagnosis(reason_code="DIAGNOSIS.REVISED"),
    ResolveDiagnosis(outcome="recovered"),
    RecurDiagnosis(),
    AdviseReferral(specialty="neurology"),
    EnterDiagnosisInError(reason_code="CORRECTION.DATA_ENTRY"),
]


def with_status(status: str) -> ReviseDiagnosis:
    changes = msgspec.convert({"status": status}, DiagnosisDetails)
    return ReviseDiagnosis(changes=changes, reason_code="DIAGNOSIS.REVISED")


# recording


def test_a_suspicion_is_recorded() -> None:
    nothing.when(record).then(
        DiagnosisRecorded(occurred_at=NOW, patient_id=an_id(1), condition=MIGRAINE, tradition="avicenna")
    )


def test_a_model_may_suspect_but_a_patient_may_not() -> None:
    nothing.when(record, origin=BY_MODEL, actor=SERVICE).then_done()
    nothing.when(record, actor=PATIENT).then_rejected("origin.practitioner_required")


def test_a_model_says_which_one_it_is() -> None:
    nothing.when(record, origin=Origin(method="model")).then_rejected(
        "origin.model_required",
        "origin.model_id origin.model_required",
        "origin.model_version origin.model_required",
    )
    nameless = Origin(method="model", model_id=" ", model_version="\u200c")
    nothing.when(record, origin=nameless).then_rejected(
        "origin.model_required",
        "origin.model_id origin.model_required",
        "origin.model_version origin.model_required",
    )


def test_only_an_import_brings_what_was_confirmed_elsewhere() -> None:
    confirmed_severe = msgspec.structs.replace(record, status="confirmed", severity="severe")
    nothing.when(confirmed_severe).then_rejected(
        "diagnosis.evidence_required", "status diagnosis.evidence_required"
    )
    nothing.when(confirmed_severe, origin=BY_IMPORT, actor=SERVICE).then_done()


def test_it_is_recorded_once() -> None:
    suspected.when(record).then_conflict("diagnosis.recorded_already")


def test_all_wrong_fields_are_named_at_once() -> None:
    wrong = RecordDiagnosis(
        condition=Coded(text=" "),
        occurred_at=hence(minutes=6),
        onset=hence(days=1),
        referral_override="\u200c",
    )
    nothing.when(wrong).then_rejected(
        "request.rejected",
        "occurred_at time.in_future",
        "condition.text text.blank",
        "onset time.in_future",
        "referral_override text.blank",
    )


@pytest.mark.parametrize(
    ("standing", "code"),
    [("dead", "patient.dead"), ("merged", "patient.merged"), ("erased", "patient.erased")],
)
def test_nothing_new_for_a_patient_who_takes_no_facts(standing: Standing, code: str) -> None:
    nothing.when(record, standing=standing).then_rejected(code)
    suspected.when(ObserveSymptom(symptom_code="headache", score=1), standing=standing).then_rejected(code)
    DIAGNOSIS.given(recorded, found).when(ConfirmDiagnosis(), standing=standing).then_rejected(code)


def test_corrections_are_taken_for_the_dead_but_not_for_the_erased() -> None:
    suspected.when(revise, standing="dead").then_done()
    suspected.when(revise, standing="erased").then_rejected("patient.erased")
    nothing.when(record, standing="missing").then_not_found()


@pytest.mark.parametrize("command", LATER_COMMANDS, ids=lambda c: type(c).__name__)
def test_nothing_can_be_asked_of_what_is_not_there(command: DiagnosisCommand) -> None:
    nothing.when(command).then_not_found()


# revising


def test_a_revision_takes_the_time_of_what_it_corrects() -> None:
    suspected.when(revise).then(
        DiagnosisRevised(
            occurred_at=ago(days=9),
            precision="day",
            changes={"severity": Change(before=None, after="moderate")},
            reason_code="DIAGNOSIS.SEVERITY_CHANGED",
        )
    )


def test_only_what_differs_is_revised() -> None:
    both = DiagnosisDetails(condition=MIGRAINE, onset=ago(days=20))
    story = suspected.when(ReviseDiagnosis(changes=both, reason_code="DIAGNOSIS.REVISED")).then_done()
    assert isinstance(story.events[-1], DiagnosisRevised)
    assert set(story.events[-1].changes) == {"onset"}
    assert isinstance(story.state, OpenDiagnosis)
    assert story.state.chart.details.onset == ago(days=20)
    assert story.state.chart.details.condition == MIGRAINE


def test_a_revision_without_a_change_changes_nothing() -> None:
    same = DiagnosisDetails(tradition="avicenna", status="provisional")
    suspected.when(ReviseDiagnosis(changes=same, reason_code="DIAGNOSIS.REVISED")).then_nothing()


def test_a_revision_moves_on_to_the_differential_only() -> None:
    story = suspected.when(with_status("differential")).then_done()
    assert isinstance(story.state, OpenDiagnosis)
    assert story.state.stage == "differential"
    refused = ("diagnosis.transition_not_allowed", "changes.status diagnosis.transition_not_allowed")
    story.when(with_status("provisional")).then_rejected(*refused)
    DIAGNOSIS.given(recorded, found, confirmed).when(with_status("provisional")).then_rejected(*refused)
    DIAGNOSIS.given(arrived_confirmed, resolved).when(with_status("differential")).then_rejected(*refused)


def test_what_ended_can_still_be_corrected() -> None:
    for end in (resolved, refuted):
        story = DIAGNOSIS.given(arrived_confirmed, end).when(revise).then_done()
        assert type(story.state) is type(DIAGNOSIS.fold((arrived_confirmed, end)))


def test_a_revision_has_a_reason_that_fits_and_evidence_that_is_there() -> None:
    unknown = EvidenceLink(type="finding", ref="x")
    wrong = ReviseDiagnosis(
        changes=DiagnosisDetails(severity="mild"), reason_code="ADHERENCE.COST", evidence=(unknown,)
    )
    suspected.when(wrong, unresolved=frozenset({("finding", "x")})).then_rejected(
        "request.rejected",
        "reason_code reason.not_for_this_change",
        "evidence.0.ref evidence.unresolved",
    )


def test_a_model_revises_nothing() -> None:
    suspected.when(revise, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


def test_what_is_confirmed_becomes_severe_with_a_referral_or_a_reason_for_none() -> None:
    story = DIAGNOSIS.given(recorded, found, confirmed)
    worse = ReviseDiagnosis(changes=DiagnosisDetails(severity="severe"), reason_code="OUTCOME.WORSENED")
    story.when(worse).then_rejected("diagnosis.referral_required")
    story.when(worse, origin=BY_IMPORT).then_done()
    story.when(msgspec.structs.replace(worse, referral_override="No neurologist here")).then_done()
    referred = ReferralAdvised(occurred_at=NOW, specialty="neurology", urgency="urgent")
    DIAGNOSIS.given(*story.events, referred).when(worse).then_done()
    suspected.when(worse).then_done()


# findings, assessments, symptoms, referrals


def test_a_finding_has_an_id_of_its_own_or_one_from_the_house() -> None:
    command = RecordFinding(modality="pulse", attributes={"rate": "rapid"}, occurred_at=ago(days=30))
    suspected.when(command).then(
        FindingRecorded(
            occurred_at=ago(days=30), finding_id=an_id(51), modality="pulse", attributes={"rate": "rapid"}
        )
    )
    named = msgspec.structs.replace(command, finding_id=FINDING)
    DIAGNOSIS.given(recorded, found).when(named).then_rejected(
        "diagnosis.finding_exists", "finding_id diagnosis.finding_exists"
    )


def test_a_finding_says_something_or_shows_it() -> None:
    empty = RecordFinding(modality="tongue", attributes={})
    suspected.when(empty).then_rejected("diagnosis.finding_empty", "attributes diagnosis.finding_empty")
    suspected.when(msgspec.structs.replace(empty, media_hash="ab12")).then_done()


def test_no_finding_passes_for_a_practitioners_that_is_none() -> None:
    mine = RecordFinding(modality="tongue", attributes={"coat": "white"})
    measured = msgspec.structs.replace(mine, method="device")

    def method(command: RecordFinding, facts: DiagnosisFacts = FACTS) -> str:
        (event,) = suspected.when(command, facts).events
        assert isinstance(event, FindingRecorded)
        return event.method

    by_patient = msgspec.structs.replace(FACTS, actor=PATIENT)
    assert method(mine) == "practitioner"
    assert method(measured) == "device"
    assert method(mine, by_patient) == "self_report"
    assert method(measured, by_patient) == "device"
    assert method(mine, msgspec.structs.replace(FACTS, origin=Origin(method="device"))) == "device"
    assert method(measured, msgspec.structs.replace(FACTS, origin=BY_MODEL)) == "model"


def test_no_finding_passes_for_a_models_or_an_imports() -> None:
    by_model = RecordFinding(modality="tongue", attributes={"coat": "white"}, method="model")
    by_import = msgspec.structs.replace(by_model, method="imported")
    for command in (by_model, by_import):
        suspected.when(command).then_rejected("provenance.not_yours", "method provenance.not_yours")
        suspected.when(command, origin=BY_IMPORT, actor=SERVICE).then_done()
    suspected.when(by_model, origin=BY_MODEL, actor=SERVICE).then_done()


def test_late_observations_are_taken_whatever_became_of_the_diagnosis() -> None:
    for end in (resolved, refuted):
        story = DIAGNOSIS.given(arrived_confirmed, end)
        observed = story.when(ObserveSymptom(symptom_code="headache", score=7, occurred_at=ago(days=8))).then(
            SymptomObserved(occurred_at=ago(days=8), symptom_code="headache", score=7)
        )
        assert observed.state == story.state
        story.when(RecordFinding(modality="skin", attributes={"dry": True})).then_done()


def test_a_retraction_takes_the_time_of_the_finding() -> None:
    command = RetractFinding(finding_id=FINDING, reason_code="CORRECTION.DATA_ENTRY")
    story = DIAGNOSIS.given(recorded, found).when(command).then(retracted)
    story.when(command).then_nothing()
    suspected.when(command).then_not_found()
    wrong = msgspec.structs.replace(command, reason_code="OUTCOME.WORSENED")
    DIAGNOSIS.given(recorded, found).when(wrong).then_rejected("reason.not_for_this_change")


def test_an_assessment_rests_on_live_findings() -> None:
    command = AddAssessment(statement="Excess of yellow bile", basis_finding_ids=(FINDING, an_id(99)))
    DIAGNOSIS.given(recorded, found).when(command).then_rejected(
        "diagnosis.finding_unknown", "basis_finding_ids.1 diagnosis.finding_unknown"
    )
    DIAGNOSIS.given(recorded, found, retracted).when(command).then_rejected(
        "diagnosis.finding_unknown",
        "basis_finding_ids.0 diagnosis.finding_unknown",
        "basis_finding_ids.1 diagnosis.finding_unknown",
    )


def test_an_assessment_has_an_id_of_its_own() -> None:
    command = AddAssessment(statement="Excess of yellow bile", assessment_id=ASSESSMENT)
    DIAGNOSIS.given(recorded, assessed).when(command).then_rejected("diagnosis.assessment_exists")
    suspected.when(command, now=ago(days=7)).then(assessed)


def test_what_a_model_assesses_says_so() -> None:
    (event,) = suspected.when(AddAssessment(statement="Phlegm"), origin=BY_MODEL).events
    assert isinstance(event, AssessmentAdded)
    assert event.predicted_by == "tabib"
    suspected.when(AddAssessment(statement="Phlegm"), actor=PATIENT).then_rejected(
        "origin.practitioner_required"
    )


def test_a_referral_is_advised_by_a_practitioner() -> None:
    command = AdviseReferral(specialty="neurology", urgency="urgent")
    suspected.when(command).then(ReferralAdvised(occurred_at=NOW, specialty="neurology", urgency="urgent"))
    suspected.when(command, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")
    DIAGNOSIS.given(recorded, refuted).when(command).then_rejected("diagnosis.refuted")


# stages


def test_what_was_seen_confirms() -> None:
    DIAGNOSIS.given(recorded, found).when(ConfirmDiagnosis()).then(DiagnosisConfirmed(occurred_at=NOW))
    DIAGNOSIS.given(recorded, assessed).when(ConfirmDiagnosis()).then_done()


def test_nothing_is_confirmed_on_nothing() -> None:
    suspected.when(ConfirmDiagnosis()).then_rejected("diagnosis.evidence_required")
    DIAGNOSIS.given(recorded, found, retracted).when(ConfirmDiagnosis()).then_rejected(
        "diagnosis.evidence_required"
    )


def test_an_assessment_falls_with_the_findings_it_rests_on() -> None:
    resting = msgspec.structs.replace(assessed, basis_finding_ids=(FINDING,))
    DIAGNOSIS.given(recorded, found, resting, retracted).when(ConfirmDiagnosis()).then_rejected(
        "diagnosis.evidence_required"
    )
    on_two = msgspec.structs.replace(assessed, basis_finding_ids=(FINDING, MODELS_FINDING))
    DIAGNOSIS.given(recorded, found, found_by_model, on_two, retracted).when(ConfirmDiagnosis()).then_done()


def test_a_model_alone_confirms_nothing() -> None:
    predicted = msgspec.structs.replace(assessed, predicted_by="tabib")
    story = DIAGNOSIS.given(recorded, found_by_model, predicted)
    story.when(ConfirmDiagnosis()).then_rejected("diagnosis.model_alone")
    DIAGNOSIS.given(*story.events, found).when(ConfirmDiagnosis()).then_done()


def test_only_a_practitioner_confirms() -> None:
    story = DIAGNOSIS.given(recorded, found)
    story.when(ConfirmDiagnosis(), actor=SERVICE).then_rejected("origin.practitioner_required")
    story.when(ConfirmDiagnosis(), origin=Origin(method="rule")).then_rejected("origin.practitioner_required")
    story.when(ConfirmDiagnosis(), origin=BY_MODEL).then_rejected("origin.model_may_only_propose")
    suspected.when(ConfirmDiagnosis(), origin=BY_IMPORT, actor=SERVICE).then_done()


@pytest.mark.parametrize("needy", [{"severity": "severe"}, {"urgency": "urgent"}, {"urgency": "emergency"}])
def test_severe_or_urgent_is_referred_before_it_is_confirmed(needy: dict[str, object]) -> None:
    needing = msgspec.structs.replace(recorded, **needy)
    story = DIAGNOSIS.given(needing, found)
    story.when(ConfirmDiagnosis()).then_rejected("diagnosis.referral_required")
    story.when(AdviseReferral(specialty="neurology")).then_done().when(ConfirmDiagnosis()).then_done()
    why_not = AdviseReferral(specialty="neurology", override_reason="None within a day's journey")
    story.when(why_not).then_done().when(ConfirmDiagnosis()).then_done()
    story.when(ConfirmDiagnosis(referral_override="Seen by one yesterday")).then_done()
    overridden = msgspec.structs.replace(needing, referral_override="Seen by one yesterday")
    DIAGNOSIS.given(overridden, found).when(ConfirmDiagnosis()).then_done()
    story.when(ConfirmDiagnosis(), origin=BY_IMPORT).then_done()


def test_an_override_in_a_revision_settles_the_referral() -> None:
    command = ReviseDiagnosis(
        changes=DiagnosisDetails(severity="severe"),
        reason_code="OUTCOME.WORSENED",
        referral_override="Seen by one yesterday",
    )
    DIAGNOSIS.given(recorded, found).when(command).then_done().when(ConfirmDiagnosis()).then_done()


def test_the_course_of_an_episode() -> None:
    story = DIAGNOSIS.given(recorded, found).when(ConfirmDiagnosis()).then_done()
    story.when(ConfirmDiagnosis()).then_nothing()
    story = story.when(ResolveDiagnosis(outcome="recovered")).then(
        DiagnosisResolved(occurred_at=NOW, outcome="recovered")
    )
    story.when(ResolveDiagnosis(outcome="recovered")).then_nothing()
    story.when(ResolveDiagnosis(outcome="lost")).then_rejected("diagnosis.transition_not_allowed")
    story = story.when(RecurDiagnosis()).then(DiagnosisRecurred(occurred_at=NOW))
    story.when(RecurDiagnosis()).then_nothing()
    story.when(ConfirmDiagnosis()).then_rejected("diagnosis.transition_not_allowed")
    story.when(ResolveDiagnosis(outcome="improved")).then_done()


def test_stages_are_not_skipped() -> None:
    not_allowed = "diagnosis.transition_not_allowed"
    suspected.when(ResolveDiagnosis(outcome="recovered")).then_rejected(not_allowed)
    suspected.when(RecurDiagnosis()).then_rejected(not_allowed)
    ended = DIAGNOSIS.given(arrived_confirmed, resolved)
    ended.when(ConfirmDiagnosis()).then_rejected(not_allowed)
    ended.when(RefuteDiagnosis(reason_code="DIAGNOSIS.REVISED")).then_rejected(not_allowed)
    suspected.when(ResolveDiagnosis(outcome="lost"), origin=BY_IMPORT).then_done()


def test_whatever_is_open_may_be_refuted() -> None:
    command = RefuteDiagnosis(
        reason_code="EVIDENCE.NEW_LITERATURE", narrative=Narrative(text="The scan is clear")
    )
    for story in (suspected, DIAGNOSIS.given(arrived_confirmed, resolved, recurred)):
        after = story.when(command).then(
            DiagnosisRefuted(
                occurred_at=NOW,
                reason_code="EVIDENCE.NEW_LITERATURE",
                narrative=Narrative(text="The scan is clear"),
            )
        )
        after.when(command).then_nothing()
        after.when(RecurDiagnosis()).then_rejected("diagnosis.refuted")
    suspected.when(RefuteDiagnosis(reason_code="WHIM")).then_rejected("reason.unknown")


def test_stages_do_not_run_backwards() -> None:
    story = DIAGNOSIS.given(recorded, found, confirmed)
    early = ResolveDiagnosis(outcome="recovered", occurred_at=ago(days=7))
    story.when(early).then_rejected("time.backwards", "occurred_at time.backwards")
    story.when(msgspec.structs.replace(early, occurred_at=ago(days=6))).then_done()


def test_entered_in_error_is_the_end_of_everything() -> None:
    command = EnterDiagnosisInError(reason_code="CORRECTION.DUPLICATE")
    for before in ((recorded,), (arrived_confirmed, resolved), (recorded, refuted)):
        event = msgspec.structs.replace(in_error, precision="day")
        story = DIAGNOSIS.given(*before).when(command).then(event)
        story.when(command).then_nothing()
        story.when(revise).then_rejected("diagnosis.in_error")
    suspected.when(EnterDiagnosisInError(reason_code="PATIENT.REQUEST")).then_rejected(
        "reason.not_for_this_change"
    )


def test_an_event_that_cannot_follow_changes_nothing() -> None:
    assert DIAGNOSIS.fold((found, confirmed)) == INITIAL
    assert DIAGNOSIS.fold((recorded, severe)) == DIAGNOSIS.fold((recorded,))
    assert DIAGNOSIS.fold((recorded, in_error, found)) == DIAGNOSIS.fold((recorded, in_error))


def test_nothing_is_found_before_birth() -> None:
    born = (NOW - timedelta(days=30)).date()
    early, on_the_day = NOW - timedelta(days=32), NOW - timedelta(days=30, hours=20)
    finding = RecordFinding(modality="pulse", attributes={"rate": 80})
    for story, command in ((nothing, record), (suspected, finding)):
        before = msgspec.structs.replace(command, occurred_at=early)
        story.when(before, birth_date=born).then_rejected(
            "time.before_birth", "occurred_at time.before_birth"
        )
        story.when(before).then_done()
        story.when(before, birth_date=born, origin=BY_IMPORT, actor=SERVICE).then_done()
        story.when(msgspec.structs.replace(command, occurred_at=on_the_day), birth_date=born).then_done()
