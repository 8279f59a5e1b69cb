"""How queries are answered: of whom, as of when, from tables or the past, with ETag and language."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from api.access import Access
from api.caller import Caller, services
from api.documents import operation
from api.problems import Malformed
from api.query import AsOf, IfNoneMatch, KnownAt, Language, MinPosition, names, parameters
from domain.errors import FieldError
from infra.past import Moment
from infra.progress import HeldBack
from infra.remembered import Answer
from infra.replaying import first_instant, moment_of
from locales import catalog_hash
from projections.model import ReadModel, Rows
from projections.queries import Tables
from projections.timeline_words import Words

T = TypeVar("T")
P = ParamSpec("P")
AnyRequest: TypeAlias = Request[Caller, Any, Any]


class Asking(msgspec.Struct, frozen=True):
    """What every query of a patient's record says besides its own parameters."""

    known_at: str | None = None
    as_of: str | None = None
    min_position: int | None = None
    if_none_match: str | None = None


async def asked_now(
    min_position: MinPosition = None,
    if_none_match: IfNoneMatch = None,
    lang: Language = None,  # noqa: ARG001  read before any handler
) -> Asking:
    """What queries of the present may say."""
    return Asking(None, None, min_position, if_none_match)


async def asked_then(
    known_at: KnownAt = None,
    as_of: AsOf = None,
    min_position: MinPosition = None,
    if_none_match: IfNoneMatch = None,
    lang: Language = None,  # noqa: ARG001  as above
) -> Asking:
    """What queries of a subject model may say."""
    return Asking(known_at, as_of, min_position, if_none_match)


Handler = Callable[..., Awaitable[Response[Any]]]


