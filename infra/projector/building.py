"""A new version of a read model over a long log: built patient by patient beside what goes on being fed."""

from time import monotonic

import structlog

from infra.errors import CommandFailed
from infra.projector.alone import Told
from infra.projector.held import OF_A_PATIENT
from infra.projector.projector import Projector, connect
from infra.projector.rebuild import rebuild
from projections.model import ReadModel

LONG = 20_000
"""Positions; a shorter log is followed from its beginning as quickly."""
SECONDS_BETWEEN_LINES = 10.0

log = structlog.get_logger()


async def set_aside(projector: Projector) -> None:
    """Feed none of what stands at the beginning of a long log: it is to be built."""
    if (await projector.reader.head()).position <= LONG:
        return
    for one in await projector.places():
        if one.position == 0:
            projector.set_aside(one.model)


async def build(projector: Projector, conninfo: str) -> None:
    """Build what was set aside, a version at a time; raises LeaseLost when another has taken it.

    What cannot be built so, because another builds it or the result is wrong, is fed as ever.
    """
    for model in projector.aside:
        generation = projector.held.get(model.name)
        if generation is None:
            continue
        try:
            async with await connect(conninfo) as connection:
                await rebuild(connection, projector.reader, model, projector.shard, _lines(model), generation)
        except (CommandFailed, *OF_A_PATIENT) as error:
            log.warning("projector.not_built", model=model.name, error=type(error).__name__)
        projector.go_on_with(model.name)


def _lines(model: ReadModel) -> Told:
    """Says how far it is, now and then."""
    said = monotonic()

    def told(done: int, total: int) -> None:
        nonlocal said
        if monotonic() - said > SECONDS_BETWEEN_LINES:
            said = monotonic()
            log.info("projector.building", model=model.name, events=done, of=total)

    return told
