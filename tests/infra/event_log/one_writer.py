"""`python -m tests.infra.event_log.one_writer MAIN VAULT COUNT STREAM…`: a process that writes.

COUNT events, each on the next of the streams in turn, wherever that stream is by now; a line with the
position of each as soon as it is stored.
"""

import asyncio
import sys
from itertools import cycle, islice
from uuid import UUID

from domain.patient import PatientDied
from infra.event_log.append import VersionMoved
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from tests.domain.spec import NOW
from tests.infra.writing import note, writing


async def main(urls: tuple[str, str], most: int, streams: list[UUID]) -> None:
    """Write them one after the other; 0 is without end."""
    async with writing(urls) as (writer, reader):
        for stream in islice(cycle(streams), most or None):
            print(await stored(writer, reader, stream), flush=True)


async def stored(writer: GroupWriter, reader: Reader, stream: UUID) -> int:
    """Try at the end of the stream until it is the end; the position."""
    while True:
        version = len(await reader.stream(stream)) + 1
        event = PatientDied(occurred_at=NOW) if version > 1 else None
        try:
            return (await writer.append(note(stream, version, event=event))).first_position
        except VersionMoved:
            continue


if __name__ == "__main__":
    asyncio.run(main((sys.argv[1], sys.argv[2]), int(sys.argv[3]), list(map(UUID, sys.argv[4:]))))
