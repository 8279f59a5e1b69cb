"""The conformance classes that the `eventsourcing` library ships, told about the log's recorders and factory.

Every story of theirs runs unchanged, each on an empty log. Where they assume what was decided otherwise here:

- **Versions.** Some stories begin a stream at version 0, others at 1. A stream of the log begins at 1, so
  `FromZero` stores streams that begin at 0 one version higher and gives them back as they came. The recorders
  themselves refuse a version 0; a story below says so.
- **Names.** The library names tables after applications and creates them. Here all applications share
  `log.event`, which `migrate` made. No story looks for a table. Tracking and snapshots have its tables.
- **Settings.** `ApplicationTestCase` builds applications without any; they find the log's in the environment.
- **Not run:** `TranscoderTestCase`, as it tells of JSON transcoders, of which the log has none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests import application, persistence
from eventsourcing.utils import Environment, get_topic
from psycopg.rows import DictRow

from infra.event_log.factory import LogFactory
from infra.event_log.recorder import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)
from tests.infra.event_log.calls import Connection, new, one, positions, settings_of


class FromZero(LogAggregateRecorder):
    """Stores a stream that begins at version 0 as one that begins at 1."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> Sequence[int] | None:
        self.__dict__.setdefault("shifted", set()).update(
            event.originator_id for event in stored_events if event.originator_version == 0
        )
        return super().insert_events([self._moved(event, 1) for event in stored_events], **kwargs)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = super().select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        return [self._moved(event, -1) for event in found]

    def _moved(self, event: StoredEvent, by: int) -> StoredEvent:
        if event.originator_id not in self.__dict__.get("shifted", ()):
            return event
        return replace(event, originator_version=event.originator_version + by)


class ApplicationFromZero(FromZero, LogApplicationRecorder):
    """As above, for applications."""


class ProcessFromZero(FromZero, LogProcessRecorder):
    """As above, for process applications."""


class LosesAnswers(PostgresDatastore):
    """A datastore that loses its connection after whatever was done in it, as often as it is told to."""

    losses = 0

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        with super().get_connection() as connection:
            yield connection
        if self.losses:
            self.losses -= 1
            raise OperationalError


def datastore_of(url: str) -> LosesAnswers:
    given = settings_of(url)
    return LosesAnswers(
        given["POSTGRES_DBNAME"],
        given["POSTGRES_HOST"],
        given["POSTGRES_PORT"],
        given["POSTGRES_USER"],
        given["POSTGRES_PASSWORD"],
        pool_size=2,
        max_overflow=10,
    )


