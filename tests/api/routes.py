"""Every route there is, and an address and body that would reach it."""

from collections.abc import Iterator
from uuid import UUID

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

PUBLIC = frozenset({"/health/live", "/health/ready", "/openapi.json", "/docs", "/docs-files/{file_path}"})
NOBODY = UUID("01900000-0000-7000-8000-000000000000")


def routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Method, template and handler; without what the framework answers itself to OPTIONS."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, route.path_format, handler


def filled(template: str, id_: object = NOBODY) -> str:
    """An address of this template."""
    values = {
        "consent_scope": "care",
        "file_path": "swagger-ui.css",
        "fid": NOBODY,
        "pid": NOBODY,
        "position": 1,
        "role": "patient",
        "sid": NOBODY,
    }
    return template.format(id=id_, **values)
