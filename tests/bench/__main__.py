"""`python -m tests.bench [NAME]`: print every figure, or one, as a JSON line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable

from tests.bench import append, catchup, command, growth, importing, notary, query, rebuilding, visible
from tests.bench.harness import Figure, show

BENCHES: dict[str, Callable[[], AsyncIterator[Figure]]] = {
    "import_bundles_s import_events_per_s import_peak_mb": importing.figures,
    "append_256_vs_unnest append_256_p99_vs_commit append_16_vs_commit append_256_vs_library": append.figures,
    "catchup_all_events_per_s catchup_all_vs_each catchup_one_vs_pipe catchup_vs_runner": catchup.figures,
    "rebuild_vs_pipe rebuild_growth rebuild_rss_mb": rebuilding.figures,
    "visible_idle_p50_ms visible_idle_p99_ms visible_loaded_p99_ms": visible.figures,
    (
        "timeline_vs_query compare_vs_query cold_page_vs_query as_of_vs_live deep_page big_patient"
    ): query.figures,
    "command_vs_load": command.figures,
    "growth_append growth_read growth_as_of": growth.figures,
    "notary_leaves_per_s": notary.folding,
    "append_slowdown_by_notary": notary.beside,
    "verify_vs_hashing": notary.verifying,
    "proof_ms_1m growth_proof": notary.proving,
}
"""By the names they print. The import is first: the memory it tells of is the whole process's."""


async def run(only: str) -> int:
    """Run what is asked for; 2 where no figure has that name."""
    shown = 0
    for names, figures in BENCHES.items():
        if only and only not in names.split():
            continue
        async for found in figures():
            if only in {"", found.name}:
                show(found)
                shown += 1
    return 0 if shown else 2


if __name__ == "__main__":
    os.environ["TARIKH_LOG_FORMAT"] = "json"
    sys.exit(asyncio.run(run("".join(sys.argv[1:]))))
