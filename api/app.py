"""The application: routes, who may call them, how errors look, what is logged."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.types import ControllerRouterHandler

from api import (
    accounts,
    admin,
    audit,
    batch,
    commands,
    erasures,
    patients,
    predictions,
    proofs,
    special,
    views,
)
from api.access import admit
from api.docs import DOCS
from api.health import HEALTH
from api.observed import Observed
from api.problems import HANDLERS
from infra import embedded, logging
from infra.services import opened
from infra.settings import Settings

LARGEST_BODY = 1_000_000
GROUPS = (
    commands,
    special,
    batch,
    patients,
    views,
    predictions,
    audit,
    proofs,
    erasures,
    admin,
    accounts,
)
VERSION_1 = [route for group in GROUPS for route in group.ROUTES]
ROUTES: list[ControllerRouterHandler] = [Router("/v1", route_handlers=VERSION_1), *HEALTH, *DOCS]


def create(settings: Settings | None = None) -> Litestar:
    """The ASGI application of these settings, by default the environment's."""
    chosen = settings or Settings.from_environment(os.environ)
    logging.configure(chosen)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        with embedded.servers(chosen) as servers:
            async with opened(chosen, servers) as services:
                app.state.services = services
                yield

    return Litestar(
        route_handlers=ROUTES,
        guards=[admit],
        exception_handlers=HANDLERS,
        middleware=[Observed()],
        lifespan=[lifespan],
        openapi_config=None,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000),
        logging_config=None,
        request_max_body_size=LARGEST_BODY,
        debug=False,
    )
