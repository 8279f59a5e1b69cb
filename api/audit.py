"""The auditor's queries: every event in its envelope, and a patient's record as it was known."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import Access, require
from api.caller import services
from api.query import Before, From, Limit, OneOf, To
from api.viewing import AnyRequest, Asking, of_house, period, reached, refuse_held, view, words
from domain.catalog import EVENTS
from infra.replaying import Replay, moment_of, replay
from projections import audit_trail, patient_groups
from projections.audit_trail import AuditEvent, audit_event

OfPatient = Annotated[UUID | None, QueryParameter(name="patient")]
ThePatient = Annotated[UUID, QueryParameter(name="patient")]
OfActor = Annotated[UUID | None, QueryParameter(name="actor")]
OfType = Annotated[
    str | None,
    QueryParameter(name="type", description="Tags of events, separated by commas."),
    OneOf(frozenset(EVENTS)),
]
OfCorrelation = Annotated[UUID | None, QueryParameter(name="correlation")]
OfModel = Annotated[str, QueryParameter(name="read_model")]


class AuditPage(msgspec.Struct, frozen=True):
    """Events, the latest first."""

    items: tuple[AuditEvent, ...]
    next: str | None
    position: int


@view("/audit/events", Access("read_audit"))
async def audit_events(  # noqa: PLR0913  each is a parameter of the query
    request: AnyRequest,
    asking: NamedDependency[Asking],
    *,
    patient: OfPatient = None,
    actor: OfActor = None,
    type_: OfType = None,
    correlation: OfCorrelation = None,
    from_: From = None,
    to: To = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response[AuditPage]:
    """Events by patient, actor, type, correlation and time of recording."""
    found = services(request)
    start, end = period(from_, to, found.settings.time_zone)
    model, groups = found.models["audit_trail"], found.models["patient_groups"]
    checkpoint = await reached(request, asking, model, groups)
    async with found.pool.connection() as connection:
        group = None
        if patient is not None:
            group = tuple(await patient_groups.group(connection, groups.schema, 0, patient))
        asked = audit_trail.Asked(
            group=group,
            actor_id=actor,
            tags=tuple(type_.split(",")) if type_ else (),
            correlation_id=correlation,
            start=start,
            end=end,
            before=before,
            limit=limit,
        )
        page = await audit_trail.page(connection, model.schema, 0, asked)
    recorded = await found.reader.lenient.at([entry.position for entry in page.entries])
    items = tuple(audit_event(one, readable=True) for one in reversed(recorded))
    return of_house(request, AuditPage(items, page.next, checkpoint), checkpoint)


@view("/audit/replay", Access("read_audit"), past=True)
async def replay_patient(
    request: AnyRequest,
    asking: NamedDependency[Asking],
    patient: ThePatient,
    read_model: OfModel = "patient_timeline",
) -> Response[Replay]:
    """A patient's record as known then, as of then, folded anew from the log."""
    await require(request, request.user.actor, "read_record", patient)
    found = services(request)
    moment = await moment_of(found.reader, found.settings.time_zone, asking.known_at, asking.as_of)
    if (model := found.models.get(read_model)) is not None:
        await refuse_held(request, model, await found.past.group(patient, moment), moment)
    answer = await replay(found.past, found.reader, found.models, patient, moment, words(request), read_model)
    return of_house(request, answer, answer.position)


ROUTES = [audit_events, replay_patient]
