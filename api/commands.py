"""The command routes of the contract."""

from api.commanding import command
from domain.account import (
    ActivateAccount,
    GrantRole,
    InviteAccount,
    ReinstateAccount,
    RevokeRole,
    SetPreferredLocale,
    SuspendAccount,
)
from domain.diagnosis import (
    AddAssessment,
    AdviseReferral,
    ConfirmDiagnosis,
    EnterDiagnosisInError,
    ObserveSymptom,
    RecordDiagnosis,
    RecordFinding,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
    RetractFinding,
    ReviseDiagnosis,
)
from domain.feedback import AmendFeedback, RetractFeedback, ReviewFeedback, SubmitFeedback
from domain.patient import (
    ApproveMerge,
    AssessConstitution,
    AssignCareTeamMember,
    CorrectPatientDetails,
    DeactivatePatient,
    GrantConsent,
    ReactivatePatient,
    RecordBackground,
    RecordDeath,
    RegisterPatient,
    RemoveCareTeamMember,
    ReverseMerge,
    WithdrawConsent,
)
from domain.prediction import MakePrediction, ResolvePrediction, VoidPrediction
from domain.recommendation import (
    AcceptProposal,
    AcknowledgeRecommendation,
    AdvancePhase,
    CloseSafetyReview,
    CompleteRecommendation,
    DiscontinueRecommendation,
    IssueRecommendation,
    ProposeRevision,
    RejectProposal,
    RequestSafetyReview,
    RestoreVersion,
    ResumeRecommendation,
    ReviseRecommendation,
    SuspendRecommendation,
)
from domain.report import (
    ArchiveReport,
    CancelSchedule,
    ChangeSchedule,
    DefineReport,
    PauseSchedule,
    ResumeSchedule,
    ReviseReport,
    ScheduleReport,
)

ACCOUNT = "/accounts/{id:uuid}"
REPORT = "/reports/{id:uuid}"
SCHEDULE = f"{REPORT}/schedules/{{sid:uuid}}"
PATIENT = "/patients/{id:uuid}"
DIAGNOSIS = "/diagnoses/{id:uuid}"
LINE = "/recommendations/{id:uuid}"

PATIENTS = [
    command("/patients", RegisterPatient, "register_patient", None),
    command(f"{PATIENT}/details", CorrectPatientDetails, "write_record", "patient"),
    command(f"{PATIENT}/constitution", AssessConstitution, "write_record", "patient"),
    command(f"{PATIENT}/background", RecordBackground, "write_record", "patient"),
    command(f"{PATIENT}/consents", GrantConsent, "manage_consent", "patient"),
    command(
        f"{PATIENT}/consents/{{consent_scope:str}}/withdraw",
        WithdrawConsent,
        "manage_consent",
        "patient",
        scope="consent_scope",
    ),
    command(f"{PATIENT}/care-team", AssignCareTeamMember, "manage_care_team", "patient"),
    command(f"{PATIENT}/care-team/remove", RemoveCareTeamMember, "manage_care_team", "patient"),
    command(f"{PATIENT}/deceased", RecordDeath, "write_record", "patient"),
    command(f"{PATIENT}/deactivate", DeactivatePatient, "write_record", "patient"),
    command(f"{PATIENT}/reactivate", ReactivatePatient, "write_record", "patient"),
    command("/merges/{id:uuid}/approve", ApproveMerge, "approve_merge", "merge"),
    command("/merges/{id:uuid}/reverse", ReverseMerge, "approve_merge", "merge"),
]

