"""`tarikh events`: what the log holds of a stream or of a patient, and which events there are."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from infra.cli.command import Subparsers, add, add_group, print_json, settings
from infra.errors import CommandFailed

if TYPE_CHECKING:
    from domain.event import Event
    from domain.recorded import Recorded
    from infra.services import Services


class Kind(msgspec.Struct, frozen=True):
    """An event type: how it is called, under which schema number it is stored, what it says."""

    tag: str
    schema: int
    correction: bool
    sealed: bool
    fields: list[str]


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "events", "Look into the log.")
    tracing = add(group, "trace", trace, "Tell the events of one stream.")
    tracing.add_argument("stream", type=UUID, metavar="STREAM", help="its id")
    telling = add(
        group, "history", history, "Tell all events of a patient, and of whoever was merged with them."
    )
    telling.add_argument("--patient", type=UUID, required=True, metavar="ID", help="the patient")
    listing = add(group, "catalog", catalog, "List every type of event.")
    for parser in (tracing, telling, listing):
        parser.add_argument("--json", action="store_true", help="answer for programs")


def trace(arguments: argparse.Namespace) -> int:
    async def read(found: "Services") -> "list[Recorded[Event]]":
        return await found.reader.stream(arguments.stream)

    return _tell(arguments, read, f"there is no stream {arguments.stream}")


def history(arguments: argparse.Namespace) -> int:
    async def read(found: "Services") -> "list[Recorded[Event]]":
        from infra.past import Moment

        group = await found.past.group(arguments.patient, Moment())
        return await found.reader.by_subject(group)

    return _tell(arguments, read, f"there is no patient {arguments.patient}")


def catalog(arguments: argparse.Namespace) -> int:
    kinds = _kinds()
    if arguments.json:
        print_json(kinds)
        return 0
    for kind in kinds:
        sort = "correction" if kind.correction else "fact"
        seal = "sealed" if kind.sealed else "in the clear"
        print(f"{kind.tag:<38}{kind.schema:>3}  {sort:<11} {seal:<13} {', '.join(kind.fields)}")
    return 0


def _kinds() -> list[Kind]:
    from domain.catalog import EVENTS, UNSEALED
    from domain.event import Correction
    from infra.event_log.upcasters import current_schema

    return [
        Kind(
            tag=tag,
            schema=current_schema(tag),
            correction=issubclass(of, Correction),
            sealed=tag not in UNSEALED,
            fields=[field.encode_name for field in msgspec.structs.fields(of)],
        )
        for tag, of in EVENTS.items()
    ]


def _tell(
    arguments: argparse.Namespace,
    read: "Callable[[Services], Awaitable[list[Recorded[Event]]]]",
    absent: str,
) -> int:
    from projections.audit_trail import AuditEvent, audit_event

    recorded = asyncio.run(_read(read))
    if not recorded:
        raise CommandFailed(absent)
    events: list[AuditEvent] = [audit_event(one, readable=True) for one in recorded]
    if arguments.json:
        print_json(events)
        return 0
    for one in events:
        said = "(erased)" if one.data is None else msgspec.json.encode(one.data).decode()
        place = f"{one.position:>8}  {one.stream_id} {one.version:>4}"
        print(f"{place}  {one.recorded_at:%Y-%m-%d %H:%M:%S}  {one.tag:<36} {said}")
    return 0


async def _read(
    read: "Callable[[Services], Awaitable[list[Recorded[Event]]]]",
) -> "list[Recorded[Event]]":
    from infra.running import ready
    from infra.services import opened

    chosen = settings()
    with ready(chosen) as servers:
        async with opened(chosen, servers) as found:
            return await read(found)
