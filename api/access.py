"""Before any handler runs: who calls, whether they may, and whether what they sent can be read."""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from api.caller import AnyConnection, Caller, locale_of, services
from api.fields import unstorable, wrong_fields
from api.problems import Denied, Malformed, Unauthorized
from api.query import Parameter
from domain import access
from domain.access import Action, PatientAccess
from domain.errors import FieldError, NotFound, Rejected
from domain.event import Actor, Locale
from infra.commands import Seen
from infra.commands.decided import Stream
from infra.tokens import ExpiredToken, InvalidToken

Category = Literal["patient", "merge", "diagnosis", "recommendation", "feedback", "prediction"]
LAYERED = {"lang": Parameter(Locale)}
"""The parameters of every route."""
MOST_READ_OUT = 16_000_000
NOTHING = frozenset({"", "null"})
"""Values that the framework would take for a parameter that is not there."""


TELLING = frozenset({"request.unknown_parameter", "request.repeated_parameter", "time.not_here", "text.nul"})
"""What is told of the request as a whole where nothing else is wrong with it."""


class Access(msgspec.Struct, frozen=True):
    """What a route does, and to whose record: that of the stream which the path parameter `id` names.

    A merge is of both its patients; `of` is None where it concerns no single patient.
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
        await _check_body(connection, handler.opt["body"], whole="parts_checked_later" not in handler.opt)


async def require(connection: AnyConnection, actor: Actor, action: Action, patient_id: UUID) -> None:
    """Raise NotFound or Denied unless the actor may do this to the record, Rejected where it was erased."""
    group = await _merged(connection, patient_id)
    decision = access.allowed_to_person(actor, action, group, datetime.now(UTC))
    if any(one.erased for one in group) and not isinstance(decision, access.NotFoundForCaller):
        raise Rejected("patient.erased")
    _heed(decision)


def _heed(decision: access.Decision) -> None:
    match decision:
        case access.NotFoundForCaller():
            raise NotFound("not_found")
        case access.Denied(code):
            raise Denied(code)
        case access.Allowed():
            pass


async def _merged(connection: AnyConnection, patient_id: UUID) -> list[PatientAccess]:
    """What the streams of all records say that were merged into one with this, this one the first."""
    found: dict[UUID, PatientAccess] = {}
    missing = {patient_id}
    while missing:
        found |= await _folded(connection, missing)
        missing = {other for one in found.values() for other in one.merged_with} - set(found)
    return list(found.values())


async def _folded(connection: AnyConnection, patient_ids: Collection[UUID]) -> dict[UUID, PatientAccess]:
    """What the streams of these ids say; another stream than a patient's says nothing.

    A command reads them, as it will be decided on them; a query asks what this process knows.
    """
    if connection.scope["method"] != "POST":  # type: ignore[typeddict-item]  # there are no others than HTTP
        return await services(connection).relations.of(patient_ids)
    read = await _read(connection, patient_ids)
    return {
        patient_id: read[patient_id].state(PatientAccess(patient_id=patient_id), access.evolve_access)
        for patient_id in patient_ids
    }


async def _read(connection: AnyConnection, stream_ids: Collection[UUID]) -> Seen:
    """These streams as this request sees them: each is read once."""
    found = seen(connection)
    if missing := [stream_id for stream_id in stream_ids if stream_id not in found]:
        found |= await services(connection).loading.about(missing)
    return found


def seen(connection: AnyConnection) -> dict[UUID, Stream]:
    """What this request has read so far."""
    found: dict[UUID, Stream] = connection.scope.setdefault("seen", {})  # type: ignore[typeddict-item]  # ours
    return found


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
        _heed(access.allowed(actor, rule.action, None, datetime.now(UTC)))
        return
    for patient_id in await _concerned(connection, rule.of, connection.path_params["id"]):
        await require(connection, actor, rule.action, patient_id)


async def _concerned(connection: AnyConnection, category: Category, target: UUID) -> list[UUID]:
    """Whose records a path names; of a merge it is the retired patient's, and the survivor is told there."""
    if category == "patient":
        return [target]
    if category == "merge":
        retired = (await _folded(connection, [target]))[target]
        survivor = retired.merged_into or retired.proposed_into
        return [target] if survivor is None else [target, survivor]
    subject = await _whose(connection, target)
    if subject is None:
        raise NotFound("not_found")
    return [subject]


async def _whose(connection: AnyConnection, stream_id: UUID) -> UUID | None:
    """Whose stream it is. A command will be decided on all of it, so that it is read at once."""
    if connection.scope["method"] == "POST":  # type: ignore[typeddict-item]  # there are no others than HTTP
        return (await _read(connection, [stream_id]))[stream_id].subject_id
    return await services(connection).reader.subject_of(stream_id)


def _check_query(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """All that is wrong with the parameters, told at once: none is ignored, and none read by halves."""
    known: dict[str, Parameter] = {**LAYERED, **handler.opt.get("query", {})}
    given = sorted(connection.query_params.multi_items())
    times = Counter(name for name, _ in given)
    errors = [FieldError(path=name, code=_unknown(name)) for name in times if name not in known]
    errors += [FieldError(path=name, code="request.repeated_parameter") for name, n in times.items() if n > 1]
    errors += [FieldError(path=name, code="text.nul") for name, value in given if "\0" in name + value]
    told = {error.path for error in errors}
    errors += [
        FieldError(path=name, code="request.out_of_range")
        for name, value in given
        if name not in told and (value in NOTHING or not known[name].fits(value))
    ]
    errors += [
        FieldError(path=name, code="request.missing_field")
        for name, parameter in known.items()
        if parameter.required and name not in times
    ]
    if errors:
        codes = {error.code for error in errors}
        code = codes.pop()
        raise Malformed(code if not codes and code in TELLING else "request.malformed", errors=tuple(errors))


def _unknown(name: str) -> str:
    return "time.not_here" if name in {"known_at", "as_of"} else "request.unknown_parameter"


async def _check_body(
    request: Request[Any, Any, Any],
    type_: Any,  # noqa: ANN401  any annotation
    *,
    whole: bool,
) -> None:
    """Read the body once ourselves, so that all its wrong fields are named.

    Where it is not read `whole`, its parts are read where they are carried out.
    """
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
    if wrong := (*wrong_fields(value, type_), *(unstorable(value) if whole else ())):
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
