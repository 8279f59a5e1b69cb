"""Who decided what, when and on which evidence; and what became of the evidence since."""

from domain.diagnosis import events as diagnosis
from domain.event import EvidenceLink, Narrative
from domain.recommendation import events as recommendation
from projections.decision_view import Asked, DecisionPage, DecisionView, page_of
from projections.decisions import MODEL
from tests.domain.spec import an_id
from tests.projections.sample import a_year, amended, drafted, issued, on, recorded
from tests.projections.story import DIAGNOSIS_ID, DOCTOR_ID, FEEDBACK_ID, LINE_ID, PATIENT_ID, Log


def told(log: Log, **asked: object) -> DecisionPage:
    rows = log.rows(MODEL, PATIENT_ID)
    return page_of([rows], Asked(recommendation_id=LINE_ID, **asked), 0, 99)  # type: ignore[arg-type]


def tags(log: Log) -> list[str]:
    return [one.tag for one in told(log).items]


def test_a_year_of_decisions_the_latest_first() -> None:
    page = told(a_year(), locale="en")
    assert [(one.tag, one.recommendation_version, one.reason_codes) for one in page.items] == [
        ("recommendation.revised", 3, ("SAFETY.ADVERSE_EVENT", "ADHERENCE.COST")),
        ("recommendation.revised", 2, ("PROTOCOL.SEASONAL",)),
        ("recommendation.issued", 1, ("INITIAL",)),
        ("diagnosis.confirmed", None, ()),
    ]
    latest = page.items[0]
    assert (latest.title, latest.decided_by, latest.method) == (
        "Recommendation revised",
        DOCTOR_ID,
        "practitioner",
    )
    assert latest.narrative == Narrative(text="Heartburn after the evening dose", lang="en")
    assert [(one.type, one.changed_since) for one in latest.evidence] == [
        ("feedback", None),
        ("finding", None),
    ]
    assert told(a_year(), locale="fa").items[0].title == "بازنگری توصیه"


def test_evidence_that_was_changed_since_says_so() -> None:
    latest = told(a_year().add(FEEDBACK_ID, amended(rating=3))).items[0]
    assert [one.changed_since and one.changed_since.fate for one in latest.evidence] == ["amended", None]


def test_the_course_of_a_line_is_decided_too() -> None:
    link = EvidenceLink(type="feedback", ref=str(FEEDBACK_ID))
    log = Log().add(DIAGNOSIS_ID, recorded()).add(LINE_ID, drafted(), issued())
    log.add(
        LINE_ID,
        recommendation.RecommendationSuspended(
            occurred_at=on(5), reason_code="PATIENT.REQUEST", evidence=(link,)
        ),
        recommendation.RecommendationResumed(occurred_at=on(5, 2), reason_code="PATIENT.REQUEST"),
        recommendation.ProposalRejected(occurred_at=on(5, 3), proposal_id=an_id(51)),
        recommendation.SafetyReviewClosed(
            occurred_at=on(5, 4), review_id=an_id(61), severity="severe", decision="keep"
        ),
        recommendation.RecommendationCompleted(occurred_at=on(6), reason_code="OUTCOME.GOAL_MET"),
        recommendation.RecommendationDiscontinued(occurred_at=on(6), reason_code="PATIENT.REQUEST"),
    )
    found: dict[str, DecisionView] = {one.tag: one for one in told(log).items}
    assert list(found) == [
        "recommendation.discontinued",
        "recommendation.completed",
        "recommendation.safety_review_closed",
        "recommendation.proposal_rejected",
        "recommendation.resumed",
        "recommendation.suspended",
        "recommendation.issued",
    ]
    assert found["recommendation.safety_review_closed"].outcome == "keep"
    assert [one.ref for one in found["recommendation.suspended"].evidence] == [str(FEEDBACK_ID)]


def test_what_was_decided_of_a_wrong_diagnosis_is_told_no_more() -> None:
    refuted = diagnosis.DiagnosisRefuted(occurred_at=on(8), reason_code="DIAGNOSIS.REFUTED")
    wrong = diagnosis.DiagnosisEnteredInError(occurred_at=on(1), reason_code="CORRECTION.DATA_ENTRY")
    log = a_year().add(DIAGNOSIS_ID, refuted)
    assert tags(log)[0] == "diagnosis.refuted"
    assert [tag for tag in tags(log.add(DIAGNOSIS_ID, wrong)) if tag.startswith("diagnosis")] == []


def test_pages_follow_one_another() -> None:
    first = told(a_year(), limit=3)
    assert (len(first.items), first.next is not None) == (3, True)
    second = told(a_year(), limit=3, before=first.next)
    assert ([one.tag for one in second.items], second.next) == (["diagnosis.confirmed"], None)


def test_a_line_without_a_diagnosis_has_decisions_of_its_own() -> None:
    assert tags(Log().add(LINE_ID, issued())) == ["recommendation.issued"]
    assert tags(Log().add(LINE_ID, drafted(None), issued())) == ["recommendation.issued"]
