"""The figures of the house, and who one is."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec.structs import replace

from api.access import Access
from api.caller import services
from api.problems import Malformed
from api.viewing import AnyRequest, Asking, of_house, reached, view
from domain.errors import FieldError
from domain.event import Role
from locales import translate
from projections import change_reasons_view, statistics_view
from projections.change_reasons_view import ChangeReasons
from projections.statistics_view import Statistics

FirstDay = Annotated[
    date | None, QueryParameter(name="from", description="The first day; a month ago if not said.")
]
LastDay = Annotated[date | None, QueryParameter(name="to", description="The last day; today if not said.")]
OfCondition = Annotated[
    str | None, QueryParameter(name="condition", description="The code of a condition, or `uncoded`.")
]
OfAuthor = Annotated[UUID | None, QueryParameter(name="author", description="Who decided.")]
OfGroup = Annotated[
    str | None, QueryParameter(name="group", description="The first word of reason codes, as SAFETY.")
]
DAYS, DAYS_OF_REASONS = 30, 365


class Me(msgspec.Struct, frozen=True):
    """Who the token speaks for."""

    account_id: UUID
    role: Role
    patient_id: UUID | None
    locale: str


@view("/me", Access("read_self"))
async def me(
    request: AnyRequest,
    asking: NamedDependency[Asking],  # noqa: ARG001  it declares `lang`
) -> Response[Me]:
    """Who I am here."""
    actor = request.user.actor
    return of_house(request, Me(actor.account_id, actor.role, actor.patient_id, request.user.locale))


@view("/admin/statistics", Access("read_statistics"))
async def statistics(
    request: AnyRequest, asking: NamedDependency[Asking], from_: FirstDay = None, to: LastDay = None
) -> Response[Statistics]:
    """What was recorded, by day."""
    found = services(request)
    model = found.models["statistics"]
    checkpoint = await reached(request, asking, model)
    zone = found.settings.time_zone
    first, last = _days(from_, to, datetime.now(UTC).astimezone(zone).date())
    async with found.pool.connection() as connection:
        answer = await statistics_view.between(connection, model.schema, first, last, str(zone))
    return of_house(request, answer, checkpoint)


@view("/admin/change-reasons", Access("read_statistics"))
async def change_reasons(  # noqa: PLR0913  each is a parameter of the query
    request: AnyRequest,
    asking: NamedDependency[Asking],
    *,
    from_: FirstDay = None,
    to: LastDay = None,
    condition: OfCondition = None,
    author: OfAuthor = None,
    group: OfGroup = None,
) -> Response[ChangeReasons]:
    """Why recommendations were changed, the most frequent reason first; whole months, a year if not said."""
    found = services(request)
    model = found.models["change_reasons"]
    checkpoint = await reached(request, asking, model)
    zone = found.settings.time_zone
    first, last = _days(from_, to, datetime.now(UTC).astimezone(zone).date(), DAYS_OF_REASONS)
    asked = change_reasons_view.Asked(
        start=first, end=last, condition=condition, author_id=author, group=group
    )
    async with found.pool.connection() as connection:
        answer = await change_reasons_view.between(connection, model.schema, asked, str(zone))
    return of_house(request, _in_words(answer, request.user.locale), checkpoint)


def _in_words(answer: ChangeReasons, locale: str) -> ChangeReasons:
    reasons = tuple(
        replace(one, title=translate(locale, f"reason.{one.reason_code}")) for one in answer.reasons
    )
    return replace(answer, reasons=reasons)


def _days(first: date | None, last: date | None, today: date, days: int = DAYS) -> tuple[date, date]:
    """The days asked for, by default so many to today; raises Malformed where they end before they begin."""
    end = last or today
    start = first or end - min(timedelta(days=days), end - date.min)
    if start > end:
        wrong = FieldError(path="to" if last else "from", code="time.ends_before_start")
        raise Malformed("request.malformed", errors=(wrong,))
    return start, end


ROUTES = [me, statistics, change_reasons]
