"""How every query is answered: of whom, as of when, from tables or from the past, with ETag, language and position."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import Access
from api.caller import Caller, services
from api.documents import PROBLEMS
from api.problems import Malformed
from api.query import AsOf, IfNoneMatch, KnownAt, Language, MinPosition
from domain.errors import FieldError
from infra.replaying import first_instant, moment_of
from locales import catalog_hash
from projections import patient_groups
from projections.model import ReadModel, Rows
from projections.queries import Tables
from projections.timeline_words import Words

T = TypeVar("T")


class Asking(msgspec.Struct, frozen=True):
    """What every query of a patient's record says besides its own parameters."""

    known_at: str | None = None
    as_of: str | None = None
    min_position: int | None = None
    if_none_match: str | None = None


async def asked_now(
    min_position: MinPosition = None, if_none_match: IfNoneMatch = None, lang: Language = None
) -> Asking:
    """What queries of the present may say."""
    return Asking(None, None, min_position, if_none_match)


async def asked_then(
    known_at: KnownAt = None,
    as_of: AsOf = None,
    min_position: MinPosition = None,
    if_none_match: IfNoneMatch = None,
    lang: Language = None,
) -> Asking:
    """What queries of a subject model may say."""
    return Asking(known_at, as_of, min_position, if_none_match)


Handler = Callable[..., Awaitable[Response[Any]]]


def view(path: str, access: Access, *, past: bool = False) -> Callable[[Handler], HTTPRouteHandler]:
    """A GET route: who may ask, whether it answers about the past, and no parameter but those it declares."""
    asking = asked_then if past else asked_now

    def decorate(handler: Handler) -> HTTPRouteHandler:
        return get(
            path,
            tags=[path.split("/")[1]],
            summary=(handler.__doc__ or "").split("\n")[0],
            dependencies={"asking": Provide(asking)},
            responses=PROBLEMS,
            opt={"access": access, "query": parameters(handler) | parameters(asking)},
        )(handler)

    return decorate


def parameters(function: Callable[..., Any]) -> frozenset[str]:
    """The names of the query parameters that a function declares."""
    hints = get_type_hints(function, include_extras=True)
    declared = [meta for hint in hints.values() for meta in getattr(hint, "__metadata__", ())]
    return frozenset(one.name for one in declared if isinstance(one, QueryParameter) and one.name)


class Sources(msgspec.Struct, frozen=True):
    """Where an answer about one person comes from: tables for the present, folded rows for the past."""

    group: tuple[UUID, ...]
    position: int
    tables: Tables | None = None
    rows: tuple[tuple[UUID, Rows], ...] = ()

    @property
    def folded(self) -> tuple[Rows, ...]:
        """The rows of each patient of the group."""
        return tuple(rows for _, rows in self.rows)


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
    moment = await moment_of(found.reader, found.settings.time_zone, asking.known_at, asking.as_of)
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
        group = tuple(
            await patient_groups.group(connection, found.models["patient_groups"].schema, 0, patient_id)
        )
        tables = Tables(connection, model.schema, 0, group)
        present = Sources(group, await found.reader.last_change(group, checkpoint, connection), tables)
        return _answer(request, model, present, asking, await read(present), version)


def day_or_time(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    """A time, or the beginning of a day of the house; raises Malformed."""
    try:
        return None if text is None else first_instant(zone, text)
    except ValueError as error:
        wrong = FieldError(path=name, code="time.malformed")
        raise Malformed("request.malformed", errors=(wrong,)) from error


def words(request: Request[Caller, Any, Any]) -> Words:
    """In which language and whose days the answer is told."""
    return Words(request.user.locale, str(services(request).settings.time_zone))


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
        key = (
            model.fingerprint,
            sources.position,
            sources.group,
            catalog_hash(locale),
            locale,
            request.url.path,
        )
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
