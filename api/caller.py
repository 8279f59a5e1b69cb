"""Who calls, in which language, and how a request is known in the logs."""

from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection

from domain.event import Actor, Locale
from infra.ids import new_id
from infra.services import Services
from locales import negotiate

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


class Caller(msgspec.Struct, frozen=True):
    """The account behind a request and the language it asked for."""

    actor: Actor
    locale: Locale


def services(connection: AnyConnection) -> Services:
    """What this process has opened."""
    found: Services = connection.app.state.services
    return found


def locale_of(connection: AnyConnection) -> Locale:
    """`?lang=`, then Accept-Language, then the setting."""
    default = services(connection).settings.locale
    asked = connection.query_params.get("lang")
    header = connection.headers.get("accept-language")
    return negotiate(header, None, asked, default)  # type: ignore[return-value]  # one of LOCALES


def request_id_of(connection: AnyConnection) -> UUID:
    """The id of this request: the one that came with it where it is a uuid, else a fresh one."""
    found: UUID | None = connection.scope.get("request_id")  # type: ignore[assignment]  # set here only
    if found is None:
        try:
            found = UUID(connection.headers.get("x-request-id", ""))
        except ValueError:
            found = new_id()
        connection.scope["request_id"] = found  # type: ignore[typeddict-unknown-key]  # ours
    return found
