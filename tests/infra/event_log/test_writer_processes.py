"""GroupWriter among processes: some write too, some stand still, and Postgres dies and comes back."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.event_log.append import Appended
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.migrate import migrate
from infra.services import as_app
from tests.campaigns.loss.power import Power
from tests.infra.writing import Urls, note, vault, writing

WRITERS, EVENTS = 3, 40
STOPS = 12
PATIENCE = 30
Process = asyncio.subprocess.Process


@pytest.fixture(scope="module")
def urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    return fresh_database_urls()


@contextlib.asynccontextmanager
async def writer_process(urls: Urls, count: int, *streams: UUID) -> AsyncIterator[Process]:
    """Another process at work, which is gone when the story is over."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.infra.event_log.one_writer", *urls, str(count), *map(str, streams)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def position(process: Process) -> int:
    """The next one that it says."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return int(await process.stdout.readline())


def places(urls: Urls, stream: UUID) -> list[tuple[int, int]]:
    """Version and position of everything in a stream."""
    query = "SELECT originator_version, notification_id FROM log.event WHERE originator_id = %s ORDER BY 2"
    with psycopg.connect(urls[0]) as connection:
        return connection.execute(query, (stream,)).fetchall()


async def test_several_processes_share_hot_streams(urls: Urls) -> None:
    hot = [new_id(), new_id()]
    async with contextlib.AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(writer_process(urls, EVENTS, *hot)) for _ in range(WRITERS)
        ]
        said = [[await position(process) for _ in range(EVENTS)] for process in started]
        assert [await process.wait() for process in started] == [0] * WRITERS
    stored = [place for stream in hot for place in places(urls, stream)]
    assert sorted(position for one in said for position in one) == sorted(p for _, p in stored)
    for stream in hot:
        found = places(urls, stream)
        assert [version for version, _ in found] == list(range(1, WRITERS * EVENTS // 2 + 1))
    assert all(one == sorted(one) for one in said)


async def test_wherever_a_writer_stands_still_the_others_go_on(urls: Urls) -> None:
    """It is stopped again and again in the middle of its work; nobody ever waits for it."""
    own = new_id()
    async with writer_process(urls, 0, own) as process, writing(urls) as (writer, _):
        await position(process)
        for _ in range(STOPS):
            process.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(PATIENCE):
                answers = await asyncio.gather(*(writer.append(note(new_id())) for _ in range(20)))
            assert {answer.duplicate for answer in answers} == {False}
            process.send_signal(signal.SIGCONT)
            await position(process)
    found = places(urls, own)
    assert [version for version, _ in found] == list(range(1, len(found) + 1))
    assert len(found) > STOPS


class Line:
    """A line to Postgres that can swallow an answer and break."""

    def __init__(self, server: Path, here: Path) -> None:
        self.server = server
        self.here = here
        self.swallowing = False
        self.swallowed = asyncio.Event()
        self.open: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both ways until either side hangs up."""
        there_reader, there_writer = await asyncio.open_unix_connection(self.server)
        self.open += [writer, there_writer]
        await asyncio.gather(
            self._carry(reader, there_writer), self._carry(there_reader, writer, answers=True)
        )

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await reader.read(65_536):
                if answers and self.swallowing:
                    self.swallowed.set()
                    continue
                writer.write(said)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()
        self.open.clear()


@contextlib.asynccontextmanager
async def line_to(urls: Urls, folder: Path) -> AsyncIterator[tuple[Line, str]]:
    """The line, and the database seen through it."""
    parts = conninfo_to_dict(as_app(urls[0]))
    name = f".s.PGSQL.{parts.get('port', 5432)}"
    line = Line(Path(str(parts["host"])) / name, folder / name)
    async with await asyncio.start_unix_server(line.serve, line.here):
        yield line, make_conninfo(as_app(urls[0]), host=str(folder))
        line.cut()


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name leaves room for a socket."""
    return tmp_path_factory.mktemp("s")


async def test_an_answer_that_was_lost_on_the_way_is_found_by_the_request_id(urls: Urls, short: Path) -> None:
    """The commit went through, the network did not: asked again, and not stored again."""
    streams = [new_id() for _ in range(5)]
    async with (
        line_to(urls, short) as (line, conninfo),
        vault(urls) as keys,
        GroupWriter(conninfo, keys) as writer,
    ):
        await writer.append(note(new_id()))
        line.swallowing = True
        answers = [asyncio.create_task(writer.append(note(stream))) for stream in streams]
        async with asyncio.timeout(PATIENCE):
            await line.swallowed.wait()
            while not all(places(urls, stream) for stream in streams):  # noqa: ASYNC110  Postgres is at it
                await asyncio.sleep(0.01)
        stored = {stream: places(urls, stream) for stream in streams}
        assert all(len(found) == 1 for found in stored.values())
        line.swallowing = False
        line.cut()
        told = dict(zip(streams, await asyncio.gather(*answers), strict=True))
    assert {answer.duplicate for answer in told.values()} == {True}
    assert {stream: [(1, answer.first_position)] for stream, answer in told.items()} == stored
    assert {stream: places(urls, stream) for stream in streams} == stored


@pytest.fixture
def power(short: Path) -> Iterator[Power]:
    """A Postgres of one's own."""
    found = Power(short)
    found.on()
    yield found
    found.end()


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_postgres_that_was_killed_is_found_again(power: Power, at_once: bool) -> None:  # noqa: FBT001
    """Whoever waited is answered, and what was stored before it died is not stored again."""
    urls = (power.server.url(), power.server.url("tarikh_vault"))
    migrate(*urls)
    streams = [new_id() for _ in range(60)]
    async with writing(urls) as (writer, _):
        assert isinstance(await writer.append(note(new_id())), Appended)
        early = [asyncio.create_task(writer.append(note(stream))) for stream in streams[:30]]
        await asyncio.wait(early, return_when=asyncio.FIRST_COMPLETED)
        power.off(at_once=at_once)
        late = [asyncio.create_task(writer.append(note(stream))) for stream in streams[30:]]
        await asyncio.sleep(0)
        power.on()
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*early, *late)
    stored = [places(urls, stream) for stream in streams]
    assert stored == [[(1, answer.first_position)] for answer in answers]
