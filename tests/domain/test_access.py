"""Who may do what, to whose record, and what the others are told."""

from functools import reduce
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.access import (
    Action,
    Allowed,
    Decision,
    Denied,
    HouseAction,
    NotFoundForCaller,
    PatientAccess,
    PatientAction,
    allowed,
    allowed_to_person,
    evolve_access,
)
from domain.event import Actor, Role
from domain.patient import (
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    PatientDied,
    PatientErased,
    PatientEvent,
    PatientMergeReversed,
    PatientRegistered,
    PatientsMerged,
    Relation,
)
from tests.domain.spec import ADMIN, AUDITOR, NOW, PATIENT, PRACTITIONER, SERVICE, ago, an_id, hence
from tests.domain.strategies import anything

OWNER, OTHER = an_id(1), an_id(2)
GUARDIAN = Actor(account_id=an_id(41), role="patient")
PROXY = Actor(account_id=an_id(42), role="patient", patient_id=an_id(7))
STRANGER = Actor(account_id=an_id(43), role="patient", patient_id=OTHER)
UNRELATED = Actor(account_id=an_id(44), role="practitioner")

REGISTERED = PatientRegistered(occurred_at=ago(days=9), patient_no="1", name="A")
MERGED = PatientsMerged(
    occurred_at=ago(days=3), survivor_id=OTHER, retired_id=OWNER, approver=ADMIN.account_id
)
REVERSED = PatientMergeReversed(occurred_at=ago(days=2), survivor_id=OTHER, retired_id=OWNER)


def member(actor: Actor, relation: Relation) -> CareTeamMemberAssigned:
    return CareTeamMemberAssigned(occurred_at=ago(days=8), account_id=actor.account_id, relation=relation)


TEAM = (member(PRACTITIONER, "practitioner"), member(GUARDIAN, "guardian"), member(PROXY, "proxy"))


def access(*later: PatientEvent) -> PatientAccess:
    start = PatientAccess(patient_id=OWNER)
    return reduce(evolve_access, (REGISTERED, *TEAM, *later), start)


def ask(actor: Actor, action: Action, *later: PatientEvent) -> Decision:
    return allowed(actor, action, access(*later), NOW)


def may(actor: Actor, *later: PatientEvent) -> set[PatientAction]:
    """All that somebody may do to the record."""
    return {each for each in get_args(PatientAction) if isinstance(ask(actor, each, *later), Allowed)}


OWN = {
    "read_record",
    "compare_versions",
    "give_feedback",
    "acknowledge",
    "manage_consent",
    "manage_care_team",
    "request_erasure",
    "read_access_log",
}
DAILY = {"read_record", "compare_versions", "give_feedback", "acknowledge", "read_access_log"}
CARE = {
    "read_record",
    "write_record",
    "compare_versions",
    "propose_revision",
    "predict",
    "manage_consent",
    "manage_care_team",
    "propose_merge",
    "approve_merge",
}
OFFICE = {
    "compare_versions",
    "manage_care_team",
    "propose_merge",
    "approve_merge",
    "request_erasure",
    "erase",
}


@pytest.mark.parametrize(
    ("actor", "actions"),
    [
        (PATIENT, OWN),
        (GUARDIAN, OWN),
        (PROXY, DAILY),
        (STRANGER, set()),
        (PRACTITIONER, CARE),
        (UNRELATED, set()),
        (AUDITOR, {"read_record", "compare_versions", "read_access_log"}),
        (ADMIN, OFFICE),
        (SERVICE, {"propose_revision", "predict"}),
    ],
)
def test_what_each_may_do_to_a_record(actor: Actor, actions: set[str]) -> None:
    assert may(actor) == actions


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("patient", {"send_batch"}),
        ("practitioner", {"register_patient", "list_patients", "send_batch"}),
        ("auditor", {"list_patients", "read_accuracy", "read_audit", "read_erasure"}),
        ("admin", {"read_statistics", "read_accuracy", "manage_accounts", "manage_reports", "read_erasure"}),
        ("service", {"register_patient", "import_records", "send_batch"}),
    ],
)
def test_what_each_role_may_do_in_the_house(role: Role, actions: set[str]) -> None:
    actor = Actor(account_id=an_id(50), role=role)
    may_do = {each for each in get_args(HouseAction) if allowed(actor, each, None, NOW) == Allowed("role")}
    assert may_do == actions | {"verify_log", "read_self"}
    assert allowed(AUDITOR, "manage_accounts", None, NOW) == Denied("access.role")


