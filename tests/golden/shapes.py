"""What every event may hold, field by field, as this release reads it and as others before it stored it.

Samples show one value of each field. Shapes show all of them, so that a field that takes less than it did, or
means something else where it is left out, is noticed though no sample holds that value.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as mi
from msgspec import structs

from domain.catalog import EVENTS
from domain.recorded import Meta
from infra.event_log.upcasters import current_schema

FILE = Path(__file__).with_name("shapes.json")
LEAST, MOST = ("ge", "gt", "min_length"), ("le", "lt", "max_length")
META = "meta"


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a place takes: kinds of values, bounds, and what it means where it is left out."""

    takes: list[str]
    bounds: dict[str, float] = {}
    pattern: str | None = None
    required: bool = False
    default: Any = None


Shape = dict[str, Field]
"""By place: `items[].dose.amount`."""


def shape_of(of: type[msgspec.Struct]) -> Shape:
    """Everything that a struct takes."""
    return dict(_struct(of, ""))


def read() -> dict[str, Shape]:
    """What was written down, by tag and schema: `diagnosis.recorded 1`."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Shape]) if FILE.exists() else {}


def today() -> dict[str, Shape]:
    """What this release stores."""
    named: dict[str, type[msgspec.Struct]] = {META: Meta}
    return {f"{tag} {current_schema(tag)}": shape_of(of) for tag, of in (named | EVENTS).items()}


def regenerate() -> list[str]:
    """Write down what is new or has become wider; what has become narrower is not. Gives what changed."""
    known, now = read(), today()
    changed = [name for name, shape in now.items() if known.get(name) != shape]
    wider = [name for name in changed if not narrower(known.get(name, {}), now[name])]
    written = known | {name: now[name] for name in wider}
    encoded = msgspec.json.encode({name: written[name] for name in sorted(written)})
    FILE.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")
    return wider


def narrower(old: Shape, new: Shape) -> list[str]:
    """What was stored in the old shape and is not read in the new one, or is read as something else."""
    found = [f"{place} is gone" for place in old.keys() - new.keys()]
    for place, field in new.items():
        if place in old:
            found += [f"{place} {why}" for why in _narrower(old[place], field)]
        elif old and field.required and _parent(place) in {"", *old}:
            found.append(f"{place} was never stored and is required")
    return sorted(found)


def _narrower(old: Field, new: Field) -> Iterator[str]:
    for kind in old.takes:
        wider = {
            "any",
            kind,
            "str" if kind.startswith("literal ") else kind,
            "float" if kind == "int" else kind,
        }
        if wider.isdisjoint(new.takes):
            yield f"no longer takes {kind}"
    for bound, value in new.bounds.items():
        before = old.bounds.get(bound)
        if before is None or (value > before if bound in LEAST else value < before):
            yield f"has {bound} {value}, and had {before}"
    if new.pattern not in {None, old.pattern}:
        yield f"must match {new.pattern}"
    if new.required and not old.required:
        yield "is required"
    if not old.required and not new.required and old.default != new.default:
        yield f"means {new.default!r} where it is left out, and meant {old.default!r}"


def _parent(place: str) -> str:
    return place.rpartition(".")[0]


def _struct(of: type[msgspec.Struct], above: str) -> Iterator[tuple[str, Field]]:
    for field in structs.fields(of):
        place = f"{above}.{field.encode_name}" if above else field.encode_name
        options = list(_options(mi.type_info(field.type)))
        yield place, _field(options, required=field.required, default=_default(field))
        for option in options:
            yield from _below(option, place)


def _below(option: mi.Type, place: str) -> Iterator[tuple[str, Field]]:
    """What stands inside of a value."""
    match option:
        case mi.StructType(cls=cls):
            yield from _struct(cls, place)
        case mi.DictType(value_type=inner):
            yield from _inner(inner, f"{place}{{}}")
        case mi.TupleType(item_types=items):
            for number, item in enumerate(items):
                yield from _inner(item, f"{place}[{number}]")
        case mi.VarTupleType() | mi.FrozenSetType() | mi.ListType():
            yield from _inner(option.item_type, f"{place}[]")
        case _:
            return


def _inner(info: mi.Type, place: str) -> Iterator[tuple[str, Field]]:
    options = list(_options(info))
    yield place, _field(options, required=False, default=None)
    for option in options:
        yield from _below(option, place)


def _options(info: mi.Type) -> Iterator[mi.Type]:
    if isinstance(info, mi.Metadata):
        yield from _options(info.type)
    elif isinstance(info, mi.UnionType):
        for one in info.types:
            yield from _options(one)
    else:
        yield info


def _field(options: list[mi.Type], *, required: bool, default: object) -> Field:
    bounds = {
        name: value
        for option in options
        for name in (*LEAST, *MOST)
        if (value := getattr(option, name, None)) is not None
    }
    patterns = [option.pattern for option in options if isinstance(option, mi.StrType)]
    return Field(
        takes=sorted({kind for option in options for kind in _kinds(option)}),
        bounds=bounds,
        pattern=next(filter(None, patterns), None),
        required=required,
        default=default,
    )


def _kinds(option: mi.Type) -> list[str]:
    if isinstance(option, mi.LiteralType):
        return [f"literal {value}" for value in option.values]
    return [type(option).__name__.removesuffix("Type").lower()]


def _default(field: structs.FieldInfo) -> object:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.json.decode(msgspec.json.encode(field.default))
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.json.decode(msgspec.json.encode(field.default_factory()))
    return None
