"""The last admin stays, also when two are asked to go at the same moment."""

import asyncio
from uuid import UUID

import pytest

from domain.account import ActivateAccount, InviteAccount, ReinstateAccount, RevokeRole, SuspendAccount
from domain.errors import Rejected
from domain.event import Command
from infra.services import Services
from tests.infra.house import House
from tests.infra.tales import ADMIN, Teller


async def say(services: Services, command: Command, target: UUID | None = None) -> UUID:
    return (await Teller(services, 1).say(command, target, ADMIN)).id


async def an_admin(services: Services) -> UUID:
    account = await say(services, InviteAccount(roles=("admin",)))
    await say(services, ActivateAccount(), account)
    return account


async def test_the_last_admin_stays(house: House) -> None:
    async with house.opened() as services:
        first = await an_admin(services)
        await say(services, InviteAccount(roles=("admin",)))
        for command in (SuspendAccount(), RevokeRole(role="admin")):
            with pytest.raises(Rejected, match=r"account\.last_admin"):
                await say(services, command, first)
        second = await an_admin(services)
        await say(services, SuspendAccount(), first)
        with pytest.raises(Rejected, match=r"account\.last_admin"):
            await say(services, SuspendAccount(), second)
        await say(services, ReinstateAccount(), first)
        await say(services, RevokeRole(role="admin"), second)


async def test_of_two_who_are_asked_to_go_at_once_one_stays(house: House) -> None:
    """Each is decided while the other is still there; the guard lets only one be appended on that."""
    async with house.opened() as services, house.opened() as elsewhere:
        both = [await an_admin(services), await an_admin(services)]
        told = await asyncio.gather(
            say(services, SuspendAccount(), both[0]),
            say(elsewhere, SuspendAccount(), both[1]),
            return_exceptions=True,
        )
        refused = [one.code for one in told if isinstance(one, Rejected)]
        assert refused == ["account.last_admin"]
