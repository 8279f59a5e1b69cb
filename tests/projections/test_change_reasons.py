"""Why recommendations were changed: counted by month, condition and author, and uncounted when wrong."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from domain.diagnosis import events as diagnosis
from domain.recommendation import events as recommendation
from projections.change_reasons import GIVEN, UNCODED, model
from projections.change_reasons_view import Asked, Sum, told
from tests.projections.sample import a_year, changed, drafted, issued, on, recorded, removes_mint, revised
from tests.projections.story import DIAGNOSIS_ID, DOCTOR_ID, LINE_ID, PATIENT_ID, Log

TEHRAN = model("Asia/Tehran")
SPAN = Asked(start=date(2025, 1, 1), end=date(2025, 12, 31))


def counted(log: Log) -> Counter[tuple[str, str]]:
    """How often each reason was given under each condition."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in log.rows(TEHRAN, PATIENT_ID).all(GIVEN):
        if not row.removed:
            assert row.author_id == DOCTOR_ID
            counts[row.condition, row.reason_code] += row.n
    return counts


def test_a_year_of_reasons() -> None:
    assert counted(a_year()) == {
        ("G43", "PROTOCOL.SEASONAL"): 1,
        ("G43", "SAFETY.ADVERSE_EVENT"): 1,
        ("G43", "ADHERENCE.COST"): 1,
    }


def test_phases_and_what_is_restored_count_too_and_first_versions_do_not() -> None:
    log = Log().add(DIAGNOSIS_ID, recorded()).add(LINE_ID, drafted(), issued())
    assert counted(log) == {}
    log.add(
        LINE_ID,
        recommendation.RecommendationPhaseAdvanced(
            occurred_at=on(4),
            recommendation_version=2,
            from_phase="cleansing",
            to_phase="balancing",
            decided_by=DOCTOR_ID,
        ),
        recommendation.RecommendationVersionRestored(
            occurred_at=on(5),
            recommendation_version=3,
            restored_version=1,
            items=(),
            reason_code="PATIENT.REQUEST",
            decided_by=DOCTOR_ID,
            safety_check=recommendation.SafetyCheck(),
        ),
    )
    assert counted(log) == {("G43", "PROTOCOL.PHASE_TRANSITION"): 1, ("G43", "PATIENT.REQUEST"): 1}


def test_a_condition_that_is_corrected_moves_its_reasons() -> None:
    log = a_year().add(DIAGNOSIS_ID, revised(condition={"text": "Cluster headache"}))
    assert {condition for condition, _ in counted(log)} == {UNCODED}
    assert counted(a_year().add(DIAGNOSIS_ID, revised(severity="severe"))) == counted(a_year())


def test_reasons_go_with_a_diagnosis_that_was_entered_in_error() -> None:
    wrong = diagnosis.DiagnosisEnteredInError(occurred_at=on(1), reason_code="CORRECTION.DATA_ENTRY")
    assert counted(a_year().add(DIAGNOSIS_ID, wrong)) == {}


@pytest.mark.parametrize("known", [True, False])
def test_a_line_without_a_known_diagnosis_counts_as_uncoded(known: bool) -> None:  # noqa: FBT001  a case
    log = Log().add(LINE_ID, drafted(DIAGNOSIS_ID if known else None), changed(2, 5, removes_mint()))
    assert counted(log) == {(UNCODED, "ADHERENCE.COST"): 1}
    assert counted(Log().add(LINE_ID, changed(2, 5, removes_mint()))) == {(UNCODED, "ADHERENCE.COST"): 1}


def test_months_are_months_of_the_house() -> None:
    evening = datetime(2025, 4, 30, 21, 0, tzinfo=UTC)
    late = recommendation.RecommendationPhaseAdvanced(
        occurred_at=evening,
        recommendation_version=2,
        from_phase="cleansing",
        to_phase="balancing",
        decided_by=DOCTOR_ID,
    )
    log = Log().add(LINE_ID, drafted(None), late)
    months = {zone: next(log.rows(model(zone)).all(GIVEN)).month for zone in ("Asia/Tehran", "UTC")}
    assert months == {"Asia/Tehran": date(2025, 5, 1), "UTC": date(2025, 4, 1)}


def test_the_most_frequent_comes_first_and_shares_add_up() -> None:
    may, june = date(2025, 5, 1), date(2025, 6, 1)
    sums = [
        Sum(reason_code="ADHERENCE.COST", month=may, n=1),
        Sum(reason_code="OTHER", month=june, n=1),
        Sum(reason_code="SAFETY.ALLERGY", month=may, n=4),
        Sum(reason_code="SAFETY.ALLERGY", month=june, n=2),
    ]
    answer = told(sums, SPAN, "UTC")
    assert [(one.reason_code, one.n, one.share, one.cumulative) for one in answer.reasons] == [
        ("SAFETY.ALLERGY", 6, 0.75, 0.75),
        ("ADHERENCE.COST", 1, 0.125, 0.875),
        ("OTHER", 1, 0.125, 1.0),
    ]
    assert (answer.total, answer.other_share) == (8, 0.125)
    assert [one.n for one in answer.reasons[0].months] == [4, 2]
    nothing = told([], SPAN, "UTC")
    assert (nothing.total, nothing.other_share, nothing.reasons) == (0, 0.0, ())
