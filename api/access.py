"""Before any handler runs: who calls, whether they may, and whether what they sent can be read."""

from collections import Counter
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from api.caller import AnyConnection, Caller, locale_of, services
from api.fields import unstorable, wrong_fields
from api.problems import Denied, Malformed, Unauthorized
from domain import access
from domain.access import Action, PatientAccess
from domain.errors import FieldError, NotFound, Rejected
from domain.event import Actor
from infra.tokens import ExpiredToken, InvalidToken

Category = Literal["patient", "diagnosis", "recommendation", "feedback"]
LAYERED = frozenset({"lang"})
MOST_READ_OUT = 16_000_000
NOTHING = frozenset({"", "null"})
"""Values that the framework would take for a parameter that is not there."""


TELLING = frozenset({"request.unknown_parameter", "request.repeated_parameter", "time.not_here", "text.nul"})
"""What is told of the request as a whole where nothing else is wrong with it."""


class Access(msgspec.Struct, frozen=True):
    """What a route does, and to whose record: that of the stream which the path parameter `id` names.

    `of` is None where it concerns no single patient.
    """

    action: Action
    of: Category | None = None


PUBLIC: Literal["public"] = "public"
"""For routes that tell nothing: health and documentation."""

Rule = Access | Literal["public"]


async def admit(connection: AnyConnection, handler: BaseRouteHandler) -> None:
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


async def require(connection: AnyConnection, actor: Actor, action: Action, patient_id: UUID) -> None:
    """Raise NotFound or Denied unless the actor may do this to the record, Rejected where it was erased."""
    recorded = await services(connection).reader.stream(patient_id)
    events = [one.event for one in recorded if one.event is not None]
    start = PatientAccess(patient_id=patient_id)
    folded = reduce(access.evolve_access, events, start)  # type: ignore[arg-type]  # another stream's events change nothing
    _decide(actor, action, folded)


def _actor(connection: AnyConnection) -> Actor:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("auth.missing_token")
    try:
        return services(connection).tokens.read(token.strip())
    except ExpiredToken as error:
        raise Unauthorized("auth.expired_token") from error
    except InvalidToken as error:
        raise Unauthorized("auth.invalid_token") from error


async def _authorise(connection: AnyConnection, actor: Actor, rule: Access) -> None:
    if rule.of is None:
        _decide(actor, rule.action, None)
        return
    target: UUID = connection.path_params["id"]
    patient_id = target if rule.of == "patient" else await services(connection).reader.subject_of(target)
    if patient_id is None:
        raise NotFound("not_found")
    await require(connection, actor, rule.action, patient_id)


def _decide(actor: Actor, action: Action, folded: PatientAccess | None) -> None:
    decision = access.allowed(actor, action, folded, datetime.now(UTC))
    if isinstance(decision, access.NotFoundForCaller):
        raise NotFound("not_found")
    if folded is not None and folded.erased:
        raise Rejected("patient.erased")
    if isinstance(decision, access.Denied):
        raise Denied(decision.code)


def _check_query(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """An unknown parameter, or one given twice, is never ignored."""
    known = handler.opt.get("query", frozenset()) | LAYERED
    given = sorted(connection.query_params.multi_items())
    times = Counter(name for name, _ in given)
    errors = [FieldError(path=name, code=_unknown(name)) for name in times if name not in known]
    errors += [FieldError(path=name, code="request.repeated_parameter") for name, n in times.items() if n > 1]
    errors += [FieldError(path=name, code="text.nul") for name, value in given if "\0" in name + value]
    errors += [
        FieldError(path=name, code="request.out_of_range") for name, value in given if value in NOTHING
    ]
    if errors:
        codes = {error.code for error in errors}
        code = codes.pop()
        raise Malformed(code if not codes and code in TELLING else "request.malformed", errors=tuple(errors))


def _unknown(name: str) -> str:
    return "time.not_here" if name in {"known_at", "as_of"} else "request.unknown_parameter"


async def _check_body(request: Request[Any, Any, Any], type_: Any) -> None:  # noqa: ANN401  any annotation
    """Read the body once ourselves, so that all its wrong fields are named."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ClientException(status_code=415)
    try:
        body = await request.body()
    except ClientException:
        await _read_out(request)
        raise
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("request.not_json") from error
    if wrong := (*wrong_fields(value, type_), *unstorable(value)):
        raise Malformed("request.malformed", errors=wrong)


async def _read_out(request: Request[Any, Any, Any]) -> None:
    """Let a body that is too large come to its end: who is still sending does not hear the answer."""
    left, more = MOST_READ_OUT, True
    while more and left > 0:
        message = await request.receive()
        if message["type"] != "http.request":
            return
        left -= len(message["body"])
        more = message["more_body"]
