"""Whether this process lives, and whether it can do its work."""

from typing import Any

import msgspec
import psycopg
from litestar import Request, Response, get
from psycopg_pool import PoolTimeout

from api.access import PUBLIC
from api.caller import services

MOST_LAG = 10_000


class Health(msgspec.Struct, frozen=True):
    """`problems` are codes; empty when all is well."""

    status: str
    problems: list[str]
    head: int | None = None
    checkpoints: dict[str, int] = {}


@get(
    "/health/live",
    operation_id="live",
    opt={"access": PUBLIC},
    tags=["health"],
    summary="The process answers.",
)
async def live() -> Health:
    return Health("ok", [])


@get(
    "/health/ready",
    operation_id="ready",
    opt={"access": PUBLIC, "unready": Health},
    tags=["health"],
    summary="Postgres answers, the read models keep up, the log is what was signed.",
)
async def ready(request: Request[Any, Any, Any]) -> Response[Health]:
    found = services(request)
    try:
        head = (await found.reader.head()).position
        checkpoints = await found.progress.checkpoints(found.models.values())
        problems = await found.notary.problems()
        alive = await found.progress.projecting()
    except (psycopg.OperationalError, PoolTimeout):
        return Response(Health("unavailable", ["storage.unavailable"]), status_code=503)
    if not alive:
        problems.append("projector.dead")
    problems += [f"projection.missing:{name}" for name in found.models if name not in checkpoints]
    problems += [
        f"projection.behind:{name}" for name, position in checkpoints.items() if head - position > MOST_LAG
    ]
    problems += [f"checkpoint.ahead:{name}" for name, position in checkpoints.items() if position > head]
    status = "behind" if problems else "ok"
    return Response(Health(status, problems, head, checkpoints), status_code=503 if problems else 200)


HEALTH = [live, ready]
