"""Errors as RFC 9457 problems in the caller's language, every wrong field named; rendered here only."""

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
from domain.errors import Conflict, DomainError, FieldError, NotFound, Rejected
from infra.erasure.carrying import Unfinished
from infra.event_log.append import OutcomeUnknown, QueueFull, StorageUnavailable
from infra.event_log.codec import Unreadable
from infra.master_keys import WrongMasterKey
from infra.notary.signing import Refused
from infra.progress import Behind, HeldBack
from locales import Code, has, translate

log = structlog.get_logger()

_CODES = {413: "request.too_large", 415: "request.unsupported_media_type"}
SECONDS_UNTIL_RETRY = "1"
SECONDS_UNTIL_REPAIRED = "60"
"""Where somebody has to do something first."""


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
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else None
    return render(request, _status(error), error.code, error.errors, dict(error.arguments), headers)


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
            return render(request, error.status_code, _CODES.get(error.status_code, "request.invalid"))


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """Parameters that do not fit, by the names that callers know; bodies are read in `api.access`."""
    extra = error.extra if isinstance(error.extra, list) else []
    keys = [str(one.get("key", "")) for one in extra]
    names = request.route_handler.opt.get("names", {})
    errors = [FieldError(path=names.get(key, key), code="request.out_of_range") for key in keys]
    return render(request, 400, "request.malformed", errors)


def on_storage_error(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """What may work a little later."""
    later = SECONDS_UNTIL_RETRY
    match error:
        case OutcomeUnknown():
            code = "append.unknown"
        case QueueFull():
            code = "append.queue_full"
        case Behind() | psycopg.ProgrammingError():
            code = "projection.behind"
        case HeldBack():
            code, later = "projection.held", SECONDS_UNTIL_REPAIRED
        case Unreadable():
            code, later = "projection.held", SECONDS_UNTIL_REPAIRED
            log.error("log.unreadable", reason=str(error))
        case Unfinished():
            code = "erasure.unfinished"
        case WrongMasterKey():
            code = "storage.unavailable"
            log.error("vault.other_master_key", key_id=error.master_id)
        case Refused():
            code = "notary.refused"
            log.error(code, reason=str(error))
        case _:
            code = "storage.unavailable"
    log.warning("request.unavailable", code=code)
    return render(request, 503, code, headers={"Retry-After": later})


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
    HeldBack: on_storage_error,
    Unreadable: on_storage_error,
    Refused: on_storage_error,
    Unfinished: on_storage_error,
    WrongMasterKey: on_storage_error,
    psycopg.OperationalError: on_storage_error,
    # the read models of this release are still being built
    psycopg.errors.UndefinedTable: on_storage_error,
    psycopg.errors.InvalidSchemaName: on_storage_error,
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


STATUSES: dict[type[DomainError], int] = {Unauthorized: 401, Denied: 403, NotFound: 404, Malformed: 400}
OF_CODES = {
    "version.mismatch": 412,
    "patient.erased": 410,
    "cursor.invalid": 400,
    "compare.order": 400,
    "request.malformed": 400,
}
"""Codes that say more than the kind of their error: that a query makes no sense may turn out deep inside."""


def _status(error: DomainError) -> int:
    if isinstance(error, Conflict | Rejected):
        return OF_CODES.get(error.code, 409 if isinstance(error, Conflict) else 422)
    return STATUSES[type(error)]