def view(
    path: str,
    access: Access,
    *,
    past: bool = False,
    also: tuple[int, ...] = (),
    media_type: MediaType | str = MediaType.JSON,
) -> Callable[[Handler], HTTPRouteHandler]:
    """A GET route: who may ask, whether it answers about the past, and no parameter but those it declares.

    `also` names errors that other routes of its kind do not have.
    """
    asking = asked_then if past else asked_now

    def decorate(handler: Handler) -> HTTPRouteHandler:
        return get(
            path,
            media_type=media_type,
            tags=[path.split("/")[1]],
            summary=(handler.__doc__ or "").split("\n")[0],
            dependencies={"asking": Provide(asking)},
            operation_id=operation(handler.__name__),
            opt={
                "access": access,
                "query": parameters(handler) | parameters(asking),
                "names": names(handler) | names(asking),
                "etag": True,
                "names_patient": past,
                "also": also,
            },
        )(handler)

    return decorate


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

    async def ask(
        self,
        of_tables: Callable[Concatenate[Tables, P], Awaitable[T]],
        of_rows: Callable[Concatenate[Sequence[Rows], P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The answer to one question that is written for both."""
        if self.tables is not None:
            return await of_tables(self.tables, *args, **kwargs)
        return of_rows(self.folded, *args, **kwargs)


async def by_patient(
    request: AnyRequest,
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
    if moment.is_past:
        past = await _past(request, model, patient_id, moment)
        return await _of_the_past(request, model, past, asking, read, version)
    remembering = await found.progress.present(
        model, found.models["patient_groups"], patient_id, asking.min_position or 0
    )
    present = remembering.present

    async def make() -> Answer:
        async with found.pool.connection() as connection:
            tables = Tables(connection, model.schema, 0, present.group)
            body = await read(Sources(present.group, present.position, tables))
        return Answer(known if version is None else f'"{version(body)}"', msgspec.json.encode(body))

    key = _key(request, model, present.group, present.position)
    known = f'W/"{key}"'
    if version is None and _holds(asking.if_none_match, known):
        return _unchanged(request, known, present.position)
    answer = await remembering.answer(key, make)
    if _holds(asking.if_none_match, answer.etag):
        return _unchanged(request, answer.etag, present.position)
    headers = _headers(request, answer.etag, present.position)
    return Response(answer.body, headers=headers, media_type=MediaType.JSON)  # type: ignore[arg-type]  # encoded


async def _past(request: AnyRequest, model: ReadModel, patient_id: UUID, moment: Moment) -> Sources:
    """What was known then. Raises HeldBack."""
    found = services(request)
    position = await _known(request, model, [patient_id], moment)
    if (alone := await found.past.of_one(model, patient_id, moment)) is not None:
        return Sources((patient_id,), position, None, ((patient_id, alone),))
    # an auditor sees the past as it was, everybody else only whom they may see today
    members = found.past.group if request.user.actor.role == "auditor" else found.past.group_still
    group = tuple(await members(patient_id, moment))
    position = await _known(request, model, group, moment)
    rows = await found.past.rows(model, group, moment)
    return Sources(group, position, None, tuple(zip(group, rows, strict=True)))


async def _known(request: AnyRequest, model: ReadModel, group: Collection[UUID], moment: Moment) -> int:
    """The last position of these known then; raises HeldBack where they cannot be folded up to it."""
    position, held = await services(request).progress.then(model, group, moment.position)
    if held:
        raise HeldBack
    return position


async def refuse_held(request: AnyRequest, model: ReadModel, group: Collection[UUID], moment: Moment) -> None:
    """Raise HeldBack where the past of anybody of these cannot be folded up to that moment."""
    if await services(request).progress.held(model, group, moment.position):
        raise HeldBack


async def reached(request: AnyRequest, asking: Asking, *models: ReadModel) -> int:
    """The checkpoint of models that are not of one patient, waited for where the caller asks for that.

    Also waited for is that they have caught up once.
    """
    return await services(request).progress.reached(asking.min_position or 0, *models)


def of_house(request: AnyRequest, body: T, position: int | None = None) -> Response[T]:
    """The answer to a query that is not of one patient: what it says is what its weak ETag is made of."""
    said = msgspec.json.encode((request.user.locale, body))
    etag = f'W/"{hashlib.sha256(said).hexdigest()[:32]}"'
    if _holds(request.headers.get("If-None-Match"), etag):
        return _unchanged(request, etag, position)
    return Response(body, headers=_headers(request, etag, position))


def period(start: str | None, end: str | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """From a time, or the beginning of a day of the house, to before another one; raises Malformed."""
    wrong: list[FieldError] = []
    times: list[datetime | None] = []
    for name, text in (("from", start), ("to", end)):
        try:
            times.append(None if text is None else first_instant(zone, text))
        except (ValueError, OverflowError):
            wrong.append(FieldError(path=name, code="time.malformed"))
    if [time for time in times if time] != sorted(time for time in times if time):
        wrong.append(FieldError(path="to", code="time.ends_before_start"))
    if wrong:
        raise Malformed("request.malformed", errors=tuple(wrong))
    first, last = times
    return first, last


def words(request: AnyRequest) -> Words:
    """In which language and whose days the answer is told."""
    return Words(request.user.locale, str(services(request).settings.time_zone))


async def _of_the_past(
    request: AnyRequest,
    model: ReadModel,
    sources: Sources,
    asking: Asking,
    read: Callable[[Sources], Awaitable[T]],
    version: Callable[[T], int] | None,
) -> Response[T]:
    """What an answer depends on is known before it is read, but for the version of an aggregate."""
    if version is None:
        etag = f'W/"{_key(request, model, sources.group, sources.position)}"'
        if _holds(asking.if_none_match, etag):
            return _unchanged(request, etag, sources.position)
        body = await read(sources)
    else:
        body = await read(sources)
        etag = f'"{version(body)}"'
        if _holds(asking.if_none_match, etag):
            return _unchanged(request, etag, sources.position)
    return Response(body, headers=_headers(request, etag, sources.position))


def _unchanged(request: AnyRequest, etag: str, position: int | None) -> Response[Any]:
    return Response(None, status_code=304, headers=_headers(request, etag, position))


def _headers(request: AnyRequest, etag: str, position: int | None) -> dict[str, str]:
    return {
        "ETag": etag,
        "Content-Language": request.user.locale,
        **({} if position is None else {"Tarikh-Position": str(position)}),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language",
    }


def _key(request: AnyRequest, model: ReadModel, group: tuple[UUID, ...], position: int) -> str:
    """Everything that the answer depends on, hashed."""
    locale = request.user.locale
    parameters = sorted(request.query_params.multi_items())
    key = (
        model.fingerprint,
        position,
        group,
        catalog_hash(locale),
        locale,
        request.user.actor.role,
        request.url.path,
        parameters,
    )
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def _holds(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has this answer already; a weak comparison, as RFC 9110 asks for."""
    held = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return "*" in held or etag.removeprefix("W/") in held
