"""Two records of one person: proposed by one, approved by another, reversed exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import patient
from domain.event import Actor, EvidenceLink
from domain.patient import (
    ApproveMerge,
    PatientCommand,
    PatientDeactivated,
    PatientDied,
    PatientErased,
    PatientEvent,
    PatientFacts,
    PatientMergeReversed,
    PatientRegistered,
    PatientsMerged,
    PatientsMergeProposed,
    PatientState,
    ProposeMerge,
    ReverseMerge,
    WithdrawConsent,
)
from tests.domain.spec import (
    ADMIN,
    ANOTHER_ADMIN,
    BY_MODEL,
    NOW,
    ORIGIN,
    PRACTITIONER,
    Spec,
    Story,
    ago,
    an_id,
    hence,
)
from tests.domain.strategies import IDS

RETIRED, SURVIVOR, THIRD = an_id(1), an_id(2), an_id(3)
SURVIVOR_REGISTERED = PatientRegistered(occurred_at=ago(days=90), patient_no="2", name="B")
SURVIVOR_STATE = patient.evolve(patient.INITIAL, SURVIVOR_REGISTERED)
FACTS = PatientFacts(
    now=NOW,
    actor=PRACTITIONER,
    origin=ORIGIN,
    new_id=an_id(9),
    survivor=SURVIVOR_STATE,
    survivor_group=frozenset({SURVIVOR}),
)
SPEC: Spec[PatientCommand, PatientEvent, PatientFacts, PatientState] = Spec(
    patient.decide, patient.evolve, patient.INITIAL, FACTS
)

REGISTERED = PatientRegistered(occurred_at=ago(days=30), patient_no="1", name="A")
EVIDENCE = (EvidenceLink(type="event", ref="12"),)
PROPOSE = ProposeMerge(survivor_id=SURVIVOR, retired_id=RETIRED, evidence=EVIDENCE)
PROPOSED = PatientsMergeProposed(
    occurred_at=ago(days=3),
    survivor_id=SURVIVOR,
    retired_id=RETIRED,
    proposed_by=PRACTITIONER.account_id,
    evidence=EVIDENCE,
)
MERGED = PatientsMerged(
    occurred_at=ago(days=2),
    survivor_id=SURVIVOR,
    retired_id=RETIRED,
    approver=ADMIN.account_id,
    evidence=EVIDENCE,
)


def registered(*later: PatientEvent) -> Story[PatientCommand, PatientEvent, PatientFacts, PatientState]:
    return SPEC.given(REGISTERED, *later)


def survivor(*later: PatientEvent) -> PatientState:
    return SPEC.fold(later, SURVIVOR_STATE)


def test_one_proposes_and_another_approves() -> None:
    proposed = registered().when(PROPOSE).then(replace(PROPOSED, occurred_at=NOW))
    proposed.when(ApproveMerge()).then_rejected("merge.same_person")
    proposed.when(ApproveMerge(), actor=replace(ADMIN, on_behalf_of=PRACTITIONER.account_id)).then_rejected(
        "merge.same_person"
    )
    merged = proposed.when(ApproveMerge(), actor=ADMIN).then(replace(MERGED, occurred_at=NOW))
    merged.when(ApproveMerge(), actor=ANOTHER_ADMIN).then_nothing()
    assert patient.standing(merged.state) == "merged"


WHO = st.builds(
    Actor, account_id=IDS, role=st.sampled_from(["practitioner", "admin"]), on_behalf_of=st.none() | IDS
)


@given(WHO, WHO)
def test_nobody_approves_what_they_proposed_themselves_or_had_proposed(one: Actor, other: Actor) -> None:
    approval = registered().when(PROPOSE, actor=one).then_done().when(ApproveMerge(), actor=other)
    if one.account_id in {other.account_id, other.on_behalf_of}:
        approval.then_rejected("merge.same_person")
    else:
        back = approval.then_done().when(ReverseMerge()).then_done().state
        assert isinstance(back, patient.ActivePatient)
        before = registered().state
        assert isinstance(before, patient.ActivePatient)
        assert back.known == replace(before.known, since=NOW)


def test_the_survivor_is_told_too() -> None:
    merged = registered(PROPOSED).when(ApproveMerge(), actor=ADMIN)
    assert patient.for_survivor(merged.events) == [replace(MERGED, occurred_at=NOW, side="survivor")]
    reversed_ = merged.then_done().when(ReverseMerge())
    told = patient.for_survivor(reversed_.events)
    assert SPEC.fold(told, survivor(*patient.for_survivor(merged.events))) == SURVIVOR_STATE
    called_off = registered(PROPOSED).when(ReverseMerge())
    assert patient.for_survivor(called_off.events) == []


@pytest.mark.parametrize(
    "end", [PatientDied(occurred_at=ago(days=9)), PatientDeactivated(occurred_at=ago(days=9))]
)
def test_the_dead_and_the_deactivated_may_be_merged_and_come_back_as_they_were(end: PatientEvent) -> None:
    before = registered(end)
    merged = (
        before.when(PROPOSE).then_done().when(ApproveMerge(), actor=ADMIN, survivor=survivor(end)).then_done()
    )
    back = merged.when(ReverseMerge(), survivor=survivor(end)).then(
        PatientMergeReversed(occurred_at=NOW, survivor_id=SURVIVOR, retired_id=RETIRED)
    )
    assert patient.standing(back.state) == patient.standing(before.state)


def test_reversal_restores_exactly_and_keeps_what_was_learned_meanwhile() -> None:
    before = registered()
    merged = before.after([PROPOSED, MERGED])
    back = merged.when(ReverseMerge(occurred_at=ago(days=1), reason="twins")).then(
        PatientMergeReversed(
            occurred_at=ago(days=1), survivor_id=SURVIVOR, retired_id=RETIRED, reason="twins"
        )
    )
    assert isinstance(before.state, patient.ActivePatient)
    since_reversal = replace(before.state.known, since=ago(days=1))
    assert back.state == patient.ActivePatient(known=since_reversal)
    withdrawn = merged.when(WithdrawConsent(scope="messaging")).then_done().when(ReverseMerge()).then_done()
    assert isinstance(withdrawn.state, patient.ActivePatient)
    assert ("messaging", None) in withdrawn.state.known.consents
    back.when(ReverseMerge()).then_not_found()
    back.when(PROPOSE).then_done().when(ApproveMerge(), actor=ADMIN).then_done()


def test_one_open_proposal_at_a_time() -> None:
    story = registered(PROPOSED)
    story.when(PROPOSE, actor=ADMIN).then_nothing()
    story.when(replace(PROPOSE, survivor_id=THIRD)).then_conflict("merge.proposed_already")
    called_off = story.when(ReverseMerge()).then(
        PatientMergeReversed(occurred_at=NOW, survivor_id=SURVIVOR, retired_id=RETIRED, merged=False)
    )
    called_off.when(ApproveMerge(), actor=ADMIN).then_not_found()
    called_off.when(replace(PROPOSE, survivor_id=THIRD)).then_done()


def test_both_must_be_there() -> None:
    SPEC.given().when(PROPOSE).then_not_found()
    SPEC.given().when(ApproveMerge()).then_not_found()
    SPEC.given().when(ReverseMerge()).then_not_found()
    registered().when(PROPOSE, survivor=None).then_not_found()
    registered().when(PROPOSE, survivor=patient.INITIAL).then_not_found()
    registered().when(ReverseMerge()).then_not_found()


def test_the_erased_are_left_alone() -> None:
    erased = PatientErased(occurred_at=NOW, legal_basis="gdpr.17")
    gone = survivor(erased)
    registered().when(PROPOSE, survivor=gone).then_rejected("patient.erased")
    registered(PROPOSED).when(ApproveMerge(), actor=ADMIN, survivor=gone).then_rejected("patient.erased")
    registered(PROPOSED, MERGED).when(ReverseMerge(), survivor=None).then_done()
    registered(PROPOSED, MERGED).when(ReverseMerge(), survivor=gone).then_rejected("patient.erased")
    registered(erased).when(PROPOSE).then_rejected("patient.erased")


def test_no_merge_runs_in_a_circle() -> None:
    registered().when(replace(PROPOSE, survivor_id=RETIRED)).then_rejected("merge.same_patient")
    retired_itself = survivor(replace(MERGED, survivor_id=THIRD, retired_id=SURVIVOR))
    registered().when(PROPOSE, survivor=retired_itself).then_rejected("merge.survivor_retired")
    registered(PROPOSED).when(ApproveMerge(), actor=ADMIN, survivor=retired_itself).then_rejected(
        "merge.survivor_retired"
    )
    registered().when(PROPOSE, survivor_group=frozenset({SURVIVOR, RETIRED})).then_rejected(
        "merge.survivor_retired"
    )
    registered(MERGED).when(PROPOSE).then_rejected("patient.merged")


def test_who_absorbed_others_can_be_retired_and_can_give_them_back() -> None:
    absorbed = PatientsMerged(
        occurred_at=ago(days=9),
        survivor_id=RETIRED,
        retired_id=THIRD,
        approver=ADMIN.account_id,
        side="survivor",
    )
    given_back = PatientMergeReversed(
        occurred_at=ago(days=1), survivor_id=RETIRED, retired_id=THIRD, side="survivor"
    )
    story = registered(absorbed, PROPOSED, MERGED, given_back)
    assert patient.standing(story.state) == "merged"
    back = story.when(ReverseMerge()).then_done().state
    assert isinstance(back, patient.ActivePatient)
    assert back.known.absorbed == frozenset()


def test_merges_do_not_run_backwards() -> None:
    registered().when(replace(PROPOSE, occurred_at=ago(days=31))).then_rejected("time.backwards")
    registered(PROPOSED).when(ApproveMerge(occurred_at=ago(days=4)), actor=ADMIN).then_rejected(
        "time.backwards"
    )
    registered(PROPOSED, MERGED).when(ReverseMerge(occurred_at=ago(days=3))).then_rejected("time.backwards")
    registered().when(replace(PROPOSE, occurred_at=hence(days=1))).then_rejected("time.in_future")


def test_a_model_may_propose_a_merge_and_nothing_more() -> None:
    registered().when(PROPOSE, origin=BY_MODEL).then_done()
    registered(PROPOSED).when(ApproveMerge(), actor=ADMIN, origin=BY_MODEL).then_rejected(
        "origin.model_may_only_propose"
    )
    registered(PROPOSED).when(ReverseMerge(), origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


def test_evidence_must_be_there() -> None:
    registered().when(PROPOSE, unresolved=frozenset({("event", "12")})).then_rejected(
        "evidence.unresolved", "evidence.0.ref evidence.unresolved"
    )


def test_a_merge_told_twice_changes_nothing() -> None:
    assert registered(PROPOSED, MERGED, MERGED).state == registered(PROPOSED, MERGED).state
