"""Embedded servers live exactly as long as somebody uses them, whoever is killed and however."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
import pytest
import redis

from infra import embedded
from infra.embedded import Servers
from infra.errors import CommandFailed
from infra.settings import Settings

PATIENCE = 30.0
ACTIVE = """
SELECT 1
FROM pg_stat_activity
WHERE state = 'active' AND usename = 'tarikh' AND pid <> pg_backend_pid()
"""
USER = """
import sys
import msgspec
from infra import embedded
from infra.settings import Settings
with embedded.servers(Settings.from_environment({"TARIKH_DATA_DIR": sys.argv[1]})) as servers:
    print(msgspec.json.encode(servers).decode(), flush=True)
    sys.stdin.read()
"""


class User:
    """Another command on the data dir, which uses the servers until it leaves or is killed."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def served(self) -> Servers:
        """Wait until the servers are there."""
        assert self.process.stdout
        return msgspec.json.decode(self.process.stdout.readline(), type=Servers)

    def leave(self) -> None:
        self.process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.leave()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data dir whose cluster exists, so that its stories need not wait for the first start."""
    data_dir = tmp_path_factory.mktemp("embedded") / "data"
    with using(data_dir) as user:
        user.served()
    return data_dir


@pytest.fixture
def data_dir(prepared: Path) -> Iterator[Path]:
    """The prepared data dir, at rest before and after each story."""
    until(lambda: not running(prepared))
    yield prepared
    kill(running(prepared))


@contextmanager
def using(data_dir: Path) -> Iterator[User]:
    user = User(data_dir)
    try:
        yield user
    finally:
        user.kill() if sys.exc_info()[0] else user.leave()


def running(data_dir: Path) -> list[psutil.Process]:
    """Return the watchdogs of a data dir and every process that works inside it, unreaped ones left out."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        inside = (process.info["cwd"] or "").startswith(f"{data_dir}/")
        watching = process.info["cmdline"] and "infra.embedded.watchdog" in process.info["cmdline"]
        if inside or (watching and str(data_dir) in process.info["cmdline"]):
            found.append(process)
    return [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def watchdogs(data_dir: Path) -> list[psutil.Process]:
    return [process for process in running(data_dir) if "infra.embedded.watchdog" in process.info["cmdline"]]


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres/data/postmaster.pid").read_text().splitlines()[0]))


def until(true: Callable[[], object]) -> None:
    """Wait for a condition; how long is a matter of patience, not of the story."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)  # leaves the processor to those who are waited for


def answers(servers: Servers) -> bool:
    assert servers.cache_url
    try:
        psycopg.connect(servers.database_url).close()
        psycopg.connect(servers.vault_url).close()
        with redis.Redis.from_url(servers.cache_url) as cache:
            return bool(cache.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


@contextmanager
def busy_backends(servers: Servers) -> Iterator[None]:
    """Let Postgres work on statements that would never end by themselves."""
    endless = ("SELECT pg_sleep(3600)", "DO $$ BEGIN LOOP END LOOP; END $$")
    with ExitStack() as connections:
        for statement in endless:
            connection = psycopg.connect(servers.database_url, autocommit=True)
            connections.callback(connection.close)
            connection.pgconn.send_query(statement.encode())
        watcher = psycopg.connect(servers.database_url, autocommit=True)
        connections.callback(watcher.close)
        until(lambda: len(watcher.execute(ACTIVE).fetchall()) == len(endless))
        yield


def test_the_first_user_starts_them_and_the_last_one_out_stops_them(data_dir: Path) -> None:
    with using(data_dir) as first:
        servers = first.served()
        with using(data_dir) as second:
            assert second.served() == servers
            assert len(watchdogs(data_dir)) == 2
        assert answers(servers)
    until(lambda: not running(data_dir))
    assert not (data_dir / "postgres/run").exists()


def test_many_who_start_at_once_share_one_pair_of_servers(data_dir: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(using(data_dir)) for _ in range(4)]
        assert len({user.served().database_url for user in users}) == 1
        assert len(watchdogs(data_dir)) == 2


def test_a_killed_user_leaves_nothing_behind(data_dir: Path) -> None:
    user = User(data_dir)
    with busy_backends(user.served()):
        user.kill()
        until(lambda: not running(data_dir))


def test_servers_die_with_a_killed_watchdog_and_the_next_user_starts_them_again(data_dir: Path) -> None:
    with using(data_dir) as first:
        servers = first.served()
        with busy_backends(servers):
            kill(watchdogs(data_dir))
            until(lambda: not running(data_dir))
        with using(data_dir) as second:
            assert second.served() == servers
        assert answers(servers), "the first user is still there"
    until(lambda: not running(data_dir))


def test_a_stopped_watchdog_finishes_before_the_next_user_starts(data_dir: Path) -> None:
    with using(data_dir) as first:
        servers = first.served()
        old = watchdogs(data_dir)
        for watchdog in old:
            watchdog.terminate()
        until(lambda: not set(old) & set(watchdogs(data_dir)))
        with using(data_dir) as second:
            second.served()
            assert answers(servers)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT])
def test_a_killed_postgres_comes_back_with_what_was_committed(data_dir: Path, number: signal.Signals) -> None:
    with using(data_dir) as user:
        servers = user.served()
        name = f"kept_{os.urandom(4).hex()}"
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE {name} AS SELECT 42 AS answer")
            killed = postmaster(data_dir)
            killed.send_signal(number)
            killed.wait(PATIENCE)
        until(lambda: answers(servers))
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute(f"SELECT answer FROM {name}").fetchone() == (42,)
    until(lambda: not running(data_dir))


def test_a_killed_cache_comes_back(data_dir: Path) -> None:
    with using(data_dir) as user:
        servers = user.served()
        valkey = next(process for process in running(data_dir) if process.name() == "valkey-server")
        valkey.kill()
        until(lambda: valkey not in running(data_dir) and answers(servers))


def test_after_everything_was_killed_at_once_it_starts_cleanly(data_dir: Path) -> None:
    user = User(data_dir)
    with busy_backends(user.served()):
        victims = [psutil.Process(user.pid), *running(data_dir)]
        for victim in victims:
            victim.suspend()
        kill(victims)
        user.leave()
        until(lambda: not running(data_dir))
    with using(data_dir) as next_one:
        assert answers(next_one.served())


def test_a_first_start_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    user = User(tmp_path)
    until((tmp_path / "postgres/data.new/base").exists)
    kill([psutil.Process(user.pid), *running(tmp_path)])
    user.leave()
    with using(tmp_path) as next_one:
        assert answers(next_one.served())
    until(lambda: not running(tmp_path))


def test_two_data_dirs_do_not_meet_however_long_and_odd_their_names(data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / 'سابقهٔ بیمار, "1" 50%' / ("x" * 100)
    with using(data_dir) as here, using(other) as there:
        mine, theirs = here.served(), there.served()
        assert mine.database_url != theirs.database_url
        assert theirs.cache_url is not None
        assert mine.cache_url != theirs.cache_url
        assert answers(mine)
        assert answers(theirs)
        outside = Path(theirs.cache_url.removeprefix("unix://")).parent
        assert outside.is_dir(), "the kernel allows no socket under so long a name"
    until(lambda: not running(other))
    assert not outside.exists()


def test_urls_that_are_given_are_passed_on_and_nothing_starts(settings: Settings, tmp_path: Path) -> None:
    given = msgspec.structs.replace(
        settings, data_dir=tmp_path, database_url="postgresql://u@db/x?a=1", vault_url=None, cache_url="none"
    )
    with embedded.servers(given) as servers:
        assert servers == Servers(
            database_url="postgresql://u@db/x?a=1", vault_url="postgresql://u@db/x_vault?a=1", cache_url=None
        )
    assert list(tmp_path.iterdir()) == []


def test_only_what_has_no_url_is_started(settings: Settings, tmp_path: Path) -> None:
    given = msgspec.structs.replace(
        settings, data_dir=tmp_path, database_url="postgresql://u@db/x", cache_url=None
    )
    with embedded.servers(given):
        assert [file.name for file in tmp_path.iterdir()] == ["valkey"]
    until(lambda: not running(tmp_path))


def test_what_cannot_start_is_said_in_one_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    given = msgspec.structs.replace(settings, data_dir=tmp_path, database_url=None, cache_url="none")
    with pytest.raises(CommandFailed) as caught, embedded.servers(given):
        pass
    assert "postgres did not start" in str(caught.value)
    assert "\n" not in str(caught.value)
    until(lambda: not running(tmp_path))
