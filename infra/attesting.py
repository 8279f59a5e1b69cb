"""What an auditor is told comes with the signed head of the log, and with proofs where they are asked for."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from infra.notary.signing import Proof
from infra.past import Moment
from infra.replaying import TIMELINE, Replay, replay
from infra.services import Services
from projections.timeline_words import Words


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay is to hold beside what was known then: what is known of it today, and proofs."""

    read_model: str = TIMELINE
    side_by_side: bool = False
    proofs: bool = False


class Attested(msgspec.Struct, frozen=True):
    """The last checkpoint, or the one that the proofs lead to; none where the log is not what was signed."""

    checkpoint: str | None
    proofs: tuple[Proof, ...] | None


async def attested(found: Services, positions: Sequence[int], *, proofs: bool) -> Attested:
    """Of these events. Raises Refused where proofs are asked for that there are none of."""
    if not proofs:
        return Attested(await found.notary.latest(), None)
    proven = tuple(await found.notary.prove_all(positions))
    return Attested(proven[0].checkpoint if proven else await found.notary.latest(), proven)


async def replayed(found: Services, patient_id: UUID, moment: Moment, words: Words, asked: Asked) -> Replay:
    """The record as known then, beside it as corrected since, and what it is proven by.

    The proofs are of all events that were known of the person then. Raises NotFound, Refused.
    """

    async def told(when: Moment) -> Replay:
        return await replay(found.past, found.reader, found.models, patient_id, when, words, asked.read_model)

    as_known = await told(moment)
    corrected = await told(Moment(as_of=moment.as_of)) if asked.side_by_side else msgspec.UNSET
    group = await found.past.group(patient_id, moment) if asked.proofs else ()
    positions = await found.reader.positions(group, as_known.position)
    proof = await attested(found, positions, proofs=asked.proofs)
    return msgspec.structs.replace(
        as_known,
        as_corrected=corrected,
        checkpoint=proof.checkpoint,
        proofs=msgspec.UNSET if proof.proofs is None else proof.proofs,
    )