@pytest.mark.parametrize("actor", [STRANGER, UNRELATED, SERVICE])
def test_what_one_may_not_know_of_is_not_found(actor: Actor) -> None:
    assert ask(actor, "read_record") == NotFoundForCaller()


@pytest.mark.parametrize(
    ("actor", "action", "code"),
    [
        (PATIENT, "write_record", "access.relation"),
        (GUARDIAN, "write_record", "access.relation"),
        (PROXY, "manage_consent", "access.relation"),
        (PRACTITIONER, "give_feedback", "access.relation"),
        (PRACTITIONER, "erase", "access.relation"),
        (AUDITOR, "write_record", "access.role"),
        (ADMIN, "read_record", "access.no_clinical_content"),
        (ADMIN, "write_record", "access.role"),
    ],
)
def test_who_knows_of_it_is_told_why_not(actor: Actor, action: Action, code: str) -> None:
    decision = ask(actor, action)
    assert isinstance(decision, Denied)
    assert decision.code == code


@pytest.mark.parametrize("actor", [PATIENT, PRACTITIONER, AUDITOR, ADMIN, SERVICE])
def test_nobody_is_told_of_who_is_not_there(actor: Actor) -> None:
    assert allowed(actor, "read_record", None, NOW) == NotFoundForCaller()
    assert allowed(actor, "erase", PatientAccess(patient_id=OWNER), NOW) == NotFoundForCaller()


def test_on_what_ground() -> None:
    assert ask(PATIENT, "read_record") == Allowed("self")
    assert ask(GUARDIAN, "read_record") == Allowed("guardian")
    assert ask(PROXY, "read_record") == Allowed("proxy")
    assert ask(PRACTITIONER, "read_record") == Allowed("care_team")
    assert ask(AUDITOR, "read_record") == Allowed("role")


def test_a_relation_ends() -> None:
    gone = CareTeamMemberRemoved(
        occurred_at=ago(days=1), account_id=PRACTITIONER.account_id, relation="practitioner"
    )
    assert may(PRACTITIONER, gone) == set()
    until = replace(member(PRACTITIONER, "practitioner"), until=hence(hours=1))
    assert may(PRACTITIONER, until) == CARE
    assert allowed(PRACTITIONER, "read_record", access(until), hence(hours=1)) == NotFoundForCaller()


def test_a_relation_counts_in_its_own_role_only() -> None:
    as_practitioner = replace(GUARDIAN, role="practitioner")
    assert may(as_practitioner) == set()
    as_patient = replace(PRACTITIONER, role="patient")
    assert may(as_patient) == set()


GRANTED = ConsentGranted(occurred_at=ago(days=5), scope="care", policy_version="1")
FOR_ONE = replace(GRANTED, grantee=PRACTITIONER.account_id)
FOR_ANOTHER = replace(GRANTED, grantee=an_id(99))
ENDED = replace(GRANTED, expires_at=ago(days=1))
NO_LONGER = ConsentWithdrawn(occurred_at=ago(days=1), scope="care", policy_version="1")
NOT_TO_ONE = replace(NO_LONGER, grantee=PRACTITIONER.account_id)
NO_RESEARCH = replace(NO_LONGER, scope="research_cohort")


@pytest.mark.parametrize(
    "words", [(), (GRANTED,), (FOR_ONE,), (NO_RESEARCH,), (ENDED, FOR_ONE), (GRANTED, FOR_ONE)]
)
def test_the_relation_implies_consent_to_care(words: tuple[PatientEvent, ...]) -> None:
    assert may(PRACTITIONER, *words) == CARE


