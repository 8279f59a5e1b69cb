"""Deciding what is of no patient: accounts and reports."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import attrgetter
from typing import Any, get_args
from uuid import UUID
from zoneinfo import available_timezones

from domain import account, report
from domain.account import (
    AccountCommand,
    AccountEvent,
    AccountFacts,
    AccountInvited,
    AccountState,
    ActiveAccount,
    InviteAccount,
    MissingAccount,
    SuspendedAccount,
)
from domain.catalog import tag_of
from domain.errors import NotFound
from domain.event import Event
from domain.report import (
    ChangeSchedule,
    DefineReport,
    ReportCommand,
    ReportDefined,
    ReportFacts,
    ScheduleReport,
)
from infra.commands.decided import Decided, Stream, StreamEvents, as_stream
from infra.commands.reading import Events
from infra.commands.wish import Wish
from infra.ids import shard_of

HouseCommand = AccountCommand | ReportCommand
Fresh = Callable[[int], UUID]
ACCOUNTS = sorted(tag_of(kind) for kind in get_args(AccountEvent))


async def decide(reader: Events, fresh: Fresh, command: HouseCommand, wish: Wish, now: datetime) -> Decided:
    """What the command comes to; raises NotFound, Rejected or Conflict."""
    if isinstance(command, AccountCommand):
        return await _account(reader, fresh, command, wish, now)
    return await _report(reader, fresh, command, wish, now)


async def _account(
    reader: Events, fresh: Fresh, command: AccountCommand, wish: Wish, now: datetime
) -> Decided:
    """The last admin stays: whoever else there is must be one still when it is appended."""
    begins = isinstance(command, InviteAccount)
    stream = Stream(fresh(0)) if begins else await _stream(reader, wish.target_id, AccountInvited)
    state = stream.state(account.INITIAL, account.evolve)
    others = await _other_admins(reader, stream.stream_id) if _is_admin(state) else []
    facts = AccountFacts(
        **_known(fresh, wish, now, stream),
        account_id=stream.stream_id,
        another_admin_remains=bool(others),
    )
    events = account.decide(command, state, facts)
    guards = tuple(other.guard for other in others[:1])
    return Decided(parts=(StreamEvents(stream, None, events),), guards=guards)


async def _report(reader: Events, fresh: Fresh, command: ReportCommand, wish: Wish, now: datetime) -> Decided:
    begins = isinstance(command, DefineReport)
    stream = Stream(fresh(0)) if begins else await _stream(reader, wish.target_id, ReportDefined)
    told: dict[str, Any] = {}
    if isinstance(command, ScheduleReport | ChangeSchedule):
        told["zone_known"] = command.recurrence.time_zone in available_timezones()
        told["strangers"] = await _strangers(reader, command.recipients)
    facts = ReportFacts(**_known(fresh, wish, now, stream), **told)
    events = report.decide(command, stream.state(report.INITIAL, report.evolve), facts)
    return Decided(parts=(StreamEvents(stream, None, events),))


def _known(fresh: Fresh, wish: Wish, now: datetime, stream: Stream) -> dict[str, Any]:
    """The fields that all Facts have. A new stream's id is the fresh one."""
    new_id = fresh(shard_of(stream.stream_id)) if stream.version else stream.stream_id
    return {"now": now, "actor": wish.actor, "origin": wish.origin, "new_id": new_id}


async def _stream(reader: Events, stream_id: UUID | None, begins_with: type[Event]) -> Stream:
    """A stream of this category; raises NotFound where there is none."""
    stream = None if stream_id is None else await reader.stream(stream_id)
    if stream is None or not stream.events or not isinstance(stream.events[0], begins_with):
        raise NotFound("not_found")
    return stream


async def _other_admins(reader: Events, account_id: UUID) -> list[Stream]:
    """The accounts of all other admins who may act now."""
    recorded = sorted(await reader.by_tags(ACCOUNTS), key=attrgetter("stream_id", "version"))
    streams = [as_stream(one, list(found)) for one, found in groupby(recorded, key=attrgetter("stream_id"))]
    return [
        stream
        for stream in streams
        if stream.stream_id != account_id
        and isinstance(state := stream.state(account.INITIAL, account.evolve), ActiveAccount)
        and _is_admin(state)
    ]


def _is_admin(state: AccountState) -> bool:
    return not isinstance(state, MissingAccount) and "admin" in state.holder.roles


async def _strangers(reader: Events, recipients: Iterable[UUID]) -> frozenset[UUID]:
    found = set()
    for account_id in recipients:
        stream = await reader.stream(account_id)
        events = [event for event in stream.events if isinstance(event, AccountEvent)]
        state = reduce(account.evolve, events, account.INITIAL)
        if isinstance(state, MissingAccount | SuspendedAccount):
            found.add(account_id)
    return frozenset(found)
