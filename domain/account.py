"""An account: who may sign in and in which role. Ids only: names and addresses live in plain tables."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.errors import Conflict, FieldError, NotFound, Rejected
from domain.event import Command, Fact, Facts, Locale, Role
from domain.rules import a_person_decides, not_before, refuse, well_told, when


class AccountInvited(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.invited"):
    roles: tuple[Role, ...]
    patient_id: UUID | None = None


class AccountActivated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.activated"):
    pass


class AccountSuspended(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.suspended"):
    pass


class AccountReinstated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.reinstated"):
    pass


class RoleGranted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.role_granted"):
    role: Role


class RoleRevoked(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.role_revoked"):
    role: Role


class PreferredLocaleSet(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="account.preferred_locale_set"
):
    locale: Locale


AccountEvent = (
    AccountInvited
    | AccountActivated
    | AccountSuspended
    | AccountReinstated
    | RoleGranted
    | RoleRevoked
    | PreferredLocaleSet
)


class InviteAccount(Command, frozen=True, kw_only=True):
    roles: tuple[Role, ...]
    patient_id: UUID | None = None


class ActivateAccount(Command, frozen=True, kw_only=True):
    pass


class SuspendAccount(Command, frozen=True, kw_only=True):
    pass


class ReinstateAccount(Command, frozen=True, kw_only=True):
    pass


class GrantRole(Command, frozen=True, kw_only=True):
    role: Role


class RevokeRole(Command, frozen=True, kw_only=True):
    role: Role


class SetPreferredLocale(Command, frozen=True, kw_only=True):
    locale: Locale


AccountCommand = (
    InviteAccount
    | ActivateAccount
    | SuspendAccount
    | ReinstateAccount
    | GrantRole
    | RevokeRole
    | SetPreferredLocale
)


class AccountFacts(Facts, frozen=True, kw_only=True):
    """`another_admin_remains` is guarded at append by the streams of the other admins."""

    account_id: UUID
    another_admin_remains: bool = True


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding needs of whoever holds the account; `since` is the last change of anything."""

    roles: frozenset[Role]
    since: datetime
    locale: Locale | None = None


class MissingAccount(msgspec.Struct, frozen=True):
    pass


class InvitedAccount(msgspec.Struct, frozen=True, kw_only=True):
    holder: Holder


class ActiveAccount(msgspec.Struct, frozen=True, kw_only=True):
    holder: Holder


class SuspendedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`activated` says what it returns to."""

    holder: Holder
    activated: bool


KnownAccount = InvitedAccount | ActiveAccount | SuspendedAccount
AccountState = MissingAccount | KnownAccount
INITIAL: AccountState = MissingAccount()


def evolve(state: AccountState, event: AccountEvent) -> AccountState:
    """The state after one more event; one that cannot follow changes nothing."""
    if isinstance(state, MissingAccount):
        if not isinstance(event, AccountInvited):
            return state
        return InvitedAccount(holder=Holder(roles=frozenset(event.roles), since=event.occurred_at))
    return _evolve_known(state, event, _learn(state.holder, event))


def _evolve_known(state: KnownAccount, event: AccountEvent, holder: Holder) -> KnownAccount:
    match state, event:
        case InvitedAccount(), AccountActivated():
            return ActiveAccount(holder=holder)
        case InvitedAccount() | ActiveAccount(), AccountSuspended():
            return SuspendedAccount(holder=holder, activated=isinstance(state, ActiveAccount))
        case SuspendedAccount(activated=True), AccountReinstated():
            return ActiveAccount(holder=holder)
        case SuspendedAccount(activated=False), AccountReinstated():
            return InvitedAccount(holder=holder)
        case _:
            return replace(state, holder=holder)


def _learn(holder: Holder, event: AccountEvent) -> Holder:
    since = event.occurred_at
    match event:
        case RoleGranted():
            return replace(holder, roles=holder.roles | {event.role}, since=since)
        case RoleRevoked():
            return replace(holder, roles=holder.roles - {event.role}, since=since)
        case PreferredLocaleSet():
            return replace(holder, locale=event.locale, since=since)
        case AccountInvited() | AccountActivated() | AccountSuspended() | AccountReinstated():
            return replace(holder, since=since)
        case _:
            assert_never(event)


def decide(command: AccountCommand, state: AccountState, facts: AccountFacts) -> list[AccountEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    if isinstance(command, InviteAccount):
        return _invite(command, state, facts)
    if isinstance(state, MissingAccount):
        raise NotFound("not_found")
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        not_before(command, state.holder.since),
    )
    match command:
        case ActivateAccount() | SuspendAccount() | ReinstateAccount():
            return _change_standing(command, state, facts)
        case GrantRole():
            return _grant(command, state.holder, facts)
        case RevokeRole():
            return _revoke(command, state.holder, facts)
        case SetPreferredLocale():
            return _set_locale(command, state, facts)
        case _:
            assert_never(command)


def _invite(command: InviteAccount, state: AccountState, facts: AccountFacts) -> list[AccountEvent]:
    if not isinstance(state, MissingAccount):
        raise Conflict("account.invited_already")
    roles = frozenset(command.roles)
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        _has_a_role("roles", roles),
        _auditor_stands_alone("roles", roles),
        _patient_in_role(command.patient_id, roles),
    )
    invited = AccountInvited(
        occurred_at=when(command, facts),
        precision=command.precision,
        roles=tuple(dict.fromkeys(command.roles)),
        patient_id=command.patient_id,
    )
    return [invited]


def _change_standing(
    command: ActivateAccount | SuspendAccount | ReinstateAccount, state: KnownAccount, facts: AccountFacts
) -> list[AccountEvent]:
    at, precision = when(command, facts, state.holder.since), command.precision
    match command, state:
        case ActivateAccount(), InvitedAccount():
            return [AccountActivated(occurred_at=at, precision=precision)]
        case ActivateAccount(), SuspendedAccount():
            raise Rejected("account.suspended")
        case SuspendAccount(), InvitedAccount() | ActiveAccount():
            _an_admin_stays(state.holder, facts)
            return [AccountSuspended(occurred_at=at, precision=precision)]
        case ReinstateAccount(), SuspendedAccount():
            return [AccountReinstated(occurred_at=at, precision=precision)]
        case _:
            return []


def _grant(command: GrantRole, holder: Holder, facts: AccountFacts) -> list[AccountEvent]:
    if command.role in holder.roles:
        return []
    if facts.account_id in {facts.actor.account_id, facts.actor.on_behalf_of}:
        raise Rejected("account.self_grant")
    refuse(_auditor_stands_alone("role", holder.roles | {command.role}))
    at = when(command, facts, holder.since)
    return [RoleGranted(occurred_at=at, precision=command.precision, role=command.role)]


def _revoke(command: RevokeRole, holder: Holder, facts: AccountFacts) -> list[AccountEvent]:
    if command.role not in holder.roles:
        return []
    if command.role == "admin":
        _an_admin_stays(holder, facts)
    at = when(command, facts, holder.since)
    return [RoleRevoked(occurred_at=at, precision=command.precision, role=command.role)]


def _set_locale(command: SetPreferredLocale, state: KnownAccount, facts: AccountFacts) -> list[AccountEvent]:
    if isinstance(state, SuspendedAccount):
        raise Rejected("account.suspended")
    if state.holder.locale == command.locale:
        return []
    at = when(command, facts, state.holder.since)
    return [PreferredLocaleSet(occurred_at=at, precision=command.precision, locale=command.locale)]


def _has_a_role(path: str, roles: frozenset[Role]) -> Iterator[FieldError]:
    if not roles:
        yield FieldError(path=path, code="account.role_required")


def _auditor_stands_alone(path: str, roles: frozenset[Role]) -> Iterator[FieldError]:
    """Who watches does not write, and every other role writes something."""
    if "auditor" in roles and len(roles) > 1:
        yield FieldError(path=path, code="account.auditor_writes")


def _patient_in_role(patient_id: UUID | None, roles: frozenset[Role]) -> Iterator[FieldError]:
    """Only a patient has a record of their own; a guardian is a patient's account without one."""
    if patient_id is not None and "patient" not in roles:
        yield FieldError(path="patient_id", code="account.patient_role_required")


def _an_admin_stays(holder: Holder, facts: AccountFacts) -> None:
    if "admin" in holder.roles and not facts.another_admin_remains:
        raise Rejected("account.last_admin")
