"""The notary beside a running log: keeps the tree grown and signs what was added, soon but not each time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from infra.embedded import Servers
from infra.notary.keys import Known
from infra.notary.signing import Notary, Refused
from infra.services import as_app
from infra.settings import Settings

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_UNSIGNED = 60.0
"""A log that is written to without a pause is signed this often; a quiet one at once."""

log = structlog.get_logger()


class Schedule:
    """Looks at the head from time to time; every look is safe to be the last."""

    def __init__(self, notary: Notary, clock: Callable[[], float] = time.monotonic) -> None:
        self._notary = notary
        self._clock = clock
        self._seen = -1
        self._signed = -1
        self._waiting_since: float | None = None

    async def look(self) -> None:
        """Grow the tree; sign when the log is quiet, or was left unsigned for a minute. Raises Refused."""
        size = await self._notary.tree.size()
        quiet, self._seen = size == self._seen, size
        if size == self._signed:
            return
        now = self._clock()
        if self._waiting_since is None:
            self._waiting_since = now
        if quiet or now - self._waiting_since >= SECONDS_UNSIGNED:
            self._waiting_since = None
            self._signed = size  # also where it is refused: said once, until the log moves on
            await self._notary.checkpoint()
        else:
            await self._notary.grow()


async def watch(notary: Notary, seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
    """Look every second, for ever, also while Postgres comes and goes."""
    schedule = Schedule(notary)
    while True:
        try:
            await schedule.look()
        except Refused as refused:
            log.error("notary.refused", reason=str(refused))  # noqa: TRY400  there is no traceback to read
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("notary.unreachable")
        except Exception:  # the notary does not go silently; whatever it was is looked at again
            log.exception("notary.failed")
        await asyncio.sleep(seconds)


@contextlib.asynccontextmanager
async def watching(settings: Settings, servers: Servers) -> AsyncIterator[Notary]:
    """A notary of these settings that watches the log until the end."""
    kwargs = {"autocommit": True}
    url = as_app(servers.database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=2, kwargs=kwargs, open=False) as pool:
        notary = Notary(pool, settings.notary_key, Known(settings.data_dir))
        task = asyncio.create_task(watch(notary), name="notary")
        try:
            yield notary
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
