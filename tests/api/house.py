"""A Tarikh that runs: the API on a port, a projector behind it, and callers who speak HTTP to it."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from api.app import create
from domain.event import Actor, Role
from infra.embedded import Servers
from infra.ids import new_id
from infra.projector.live import follow
from infra.running import projecting, ready
from infra.services import Services
from infra.settings import Settings
from infra.tokens import Tokens

SECONDS_TO_START = 30
Json = dict[str, Any]


@dataclass
class House:
    """Where it answers, what it has opened, and what was last recorded in it."""

    settings: Settings
    servers: Servers
    app: Litestar
    url: str
    logged: Path
    position: int = 0
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def services(self) -> Services:
        found: Services = self.app.state.services
        return found

    def caller(
        self, role: Role, patient_id: UUID | str | None = None, account_id: UUID | None = None
    ) -> "Caller":
        """Somebody with a token of this role."""
        whose = None if patient_id is None else UUID(str(patient_id))
        actor = Actor(account_id=account_id or new_id(), role=role, patient_id=whose)
        token = Tokens(self.settings.token_key).issue(actor, timedelta(hours=1))
        return Caller(self, actor.account_id, {"Authorization": f"Bearer {token}"})


@dataclass
class Caller:
    """Speaks HTTP; sees whatever was recorded through any caller of the house before."""

    house: House
    account_id: UUID
    headers: dict[str, str]
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        client = httpx.Client(base_url=self.house.url, headers=self.headers, timeout=20)
        self.http = self.house.closing.enter_context(client)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: object) -> httpx.Response:
        """A query that waits for what was recorded; `from_` is `from`."""
        given = {name.rstrip("_"): str(value) for name, value in query.items()}
        seen = {"Tarikh-Min-Position": str(self.house.position), **(headers or {})}
        return self.http.get(f"/v1{path}", params=given or None, headers=seen)

    def read(self, path: str, headers: Mapping[str, str] | None = None, **query: object) -> Json:
        """The same, where an answer is expected."""
        answered = self.get(path, headers, **query)
        assert answered.status_code == 200, answered.text
        found: Json = answered.json()
        return found

    def post(
        self, path: str, body: object | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        answered = self.http.post(
            f"/v1{path}", json={} if body is None else body, headers=dict(headers or {})
        )
        self.house.position = max(self.house.position, int(answered.headers.get("Tarikh-Position", 0)))
        return answered

    def tell(self, path: str, body: object | None = None, **headers: str) -> Json:
        """A command that is expected to be taken."""
        answered = self.post(path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        assert answered.status_code in {200, 201}, answered.text
        found: Json = answered.json()
        return found


def problem(answered: httpx.Response, status: int, code: str) -> Json:
    """What was refused, as it must look everywhere."""
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"].startswith("application/problem+json")
    told: Json = answered.json()
    assert set(told) == {"type", "title", "status", "detail", "code", "errors", "instance"}
    assert (told["status"], told["code"]) == (status, code), told
    assert told["title"]
    assert told["detail"]
    return told


def fields(told: Json) -> dict[str, str]:
    """Code by path of every wrong field."""
    assert all(one["detail"] for one in told["errors"])
    return {one["path"]: one["code"] for one in told["errors"]}


@contextlib.contextmanager
def running(settings: Settings, stderr: TextIO) -> Iterator[House]:
    """Start the house in a thread of its own, and stop it in order; its log lines go to `stderr`.

    Loggers keep the file that they first wrote to, so all houses of a process share one.
    """
    port = free_port()
    with ready(settings) as servers, contextlib.redirect_stderr(stderr):
        app, url = create(settings), f"http://127.0.0.1:{port}"
        house = House(settings, servers, app, url, Path(stderr.name))
        stop = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(_serve(house, port, stop)), name="house")
        thread.start()
        try:
            _wait_until_ready(house, thread)
            with house.closing:
                yield house
        finally:
            stop.set()
            thread.join()


async def _serve(house: House, port: int, stop: threading.Event) -> None:
    ended = asyncio.Event()
    server = Server(house.app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
    async with projecting(house.settings, house.servers) as (projector, _):
        tasks = [
            asyncio.create_task(follow(projector, house.servers.database_url, ended)),
            asyncio.create_task(server.serve()),
        ]
        await asyncio.to_thread(stop.wait)
        server.stop()  # type: ignore[no-untyped-call]  # granian's
        ended.set()
        await asyncio.gather(*tasks)


def _wait_until_ready(house: House, thread: threading.Thread) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and thread.is_alive():
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{house.url}/health/ready").status_code == 200:
                return
    raise TimeoutError(house.logged.read_text())


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
