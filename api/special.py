"""Commands of more than one line: a merge names patients in its body, an erasure goes on after its event."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody

from api.access import Access, require
from api.caller import Caller, services
from api.commanding import Answer, IdempotencyKey, IfMatch, send
from api.query import names
from domain.patient import ErasePatient, ProposeMerge, RequestErasure
from infra.erasure.forget import forget
from infra.erasure.heads import sign_head


@post(
    "/merges",
    operation_id="proposeMerge",
    summary="Propose that two records are one person's; another one approves.",
    tags=["merges"],
    status_code=200,
    opt={"access": Access("read_self"), "body": ProposeMerge, "names_patient": True, "names": names(send)},
)
async def propose_merge(
    request: Request[Caller, Any, Any],
    data: JSONBody[ProposeMerge],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Answer]:
    for patient_id in (data.retired_id, data.survivor_id):
        await require(request, request.user.actor, "propose_merge", patient_id)
    return await send(request, data, data.retired_id, if_match, idempotency_key)


@post(
    "/patients/{id:uuid}/erase",
    operation_id="erasePatient",
    summary="Forget a person for good: an admin does it, a patient asks for it; the worker ends it.",
    tags=["patients"],
    status_code=200,
    opt={"access": Access("request_erasure", "patient"), "body": ErasePatient, "names": names(send)},
)
async def erase_patient(
    request: Request[Caller, Any, Any],
    id: FromPath[UUID],  # noqa: A002  the path calls it so
    data: JSONBody[ErasePatient],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Answer]:
    if request.user.actor.role != "admin":
        asked = RequestErasure(legal_basis=data.legal_basis, occurred_at=data.occurred_at, origin=data.origin)
        return await send(request, asked, id, if_match, idempotency_key)
    found = services(request)
    await sign_head(found.notary)
    answered = await send(request, data, id, if_match, idempotency_key)
    await forget(found.settings, found.vault, found.reader, found.pool)
    return answered


ROUTES = [propose_merge, erase_patient]
