"""The peer of the projector: the library's own application, events and ProjectionRunner, in default mode."""

import asyncio
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

SECONDS_TO_WAIT = 60.0
EVENTS_OF_A_COURSE = 20
TABLES = """
    CREATE SCHEMA IF NOT EXISTS bench;
    DROP TABLE IF EXISTS bench.runner_timeline, bench.timeline_tracking;
    CREATE TABLE bench.runner_timeline (
        stream_id uuid, version bigint, position bigint, tag text, occurred_at timestamptz, data jsonb,
        PRIMARY KEY (stream_id, version)
    )
    """
INSERT = "INSERT INTO bench.runner_timeline VALUES (%s, %s, %s, %s, %s, %s)"


class Course(Aggregate):
    """A diagnosis whose symptoms are observed."""

    def __init__(self, patient_id: UUID) -> None:
        self.patient_id = patient_id
        self.last = ("", 0.0)

    @event("Observed")
    def observe(self, symptom_code: str, score: float) -> None:
        self.last = (symptom_code, score)


class Courses(Application[UUID]):
    """The library's application, on its own Postgres tables."""


class View(PostgresTrackingRecorder):
    """One row for each event, in the transaction that tracks its position."""

    def put(self, tracking: Tracking, happened: Any) -> None:  # noqa: ANN401  the library's own
        own = {"originator_id", "originator_version", "timestamp"}
        data = {name: str(value) for name, value in vars(happened).items() if name not in own}
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            place = (happened.originator_id, happened.originator_version, tracking.notification_id)
            tag = type(happened).__qualname__
            cursor.execute(INSERT, (*place, tag, happened.timestamp, Jsonb(data)))


class Timeline(Projection[View]):
    """Writes every event down."""

    name = "timeline"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401  as there
        self.view.put(tracking, domain_event)


class Peer:
    """So many events of the library's, to be projected again and again."""

    def __init__(self, database_url: str, events: int) -> None:
        names = conninfo_to_dict(database_url)
        self._url = database_url
        self._events = events
        self._environment = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(names["dbname"]),
            "POSTGRES_HOST": str(names["host"]),
            "POSTGRES_PORT": str(names.get("port", "5432")),
            "POSTGRES_USER": str(names["user"]),
            "POSTGRES_PASSWORD": "",
            "POSTGRES_SCHEMA": "bench",
        }

    def prepare(self) -> None:
        """Store the events, by the library."""
        self._fresh()
        application = Courses(self._environment)
        for _ in range(self._events // EVENTS_OF_A_COURSE):
            course = Course(patient_id=uuid4())
            for day in range(EVENTS_OF_A_COURSE - 1):
                course.observe("headache", float(day % 10))
            application.save(course)
        application.close()

    async def per_second(self) -> float:
        """Events a second, from an empty table to the last event."""
        self._fresh()
        return await asyncio.to_thread(self._run)

    def _run(self) -> float:
        started = perf_counter()
        with ProjectionRunner(
            application_class=Courses,
            projection_class=Timeline,
            view_class=View,
            env=self._environment,
        ) as runner:
            runner.wait(self._events, timeout=SECONDS_TO_WAIT)
            return self._events / (perf_counter() - started)

    def _fresh(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as owner:
            owner.execute(TABLES)
