"""Errors as RFC 9457 problems in the caller's language, with every wrong field; the only place that renders them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from psycopg_pool import PoolTimeout

from api.caller import locale_of, request_id_of
from api.fields import wrong_fields
from domain.errors import Conflict, DomainError, FieldError, NotFound, Rejected
from infra.event_log.append import OutcomeUnknown, QueueFull, StorageUnavailable
from infra.progress import Behind
from locales import Code, has, translate

log = structlog.get_logger()

MALFORMED = {"request.not_json", "request.malformed", "time.not_here", "cursor.invalid", "compare.order",
             "request.unknown_parameter", "time.malformed", "request.malformed"}  # fmt: skip
SECONDS_UNTIL_RETRY = "1"


class Unauthorized(DomainError):
    """No token, or none that counts."""


class Denied(DomainError):
    """Known, and not allowed."""


class Malformed(DomainError):
    """It cannot even be read."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list["ProblemField"]
    instance: str


class ProblemField(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong field."""

    path: str
    code: str
    detail: str


def on_domain_error(request: Request[Any, Any, Any], error: DomainError) -> Response[Problem]:
    """A refusal, with the status that its kind and code ask for."""
    return render(request, _status(error), error.code, error.errors, dict(error.arguments))


async def _body_errors(request: Request[Any, Any, Any]) -> tuple[str, Sequence[FieldError]]:
    hint = request.route_handler.opt.get("body")
    try:
        value = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        return "request.not_json", ()
    return "request.malformed", wrong_fields(value, hint) if hint is not None else ()


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refuses before a handler runs."""
    match error:
        case ValidationException():
            return _invalid(request, error)
        case NotFoundException():
            return render(request, 404, "not_found")
        case MethodNotAllowedException():
            return render(request, 405, "request.method", headers=dict(error.headers or {}))
        case _:
            return render(request, error.status_code, f"http.{error.status_code}")


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """Parameters that do not fit; bodies are read by ourselves (`api.body`)."""
    extra = error.extra if isinstance(error.extra, list) else []
    errors = [FieldError(path=str(one.get("key", "")), code="request.out_of_range") for one in extra]
    return render(request, 400, "request.malformed", errors)


def on_storage_error(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """What may work a little later."""
    match error:
        case OutcomeUnknown():
            code = "append.unknown"
        case QueueFull():
            code = "append.queue_full"
        case Behind():
            code = "projection.behind"
        case _:
            code = "storage.unavailable"
    log.warning("request.unavailable", code=code)
    return render(request, 503, code, headers={"Retry-After": SECONDS_UNTIL_RETRY})


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Anything else: an incident id for the caller, the whole story for the log."""
    incident = str(request_id_of(request))
    log.error("request.failed", incident_id=incident, exc_info=error)
    return render(request, 500, "internal", arguments={"incident": Code(incident)})


HANDLERS: dict[Any, Any] = {
    DomainError: on_domain_error,
    HTTPException: on_http_error,
    StorageUnavailable: on_storage_error,
    OutcomeUnknown: on_storage_error,
    Behind: on_storage_error,
    psycopg.OperationalError: on_storage_error,
    PoolTimeout: on_storage_error,
    Exception: on_bug,
}


def render(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    errors: Sequence[FieldError] = (),
    arguments: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Problem]:
    """One problem in the caller's language."""
    locale = locale_of(request)
    detail_key = f"problem.{code}" if has(locale, f"problem.{code}") else f"problem.title.{status}"
    instance: UUID = request_id_of(request)
    problem = Problem(
        type=f"urn:tarikh:problem:{code}",
        title=translate(locale, f"problem.title.{status}"),
        status=status,
        detail=translate(locale, detail_key, **(arguments or {})),
        code=code,
        errors=[
            ProblemField(
                path=e.path, code=e.code, detail=translate(locale, f"problem.{e.code}", **e.arguments)
            )
            for e in errors
        ],
        instance=f"urn:uuid:{instance}",
    )
    return Response(
        problem,
        status_code=status,
        media_type="application/problem+json",
        headers={"Content-Language": locale, "Cache-Control": "no-store", **(headers or {})},
    )


def _status(error: DomainError) -> int:
    match error:
        case Unauthorized():
            return 401
        case Denied():
            return 403
        case NotFound():
            return 404
        case Conflict():
            return 412 if error.code == "version.mismatch" else 409
        case Malformed():
            return 400
        case Rejected():
            return _rejected_status(error.code)
        case _:
            return 500


def _rejected_status(code: str) -> int:
    if code == "patient.erased":
        return 410
    return 400 if code in MALFORMED else 422
