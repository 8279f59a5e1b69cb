"""How every query is answered: of whom, as of when, from tables or from the past, with ETag, language and position."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.params import HeaderParameter, QueryParameter

from api.caller import Caller, services
from api.problems import Malformed
from domain.errors import FieldError, NotFound
from infra.past import Moment, end_of_day
from infra.services import Services
from locales import catalog_hash
from projections import patient_groups
from projections.model import ReadModel, Rows
from projections.queries import Tables
from projections.timeline_words import Words

T = TypeVar("T")

KnownAt = Annotated[str | None, QueryParameter(name="known_at", description="A time or a position: what we knew then.")]
AsOf = Annotated[str | None, QueryParameter(name="as_of", description="A date or a time: what was true then.")]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200)]
MinPosition = Annotated[
    int | None, HeaderParameter(name="Tarikh-Min-Position", ge=0, description="Wait until this position is applied.")
]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]
PAST = frozenset({"known_at", "as_of"})


class Asking(msgspec.Struct, frozen=True):
    """What every query of a patient's record says besides its own parameters."""

    known_at: str | None = None
    as_of: str | None = None
    min_position: int | None = None
    if_none_match: str | None = None


class Sources(msgspec.Struct, frozen=True):
    """Where an answer about one person comes from: tables for the present, folded rows for the past."""

    group: tuple[UUID, ...]
    position: int
    tables: Tables | None = None
    rows: tuple[tuple[UUID, Rows], ...] = ()


async def by_patient(
    request: Request[Caller, Any, Any],
    model_name: str,
    patient_id: UUID,
    asking: Asking,
    read: Callable[[Sources], Awaitable[T]],
    *,
    version: Callable[[T], int] | None = None,
) -> Response[T]:
    """Answer a query about a patient (and whoever is merged with them) from a subject model.

    `version` gives the stream version of an aggregate, for a strong ETag; lists and views have a weak one.
    """
    found = services(request)
    model = found.models[model_name]
    moment = await _moment(found, asking)
    if asking.min_position:
        await found.progress.reached(model, asking.min_position)
    if moment.is_past:
        group = tuple(await found.past.group(patient_id, moment))
        rows = await found.past.rows(model, group, moment)
        position = await found.reader.last_change(group, moment.position)
        past = Sources(group, position, None, tuple(zip(group, rows, strict=True)))
        return _answer(request, model, past, asking, await read(past), version)
    checkpoint = await found.progress.checkpoint(model)
    async with found.pool.connection() as connection:
        group = tuple(await patient_groups.group(connection, found.models["patient_groups"].schema, 0, patient_id))
        tables = Tables(connection, model.schema, 0, group)
        present = Sources(group, await found.reader.last_change(group, checkpoint, connection), tables)
        return _answer(request, model, present, asking, await read(present), version)


def words(request: Request[Caller, Any, Any]) -> Words:
    """In which language and whose days the answer is told."""
    return Words(request.user.locale, str(services(request).settings.time_zone))


async def _moment(found: Services, asking: Asking) -> Moment:
    wrong = []
    position, as_of = None, None
    if asking.known_at is not None:
        try:
            position = await _position(found, asking.known_at)
        except ValueError:
            wrong.append(FieldError(path="known_at", code="time.malformed"))
    if asking.as_of is not None:
        try:
            as_of = _until(asking.as_of, found)
        except ValueError:
            wrong.append(FieldError(path="as_of", code="time.malformed"))
    if wrong:
        raise Malformed("request.malformed", errors=tuple(wrong))
    return Moment(position, as_of)


async def _position(found: Services, text: str) -> int:
    """A position as it is; a time as the last position recorded by then. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return await found.reader.position_at(_until(text, found))


def _until(text: str, found: Services) -> datetime:
    """A time, or the end of a day of the house. Raises ValueError."""
    if len(text) == len("2015-01-01"):
        return end_of_day(date.fromisoformat(text), found.settings.time_zone)
    # a plus sign that was not escaped arrives as a blank
    when = datetime.fromisoformat(text.replace(" ", "+") if text.count(":") > 2 else text)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=found.settings.time_zone).astimezone(UTC)


def _answer(
    request: Request[Caller, Any, Any],
    model: ReadModel,
    sources: Sources,
    asking: Asking,
    body: T,
    version: Callable[[T], int] | None,
) -> Response[T]:
    locale = request.user.locale
    if version is not None:
        etag = f'"{version(body)}"'
    else:
        key = (model.fingerprint, sources.position, sources.group, catalog_hash(locale), locale, request.url.path)
        etag = f'W/"{hashlib.sha256(repr((key, sorted(request.query_params.multi_items()))).encode()).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Content-Language": locale,
        "Tarikh-Position": str(sources.position),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language",
    }
    if etag in [tag.strip() for tag in (asking.if_none_match or "").split(",")]:
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]  # a 304 has no body
    return Response(body, headers=headers)


def found_or_404(value: T | None) -> T:
    """What was asked for, or NotFound."""
    if value is None:
        raise NotFound("not_found")
    return value
