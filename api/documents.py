"""The OpenAPI document: what the framework knows of the routes, exact schemas and every answer there is."""

from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from api.access import PUBLIC, Access
from api.problems import Problem

Json = dict[str, Any]
NAMES = "#/components/schemas/{name}"
BEARER = Components(
    security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
)
PROBLEMS = {
    400: "Malformed: every wrong field or parameter is named.",
    401: "No token, or none that counts.",
    403: "Known, and not allowed.",
    404: "Not there, or not for the caller to know of.",
    409: "Something else was recorded first.",
    410: "The patient was erased.",
    412: "The stream has another version than If-Match says.",
    413: "Too large.",
    415: "Another content type than JSON.",
    422: "Rejected by a rule.",
    500: "A bug, with the id of the incident.",
    503: "Try again a little later; nothing was stored, unless the code is append.unknown.",
}
FOR_ALL = (400, 401, 403, 500, 503)
OF_A_PATIENT = (404, 410)
OF_A_COMMAND = (409, 412, 413, 415, 422)
HEADERS: dict[str, Json] = {
    "ETag": {"description": "The stream's version, or of a view what the answer depends on."},
    "Tarikh-Position": {"description": "The position in the log that the answer stands at."},
    "Content-Language": {"description": "fa, en or ar."},
    "X-Request-Id": {"description": "How the logs call this request."},
    "Retry-After": {"description": "Seconds."},
    "WWW-Authenticate": {"description": "How to sign in."},
}


@cache
def written() -> bytes:
    """The document as JSON; the same as long as the process lives."""
    from api.app import ROUTES  # noqa: PLC0415  the document itself is one of the routes

    config = OpenAPIConfig(
        title="Tarikh",
        version="1",
        description="What was known when, what changed and why, in Persian, English and Arabic.",
        components=BEARER,
        security=[{"bearer": []}],
    )
    app = Litestar(ROUTES, openapi_config=config, logging_config=None)
    return msgspec.json.encode(_whole(app.openapi_schema.to_schema(), dict(_operations(app))))


def _operations(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and isinstance(handler.operation_id, str):
                yield handler.operation_id, handler


def _whole(document: Json, handlers: dict[str, HTTPRouteHandler]) -> Json:
    for path in document["paths"].values():
        for operation in path.values():
            _describe(operation, handlers[operation["operationId"]])
    document["components"]["schemas"] = _schemas(handlers.values())
    document["components"]["headers"] = {
        name: {**header, "schema": {"type": "string"}} for name, header in HEADERS.items()
    }
    return document


def _schemas(handlers: Iterable[HTTPRouteHandler]) -> Json:
    """Of every body and answer, as the very decoder reads and writes them."""
    types: list[Any] = [Problem]
    for handler in handlers:
        types += [handler.opt["body"]] if "body" in handler.opt else []
        types += get_args(handler.parsed_fn_signature.return_type.annotation) or [
            handler.parsed_fn_signature.return_type.annotation
        ]
    _, components = msgspec.json.schema_components(types, ref_template=NAMES)
    return components


def _describe(operation: Json, handler: HTTPRouteHandler) -> None:
    for parameter in operation.get("parameters", ()):
        _without_null(parameter)
        if parameter["in"] == "path" and parameter["name"] in handler.opt.get("path", {}):
            parameter["schema"] = msgspec.json.schema(handler.opt["path"][parameter["name"]])
    if handler.opt["access"] == PUBLIC:
        operation["security"] = []
    status = str(handler.status_code)
    good = operation["responses"][status]
    operation["responses"] = {status: good | {"description": "Done."}, **dict(_answers(handler))}
    for code, answer in operation["responses"].items():
        answer["headers"] = {name: _reference(name) for name in _headers(int(code), handler)}


def _without_null(parameter: Json) -> None:
    """A parameter that may be left out is never null: there is no such thing in a URL."""
    schema = parameter["schema"]
    options = [one for one in schema.pop("oneOf", ()) if one != {"type": "null"}]
    if len(options) == 1:
        parameter["schema"] = {**options[0], **schema}


def _answers(handler: HTTPRouteHandler) -> Iterator[tuple[str, Json]]:
    if handler.opt.get("etag"):
        yield "304", {"description": "The caller has it already."}
    for status in _problems(handler):
        schema = {"$ref": NAMES.format(name=Problem.__name__)}
        yield (
            str(status),
            {
                "description": PROBLEMS[status],
                "content": {"application/problem+json": {"schema": schema}},
            },
        )
    if "unready" in handler.opt:
        schema = {"$ref": NAMES.format(name=handler.opt["unready"].__name__)}
        yield "503", {"description": "Not now.", "content": {"application/json": {"schema": schema}}}


def _problems(handler: HTTPRouteHandler) -> list[int]:
    rule = handler.opt["access"]
    if not isinstance(rule, Access):
        return [400, 500]
    found = [*FOR_ALL]
    if rule.of is not None or handler.opt.get("names_patient"):
        found += OF_A_PATIENT
    found += handler.opt.get("also", ())
    if "body" in handler.opt:
        found += OF_A_COMMAND
    return sorted(found)


def _headers(status: int, handler: HTTPRouteHandler) -> Iterator[str]:
    yield "X-Request-Id"
    if handler.opt["access"] == PUBLIC and status in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}:
        return
    yield from ("Content-Language",) if "body" not in handler.opt or status >= HTTPStatus.BAD_REQUEST else ()
    if status < HTTPStatus.BAD_REQUEST:
        yield "Tarikh-Position"
        yield from ("ETag",) if handler.opt.get("etag", "body" in handler.opt) else ()
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        yield "Retry-After"
    elif status == HTTPStatus.UNAUTHORIZED:
        yield "WWW-Authenticate"


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def operation(name: str) -> str:
    """The id of an operation as generators of clients like it: compare_versions is compareVersions."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
