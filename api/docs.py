"""The OpenAPI document and its reading room, which needs nothing from any other house."""

from importlib import resources

from litestar import MediaType, Router, get
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from api.access import PUBLIC
from api.documents import written

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tarikh</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs-files/swagger-ui.css">
</head>
<body>
<div id="document"></div>
<script src="/docs-files/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({url: "/openapi.json", dom_id: "#document", validatorUrl: null, deepLinking: true})
</script>
</body>
</html>
"""

SCRIPTS: Router = create_static_files_router(
    "/docs-files",
    [str(resources.files("swagger_ui") / "static")],
    opt={"access": PUBLIC},
    include_in_schema=False,
)


@get("/openapi.json", media_type=MediaType.JSON, opt={"access": PUBLIC}, include_in_schema=False)
async def document() -> bytes:
    """Describe every route and every answer."""
    return written()


@get("/docs", media_type=MediaType.HTML, opt={"access": PUBLIC}, include_in_schema=False)
async def page() -> str:
    """Show the document."""
    return PAGE


DOCS: list[ControllerRouterHandler] = [SCRIPTS, document, page]
