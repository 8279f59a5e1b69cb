"""One line for each command: its path, body and who may send it; all handlers are the same statements."""

import hashlib
import inspect
import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, JSONBody

from api import origins
from api.access import Access, Category, seen
from api.caller import Caller, request_id_of, services
from api.query import names
from domain.access import Action
from domain.errors import Conflict, NotFound
from domain.event import Command
from infra.commands import BEGINNING, RequestKey, Result, Wish

LONGEST_KEY = 400
_WORD = re.compile("[A-Z][a-z]*")
_OUR_ETAG = re.compile(r'"([0-9]{1,18})"', re.ASCII)

IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description="The stream version, as the ETag said it.")
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        description="A resend with it gets the first answer.",
    ),
]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command is answered with."""

    id: UUID
    version: int
    position: int
    recommendation_version: int | None = None


def command(
    path: str, kind: type[Command], action: Action, of: Category | None, **fills: str
) -> HTTPRouteHandler:
    """A POST route for a command to what `{id}` names. `fills` are fields that stand in the path."""
    body = _without(kind, fills) if fills else kind
    name = kind.__name__[0].lower() + kind.__name__[1:]

    async def handle(
        request: Request[Caller, Any, Any],
        data: Any,  # noqa: ANN401  its annotation is set below
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Answer]:
        filled = {field: request.path_params[parameter] for field, parameter in fills.items()}
        wanted = _command(kind, data, filled)
        return await send(request, wanted, request.path_params.get("id"), if_match, idempotency_key)

    handle.__annotations__["data"] = JSONBody[body]  # type: ignore[valid-type, misc]  # made for this route
    return post(
        path,
        operation_id=name,
        summary=" ".join(_WORD.findall(kind.__name__)).capitalize(),
        description=kind.__doc__ and inspect.cleandoc(kind.__doc__),
        tags=[path.split("/")[1]],
        status_code=201 if kind in BEGINNING else 200,
        opt={
            "access": Access(action, of),
            "body": body,
            "path": _in_path(kind, fills),
            "names": names(send),
            "also": (404,) if of is None and "{id" in path else (),
        },
    )(handle)


async def send(
    request: Request[Caller, Any, Any],
    wanted: Command,
    target_id: UUID | None,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Answer]:
    """Run a command for the caller and answer with what it came to."""
    caller = request.user
    wish = Wish(
        command=wanted,
        target_id=target_id,
        actor=caller.actor,
        origin=origins.of(wanted, caller.actor.role),
        correlation_id=request_id_of(request),
        locale=caller.locale,
        key=_key(wanted, idempotency_key),
        digest=_digest(wanted, target_id),
        expected_version=_version(if_match),
    )
    return answer(await services(request).commands.run(wish, seen(request)))


def answer(result: Result) -> Response[Answer]:
    """201 where a stream began, else 200; with the strong ETag of the stream."""
    return Response(
        Answer(
            id=result.id,
            version=result.version,
            position=result.position,
            recommendation_version=result.recommendation_version,
        ),
        status_code=201 if result.created else 200,
        headers={
            "ETag": f'"{result.version}"',
            "Tarikh-Position": str(result.position),
            "Cache-Control": "no-store",
        },
    )


def _command(kind: type[Command], data: msgspec.Struct, filled: dict[str, Any]) -> Command:
    if isinstance(data, kind):
        return data
    try:
        return kind(**msgspec.structs.asdict(data), **{n: _converted(kind, n, v) for n, v in filled.items()})
    except msgspec.ValidationError as error:
        raise NotFound("not_found") from error


def _in_path(kind: type[Command], fills: dict[str, str]) -> dict[str, Any]:
    """The types of the fields that stand in the path, by the names of the parameters."""
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {parameter: hints[field] for field, parameter in fills.items()}


def _converted(kind: type[Command], name: str, value: Any) -> Any:  # noqa: ANN401  a path parameter of any type
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return value if isinstance(value, UUID) else msgspec.convert(value, hints[name])


def _without(kind: type[Command], names: dict[str, str]) -> type[msgspec.Struct]:
    """The command's body without the fields that its path says."""
    fields = [
        (f.name, f.type) if f.required else (f.name, f.type, f.default)
        for f in msgspec.structs.fields(kind)
        if f.name not in names
    ]
    return msgspec.defstruct(
        f"{kind.__name__}Body", fields, frozen=True, kw_only=True, forbid_unknown_fields=True
    )


def _digest(wanted: Command, target_id: UUID | None) -> str:
    """What was asked for, in whichever spelling it was sent."""
    said = msgspec.json.encode((type(wanted).__name__, target_id, wanted))
    return hashlib.sha256(said).hexdigest()


def _key(wanted: Command, idempotency_key: str | None) -> RequestKey | None:
    """What makes this request known again: its own key, or the device's id of the event."""
    if idempotency_key is not None:
        return RequestKey("idempotency", idempotency_key)
    origin = wanted.origin
    if origin is not None and origin.device_id and origin.client_event_id:
        return RequestKey("device", f"{origin.device_id}\0{origin.client_event_id}")
    return None


def _version(if_match: str | None) -> int | None:
    """The stream version of an If-Match; no such version where it is none of our ETags."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip()
    if found := _OUR_ETAG.fullmatch(text):
        return int(found[1])
    raise Conflict("version.mismatch")
