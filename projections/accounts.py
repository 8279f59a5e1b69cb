"""Accounts as their own streams tell them: who may sign in, in which roles, in which language."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection, sql

from domain.account import (
    AccountActivated,
    AccountEvent,
    AccountInvited,
    AccountReinstated,
    AccountSuspended,
    PreferredLocaleSet,
    RoleGranted,
    RoleRevoked,
)
from domain.event import Event, Locale, Role
from domain.recorded import Recorded
from projections import cursor
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.queries import both, columns, fetch

Status = Literal["invited", "active", "suspended"]


class Account(Row, frozen=True, kw_only=True):
    """`activated` is what a suspended one returns to; `version` is that of the stream."""

    account_id: UUID
    status: Status
    activated: bool = False
    roles: tuple[Role, ...]
    patient_id: UUID | None
    locale: Locale | None = None
    invited_at: datetime
    since: datetime
    first_position: int
    version: int
    position: int


ACCOUNT = Table("account", Account, key=("account_id",), across=("first_position",))


def touches(recorded: Recorded[Event]) -> Iterable[Touch]:
    return ((ACCOUNT, recorded.stream_id),) if isinstance(recorded.event, AccountEvent) else ()


def evolve(rows: Rows, recorded: Recorded[Event]) -> Iterator[Row]:
    event = recorded.event
    found = rows.get(ACCOUNT, recorded.stream_id)
    if isinstance(event, AccountInvited) and found is None:
        yield Account(
            account_id=recorded.stream_id,
            status="invited",
            roles=tuple(sorted(set(event.roles))),
            patient_id=event.patient_id,
            invited_at=event.occurred_at,
            since=event.occurred_at,
            first_position=recorded.position,
            version=recorded.version,
            position=recorded.position,
        )
    elif isinstance(event, AccountEvent) and found is not None:
        told = {"since": event.occurred_at, "version": recorded.version, "position": recorded.position}
        yield replace(found, **told, **_changes(found, event))


def _changes(found: Account, event: AccountEvent) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    match event:
        case AccountActivated() if found.status == "invited":
            changes = {"status": "active", "activated": True}
        case AccountSuspended():
            changes = {"status": "suspended"}
        case AccountReinstated() if found.status == "suspended":
            changes = {"status": "active" if found.activated else "invited"}
        case RoleGranted():
            changes = {"roles": tuple(sorted({*found.roles, event.role}))}
        case RoleRevoked():
            changes = {"roles": tuple(role for role in found.roles if role != event.role)}
        case PreferredLocaleSet():
            changes = {"locale": event.locale}
        case _:
            pass
    return changes


MODEL = ReadModel(
    name="accounts",
    tables=(ACCOUNT,),
    touches=touches,
    evolve=evolve,
    of=frozenset(get_args(AccountEvent)),
    accounts=True,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts: all that is given must hold."""

    status: Status | None = None
    role: Role | None = None
    before: str | None = None
    limit: int = 50


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account without the name of anybody."""

    id: UUID
    status: Status
    roles: tuple[Role, ...]
    patient_id: UUID | None
    locale: Locale | None
    invited_at: datetime
    since: datetime
    version: int
    position: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[AccountView, ...]
    next: str | None


async def page(connection: AsyncConnection[Any], schema: str, shard: int, asked: Asked) -> Page:
    """Accounts, the last invited first. Raises Rejected("cursor.invalid")."""
    query = sql.SQL(
        """
        SELECT {columns}
        FROM {account} AS account
        WHERE shard = %(shard)s
          AND NOT removed
          {conditions}
        ORDER BY first_position DESC
        LIMIT %(limit)s
        """
    ).format(
        columns=columns(ACCOUNT),
        account=sql.Identifier(schema, ACCOUNT.name),
        conditions=both(*_conditions(asked)),
    )
    given: dict[str, object] = {
        "shard": shard,
        "status": asked.status,
        "role": None if asked.role is None else f'["{asked.role}"]',
        "before": None if asked.before is None else cursor.decode(asked.before, shard, 1)[0],
        "limit": asked.limit + 1,
    }
    found = await fetch(connection, query, given, ACCOUNT)
    shown = found[: asked.limit]
    more = len(found) > len(shown)
    return Page(
        items=tuple(map(told, shown)),
        next=cursor.encode(shard, shown[-1].first_position) if more else None,
    )


def _conditions(asked: Asked) -> Iterator[sql.SQL]:
    if asked.status:
        yield sql.SQL("status = %(status)s")
    if asked.role:
        yield sql.SQL("roles @> %(role)s::jsonb")
    if asked.before:
        yield sql.SQL("first_position < %(before)s")


def told(found: Account) -> AccountView:
    fields = {name: getattr(found, name) for name in AccountView.__struct_fields__ if hasattr(found, name)}
    return AccountView(id=found.account_id, **fields)
