"""`tarikh projections status` and `drop`: every version there is, how far, how big; and away with the old."""

import argparse
import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from infra.cli.command import print_json
from infra.cli.models import opened
from infra.errors import CommandMisused

if TYPE_CHECKING:
    from infra.projector.held import Standing
    from infra.projector.versions import Version

UNITS = ("B", "kB", "MB", "GB", "TB")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a version of a read model is; `current` where it is this release's."""

    model: str
    fingerprint: str
    position: int
    lag: int
    current: bool
    built: bool
    bytes: int
    fed_at: datetime | None
    holder: str | None
    held: int


class Leftover(msgspec.Struct, frozen=True):
    """Tables that no checkpoint speaks of: a rebuild that was cut short has left them, or goes on."""

    schema: str
    bytes: int


class Status(msgspec.Struct, frozen=True):
    head: int
    models: list[Place]
    leftovers: "list[Leftover]"
    held: "list[Standing]"


def status(arguments: argparse.Namespace) -> int:
    found = asyncio.run(_status())
    if arguments.json:
        print_json(found)
        return 0
    print(f"{'read model':<26}{'version':<14}{'position':>10}{'lag':>8}{'size':>9}   (head {found.head})")
    for place in found.models:
        said = f"{place.model:<26}{place.fingerprint:<14}{place.position:>10}{place.lag:>8}"
        print(f"{said}{_size(place.bytes):>9}{_notes(place)}")
    for left in found.leftovers:
        print(f"{left.schema:<58}{_size(left.bytes):>9}   left by a rebuild, or one goes on")
    for one in found.held:
        print(f"held back: {one.model} {one.subject_id} at {one.position}: {one.error} in {one.place}")
    return 0


def _notes(place: Place) -> str:
    notes = {
        "of another release": not place.current,
        "being built": not place.built,
        f"{place.held} held back": place.held > 0,
        f"last fed {place.fed_at:%Y-%m-%d %H:%M}": place.holder is None and place.fed_at is not None,
    }
    return "".join(f"   {note}" for note, true in notes.items() if true)


def _size(count: float) -> str:
    for unit in UNITS[:-1]:
        if count < 1000:  # noqa: PLR2004  as the units are
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.0f} {UNITS[-1]}"


async def _status() -> Status:
    from infra.projector import held, versions

    async with opened() as (projector, connection):
        head = (await projector.reader.head()).position
        current = {(model.name, model.fingerprint) for model in projector.models}
        found = await versions.all_of(connection, projector.shard)
        holds = await held.all_of(connection, projector.shard)
    places = [
        Place(
            model=one.model,
            fingerprint=one.fingerprint,
            position=one.position,
            lag=head - one.position,
            current=(one.model, one.fingerprint) in current,
            built=one.built,
            bytes=one.bytes,
            fed_at=one.fed_at,
            holder=one.holder,
            held=sum((hold.model, hold.fingerprint) == (one.model, one.fingerprint) for hold in holds),
        )
        for one in found
        if one.position is not None
    ]
    left = [Leftover(one.schema, one.bytes) for one in found if one.position is None]
    return Status(head, places, left, holds)


def drop(arguments: argparse.Namespace) -> int:
    """Exit 2 where that is a version of this release, or there is nothing of that name."""
    if (arguments.name is None) != arguments.outdated:
        raise CommandMisused("name one read model, or say --outdated")
    dropped = asyncio.run(_drop(arguments.name, arguments.version))
    if arguments.json:
        print_json([one.schema for one in dropped])
    else:
        for one in dropped:
            print(f"dropped {one.schema} ({_size(one.bytes)})")
    return 0


async def _drop(name: str | None, fingerprint: str | None) -> "list[Version]":
    from infra.projector import versions

    async with opened() as (projector, connection):
        current = {(model.name, model.fingerprint) for model in projector.models}
        if (name, fingerprint) in current:
            raise CommandMisused(f"{name} {fingerprint} is what this release serves")
        found = await versions.all_of(connection, projector.shard)
        chosen = versions.chosen(found, current, name, fingerprint)
        if fingerprint is not None and not chosen:
            raise CommandMisused(f"there is no version {fingerprint} of {name}")
        if name is not None and name not in {one.model for one in found} | {one for one, _ in current}:
            raise CommandMisused(f"there is no read model {name}")
        for one in chosen:
            await versions.drop(connection, projector.shard, one)
    return chosen
