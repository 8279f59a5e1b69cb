"""The auditor's queries: every event in its envelope, and a patient's record as it was known."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from api.access import Access, require
from api.caller import services
from api.query import Before, From, Limit, OneOf, To
from api.viewing import AnyRequest, Asking, of_house, period, reached, refuse_held, view, words
from domain.catalog import EVENTS
from infra.attesting import Asked, attested, replayed
from infra.notary.recording import Recording
from infra.notary.signing import Proof
from infra.replaying import TIMELINE, Replay, moment_of
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
SideBySide = Annotated[
    bool, QueryParameter(name="side_by_side", description="And beside it what is known of it today.")
]
WithProofs = Annotated[
    bool, QueryParameter(name="proofs", description="With the proof that each event is in the log.")
]
LINES = "application/x-ndjson"


class AuditPage(msgspec.Struct, frozen=True):
    """Events, the latest first; the checkpoint is the last one, or that of the proofs asked for."""

    items: tuple[AuditEvent, ...]
    next: str | None
    position: int
    checkpoint: str | None
    proofs: tuple[Proof, ...] | msgspec.UnsetType = msgspec.UNSET


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
    proofs: WithProofs = False,
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
    proof = await attested(found, [one.position for one in items], proofs=proofs)
    proven = msgspec.UNSET if proof.proofs is None else proof.proofs
    answer = AuditPage(items, page.next, checkpoint, proof.checkpoint, proven)
    return of_house(request, answer, checkpoint)


@view("/audit/replay", Access("read_audit"), past=True)
async def replay_patient(
    request: AnyRequest,
    asking: NamedDependency[Asking],
    patient: ThePatient,
    *,
    read_model: OfModel = TIMELINE,
    side_by_side: SideBySide = False,
    proofs: WithProofs = False,
) -> Response[Replay]:
    """A patient's record as known then, as of then, folded anew from the log."""
    await require(request, request.user.actor, "read_record", patient)
    found = services(request)
    moment = await moment_of(found.reader, found.settings.time_zone, asking.known_at, asking.as_of)
    if (model := found.models.get(read_model)) is not None:
        await refuse_held(request, model, await found.past.group(patient, moment), moment)
    asked = Asked(read_model=read_model, side_by_side=side_by_side, proofs=proofs)
    answer = await replayed(found, patient, moment, words(request), asked)
    return of_house(request, answer, answer.position)


@view("/audit/export", Access("read_audit"), also=(404,), media_type=LINES)
async def export_record(request: AnyRequest, patient: ThePatient) -> Response[str]:
    """A patient's events with all their proofs: a file that verifies without us."""
    found = services(request)
    recording = await Recording.of(found.notary, found.reader, found.past, patient)
    lines = recording.lines()
    first = await anext(lines)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for line in lines:
            yield line

    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="record-{patient}.jsonl"',
        "Content-Language": request.user.locale,
        "Tarikh-Position": str(recording.positions[-1]),
        "Tarikh-Verifier-Key": str(recording.signed.verifier),
    }
    return Stream(whole(), headers=headers, media_type=LINES)  # type: ignore[return-value]  # a text, in parts


ROUTES = [audit_events, replay_patient, export_record]
