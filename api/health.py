"""Whether this process lives, and whether it can do its work."""

from typing import Any

import msgspec
import psycopg
from litestar import Request, Response, get
from psycopg_pool import PoolTimeout

from api.access import PUBLIC
from api.caller import services
from infra.progress import Standing

MOST_LAG = 10_000


class Health(msgspec.Struct, frozen=True):
    """`problems` are codes; empty when all is well.

    Patients who are held back leave a process ready: everybody else is answered as always.
    """

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
        standing = await found.progress.standing(found.models.values())
        unready = await found.notary.problems()
    except (psycopg.OperationalError, PoolTimeout):
        return Response(Health("unavailable", ["storage.unavailable"]), status_code=503)
    unready += [problem for name in found.models for problem in _problems(name, standing.get(name), head)]
    held = [f"projection.held:{name}" for name, one in standing.items() if one.held]
    status = "behind" if unready else "degraded" if held else "ok"
    positions = {name: one.position for name, one in standing.items()}
    return Response(Health(status, unready + held, head, positions), status_code=503 if unready else 200)


def _problems(name: str, one: Standing | None, head: int) -> list[str]:
    """Why answers from this model cannot be relied on."""
    if one is None:
        return [f"projection.missing:{name}"]
    wrong = {
        f"projector.dead:{name}": not one.fed,
        f"projection.building:{name}": not one.built,
        f"projection.behind:{name}": one.built and head - one.position > MOST_LAG,
        f"checkpoint.ahead:{name}": one.position > head,
    }
    return [problem for problem, true in wrong.items() if true]


HEALTH = [live, ready]
