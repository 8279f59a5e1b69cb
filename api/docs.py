"""The OpenAPI document and its reading room, which needs nothing from any other house."""

from importlib import resources

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

from api.access import PUBLIC

SCRIPTS: Router = create_static_files_router(
    "/docs-files",
    [str(resources.files("swagger_ui") / "static")],
    opt={"access": PUBLIC},
    include_in_schema=False,
)

_DOCS = Router("/", route_handlers=[], opt={"access": PUBLIC, "query": frozenset()}, include_in_schema=False)

DOCUMENT = OpenAPIConfig(
    title="Tarikh",
    version="1",
    description="What was known when, what changed and why, in Persian, English and Arabic.",
    path="/",
    openapi_router=_DOCS,
    render_plugins=[
        SwaggerRenderPlugin(
            path="/docs",
            js_url="/docs-files/swagger-ui-bundle.js",
            css_url="/docs-files/swagger-ui.css",
            standalone_preset_js_url="/docs-files/swagger-ui-standalone-preset.js",
        ),
        JsonRenderPlugin(path="/openapi.json"),
    ],
    components=Components(
        security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
    ),
    security=[{"bearer": []}],
)
