"""The story of an account: invited, activated, given roles, suspended, and never without an admin."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import account
from domain.account import (
    AccountActivated,
    AccountCommand,
    AccountEvent,
    AccountFacts,
    AccountInvited,
    AccountReinstated,
    AccountState,
    AccountSuspended,
    ActivateAccount,
    GrantRole,
    InviteAccount,
    PreferredLocaleSet,
    ReinstateAccount,
    RevokeRole,
    RoleGranted,
    RoleRevoked,
    SetPreferredLocale,
    SuspendAccount,
)
from tests.domain.spec import ADMIN, BY_MODEL, NOW, ORIGIN, Spec, Story, ago, an_id, hence
from tests.domain.strategies import anything

FACTS = AccountFacts(now=NOW, actor=ADMIN, origin=ORIGIN, new_id=an_id(8), account_id=an_id(8))
SPEC: Spec[AccountCommand, AccountEvent, AccountFacts, AccountState] = Spec(
    account.decide, account.evolve, account.INITIAL, FACTS
)
INVITED = AccountInvited(occurred_at=ago(days=9), roles=("practitioner",))
ACTIVATED = AccountActivated(occurred_at=ago(days=8))
SUSPENDED = AccountSuspended(occurred_at=ago(days=7))


def invited(*later: AccountEvent) -> Story[AccountCommand, AccountEvent, AccountFacts, AccountState]:
    return SPEC.given(INVITED, *later)


def an_admin() -> Story[AccountCommand, AccountEvent, AccountFacts, AccountState]:
    return invited(ACTIVATED, RoleGranted(occurred_at=ago(days=7), role="admin"))


def test_invite() -> None:
    story = SPEC.given().when(
        InviteAccount(roles=("patient", "practitioner", "patient"), patient_id=an_id(1))
    )
    story.then(AccountInvited(occurred_at=NOW, roles=("patient", "practitioner"), patient_id=an_id(1))).when(
        InviteAccount(roles=("patient",))
    ).then_conflict("account.invited_already")


def test_an_invitation_names_roles_that_go_together() -> None:
    SPEC.given().when(InviteAccount(roles=(), patient_id=an_id(1))).then_rejected(
        "request.rejected", "roles account.role_required", "patient_id account.patient_role_required"
    )
    SPEC.given().when(InviteAccount(roles=("auditor", "admin"))).then_rejected(
        "account.auditor_writes", "roles account.auditor_writes"
    )
    SPEC.given().when(InviteAccount(roles=("auditor",))).then_done()


@pytest.mark.parametrize(
    "command",
    [
        ActivateAccount(),
        SuspendAccount(),
        ReinstateAccount(),
        GrantRole(role="patient"),
        RevokeRole(role="patient"),
    ],
)
def test_who_was_not_invited_is_not_found(command: AccountCommand) -> None:
    SPEC.given().when(command).then_not_found()
    assert SPEC.given(ACTIVATED, SUSPENDED).state == account.INITIAL


def test_activate_suspend_reinstate() -> None:
    active = invited().when(ActivateAccount()).then(AccountActivated(occurred_at=NOW))
    active.when(ActivateAccount()).then_nothing()
    active.when(ReinstateAccount()).then_nothing()
    suspended = active.when(SuspendAccount()).then(AccountSuspended(occurred_at=NOW))
    suspended.when(SuspendAccount()).then_nothing()
    suspended.when(ActivateAccount()).then_rejected("account.suspended")
    suspended.when(SetPreferredLocale(locale="ar")).then_rejected("account.suspended")
    back = suspended.when(ReinstateAccount()).then(AccountReinstated(occurred_at=NOW))
    assert back.state == active.state


def test_an_invitation_that_was_suspended_is_an_invitation_again() -> None:
    story = invited(SUSPENDED).when(ReinstateAccount()).then_done()
    story.when(ActivateAccount()).then_done()


def test_roles() -> None:
    story = invited(ACTIVATED).when(GrantRole(role="admin")).then(RoleGranted(occurred_at=NOW, role="admin"))
    story.when(GrantRole(role="admin")).then_nothing()
    story.when(GrantRole(role="auditor")).then_rejected(
        "account.auditor_writes", "role account.auditor_writes"
    )
    story.when(RevokeRole(role="patient")).then_nothing()
    story.when(RevokeRole(role="practitioner")).then(RoleRevoked(occurred_at=NOW, role="practitioner"))


def test_nobody_grants_themselves_a_role() -> None:
    own = replace(ADMIN, account_id=an_id(8))
    invited(ACTIVATED).when(GrantRole(role="admin"), actor=own).then_rejected("account.self_grant")
    through_another = replace(ADMIN, on_behalf_of=an_id(8))
    invited(ACTIVATED).when(GrantRole(role="admin"), actor=through_another).then_rejected(
        "account.self_grant"
    )
    invited(ACTIVATED).when(GrantRole(role="practitioner"), actor=own).then_nothing()


def test_the_last_admin_stays() -> None:
    an_admin().when(RevokeRole(role="admin"), another_admin_remains=False).then_rejected("account.last_admin")
    an_admin().when(SuspendAccount(), another_admin_remains=False).then_rejected("account.last_admin")
    an_admin().when(RevokeRole(role="admin")).then(RoleRevoked(occurred_at=NOW, role="admin"))
    invited().when(SuspendAccount(), another_admin_remains=False).then_done()


def test_locale() -> None:
    story = (
        invited().when(SetPreferredLocale(locale="ar")).then(PreferredLocaleSet(occurred_at=NOW, locale="ar"))
    )
    story.when(SetPreferredLocale(locale="ar")).then_nothing()


def test_time_and_models() -> None:
    invited(ACTIVATED).when(SuspendAccount(occurred_at=ago(days=9))).then_rejected("time.backwards")
    invited(ACTIVATED).when(SuspendAccount(occurred_at=hence(days=9))).then_rejected("time.in_future")
    invited(ACTIVATED).when(SuspendAccount(), origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(anything(AccountCommand), max_size=8).map(tuple),
    st.lists(anything(AccountFacts), min_size=8, max_size=8),
    st.integers(0, 9),
)
def test_laws(story: tuple[AccountCommand, ...], facts: list[AccountFacts], cut: int) -> None:
    events = SPEC.decides_lawfully((InviteAccount(roles=("admin",)), *story), [FACTS, *facts])
    SPEC.folds_in_parts(events, cut)


@settings(max_examples=60, deadline=None)
@given(st.lists(anything(AccountEvent), max_size=8))
def test_evolving_never_fails(events: list[AccountEvent]) -> None:
    SPEC.fold(events)
    SPEC.fold(events, invited().state)
