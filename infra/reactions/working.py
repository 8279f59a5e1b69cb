"""Works on the queue: runs jobs, tries again what may yet succeed, takes up what a dead worker left."""

import asyncio
import contextlib
from datetime import UTC, datetime

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout

from domain.errors import Conflict, DomainError
from infra.event_log.append import OutcomeUnknown, StorageUnavailable
from infra.reactions.acting import act
from infra.reactions.process_manager import NotYet, ProcessManager
from infra.reactions.queue import QUEUE, TASK, queue_of
from infra.reactions.registry import MANAGERS
from infra.services import Services, as_app

AT_ONCE = 4
MOST_TRIES = 5
LONGEST_PAUSE = 300
SECONDS_BETWEEN_BEATS = 2.0
SECONDS_UNTIL_LOST = 10.0
SECONDS_TO_FINISH = 5.0
SECONDS_BETWEEN_LOOKS = 1.0

AWAY = (StorageUnavailable, OutcomeUnknown, psycopg.OperationalError, PoolTimeout)
"""It is the weather: whatever was to be done is still to be done."""

log = structlog.get_logger()


class Patience(BaseRetryStrategy):
    """Not before its time; then for ever while Postgres is away, a few times else, never against a rule."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, NotYet):
            return RetryDecision(retry_at=exception.due)
        if not _worth_a_try(exception, job.attempts):
            return None
        return RetryDecision(retry_in={"seconds": min(2**job.attempts, LONGEST_PAUSE)})


def _worth_a_try(error: BaseException, tries: int) -> bool:
    if isinstance(error, AWAY):
        return True
    if isinstance(error, DomainError) and not isinstance(error, Conflict):
        return False
    return tries + 1 < MOST_TRIES


def jobs_of(services: Services, queue: App, managers: dict[str, ProcessManager] | None = None) -> App:
    """The queue with what its jobs do."""
    known = MANAGERS if managers is None else managers

    @queue.task(name=TASK, queue=QUEUE, retry=Patience())
    async def react(manager: str, shard: int, position: int) -> None:
        try:
            await act(services.reader, services.commands, known[manager], position)
        except NotYet:
            raise
        except Exception as error:
            code = error.code if isinstance(error, DomainError) else None
            log.warning(
                "reaction.failed", projection=manager, shard=shard, position=position, code=code,
                error=type(error).__qualname__,
            )  # fmt: skip
            raise

    return queue


async def work(services: Services, conninfo: str, stop: asyncio.Event) -> None:
    """Work until told to stop; go on when Postgres comes back."""
    while not stop.is_set():
        try:
            async with jobs_of(services, queue_of(as_app(conninfo))).open_async() as queue:
                await _until(stop, queue)
        except (psycopg.OperationalError, PoolTimeout, ConnectorException):
            log.warning("worker.unreachable")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SECONDS_BETWEEN_LOOKS)


async def _until(stop: asyncio.Event, queue: App) -> None:
    """Run jobs until the end has come, or any part of it has ended by itself."""
    worker = Worker(
        queue,
        queues=[QUEUE],
        concurrency=AT_ONCE,
        delete_jobs="successful",
        install_signal_handlers=False,
        stalled_worker_timeout=SECONDS_UNTIL_LOST,
        shutdown_graceful_timeout=SECONDS_TO_FINISH,
    )
    running = worker.run()  # type: ignore[no-untyped-call]  # the library leaves it so
    tasks = [asyncio.create_task(part) for part in (stop.wait(), running, _beat(queue, worker))]
    ended, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in ended:
        task.result()


async def _beat(queue: App, worker: Worker) -> None:
    """Say that this worker lives, and take up what others had begun whose heart stopped.

    The library beats too, but does not notice when that fails.
    """
    while True:
        if worker.worker_id is not None:
            await queue.job_manager.update_heartbeat(worker.worker_id)
            for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=SECONDS_UNTIL_LOST):
                await queue.job_manager.retry_job(job)
        await asyncio.sleep(SECONDS_BETWEEN_BEATS)


async def try_again(conninfo: str) -> int:
    """Put what failed for good back into the queue; how many jobs."""
    async with queue_of(as_app(conninfo)).open_async() as queue:
        failed = list(await queue.job_manager.list_jobs_async(queue=QUEUE, status="failed"))
        for job in failed:
            assert job.id is not None  # noqa: S101  it was stored
            await queue.job_manager.retry_job_by_id_async(job.id, datetime.now(UTC))
        return len(failed)
