"""Queries over HTTP, against a route with one trivial query on the same pool and server.

The house is that of `population.py`. Pages are asked for as an app asks: again and again, by some of the
people. A cold page is one of whose patient this process remembers nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, get

from api.access import PUBLIC
from api.app import create
from api.caller import services
from domain.diagnosis import SymptomObserved
from domain.event import Actor
from infra.embedded import Servers
from infra.event_log.append import Append, NewEvent
from infra.ids import new_id
from infra.running import projecting
from infra.services import opened
from infra.settings import Settings
from infra.tokens import Tokens
from tests.bench import samples
from tests.bench.harness import Figure, Measured, ratio
from tests.bench.population import Population, populated

PORT = 8731
HOST = f"http://127.0.0.1:{PORT}"
CONNECTIONS = 8
REQUESTS = 800
ASKING = 20
"""So many of the people ask."""
DEEP = 1_000
"""Pages of one item: the page of this number begins behind as many items."""
LARGE = 130_000
DEEP_FIRST = 100
"""Items on a page before the deep one of a generated patient."""


@get("/bench/query", opt={"access": PUBLIC})
async def one_query(request: Request[Any, Any, Any]) -> dict[str, int]:
    """The bare route: one connection of the pool, one trivial query."""
    async with services(request).pool.connection() as connection:
        cursor = await connection.execute("SELECT 1")
        row = await cursor.fetchone()
    return {"one": row[0] if row else 0}


@get("/bench/forget", opt={"access": PUBLIC})
async def forget(request: Request[Any, Any, Any]) -> dict[str, int]:
    """Let the process forget whatever it remembers of patients."""
    services(request).progress.forget_all()
    return {}


async def figures() -> AsyncIterator[Figure]:
    """How many times the bare route's time each takes."""
    async with populated() as (settings, servers, population):
        large = await _large_patient(settings, servers)
        application = create(settings)
        for route in (one_query, forget):
            application.register(route)
        async with _serving(application), httpx.AsyncClient(base_url=HOST, timeout=60) as http:
            http.headers["Authorization"] = f"Bearer {_token(settings)}"
            said = {"events": population.events, "connections": CONNECTIONS}
            asked = await _asked(http, population)
            bare = partial(_per_request, ["/bench/query"], "")
            token = _token(settings)
            for name, (paths, goal) in asked.items():
                yield await ratio(name, partial(_per_request, paths, token), bare, goal, **said)
            yield await ratio(
                "cold_page_vs_query", _cold(asked["timeline_vs_query"][0], token), bare, "<= 1.43", **said
            )
            async for found in _single(http, population, large):
                yield found


async def _asked(http: httpx.AsyncClient, population: Population) -> dict[str, tuple[list[str], str]]:
    """Paths and goals by the names of the figures."""
    people = population.people[:ASKING]
    first = [f"/v1/patients/{patient}/timeline" for patient, _, _ in people]
    deep = [f"{path}?before={await _cursor(http, path, DEEP_FIRST)}" for path in first]
    lines = [f"/v1/recommendations/{line}" for _, _, line in people]
    return {
        "timeline_vs_query": ([*first, *deep], "<= 1.5"),
        "compare_vs_query": ([f"{line}/compare?from=1&to=4" for line in lines], "<= 3"),
    }


async def _single(http: httpx.AsyncClient, population: Population, large: UUID) -> AsyncIterator[Figure]:
    """Pages of single patients, of whom nothing is remembered, one over another."""
    live = f"/v1/patients/{population.largest}/timeline"
    then = f"{live}?as_of=2015-06-01"
    deep = f"/v1/patients/{large}/timeline?limit=1"
    far = f"{deep}&before={await _cursor(http, f'/v1/patients/{large}/timeline', DEEP)}"
    big, small = f"/v1/patients/{large}/timeline", f"/v1/patients/{population.people[0][0]}/timeline"
    for name, one, other, goal in (
        ("as_of_vs_live", then, live, "<= 5"),
        ("deep_page", far, deep, "<= 1.5"),
        ("big_patient", big, small, "<= 2"),
    ):
        yield await ratio(name, _alone(http, one), _alone(http, other), goal, large=LARGE)


def _alone(http: httpx.AsyncClient, path: str) -> Measured:
    async def measured() -> float:
        """Median seconds of a path, each time cold."""
        taken = []
        for _ in range(50):
            await http.get("/bench/forget")
            started = time.perf_counter()
            (await http.get(path)).raise_for_status()
            taken.append(time.perf_counter() - started)
        return sorted(taken)[len(taken) // 2]

    return measured


def _cold(paths: Sequence[str], token: str) -> Measured:
    async def measured() -> float:
        """Seconds a request, where the process is made to forget before each round of the people."""
        seconds = 0.0
        for _ in range(REQUESTS // len(paths)):
            await _per_request(["/bench/forget"], "", 1)
            seconds += await _per_request(paths, token, len(paths)) * len(paths)
        return seconds / (REQUESTS // len(paths) * len(paths))

    return measured


async def _cursor(http: httpx.AsyncClient, path: str, items: int) -> str:
    """The place behind so many items."""
    cursor = ""
    while items > 0:
        answer = await http.get(
            path, params={"limit": min(items, 200), **({"before": cursor} if cursor else {})}
        )
        answer.raise_for_status()
        cursor, items = answer.json()["next"], items - 200
    return cursor


async def _large_patient(settings: Settings, servers: Servers) -> UUID:
    """One patient of whom 130,000 facts are recorded, in the tables."""
    patient_id, diagnosis_id = new_id(), new_id()
    async with opened(settings, servers) as found:
        for request in samples.day(patient_id, diagnosis_id, 1):
            await found.writer.append(request)
        for first in range(2, LARGE, 1_000):
            events = tuple(
                NewEvent(
                    stream_id=diagnosis_id,
                    version=number,
                    subject_id=patient_id,
                    actor_id=samples.ACTOR,
                    event=SymptomObserved(
                        occurred_at=samples.START + timedelta(minutes=number),
                        symptom_code="headache",
                        score=float(number % 10),
                    ),
                    meta=samples.META,
                )
                for number in range(first, first + 1_000)
            )
            await found.writer.append(Append(request_id=new_id().bytes * 2, events=events))
    async with projecting(settings, servers) as (projector, _):
        await projector.take_over()
        await projector.catch_up()
        await projector.give_back()
    return patient_id


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


async def _per_request(paths: Sequence[str], token: str, requests: int = REQUESTS) -> float:
    """Seconds a request, with all connections busy."""
    started = time.perf_counter()
    asked = [paths[number % len(paths)] for number in range(requests)]
    await asyncio.gather(*(_connection(asked[n::CONNECTIONS], token) for n in range(CONNECTIONS)))
    return (time.perf_counter() - started) / requests


async def _connection(paths: Sequence[str], token: str) -> None:
    if not paths:
        return
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.split(b"\r\n")[0].decode())
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    writer.close()
