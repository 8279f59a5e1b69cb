"""The commands of a phone that was away: each goes the road of a single one and has its own result."""

import asyncio
import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from api import within
from api.access import Access
from api.caller import Caller
from api.commanding import LONGEST_KEY, Answer
from api.lanes import Place, places, resolved
from api.problems import SECONDS_UNTIL_RETRY, Problem, render
from domain.errors import FieldError

MOST_COMMANDS = 500
LARGEST_BATCH = 8_000_000
AT_ONCE = 16
"""Of one batch, so that it fills the group commits and leaves connections to others."""
PREFIX = "/v1"
_PARAMETER = re.compile(r"\\{[^}]*\\}")


Key = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_KEY, pattern="^[ -~]*$", description="Its Idempotency-Key.")
]
Tag = Annotated[str, Meta(pattern="^[ -~]*$", description="The stream version that was seen, or its ETag.")]


class BatchedCommand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command as it would be sent by itself."""

    path: Annotated[
        str,
        Meta(description="With or without /v1; `$KEY` stands for the id made by an earlier command's key."),
    ]
    method: Literal["POST"] = "POST"
    key: Key | None = None
    if_match: Tag | Annotated[int, Meta(ge=0)] | None = None
    body: Annotated[Any, Meta(description="What the route of this path takes.")] = {}


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands in the order in which they were given."""

    commands: Annotated[list[BatchedCommand], Meta(max_length=MOST_COMMANDS)]


class CommandResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one command is answered with: a body where it was taken, else a problem."""

    status: int
    key: str | None = None
    position: int | None = None
    etag: str | None = None
    body: Answer | None = None
    problem: Problem | None = None
    retry_after: int | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Results in the order of the commands, and the last position among them."""

    results: list[CommandResult]
    position: int


class _Body(msgspec.Struct, frozen=True):
    body: msgspec.Raw = msgspec.Raw(b"{}")


class _Bodies(msgspec.Struct, frozen=True):
    """The bodies as they were spelled: their own routes read them."""

    commands: list[_Body]


@post(
    "/batch",
    operation_id="sendBatch",
    summary="Up to 500 commands of a phone that was away, each with its own result.",
    description="Commands that name the same id go in order, others at once. A key makes a resend harmless.",
    tags=["batch"],
    status_code=200,
    request_max_body_size=LARGEST_BATCH,
    opt={"access": Access("send_batch"), "body": Batch, "parts_checked_later": True, "etag": False},
)
async def send_batch(request: Request[Caller, Any, Any], data: JSONBody[Batch]) -> Response[BatchAnswer]:
    spelled = msgspec.json.decode(await request.body(), type=_Bodies)
    results = await _Sending(request, data.commands, [bytes(one.body) for one in spelled.commands]).results()
    position = max((one.position for one in results if one.position is not None), default=0)
    return Response(
        BatchAnswer(results=results, position=position),
        headers={"Tarikh-Position": str(position), "Cache-Control": "no-store"},
    )


class _Sending:
    """A batch under way. When one command finds no storage, those not yet begun are left alone."""

    def __init__(
        self, request: Request[Caller, Any, Any], commands: Sequence[BatchedCommand], bodies: Sequence[bytes]
    ) -> None:
        self._request = request
        self._commands = commands
        self._bodies = bodies
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: list[asyncio.Task[CommandResult]] = []
        self._stopped = False

    async def results(self) -> list[CommandResult]:
        named = [(one.path, one.key, one.body) for one in self._commands]
        async with asyncio.TaskGroup() as group:
            for index, place in enumerate(places(named)):
                self._tasks.append(group.create_task(self._in_turn(index, place)))
        return [task.result() for task in self._tasks]

    async def _in_turn(self, index: int, place: Place) -> CommandResult:
        for earlier in place.after:
            await asyncio.wait([self._tasks[earlier]])
        async with self._turns:
            result = self._untaken(index, place) or await self._sent(index, place)
        self._stopped = self._stopped or result.status == HTTPStatus.SERVICE_UNAVAILABLE
        return result

    def _untaken(self, index: int, place: Place) -> CommandResult | None:
        """What is answered without trying."""
        if self._stopped:
            return self._refused(index, HTTPStatus.SERVICE_UNAVAILABLE, "batch.not_tried")
        if any(
            earlier is None or self._tasks[earlier].result().body is None
            for earlier in place.references.values()
        ):
            unmet = FieldError(path="path", code="batch.reference_unmet")
            return self._refused(index, HTTPStatus.CONFLICT, unmet.code, (unmet,))
        if not _is_command(self._commands[index].path):
            return self._refused(index, HTTPStatus.NOT_FOUND, "batch.no_command")
        return None

    async def _sent(self, index: int, place: Place) -> CommandResult:
        """Send it as if it had come by itself."""
        command, headers = self._commands[index], {}
        if command.key is not None:
            headers["idempotency-key"] = command.key
        if command.if_match is not None:
            seen = command.if_match
            headers["if-match"] = f'"{seen}"' if isinstance(seen, int) else seen
        path = resolved(_whole(command.path), self._ids(place))
        answered = await within.post(self._request, path, self._bodies[index], headers)
        return _told(command.key, answered)

    def _ids(self, place: Place) -> dict[str, UUID]:
        results = {
            key: self._tasks[earlier].result()
            for key, earlier in place.references.items()
            if earlier is not None
        }
        return {key: result.body.id for key, result in results.items() if result.body is not None}

    def _refused(
        self, index: int, status: int, code: str, errors: Sequence[FieldError] = ()
    ) -> CommandResult:
        again = int(SECONDS_UNTIL_RETRY) if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        problem = render(self._request, status, code, errors).content
        return CommandResult(status=status, key=self._commands[index].key, problem=problem, retry_after=again)


def _told(key: str | None, answered: within.Answered) -> CommandResult:
    if answered.status >= HTTPStatus.BAD_REQUEST:
        later = answered.headers.get("retry-after")
        return CommandResult(
            status=answered.status,
            key=key,
            problem=msgspec.json.decode(answered.content, type=Problem),
            retry_after=None if later is None else int(later),
        )
    body = msgspec.json.decode(answered.content, type=Answer)
    etag = answered.headers["etag"]
    return CommandResult(status=answered.status, key=key, position=body.position, etag=etag, body=body)


def _whole(path: str) -> str:
    return path if path.startswith(f"{PREFIX}/") else PREFIX + path


def _is_command(path: str) -> bool:
    return _commands().fullmatch(_whole(path)) is not None


@cache
def _commands() -> re.Pattern[str]:
    """The paths of all commands: of all routes that know a resend by its key."""
    from api.app import VERSION_1  # noqa: PLC0415  this is one of them

    templates = [
        path
        for handler in VERSION_1
        if isinstance(handler, HTTPRouteHandler) and "idempotency_key" in handler.opt.get("names", {})
        for path in handler.paths
    ]
    return re.compile("|".join(PREFIX + _PARAMETER.sub("[^/]+", re.escape(path)) for path in templates))


ROUTES = [send_batch]
