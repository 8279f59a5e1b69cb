"""Before any handler runs: who calls, whether they may, and whether what they sent can be read."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from api.caller import Caller, locale_of, services
from api.fields import wrong_fields
from api.problems import Denied, Malformed, Unauthorized
from domain import access
from domain.access import Action, PatientAccess
from domain.errors import FieldError, NotFound
from domain.event import Actor
from infra.tokens import ExpiredToken, InvalidToken

Category = Literal["patient", "diagnosis", "recommendation", "feedback"]
LAYERED = frozenset({"lang"})
LARGEST_BODY = 1_000_000


class Access(msgspec.Struct, frozen=True):
    """What a route does, and to whose record: that of the stream which the path parameter `id` names.

    `of` is None where it concerns no single patient.
    """

    action: Action
    of: Category | None = None


PUBLIC: Literal["public"] = "public"
"""For routes that tell nothing: health and documentation."""

Rule = Access | Literal["public"]
Patient = Callable[[ASGIConnection[Any, Any, Any, Any], Mapping[str, Any]], UUID | None]


async def admit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let the request through, or raise. A route that does not say who may call it is for nobody."""
    rule: Rule | None = handler.opt.get("access")
    if rule != PUBLIC:
        actor = _actor(connection)
        connection.scope["user"] = Caller(actor, locale_of(connection))
        if not isinstance(rule, Access):
            raise Denied("access.denied")
        await _authorise(connection, actor, rule)
    _check_query(connection, handler)
    if "body" in handler.opt and isinstance(connection, Request):
        await _check_body(connection, handler.opt["body"])


async def require(
    connection: ASGIConnection[Any, Any, Any, Any], actor: Actor, action: Action, patient_id: UUID
) -> None:
    """Raise NotFound or Denied unless the actor may do this to the patient's record."""
    recorded = await services(connection).reader.stream(patient_id)
    events = [one.event for one in recorded if one.event is not None]
    start = PatientAccess(patient_id=patient_id)
    folded = reduce(access.evolve_access, events, start)  # type: ignore[arg-type]  # another stream's events change nothing
    _decide(actor, action, folded)


def _actor(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("auth.missing_token")
    try:
        return services(connection).tokens.read(token.strip())
    except ExpiredToken as error:
        raise Unauthorized("auth.expired_token") from error
    except InvalidToken as error:
        raise Unauthorized("auth.invalid_token") from error


async def _authorise(connection: ASGIConnection[Any, Any, Any, Any], actor: Actor, rule: Access) -> None:
    if rule.of is None:
        _decide(actor, rule.action, None)
        return
    target: UUID = connection.path_params["id"]
    patient_id = target if rule.of == "patient" else await services(connection).reader.subject_of(target)
    if patient_id is None:
        raise NotFound("not_found")
    await require(connection, actor, rule.action, patient_id)


def _decide(actor: Actor, action: Action, folded: PatientAccess | None) -> None:
    match access.allowed(actor, action, folded, datetime.now(UTC)):
        case access.NotFoundForCaller():
            raise NotFound("not_found")
        case access.Denied(code=code):
            raise Denied(code)
        case access.Allowed():
            return


def _check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """An unknown parameter, or one given twice, is never ignored."""
    known = handler.opt.get("query", frozenset()) | LAYERED
    given = [name for name, _ in connection.query_params.multi_items()]
    errors = [
        FieldError(path=name, code="request.unknown_parameter")
        for name in dict.fromkeys(given)
        if name not in known
    ]
    errors += [
        FieldError(path=n, code="request.repeated_parameter")
        for n in dict.fromkeys(given)
        if given.count(n) > 1
    ]
    if errors:
        raise Malformed("request.malformed", errors=tuple(errors))


def _unknown(name: str) -> str:
    return "time.not_here" if name in {"known_at", "as_of"} else "request.unknown_parameter"


async def _check_body(request: Request[Any, Any, Any], type_: Any) -> None:  # noqa: ANN401  any annotation
    """Read the body once ourselves, so that all its wrong fields are named."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ClientException(status_code=415)
    body = await request.body()
    if len(body) > LARGEST_BODY:
        raise ClientException(status_code=413)
    try:
        msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise Malformed(
            "request.malformed", errors=tuple(wrong_fields(msgspec.json.decode(body), type_))
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("request.not_json") from error
