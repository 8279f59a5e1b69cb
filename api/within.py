"""A request that the house sends to itself, by the same road as those from outside."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.types import HTTPReceiveMessage, HTTPScope, HTTPSendMessage, Receive, Send

from api.caller import request_id_of

PASSED_ON = (b"authorization", b"accept-language")
"""Who asks, and in which language; the id of the request stays the same too."""


class Answered(msgspec.Struct, frozen=True):
    """What came back; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes


async def post(
    request: Request[Any, Any, Any], path: str, content: bytes, headers: Mapping[str, str]
) -> Answered:
    """Send it in the name of who sent `request`."""
    unread: list[HTTPReceiveMessage] = [{"type": "http.request", "body": content, "more_body": False}]
    told: list[HTTPSendMessage] = []

    async def receive() -> HTTPReceiveMessage:
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message: HTTPSendMessage) -> None:
        told.append(message)

    await request.app(_scope(request, path, headers), cast("Receive", receive), cast("Send", send))
    first, *rest = cast("list[dict[str, Any]]", told)
    return Answered(
        status=first["status"],
        headers={name.decode().lower(): value.decode("latin-1") for name, value in first["headers"]},
        content=b"".join(one.get("body", b"") for one in rest),
    )


def _scope(request: Request[Any, Any, Any], path: str, headers: Mapping[str, str]) -> HTTPScope:
    outer = cast("dict[str, Any]", request.scope)
    own = {
        "content-type": "application/json",
        "x-request-id": str(request_id_of(request)),
        **headers,
    }
    scope = {name: outer[name] for name in ("type", "asgi", "http_version", "scheme", "server", "client")}
    scope |= {"method": "POST", "path": path, "raw_path": path.encode(), "root_path": ""}
    scope |= {"query_string": outer["query_string"], "state": {}, "extensions": {}}
    scope["headers"] = [
        *((name, value) for name, value in outer["headers"] if name in PASSED_ON),
        *((name.encode(), value.encode("latin-1")) for name, value in own.items()),
    ]
    return cast("HTTPScope", scope)
