"""Another process with appends in its queue: `python -m … OTHER ERASED`, and how each of them ended.

It sends one for OTHER, which the log does not let through yet, and two for ERASED, which wait behind it; says
so, and at its end prints the outcome of each.
"""

import asyncio
import os
import sys
from uuid import UUID

from domain.event import Coded
from domain.patient import BackgroundRecorded
from infra.event_log.append import SubjectErased
from infra.event_log.writer import GroupWriter
from infra.running import ready
from infra.services import opened
from infra.settings import Settings
from tests.domain.spec import NOW
from tests.infra.writing import note

SAID = BackgroundRecorded(occurred_at=NOW, kind="allergy", code=Coded(text="penicillin"))


async def outcome(writer: GroupWriter, patient: UUID, version: int) -> str:
    try:
        await writer.append(note(patient, version, event=SAID))
    except SubjectErased:
        return "erased"
    return "appended"


async def queue(other: UUID, erased: UUID) -> None:
    settings = Settings.from_environment(os.environ)
    with ready(settings) as servers:
        async with opened(settings, servers) as services:
            writer = services.writer
            versions = {one: len(await services.reader.stream(one)) for one in (other, erased)}
            sent = [asyncio.create_task(outcome(writer, other, versions[other] + 1))]
            while writer.waiting or not writer._in_flight:  # noqa: ASYNC110  the writer takes it
                await asyncio.sleep(0)
            sent += [asyncio.create_task(outcome(writer, erased, versions[erased] + n)) for n in (1, 2)]
            while writer.waiting < len(sent) - 1:  # noqa: ASYNC110  both are in the queue
                await asyncio.sleep(0)
            print("queued", flush=True)
            print(*await asyncio.gather(*sent), flush=True)


if __name__ == "__main__":
    asyncio.run(queue(*(UUID(argument) for argument in sys.argv[1:3])))
