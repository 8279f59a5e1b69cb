"""Golden samples: what this release stores of every event, and what every release before it stored."""

import base64
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import inspect as mi
from msgspec import structs

from domain.catalog import EVENTS
from domain.event import Event
from domain.recorded import Meta
from infra.event_log.codec import Address, DataKey, encode_event, encode_meta
from infra.event_log.upcasters import current_schema
from tests.domain.spec import NOW, an_id

FOLDER = Path(__file__).parent
KEY = DataKey(an_id(9), AESGCM(bytes(range(32))))
META_TAG = "patient.registered"
"""The tag under which the sample of an envelope is sealed."""

S = TypeVar("S", bound=msgspec.Struct)


class Sample(msgspec.Struct, frozen=True):
    """An event as JSON, and the bytes of it that were once stored, in base64."""

    schema: int
    shape: dict[str, Any]
    stored: str

    @property
    def bytes(self) -> bytes:
        return base64.b64decode(self.stored)


def where(tag: str, schema: int) -> Address:
    """The place that samples are bound to."""
    return Address(an_id(1), 1, tag, schema)


def names() -> list[str]:
    """Every file: the tags, and the sealed half of the envelope."""
    return [*EVENTS, "meta"]


def read(name: str) -> list[Sample]:
    path = FOLDER / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=list[Sample]) if path.exists() else []


def today(name: str) -> Sample:
    """A sample of this release, with every field set to something that is not its default."""
    if name == "meta":
        place, meta = where(META_TAG, 1), full(Meta)
        return Sample(1, shape(meta), _text(encode_meta(meta, place, KEY)))
    place, event = where(name, current_schema(name)), full(EVENTS[name])
    return Sample(place.schema, shape(event), _text(encode_event(event, place, KEY)))


def shape(value: Event | Meta) -> dict[str, Any]:
    """A struct as the JSON that is stored of it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return found


def regenerate() -> list[str]:
    """Add the samples of this release that are new; what was ever stored stays. Gives the names that grew."""
    grown = []
    for name in names():
        known, new = read(name), today(name)
        if all((old.schema, old.shape) != (new.schema, new.shape) for old in known):
            encoded = msgspec.json.format(msgspec.json.encode([*known, new]), indent=1)
            (FOLDER / f"{name}.json").write_bytes(encoded + b"\n")
            grown.append(name)
    return grown


def full(of: type[S]) -> S:
    """A struct whose every field says something."""
    return of(**{field.name: _value(field) for field in structs.fields(of)})


def _value(field: structs.FieldInfo) -> Any:  # noqa: ANN401  a field holds anything
    options = [_sample(one) for one in _options(mi.type_info(field.type))]
    return next(value for options_ in options for value in options_ if value != field.default)


def _options(info: mi.Type) -> list[mi.Type]:
    if isinstance(info, mi.Metadata):
        return _options(info.type)
    if isinstance(info, mi.UnionType):
        return [one for one in info.types if not isinstance(one, mi.NoneType)]
    return [info]


def _sample(info: mi.Type) -> list[Any]:
    """Some values of a type, the first of which is the one to take."""
    match info:
        case mi.StructType(cls=cls):
            return [full(cls)]
        case mi.Metadata() | mi.UnionType():
            return _sample(_options(info)[0])
        case mi.LiteralType(values=values):
            return list(values)
        case mi.IntType(ge=least):
            return [max(least or 0, 1), max(least or 0, 1) + 1]
        case mi.TupleType() | mi.VarTupleType() | mi.FrozenSetType() | mi.ListType() | mi.DictType():
            return [_collection(info)]
        case _:
            return ["GDPR.17"] if getattr(info, "pattern", None) else PLAIN[type(info)]


def _collection(info: mi.TupleType | mi.CollectionType | mi.DictType) -> object:
    """A collection of one of each."""
    match info:
        case mi.TupleType(item_types=types):
            return tuple(_sample(one)[0] for one in types)
        case mi.DictType(value_type=value):
            return {"name": _sample(value)[0]}
        case mi.VarTupleType(item_type=item):
            return (_sample(item)[0],)
        case mi.FrozenSetType(item_type=item):
            return frozenset({_sample(item)[0]})
        case _:
            return [_sample(info.item_type)[0]]


PLAIN: dict[type[mi.Type], list[Any]] = {
    mi.FloatType: [0.5, 0.25],
    mi.StrType: ["متن ۱"],
    mi.UUIDType: [an_id(5)],
    mi.DateTimeType: [NOW],
    mi.DateType: [date(1980, 3, 21)],
    mi.BoolType: [True, False],
    mi.AnyType: ["هرچه"],
    mi.BytesType: [b"bytes"],
}


def _text(stored: bytes) -> str:
    return base64.b64encode(stored).decode()
