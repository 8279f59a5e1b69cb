"""`import_bundles_s`, `import_events_per_s`, `import_peak_mb`: a hundred bundles from file to log."""

from collections.abc import AsyncIterator
from pathlib import Path

from infra.fhir.importing import Import
from infra.fhir.report import Report
from infra.services import opened
from tests.bench.harness import ROUNDS, Figure, figure, house
from tests.conftest import THIRD_PARTY


async def figures() -> AsyncIterator[Figure]:
    """Each round imports everything into a house of its own."""
    reports = [await _imported(THIRD_PARTY / "fhir-synthea-r4" / "dev") for _ in range(ROUNDS)]
    said = {"files": reports[0].files, "events": reports[0].events}
    yield figure("import_bundles_s", [r.seconds for r in reports], "s", "<= 60", **said)
    rates = [r.events / r.append_seconds for r in reports]
    yield figure("import_events_per_s", rates, "events/s", ">= 1500", **said)
    yield figure("import_peak_mb", [r.peak_memory_mb for r in reports], "MB", "<= 400", **said)


async def _imported(folder: Path) -> Report:
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            return await Import(services.reader, services.writer, settings).run([folder])
