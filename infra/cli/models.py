"""What the commands about read models work on: a projector of this release, and those that are named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from infra.cli.command import settings
from infra.errors import CommandMisused

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from infra.projector.projector import Projector
    from projections.model import ReadModel


@asynccontextmanager
async def opened() -> "AsyncIterator[tuple[Projector, AsyncConnection]]":
    """A projector of all read models, and the connection that it writes through."""
    from infra.running import projecting, ready

    found = settings()
    with ready(found) as servers:
        async with projecting(found, servers) as both:
            yield both


def chosen(projector: "Projector", name: str | None) -> "list[ReadModel]":
    """The model of this name, by default all. Raises CommandMisused."""
    found = [model for model in projector.models if name in {None, model.name}]
    if not found:
        names = ", ".join(model.name for model in projector.models)
        raise CommandMisused(f"there is no read model {name}; there are {names}")
    return found


async def caught_up(projector: "Projector") -> None:
    """Where no projector runs, do its work first, so that there is something to look at."""
    from infra.projector.lease import LeaseLost

    try:
        if await projector.take_over():
            await projector.catch_up()
            await projector.give_back()
    except LeaseLost:
        return
