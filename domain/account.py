"""An account: who may sign in and in which role. Ids only: names and addresses live in plain tables."""

from uuid import UUID

from domain.event import Command, Fact, Facts, Locale, Role


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