DIAGNOSES = [
    command(f"{PATIENT}/diagnoses", RecordDiagnosis, "write_record", "patient"),
    command(f"{DIAGNOSIS}/revise", ReviseDiagnosis, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/confirm", ConfirmDiagnosis, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/refute", RefuteDiagnosis, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/resolve", ResolveDiagnosis, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/recur", RecurDiagnosis, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/enter-in-error", EnterDiagnosisInError, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/findings", RecordFinding, "write_record", "diagnosis"),
    command(
        f"{DIAGNOSIS}/findings/{{fid:uuid}}/retract",
        RetractFinding,
        "write_record",
        "diagnosis",
        finding_id="fid",
    ),
    command(f"{DIAGNOSIS}/assessments", AddAssessment, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/symptoms", ObserveSymptom, "write_record", "diagnosis"),
    command(f"{DIAGNOSIS}/referrals", AdviseReferral, "write_record", "diagnosis"),
]

RECOMMENDATIONS = [
    command(f"{DIAGNOSIS}/recommendations", IssueRecommendation, "write_record", "diagnosis"),
    command(f"{LINE}/revise", ReviseRecommendation, "write_record", "recommendation"),
    command(f"{LINE}/advance", AdvancePhase, "write_record", "recommendation"),
    command(f"{LINE}/suspend", SuspendRecommendation, "write_record", "recommendation"),
    command(f"{LINE}/resume", ResumeRecommendation, "write_record", "recommendation"),
    command(f"{LINE}/complete", CompleteRecommendation, "write_record", "recommendation"),
    command(f"{LINE}/discontinue", DiscontinueRecommendation, "write_record", "recommendation"),
    command(f"{LINE}/restore", RestoreVersion, "write_record", "recommendation"),
    command(f"{LINE}/acknowledge", AcknowledgeRecommendation, "acknowledge", "recommendation"),
    command(f"{LINE}/proposals", ProposeRevision, "propose_revision", "recommendation"),
    command(
        f"{LINE}/proposals/{{pid:uuid}}/accept",
        AcceptProposal,
        "write_record",
        "recommendation",
        proposal_id="pid",
    ),
    command(
        f"{LINE}/proposals/{{pid:uuid}}/reject",
        RejectProposal,
        "write_record",
        "recommendation",
        proposal_id="pid",
    ),
    command(f"{LINE}/safety-reviews", RequestSafetyReview, "write_record", "recommendation"),
    command(
        f"{LINE}/safety-reviews/{{sid:uuid}}/close",
        CloseSafetyReview,
        "write_record",
        "recommendation",
        review_id="sid",
    ),
]

FEEDBACK = [
    command(f"{LINE}/feedback", SubmitFeedback, "give_feedback", "recommendation"),
    command("/feedback/{id:uuid}/amend", AmendFeedback, "give_feedback", "feedback"),
    command("/feedback/{id:uuid}/retract", RetractFeedback, "give_feedback", "feedback"),
    command("/feedback/{id:uuid}/review", ReviewFeedback, "write_record", "feedback"),
]

PREDICTIONS = [
    command(f"{LINE}/predictions", MakePrediction, "predict", "recommendation"),
    command("/predictions/{id:uuid}/resolve", ResolvePrediction, "write_record", "prediction"),
    command("/predictions/{id:uuid}/void", VoidPrediction, "write_record", "prediction"),
]

ACCOUNTS = [
    command("/accounts", InviteAccount, "manage_accounts", None),
    command(f"{ACCOUNT}/activate", ActivateAccount, "manage_accounts", None),
    command(f"{ACCOUNT}/suspend", SuspendAccount, "manage_accounts", None),
    command(f"{ACCOUNT}/reinstate", ReinstateAccount, "manage_accounts", None),
    command(f"{ACCOUNT}/roles", GrantRole, "manage_accounts", None),
    command(f"{ACCOUNT}/roles/{{role:str}}/revoke", RevokeRole, "manage_accounts", None, role="role"),
    command(f"{ACCOUNT}/locale", SetPreferredLocale, "manage_accounts", None),
]

REPORTS = [
    command("/reports", DefineReport, "manage_reports", None),
    command(f"{REPORT}/revise", ReviseReport, "manage_reports", None),
    command(f"{REPORT}/archive", ArchiveReport, "manage_reports", None),
    command(f"{REPORT}/schedules", ScheduleReport, "manage_reports", None),
    command(f"{SCHEDULE}/change", ChangeSchedule, "manage_reports", None, schedule_id="sid"),
    command(f"{SCHEDULE}/pause", PauseSchedule, "manage_reports", None, schedule_id="sid"),
    command(f"{SCHEDULE}/resume", ResumeSchedule, "manage_reports", None, schedule_id="sid"),
    command(f"{SCHEDULE}/cancel", CancelSchedule, "manage_reports", None, schedule_id="sid"),
]

ROUTES = [*PATIENTS, *DIAGNOSES, *RECOMMENDATIONS, *FEEDBACK, *PREDICTIONS, *ACCOUNTS, *REPORTS]
