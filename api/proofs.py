"""Proofs for whoever keeps a checkpoint: that an event is in the log, and that the log has only grown."""

from typing import Annotated

from litestar import MediaType, Response
from litestar.params import FromPath, QueryParameter

from api.access import Access
from api.caller import services
from api.problems import Malformed
from api.viewing import AnyRequest, of_house, view
from domain.errors import FieldError, NotFound
from infra.notary.signing import Consistency, NoSuchPosition, Proof

LARGEST = 2**63 - 1
OldSize = Annotated[int, QueryParameter(name="from", ge=0, le=LARGEST, description="The size that was seen.")]
NewSize = Annotated[
    int | None,
    QueryParameter(name="to", ge=0, le=LARGEST, description="By default that of the last checkpoint."),
]


@view("/audit/checkpoint", Access("verify_log"), media_type=MediaType.TEXT)
async def checkpoint(request: AnyRequest) -> Response[str]:
    """The signed head of the log as a C2SP checkpoint."""
    signed = await services(request).notary.checkpoint()
    answer = of_house(request, signed.note, signed.checkpoint.size)
    answer.headers["Tarikh-Verifier-Key"] = str(signed.verifier)
    return answer


@view("/audit/proof/{position:int}", Access("verify_log"), also=(404,))
async def inclusion(request: AnyRequest, position: FromPath[int]) -> Response[Proof]:
    """The proof that the event of a position is in the log."""
    try:
        proof = await services(request).notary.prove(position)
    except NoSuchPosition as error:
        raise NotFound("not_found") from error
    return of_house(request, proof, proof.tree_size)


@view("/audit/consistency", Access("verify_log"))
async def consistency(request: AnyRequest, from_: OldSize, to: NewSize = None) -> Response[Consistency]:
    """The proof that the log has only grown from one size to another."""
    try:
        proof = await services(request).notary.consistency(from_, to)
    except NoSuchPosition as error:
        wrong = FieldError(path="from" if to is None else "to", code="request.out_of_range")
        raise Malformed("request.malformed", errors=(wrong,)) from error
    return of_house(request, proof, proof.new)


ROUTES = [checkpoint, inclusion, consistency]
