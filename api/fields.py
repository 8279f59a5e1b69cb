"""Every wrong field of a body at once: what a decoder stops at, read on field by field."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from domain.errors import FieldError

_AT = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
BIGGEST = 2**63
_CODES = (
    ("unknown field", "request.unknown_field"),
    ("missing required field", "request.missing_field"),
    ("Expected `", "request.wrong_type"),
    ("Invalid", "request.out_of_range"),
)


def wrong_fields(value: object, type_: Any, path: str = "") -> list[FieldError]:  # noqa: ANN401  any annotation
    """Everything in a decoded JSON value that does not fit the type; empty when it fits."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        return list(_inside(value, type_, path)) or [_first(error, path)]
    return []


def unstorable(value: object, path: str = "") -> Iterator[FieldError]:
    """What no store of ours can hold, wherever it stands: the NUL character, numbers of more than 64 bits."""
    match value:
        case str() if "\0" in value:
            yield FieldError(path=path, code="text.nul")
        case int() if not -BIGGEST <= value < BIGGEST:
            yield FieldError(path=path, code="request.out_of_range")
        case list():
            for index, one in enumerate(value):
                yield from unstorable(one, _join(path, str(index)))
        case dict():
            for name, one in value.items():
                yield from unstorable(name, path)
                yield from unstorable(one, _join(path, name))


def _inside(value: object, type_: Any, path: str) -> Iterator[FieldError]:  # noqa: ANN401  as above
    """The wrong parts of a value that is of the right kind."""
    match value:
        case dict():
            struct = _struct(type_, value)
            if struct is not None:
                yield from _members(value, struct, path)
        case list():
            member = _member(type_)
            if member is not None:
                for index, one in enumerate(value):
                    yield from wrong_fields(one, member, _join(path, str(index)))


def _members(value: dict[str, Any], struct: type[msgspec.Struct], path: str) -> Iterator[FieldError]:
    hints = get_type_hints(struct, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in value:
        if name not in fields and name != struct.__struct_config__.tag_field:
            yield FieldError(path=_join(path, name), code="request.unknown_field")
    for name, field in fields.items():
        if name in value:
            yield from wrong_fields(value[name], hints[field.name], _join(path, name))
        elif field.required:
            yield FieldError(path=_join(path, name), code="request.missing_field")


def _struct(type_: Any, value: dict[str, Any]) -> type[msgspec.Struct] | None:  # noqa: ANN401  as above
    """The Struct in an annotation; of a tagged union the one that the value names."""
    structs = [
        option
        for option in _options(type_)
        if isinstance(option, type) and issubclass(option, msgspec.Struct)
    ]
    if len(structs) > 1:
        structs = [s for s in structs if s.__struct_config__.tag == value.get("type")]
    return structs[0] if structs else None


def _member(type_: Any) -> Any | None:  # noqa: ANN401  as above
    for option in _options(type_):
        if get_origin(option) in {list, tuple, frozenset, set}:
            return get_args(option)[0]
    return None


def _options(type_: Any) -> Iterator[Any]:  # noqa: ANN401  as above
    """The alternatives of a union, without their constraints."""
    if hasattr(type_, "__metadata__"):
        yield from _options(get_args(type_)[0])
    elif get_origin(type_) is not None and get_origin(type_) not in {list, tuple, dict, set, frozenset}:
        for option in get_args(type_):
            yield from _options(option)
    else:
        yield type_


def _first(error: msgspec.ValidationError, path: str) -> FieldError:
    """What the decoder itself stopped at."""
    text = str(error)
    at = _AT.search(text)
    steps = ["".join(step) for step in _STEP.findall(at[1])] if at else []
    code = next((code for start, code in _CODES if start in text), "request.out_of_range")
    if code == "request.wrong_type" and any(limit in text for limit in ("of length", "matching", ">=", "<=")):
        code = "request.out_of_range"
    return FieldError(path=".".join([part for part in (path, *steps) if part]), code=code)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
