"""Accounts as admins see them."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import account
from domain.account import (
    AccountActivated,
    AccountEvent,
    AccountInvited,
    AccountReinstated,
    AccountSuspended,
    ActiveAccount,
    InvitedAccount,
    MissingAccount,
    PreferredLocaleSet,
    RoleGranted,
    RoleRevoked,
    SuspendedAccount,
)
from projections.accounts import ACCOUNT, MODEL, Account, told
from tests.domain.spec import NOW, an_id, hence
from tests.domain.strategies import anything
from tests.projections import laws
from tests.projections.story import Log

STATUS = {InvitedAccount: "invited", ActiveAccount: "active", SuspendedAccount: "suspended"}
INVITED = AccountInvited(occurred_at=NOW, roles=("practitioner", "admin"), patient_id=None)


def row(*events: AccountEvent) -> Account | None:
    return MODEL.fold(Log().add(an_id(8), *events, subject_id=None).events).get(ACCOUNT, an_id(8))


def test_an_account_is_told_as_it_stands() -> None:
    found = row(
        INVITED,
        AccountActivated(occurred_at=NOW),
        RoleGranted(occurred_at=NOW, role="service"),
        RoleRevoked(occurred_at=NOW, role="admin"),
        PreferredLocaleSet(occurred_at=hence(days=1), locale="ar"),
    )
    assert found is not None
    view = told(found)
    assert (view.id, view.status, view.roles, view.locale) == (
        an_id(8),
        "active",
        ("practitioner", "service"),
        "ar",
    )
    assert (view.invited_at, view.since, view.version) == (NOW, hence(days=1), 5)


def test_who_is_reinstated_returns_to_what_they_were() -> None:
    away = (AccountSuspended(occurred_at=NOW), AccountReinstated(occurred_at=NOW))
    back = [row(INVITED, *before, *away) for before in ((), (AccountActivated(occurred_at=NOW),))]
    assert [one.status for one in back if one] == ["invited", "active"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anything(AccountEvent), max_size=8))
def test_law_the_view_says_what_the_decider_thinks(events: list[AccountEvent]) -> None:
    log = Log().add(an_id(8), *events, subject_id=None)
    laws.touches_name_every_row(MODEL, log.events)
    laws.folds_are_pure(MODEL, log.events)
    laws.rows_survive_their_table(MODEL, MODEL.fold(log.events))
    state = account.INITIAL
    for event in events:
        state = account.evolve(state, event)
    found = row(*events)
    if isinstance(state, MissingAccount):
        assert found is None
        return
    assert found is not None
    assert found.status == STATUS[type(state)]
    assert frozenset(found.roles) == state.holder.roles
    assert (found.locale, found.since) == (state.holder.locale, state.holder.since)


def test_what_is_no_account_is_none_of_it() -> None:
    closed = [msgspec.structs.replace(one, event=None) for one in Log().add(an_id(8), INVITED).events]
    assert list(MODEL.fold(closed).all(ACCOUNT)) == []
    assert list(MODEL.touches(closed[0])) == []
