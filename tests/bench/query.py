"""`timeline_vs_query`: a timeline's first page over a route with one trivial query, same pool and server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, get

from api.access import PUBLIC
from api.app import create
from api.caller import services
from domain.event import Actor
from infra.event_log.append import Append
from infra.running import projecting
from infra.services import opened
from infra.settings import Settings
from infra.tokens import Tokens
from tests.bench import samples
from tests.bench.harness import Figure, house, ratio

PORT = 8731
CONNECTIONS = 8
REQUESTS = 800
SYMPTOMS = 200


@get("/bench/query", opt={"access": PUBLIC})
async def one_query(request: Request[Any, Any, Any]) -> dict[str, int]:
    """The bare route: one connection of the pool, one trivial query."""
    async with services(request).pool.connection() as connection:
        cursor = await connection.execute("SELECT 1")
        row = await cursor.fetchone()
    return {"one": row[0] if row else 0}


async def figures() -> AsyncIterator[Figure]:
    """How many times the bare route's time a page takes."""
    with house() as (settings, servers):
        made = list(samples.requests(20, SYMPTOMS))
        async with opened(settings, servers) as opened_services:
            await asyncio.gather(*map(opened_services.writer.append, made))
        async with projecting(settings, servers) as (projector, _):
            await projector.take_over()
            await projector.catch_up()
            await projector.give_back()
        application = create(settings)
        application.register(one_query)
        async with _serving(application):
            page = partial(_per_request, _paths(made), _token(settings))
            bare = partial(_per_request, ["/bench/query"], "")
            yield await ratio("timeline_vs_query", page, bare, "<= 1.5", items=50, connections=CONNECTIONS)


def _paths(made: list[Append]) -> list[str]:
    patients = dict.fromkeys(request.events[0].subject_id for request in made)
    return [f"/v1/patients/{patient}/timeline" for patient in patients]


def _token(settings: Settings) -> str:
    """An auditor reads any timeline."""
    return Tokens(settings.token_key).issue(
        Actor(account_id=samples.ACTOR, role="auditor"), timedelta(hours=1)
    )


@asynccontextmanager
async def _serving(application: Litestar) -> AsyncIterator[None]:
    server = Server(application, address="127.0.0.1", port=PORT, interface=Interfaces.ASGI, log_enabled=False)
    task = asyncio.create_task(server.serve())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            break
    try:
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it so
        await task


async def _per_request(paths: list[str], token: str) -> float:
    """Seconds a request, with all connections busy."""
    started = time.perf_counter()
    await asyncio.gather(*(_connection(paths, token) for _ in range(CONNECTIONS)))
    return (time.perf_counter() - started) / REQUESTS


async def _connection(paths: list[str], token: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    for number in range(REQUESTS // CONNECTIONS):
        path = paths[number % len(paths)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.split(b"\r\n")[0].decode())
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    writer.close()
