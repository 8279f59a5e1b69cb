"""The `eventsourcing` library's recorders, on the one log instead of tables of their own.

They know the library's columns only: what they write has no subject, no actor and no seal. Streams begin at
version 1 and have no gaps; whatever else is asked for is the library's `IntegrityError`, as a version that is
taken is.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresProcessRecorder,
    PostgresTrackingRecorder,
)
from eventsourcing.utils import retry
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL

from infra.event_log.upcasters import current_schema

SHARD = 0
CHANNEL = "tarikh_log"

APPEND = """
    SELECT outcome, position, culprit
    FROM log.append(
        %b::integer, %b::timestamptz, ARRAY[%b::bytea], %b::integer[], %b::uuid[], %b::bigint[], %b::text[],
        %b::smallint[], NULL, NULL, NULL, %b::bytea[], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    )
"""
NOTIFICATIONS = """
    SELECT notification_id AS id, originator_id, originator_version, topic, state
    FROM log.event
    WHERE shard = %(shard)s
      AND notification_id >= %(first)s
      AND (%(stop)s::bigint IS NULL OR notification_id <= %(stop)s)
      AND (%(topics)s::text[] IS NULL OR topic = ANY (%(topics)s))
    ORDER BY notification_id
    LIMIT %(limit)s
"""
SELECT_EVENTS = SQL("SELECT * FROM log.event WHERE shard = {} AND originator_id = %s").format(SHARD)
SELECT_HEAD = SQL("SELECT nullif(position, 0) AS max FROM log.head WHERE shard = {}").format(SHARD)


class LogAggregateRecorder(PostgresAggregateRecorder):
    """Events of single streams."""

    def __init__(self, datastore: PostgresDatastore, **table_names: str) -> None:
        super().__init__(datastore, **table_names)
        self.select_events_statement = SELECT_EVENTS
        # The log was made by `migrate`; what is left to create is a tracking table, where there is one.
        self.sql_create_statements = [
            made for made in self.sql_create_statements if "application_name" in made.as_string()
        ]

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> Sequence[int] | None:
        """Store all or none. Raise `IntegrityError` when a version is not its stream's next."""
        if stored_events:
            self._store(uuid4().bytes, stored_events, **kwargs)
        return None

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _store(self, request_id: bytes, stored_events: Sequence[StoredEvent], **_: object) -> Sequence[int]:
        with self.datastore.get_connection() as connection:
            return _append(connection, request_id, stored_events)[0]


class LogApplicationRecorder(LogAggregateRecorder, PostgresApplicationRecorder):
    """Events of single streams, and the whole log by position."""

    def __init__(self, datastore: PostgresDatastore, **table_names: str) -> None:
        super().__init__(datastore, **table_names)
        self.max_notification_id_statement = SELECT_HEAD
        self.channel_name = CHANNEL

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> Sequence[int] | None:
        """Store all or none; return their positions. Raise `IntegrityError` as above."""
        if not stored_events and not kwargs:
            return None
        positions: Sequence[int] = self._store(uuid4().bytes, stored_events, **kwargs)
        return positions

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _store(
        self, request_id: bytes, stored_events: Sequence[StoredEvent], **kwargs: object
    ) -> Sequence[int]:
        """Append in one statement of its own, or in one transaction with what else the library has to store.

        A connection may be lost after the commit. The next try carries the same request id and is then
        answered with the positions of the first, of which everything else was part.
        """
        with self.datastore.get_connection() as connection:
            if not kwargs:
                return _append(connection, request_id, stored_events)[0]
            with connection.transaction(), connection.cursor() as cursor:
                positions, stored_before = _append(connection, request_id, stored_events)
                if not stored_before:
                    self._insert_events(cursor, stored_events, **kwargs)
                return positions

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return events by position. There are no gaps: whoever has seen N has seen everything before it."""
        asked = {
            "shard": SHARD,
            "first": 0 if start is None else start + (not inclusive_of_start),
            "stop": stop,
            "topics": list(topics) or None,
            "limit": limit,
        }
        with self.datastore.get_connection() as connection:
            rows = connection.execute(NOTIFICATIONS, asked, binary=True).fetchall()
            return [Notification(**row) for row in rows]


class LogTrackingRecorder(PostgresTrackingRecorder):
    """How far upstream applications were read: the library's own tables."""


class LogProcessRecorder(LogApplicationRecorder, PostgresProcessRecorder):
    """Events, and how far upstream applications were read, in one transaction."""


def _append(
    connection: Connection[DictRow], request_id: bytes, events: Sequence[StoredEvent]
) -> tuple[Sequence[int], bool]:
    """Append one request; its positions, and whether an earlier try had stored it."""
    if not events:
        return [], False
    columns = [
        [1] * len(events),
        [_stream_id(event.originator_id) for event in events],
        [event.originator_version for event in events],
        [event.topic for event in events],
        [current_schema(event.topic) for event in events],
        [event.state for event in events],
    ]
    answer = connection.execute(APPEND, (SHARD, datetime.now(UTC), request_id, *columns)).fetchone()
    if answer is None or answer["outcome"] not in {"appended", "duplicate"}:
        raise IntegrityError(answer)
    first = answer["position"]
    return list(range(first, first + len(events))), answer["outcome"] == "duplicate"


def _stream_id(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
