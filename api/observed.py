"""One log line for each request: its route's template, never path, query or body; its id on every line."""

import time
from uuid import UUID

import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.caller import request_id_of

log = structlog.get_logger()


class Observed(ASGIMiddleware):
    """Binds the request id, gives it back as `X-Request-Id`, and logs how the request ended."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await next_app(scope, receive, send)
            return
        request_id: UUID = request_id_of(Request(scope))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 500

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", str(request_id).encode())]
            await send(message)

        try:
            await next_app(scope, receive, observed_send)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            route = getattr(scope.get("route_handler"), "paths", None)
            template = min(route) if route else "none"
            log.info(
                "request", method=scope["method"], route=template, status=status, duration_ms=milliseconds
            )
