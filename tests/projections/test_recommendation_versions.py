"""Versions of a recommendation: each as it was given, and how the line stands."""

import pytest

from domain.errors import NotFound
from domain.event import EvidenceLink, Narrative
from domain.recommendation import events as recommendation
from projections.recommendation_versions import LINE, MODEL
from projections.version_view import Recommendation, all_versions_of, by_id_of, by_patient_of
from tests.projections.sample import (
    GINGER_ID,
    MINT_ID,
    PROPOSAL_ID,
    REVIEW_ID,
    WALK,
    WALK_ID,
    a_year,
    adds_mint,
    changed,
    drafted,
    on,
)
from tests.projections.story import DOCTOR_ID, LINE_ID, PATIENT_ID, Log


def line(log: Log, number: int | None = None) -> Recommendation:
    return by_id_of([log.rows(MODEL)], LINE_ID, number)


def ids(one: Recommendation) -> list[object]:
    return [item.item_id for item in one.items]


def test_every_version_is_kept_as_it_was() -> None:
    versions = all_versions_of([a_year().rows(MODEL)], LINE_ID)
    assert [ids(one) for one in versions] == [
        [GINGER_ID, WALK_ID],
        [GINGER_ID, WALK_ID, MINT_ID],
        [GINGER_ID, WALK_ID],
    ]
    assert [one.base_version for one in versions] == [None, 1, 2]
    assert {one.status for one in versions} == {"active"}
    assert [reason.reason_code for reason in versions[2].reasons] == [
        "SAFETY.ADVERSE_EVENT",
        "ADHERENCE.COST",
    ]


def test_the_current_version_unless_another_is_named() -> None:
    assert line(a_year()).recommendation_version == 3
    assert ids(line(a_year(), 2)) == [GINGER_ID, WALK_ID, MINT_ID]
    assert [one.recommendation_version for one in by_patient_of([a_year().rows(MODEL)])] == [3]


def test_a_version_or_a_line_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        line(a_year(), 9)
    with pytest.raises(NotFound):
        all_versions_of([a_year().rows(MODEL)], WALK_ID)
    draft_only = Log().add(LINE_ID, drafted())
    assert by_patient_of([draft_only.rows(MODEL)]) == ()


def test_phases_and_restored_versions_are_versions() -> None:
    log = a_year().add(
        LINE_ID,
        recommendation.RecommendationPhaseAdvanced(
            occurred_at=on(8),
            recommendation_version=4,
            from_phase="cleansing",
            to_phase="balancing",
            decided_by=DOCTOR_ID,
        ),
        recommendation.RecommendationVersionRestored(
            occurred_at=on(9),
            recommendation_version=5,
            restored_version=1,
            items=(WALK,),
            reason_code="OTHER",
            narrative=Narrative(text="It had been better before", lang="en"),
            decided_by=DOCTOR_ID,
        ),
    )
    assert (line(log, 1).phase, line(log, 4).phase) == ("cleansing", "balancing")
    assert line(log, 4).reasons[0].reason_code == "PROTOCOL.PHASE_TRANSITION"
    assert (ids(line(log)), line(log).restored_version) == ([WALK_ID], 1)


def test_status_says_since_when_and_why() -> None:
    log = a_year().add(
        LINE_ID,
        recommendation.RecommendationSuspended(
            occurred_at=on(10),
            reason_code="SAFETY.INTERACTION",
            evidence=(EvidenceLink(type="literature", ref="doi:1"),),
        ),
    )
    suspended = line(log)
    assert (suspended.status, suspended.status_since) == ("suspended", on(10))
    assert suspended.status_reason is not None
    assert suspended.status_reason.reason_code == "SAFETY.INTERACTION"
    log.add(LINE_ID, recommendation.RecommendationResumed(occurred_at=on(11), reason_code="OTHER"))
    assert line(log).status == "active"
    log.add(
        LINE_ID, recommendation.RecommendationCompleted(occurred_at=on(12), reason_code="OUTCOME.GOAL_MET")
    )
    assert line(log).status == "completed"


def test_open_proposals_reviews_and_acknowledgements_stand_at_the_line() -> None:
    log = a_year().add(
        LINE_ID,
        recommendation.RevisionProposed(
            occurred_at=on(8), proposal_id=PROPOSAL_ID, base_version=3, changes=(adds_mint(),)
        ),
        recommendation.SafetyReviewRequested(
            occurred_at=on(8), review_id=REVIEW_ID, trigger="heartburn", severity="severe"
        ),
        recommendation.SafetyReviewRequested(
            occurred_at=on(8), review_id=MINT_ID, trigger="rash", severity="mild"
        ),
    )
    assert [one.proposal_id for one in line(log).proposals] == [PROPOSAL_ID]
    assert [one.by for one in line(log).acknowledgements] == [PATIENT_ID]
    log.add(
        LINE_ID,
        recommendation.SafetyReviewClosed(
            occurred_at=on(9), review_id=REVIEW_ID, severity="severe", decision="keep"
        ),
        changed(4, 9, adds_mint(), proposal_id=PROPOSAL_ID),
    )
    assert [one.decision for one in line(log).safety_reviews] == ["keep", None]
    assert line(log).proposals == ()


def test_a_rejected_proposal_is_open_no_more() -> None:
    log = a_year().add(
        LINE_ID,
        recommendation.RevisionProposed(
            occurred_at=on(8), proposal_id=PROPOSAL_ID, base_version=3, changes=(adds_mint(),)
        ),
        recommendation.ProposalRejected(occurred_at=on(9), proposal_id=PROPOSAL_ID),
    )
    assert line(log).proposals == ()


def test_nothing_follows_from_a_beginning_that_is_not_known() -> None:
    log = Log().add(LINE_ID, changed(2, 5, adds_mint()))
    log.add(LINE_ID, recommendation.RecommendationResumed(occurred_at=on(11), reason_code="OTHER"))
    log.add(LINE_ID, recommendation.ProposalRejected(occurred_at=on(9), proposal_id=PROPOSAL_ID))
    assert list(log.rows(MODEL).all(LINE)) == []