class OnTheLog:
    """An empty log for each story, reached as the library reaches a database."""

    env: Environment
    datastore: LosesAnswers

    @pytest.fixture(autouse=True)
    def empty_log(self, log_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.env = Environment("", settings_of(log_url))
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self.datastore = datastore_of(log_url)
        yield
        self.datastore.close()


class TestAggregateRecorder(OnTheLog, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> FromZero:
        return FromZero(self.datastore)


class TestApplicationRecorder(OnTheLog, persistence.ApplicationRecorderTestCase[ApplicationFromZero]):
    def create_recorder(self) -> ApplicationFromZero:
        return ApplicationFromZero(self.datastore)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnTheLog, persistence.TrackingRecorderTestCase):
    def create_recorder(self) -> LogTrackingRecorder:
        recorder = LogTrackingRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestProcessRecorder(OnTheLog, persistence.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessFromZero:
        recorder = ProcessFromZero(self.datastore)
        recorder.create_table()
        return recorder


class TestNonInterleaving(OnTheLog, persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationFromZero:
        return ApplicationFromZero(self.datastore)


class TrackingRecorderOfAnApplication(LogTrackingRecorder):
    """What an application may derive for its own views."""


class TestFactory(OnTheLog, persistence.InfrastructureFactoryTestCase[LogFactory]):
    def expected_factory_class(self) -> type[LogFactory]:
        return LogFactory

    def expected_aggregate_recorder_class(self) -> type[LogAggregateRecorder]:
        return LogAggregateRecorder

    def expected_application_recorder_class(self) -> type[LogApplicationRecorder]:
        return LogApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[LogTrackingRecorder]:
        return LogTrackingRecorder

    def tracking_recorder_subclass(self) -> type[LogTrackingRecorder]:
        return TrackingRecorderOfAnApplication

    def expected_process_recorder_class(self) -> type[LogProcessRecorder]:
        return LogProcessRecorder


@pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning")  # one story expects it
class TestApplication(OnTheLog, application.ApplicationTestCase):
    def test_its_applications_find_the_log(self) -> None:
        with Application[UUID]() as found:
            assert isinstance(found.factory, LogFactory)


class TestExampleApplication(OnTheLog, application.ExampleApplicationTestCase):
    expected_factory_topic = get_topic(LogFactory)


def stored(stream: UUID, *versions: int, state: bytes = b"state") -> list[StoredEvent]:
    return [StoredEvent(stream, version, "topic", state) for version in versions]


@pytest.fixture
def datastore(log_url: str) -> Iterator[LosesAnswers]:
    with datastore_of(log_url) as datastore:
        yield datastore


def test_thousands_of_events_fit_into_one_insert(datastore: LosesAnswers, owner: Connection) -> None:
    events = stored(uuid4(), *range(1, 5001), state=b"x" * 321)
    recorder = LogApplicationRecorder(datastore)
    assert recorder.insert_events(events) == list(range(1, 5001))
    assert recorder.select_events(events[0].originator_id) == events
    assert positions(owner) == list(range(1, 5001))


def test_a_stream_counts_from_one_without_gaps(datastore: LosesAnswers) -> None:
    for versions in ((0,), (2,), (1, 3), (1, 1)):
        with pytest.raises(IntegrityError):
            LogApplicationRecorder(datastore).insert_events(stored(uuid4(), *versions))


def test_columns_that_the_library_does_not_know_stay_empty(
    datastore: LosesAnswers, owner: Connection
) -> None:
    LogApplicationRecorder(datastore).insert_events(stored(uuid4(), 1))
    row = owner.execute("SELECT shard, schema, subject_id, actor_id, key_id, meta FROM log.event").fetchone()
    assert row == (0, 1, None, None, None, None)


def test_an_answer_lost_after_the_commit_does_not_store_twice(
    datastore: LosesAnswers, owner: Connection
) -> None:
    recorder, (a, b) = LogApplicationRecorder(datastore), new(2)
    recorder.insert_events(stored(b, 1))
    datastore.losses = 1
    assert recorder.insert_events(stored(a, 1, 2)) == [2, 3]
    assert positions(owner) == [1, 2, 3]


def test_tracking_and_events_stand_or_fall_together(datastore: LosesAnswers) -> None:
    recorder, (a, b) = LogProcessRecorder(datastore), new(2)
    recorder.create_table()
    datastore.losses = 1
    assert recorder.insert_events(stored(a, 1), tracking=Tracking("upstream", 5)) == [1]
    with pytest.raises(IntegrityError):
        recorder.insert_events(stored(b, 1), tracking=Tracking("upstream", 5))
    assert recorder.select_events(b) == []
    with pytest.raises(IntegrityError):
        recorder.insert_events(stored(a, 1), tracking=Tracking("upstream", 6))
    assert recorder.max_tracking_id("upstream") == 5
    assert recorder.insert_events(stored(b, 1), tracking=Tracking("upstream", 6)) == [2]


def test_a_connection_that_died_in_the_pool_is_replaced(datastore: LosesAnswers, owner: Connection) -> None:
    recorder = LogApplicationRecorder(datastore)
    recorder.insert_events(stored(uuid4(), 1))
    ended = one(
        owner,
        "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    assert ended
    assert recorder.insert_events(stored(uuid4(), 1)) == [2]
    assert recorder.max_notification_id() == 2
