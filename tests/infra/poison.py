"""What makes an event that cannot be applied: an altered byte, a fold that raises, a row that is refused."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from uuid import UUID

import msgspec

from domain.event import Event
from domain.recorded import Recorded
from projections.model import ReadModel, Row, Rows
from projections.registry import models
from projections.timeline_item import Item
from tests.infra.house import House

TIMELINE = next(model for model in models("Asia/Tehran") if model.name == "patient_timeline")
FLIP = """
    ALTER TABLE log.event DISABLE TRIGGER USER;
    UPDATE log.event SET state = set_byte(state, 20, get_byte(state, 20) # 1) WHERE notification_id = {};
    ALTER TABLE log.event ENABLE TRIGGER USER;
    """
TOO_LARGE = 10**30
"""A number that no bigint holds."""
NUL = "\0"
"""What no text of Postgres may say."""


def flip(house: House, position: int) -> None:
    """Alter a byte of a stored event; once more, and it is as it was."""
    with house.owner() as connection:
        connection.execute(FLIP.format(position).encode())


class Switch:
    """Which positions the fold below cannot take, and how it fails."""

    raising: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    too_large: frozenset[int] = frozenset()


class FoldFailed(Exception):
    """What a fold with a mistake in it raises."""


def evolve(rows: Rows, recorded: Recorded[Event]) -> Iterable[Row]:
    """The timeline's fold, which fails where the switch says so."""
    for row in TIMELINE.evolve(rows, recorded):
        if recorded.position in Switch.raising:
            raise FoldFailed("MARKER must not be written down")
        if recorded.position in Switch.refused and isinstance(row, Item):
            yield msgspec.structs.replace(row, tag=NUL)
        elif recorded.position in Switch.too_large and isinstance(row, Item):
            yield msgspec.structs.replace(row, position=TOO_LARGE)
        else:
            yield row


FRAGILE = replace(TIMELINE, evolve=evolve)


@contextlib.contextmanager
def fragile(
    *, raising: Iterable[int] = (), refused: Iterable[int] = (), too_large: Iterable[int] = ()
) -> Iterator[ReadModel]:
    """The timeline with a fold that fails at these positions until the end of the block."""
    Switch.raising, Switch.refused = frozenset(raising), frozenset(refused)
    Switch.too_large = frozenset(too_large)
    try:
        yield FRAGILE
    finally:
        Switch.raising = Switch.refused = Switch.too_large = frozenset()


def last_of(house: House, patient: UUID) -> int:
    """The position of a patient's last event."""
    return int(str(house.one("SELECT max(notification_id) FROM log.event WHERE subject_id = %s", patient)))


def first_of(house: House, patient: UUID) -> int:
    return int(str(house.one("SELECT min(notification_id) FROM log.event WHERE subject_id = %s", patient)))
