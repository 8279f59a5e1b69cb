"""`python -m tests.bench.serving PARENT`: the API in one worker, and a route that loads and stores nothing.

The settings are those of the environment; it ends with the process that started it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, post
from litestar.params import JSONBody

from api.access import Access
from api.app import create
from api.caller import Caller, services
from infra.embedded import Servers
from infra.parent import end_with
from infra.settings import Settings

PORT = 8732
LOAD = "/v1/bench/load"


class Asked(msgspec.Struct, frozen=True):
    stream_id: UUID


class Loaded(msgspec.Struct, frozen=True):
    id: UUID
    version: int


@post(LOAD, opt={"access": Access("read_self"), "body": Asked}, status_code=200)
async def load(request: Request[Caller, Any, Any], data: JSONBody[Asked]) -> Loaded:
    """Authenticated, a body that is checked, one stream read and opened."""
    events = await services(request).reader.stream(data.stream_id)
    return Loaded(data.stream_id, events[-1].version)


def application(settings: Settings | None = None) -> Litestar:
    made = create(settings)
    made.register(load)
    return made


@asynccontextmanager
async def served(settings: Settings, servers: Servers) -> AsyncIterator[None]:
    """The API of a house in a process of its own, until the end."""
    environment = {
        "TARIKH_DATABASE_URL": servers.database_url,
        "TARIKH_VAULT_URL": servers.vault_url,
        "TARIKH_CACHE_URL": servers.cache_url or "none",
        "TARIKH_DATA_DIR": str(settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.serving", str(os.getpid())),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _answering()
        yield
    finally:
        process.terminate()
        await process.wait()


async def _answering() -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _serve() -> None:
    end_with(int(sys.argv[1]))
    server = Server(application(), "127.0.0.1", PORT, interface=Interfaces.ASGI, log_enabled=False)
    asyncio.run(server.serve())


if __name__ == "__main__":
    _serve()