@pytest.mark.parametrize("words", [(NO_LONGER,), (GRANTED, NO_LONGER), (GRANTED, NOT_TO_ONE), (ENDED,)])
def test_without_consent_there_is_no_care(words: tuple[PatientEvent, ...]) -> None:
    assert ask(PRACTITIONER, "read_record", *words) == Denied("access.consent_withdrawn")
    assert may(PRACTITIONER, *words) == set()
    assert may(PATIENT, *words) == OWN


def test_a_word_about_another_says_nothing_about_one() -> None:
    assert may(PRACTITIONER, FOR_ANOTHER) == CARE


def test_the_group_of_a_merge_is_one_person() -> None:
    survivor = Actor(account_id=an_id(60), role="patient", patient_id=OTHER)
    assert may(survivor) == set()
    assert may(survivor, MERGED) == OWN
    assert may(survivor, MERGED, REVERSED) == set()
    absorbed = PatientsMerged(
        occurred_at=ago(days=3),
        survivor_id=OWNER,
        retired_id=OTHER,
        approver=ADMIN.account_id,
        side="survivor",
    )
    given_back = PatientMergeReversed(
        occurred_at=ago(days=2), survivor_id=OWNER, retired_id=OTHER, side="survivor"
    )
    assert may(survivor, absorbed) == OWN
    assert may(survivor, absorbed, given_back) == set()
    nobody = Actor(account_id=an_id(61), role="patient")
    assert may(nobody, MERGED) == set()


def test_each_record_of_a_person_opens_all_of_them() -> None:
    beyond = PatientAccess(patient_id=OTHER, registered=True)
    group = [beyond, access(MERGED)]
    for actor in (PATIENT, PRACTITIONER):
        assert isinstance(allowed(actor, "read_record", beyond, NOW), NotFoundForCaller)
        assert isinstance(allowed_to_person(actor, "read_record", group, NOW), Allowed)
    assert allowed_to_person(PRACTITIONER, "erase", group, NOW) == Denied("access.relation")
    assert allowed_to_person(AUDITOR, "read_record", group, NOW) == Allowed("role")
    stranger = Actor(account_id=an_id(62), role="practitioner")
    assert allowed_to_person(stranger, "read_record", group, NOW) == NotFoundForCaller()


def test_a_word_against_care_closes_all_records_of_a_person() -> None:
    beyond = PatientAccess(patient_id=OTHER, registered=True)
    closed = evolve_access(beyond, NO_LONGER)
    refused = Denied("access.consent_withdrawn")
    for group in ([closed, access()], [access(), closed], [access(NO_LONGER), beyond]):
        assert allowed_to_person(PRACTITIONER, "read_record", group, NOW) == refused
        assert allowed_to_person(PATIENT, "read_record", group, NOW) == Allowed("self")


def test_after_erasure_only_the_owner_and_the_offices_know() -> None:
    erased = PatientErased(occurred_at=NOW, legal_basis="gdpr.17")
    assert access(erased) == PatientAccess(patient_id=OWNER, registered=True, erased=True)
    assert ask(PATIENT, "read_record", erased) == Allowed("self")
    assert ask(AUDITOR, "read_record", erased) == Allowed("role")
    assert ask(PRACTITIONER, "read_record", erased) == NotFoundForCaller()


def test_other_events_change_no_access() -> None:
    assert access(PatientDied(occurred_at=NOW)) == access()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(anything(PatientEvent), max_size=8),
    st.integers(0, 8),
    anything(Actor),
    st.sampled_from(get_args(PatientAction)),
)
def test_laws(events: list[PatientEvent], cut: int, actor: Actor, action: PatientAction) -> None:
    """Folding may pause anywhere, and whoever is no one to the patient gets nothing out of any history."""
    start = PatientAccess(patient_id=OWNER)
    whole = reduce(evolve_access, events, start)
    assert whole == reduce(evolve_access, events[cut:], reduce(evolve_access, events[:cut], start))
    decision = allowed(actor, action, whole, NOW)
    related = actor.patient_id is not None or any(id_ == actor.account_id for id_, _ in whole.care_team)
    assert related or actor.role in {"auditor", "admin", "service"} or decision == NotFoundForCaller()
