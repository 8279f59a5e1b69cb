"""The three ways in which the domain says no; every code is a key of the message catalogs."""

import msgspec

Argument = str | int | float


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong field: `path` is dotted from the body's root (`items.0.dose.amount`)."""

    path: str
    code: str
    arguments: dict[str, Argument] = {}


class DomainError(Exception):
    """A refusal with a code to translate, and every wrong field at once."""

    def __init__(
        self,
        code: str,
        *,
        errors: tuple[FieldError, ...] = (),
        arguments: dict[str, Argument] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.arguments = arguments or {}


class NotFound(DomainError):
    """It is not there, or the caller may not know that it is."""


class Rejected(DomainError):
    """A rule of the domain forbids it."""


class Conflict(DomainError):
    """Something else was recorded first."""
