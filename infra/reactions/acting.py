"""What a job does: reads what is reacted to, and runs the commands that the manager asks for."""

from datetime import UTC, datetime
from uuid import UUID

from domain.catalog import tag_of
from domain.errors import Rejected
from domain.event import Actor, Event, Origin
from domain.recorded import Meta, Recorded
from infra.commands import Commands, RequestKey, Wish
from infra.commands.decided import Stream, as_stream
from infra.commands.person import person
from infra.event_log.reader import Reader
from infra.reactions.process_manager import History, NotYet, ProcessManager, Reaction

HOUSE = Actor(account_id=UUID("01900000-0000-7000-8000-000000000000"), role="service")
"""Who acts when nobody in person does."""


async def act(
    reader: Reader,
    commands: Commands,
    manager: ProcessManager,
    position: int,
    now: datetime | None = None,
) -> None:
    """Do what the manager makes of a position; a second time it does nothing more.

    Of who was erased, and of what was imported, nothing follows: neither is news.
    Raises NotYet, Unreadable, NotFound, Rejected, Conflict, StorageUnavailable, OutcomeUnknown.
    """
    history = await _history(reader, position)
    if not history:
        return
    if manager.due is not None and (due := manager.due(history)) > (now or datetime.now(UTC)):
        raise NotYet(due)
    history = [*await _considered(reader, manager, history[-1]), *history]
    for number, reaction in enumerate(manager.react(history)):
        try:
            await commands.run(_wish(manager, history[-1], number, reaction))
        except Rejected as refused:
            if refused.code != "patient.erased":
                raise


async def _history(reader: Reader, position: int) -> History:
    """The stream up to this position; empty where nothing follows from it."""
    (cause,) = await reader.at([position])
    stream = await reader.stream(cause.stream_id)
    known = [recorded for recorded in stream if recorded.version <= cause.version]
    if any(recorded.event is None for recorded in known):
        return []
    return [] if _told(cause).origin.method == "imported" else known


async def _considered(reader: Reader, manager: ProcessManager, cause: Recorded[Event]) -> History:
    """What else was known of the person, under whichever of their ids, when it happened."""
    if not manager.considers or cause.subject_id is None:
        return []

    async def read(stream_id: UUID) -> Stream:
        return as_stream(stream_id, await reader.stream(stream_id))

    whom = await person(await read(cause.subject_id), read)
    tags = sorted(map(tag_of, manager.considers))
    return await reader.by_subject(whom.records, until=cause.position, tags=tags)


def _wish(manager: ProcessManager, cause: Recorded[Event], number: int, reaction: Reaction) -> Wish:
    """The key says it all: what a later release asks for in other words is the same request."""
    key = f"{manager.name}:{cause.shard}:{cause.position}:{number}"
    return Wish(
        command=reaction.command,
        target_id=reaction.target_id,
        actor=HOUSE,
        origin=Origin(channel="engine", method="rule", source_ref=f"{cause.shard}:{cause.position}"),
        correlation_id=_told(cause).correlation_id,
        causation_id=cause.stream_id,
        locale=_told(cause).locale,
        key=RequestKey("reaction", key),
        digest=key,
    )


def _told(cause: Recorded[Event]) -> Meta:
    assert cause.meta is not None  # noqa: S101  closed with its event, and that was read
    return cause.meta
