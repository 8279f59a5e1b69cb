"""Renders a message in a language, each argument by its type.

| argument | comes out as |
|---|---|
| `int`, `float`, `Decimal` | a number in the language's digits (the number itself for a plural) |
| `str` | a name or a user's text, isolated; its digits stay; as it is where a message only selects on it |
| `Quantity` | a quantity, range or dose: the language's digits, left to right |
| `Code` | a code or number of a thing (patient number, ICD code): untouched, left to right |
| `Message` | another message of the same catalog: codes are passed this way |
| `date`, `When` | a day; a moment with its zone and precision |
| list, tuple | its members, joined as the language joins them |
| `None`, empty list | nothing: `_none`, on which an optional part of a message selects |
| `bool` | `true` or `false`, to select on |

In fa and ar every name, quantity and code stands in an isolate; in en only text with right-to-left letters
does, so that plain English stays free of invisible characters.
"""

from datetime import date, datetime
from decimal import Decimal
from functools import reduce

from msgspec import Struct

from locales.catalogs import compiled
from locales.dates import Precision, format_datetime
from locales.digits import format_number, localize_digits
from locales.isolates import has_rtl, isolate, ltr, without_controls


class Message(Struct, frozen=True):
    """Words of the catalog as an argument: `Message("severity.mild")`."""

    key: str
    arguments: dict[str, object] = {}


class Code(Struct, frozen=True):
    """Something to be copied letter by letter: a patient number, an ICD code."""

    text: str


class Quantity(Struct, frozen=True):
    """A quantity, range or dose as text: `Quantity("130/85 mmHg")`."""

    text: str


class When(Struct, frozen=True):
    """A day, or with `precision="exact"` a moment, told in `time_zone`."""

    at: date | datetime
    time_zone: str = "Asia/Tehran"
    precision: Precision = "day"


class MissingArgument(KeyError):
    """The message names an argument that the caller did not pass: a bug."""


def translate(locale: str, key: str, /, **arguments: object) -> str:
    """The message in the language; arguments that it does not name are ignored.

    Raises MissingMessage, MissingArgument, and TypeError for an argument of a type that cannot be rendered.
    """
    message = compiled(locale, key)
    values: dict[str, int | float | str | Decimal | date | datetime] = {}
    for name, use in message.arguments.items():
        if name not in arguments:
            raise MissingArgument(f"{name} of {key}")
        value = arguments[name]
        if use == "number":
            values[name] = _number(value)
        else:
            values[name] = value if use == "selector" and isinstance(value, str) else _render(locale, value)
    return message.format.format(values).strip() if values else message.pattern


def _number(value: object) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(value)
    return value


def _render(locale: str, value: object) -> str:  # noqa: C901, PLR0911 (one line for each type of the table above)
    match value:
        case None | [] | ():
            return "_none"
        case str():
            return isolate(value) if _mixed(locale, value) else without_controls(value)
        case Message():
            return translate(locale, value.key, **value.arguments)
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return format_number(locale, value)
        case Quantity():
            return _quantity(locale, localize_digits(locale, value.text))
        case Code():
            return ltr(value.text) if _mixed(locale, value.text) else without_controls(value.text)
        case When():
            return format_datetime(locale, value.at, value.time_zone, value.precision)
        case date() if not isinstance(value, datetime):
            return format_datetime(locale, value)
        case list() | tuple():
            return _joined(locale, [_render(locale, member) for member in value])
        case _:
            # A bare datetime is refused too: its day depends on a zone, so it comes as `When`.
            raise TypeError(value)


def _mixed(locale: str, text: str) -> bool:
    """Whether the text can disturb the order of the sentence around it."""
    return locale != "en" or has_rtl(text)


def _quantity(locale: str, text: str) -> str:
    """Left to right; with a unit in Persian or Arabic letters (۵ گرم) it finds its own direction."""
    if has_rtl(text):
        return isolate(text)
    return without_controls(text) if locale == "en" else ltr(text)


def _joined(locale: str, members: list[str]) -> str:
    *most, last = members
    if not most:
        return last
    comma, conjunction = compiled(locale, "list.comma").format, compiled(locale, "list.and").format
    head = reduce(lambda left, right: comma.format({"left": left, "right": right}), most)
    return conjunction.format({"left": head, "right": last})
