"""Corrections of fields: what differs between the known and the wanted, and the one made the other."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from domain.event import Change

S = TypeVar("S", bound=msgspec.Struct)


def changes_between(known: msgspec.Struct, wanted: msgspec.Struct) -> dict[str, Change]:
    """What differs of the fields that `wanted` names; UNSET ones stay as they are."""
    named = {name: getattr(wanted, name, msgspec.UNSET) for name in known.__struct_fields__}
    return {
        name: change(getattr(known, name), value)
        for name, value in named.items()
        if value is not msgspec.UNSET and value != getattr(known, name)
    }


def change(before: object, after: object) -> Change:
    """Both values as they come back from the log: as JSON values."""
    return Change(before=_stored(before), after=_stored(after))


def _stored(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def changed(known: S, fields: Mapping[str, Change]) -> S:
    """What is known after the changes; fields that it does not have are left out."""
    named = {name: each.after for name, each in fields.items() if name in known.__struct_fields__}
    whole = {name: getattr(known, name) for name in known.__struct_fields__}
    return msgspec.convert({**msgspec.to_builtins(whole), **named}, type(known))
