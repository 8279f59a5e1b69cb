"""`tarikh log export --patient`: a patient's record that whoever has the key can verify without us."""

import argparse
import asyncio
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from infra.cli.command import print_json, settings
from infra.cli.writing import bar, replaced
from infra.errors import CommandFailed

if TYPE_CHECKING:
    from infra.embedded import Servers
    from infra.notary.export import Watch
    from infra.notary.recording import Recording


def export_record(arguments: argparse.Namespace) -> int:
    """Write the file, and say of what it is. Raises CommandFailed."""
    from domain.errors import NotFound
    from infra.notary.signing import Refused
    from infra.running import ready

    try:
        with (
            ready(settings()) as servers,
            bar(shown=not arguments.json) as watch,
            replaced(arguments.file) as file,
        ):
            recording = asyncio.run(_write(servers, arguments.patient, file, watch))
    except NotFound as error:
        raise CommandFailed(f"there is no patient {arguments.patient}") from error
    except (Refused, OSError) as error:
        raise CommandFailed(f"nothing was exported: {error}") from error
    count, signed = len(recording.positions), recording.signed
    if arguments.json:
        about = {"file": str(arguments.file), "events": count, "size": signed.checkpoint.size}
        print_json({**about, "patients": recording.group, "key": str(signed.verifier)})
    else:
        print(f"{count} events among {signed.checkpoint.size}, signed by {signed.verifier}")
    return 0


async def _write(servers: "Servers", patient_id: UUID, file: BinaryIO, watch: "Watch") -> "Recording":
    from infra.notary.recording import Recording
    from infra.services import opened

    async with opened(settings(), servers) as found:
        recording = await Recording.of(found.notary, found.reader, found.past, patient_id)
        count, done = len(recording.positions), 0
        async for line in recording.lines():
            file.write(line)
            watch(min(done, count), count)
            done += 1
    return recording
