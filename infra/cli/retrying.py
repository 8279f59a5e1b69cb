"""`tarikh projections retry`: patients who are held back are folded anew."""

import argparse
import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from infra.cli.command import print_json
from infra.cli.models import chosen, opened
from infra.errors import CommandMisused

if TYPE_CHECKING:
    from infra.projector.held import Hold, Standing


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one; `error` and `place` say why a patient is held on."""

    model: str
    patient_id: UUID
    free: bool
    error: str = ""
    place: str = ""


def retry(arguments: argparse.Namespace) -> int:
    """Exit 1 where anybody is held on."""
    try:
        patient = arguments.patient and UUID(arguments.patient)
    except ValueError as error:
        raise CommandMisused(f"{arguments.patient} is no id of a patient") from error
    retried = asyncio.run(_retry(arguments.name, patient))
    if arguments.json:
        print_json(retried)
    else:
        for one in retried:
            verdict = "free" if one.free else f"still held back: {one.error} in {one.place}"
            print(f"{one.model:<26}{one.patient_id}  {verdict}")
        if not retried:
            print("nobody is held back")
    return 0 if all(one.free for one in retried) else 1


async def _retry(name: str | None, patient: UUID | None) -> list[Retried]:
    from infra.projector import held, retrying

    retried = []
    async with opened() as (projector, connection):
        models = {(model.name, model.fingerprint): model for model in chosen(projector, name)}
        for one in await held.all_of(connection, projector.shard):
            model = models.get((one.model, one.fingerprint))
            if model is None or patient not in {None, one.subject_id}:
                continue
            still = await retrying.retry(connection, projector.reader, model, one, projector.shard)
            retried.append(_told(one, still))
    return retried


def _told(one: "Standing", still: "Hold | None") -> Retried:
    if still is None:
        return Retried(model=one.model, patient_id=one.subject_id, free=True)
    return Retried(
        model=one.model, patient_id=one.subject_id, free=False, error=still.error, place=still.place
    )
