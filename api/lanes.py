"""Which commands of a batch wait for which: those that name the same thing go in the order of the batch."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
REFERENCE = "$"
"""In a path: the id that came of the earlier command with this key."""


class Place(msgspec.Struct, frozen=True):
    """Where a command stands: those it waits for, and the one whose id stands in for each key in its path."""

    after: frozenset[int]
    references: dict[str, int | None]


def places(commands: Sequence[tuple[str, str | None, Any]]) -> Iterator[Place]:
    """For each command, of which path, key and body are given, in order."""
    last: dict[str, int] = {}
    keyed: dict[str, int] = {}
    for index, (path, key, body) in enumerate(commands):
        references = {name: keyed.get(name) for name in _referred(path)}
        lanes = {*_ids(path), *_ids(body), *_sender(body), *(f"{REFERENCE}{name}" for name in references)}
        if key is not None:
            lanes.add(f"{REFERENCE}{key}")
        yield Place(frozenset(last[lane] for lane in lanes if lane in last), references)
        last |= dict.fromkeys(lanes, index)
        if key is not None:
            keyed[key] = index


def resolved(path: str, ids: dict[str, UUID]) -> str:
    """The path with ids in place of keys."""
    return "/".join(
        str(ids[part[1:]]) if part.startswith(REFERENCE) and part[1:] in ids else part
        for part in path.split("/")
    )


def _referred(path: str) -> list[str]:
    return [part[1:] for part in path.split("/") if part.startswith(REFERENCE)]


def _ids(value: object) -> Iterator[str]:
    """Every id that is named; what sent it all is named by everything and says nothing about order."""
    match value:
        case str():
            yield from (found.lower() for found in _ID.findall(value))
        case list():
            for one in value:
                yield from _ids(one)
        case dict():
            for name, one in value.items():
                if name != "origin":
                    yield from _ids(one)


def _sender(body: object) -> Iterator[str]:
    """The device's own id of the event: who sends it twice in one batch means one event."""
    origin = body.get("origin") if isinstance(body, dict) else None
    if isinstance(origin, dict) and "client_event_id" in origin:
        yield f"event {origin.get('device_id')} {origin['client_event_id']}"
