"""What an application of the `eventsourcing` library is told to keep its events in the log.

`PERSISTENCE_MODULE=infra.event_log.factory:LogFactory`, with the library's `POSTGRES_…` settings. All
applications that say so share the one log.
"""

from eventsourcing.persistence import AggregateRecorder
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresFactory

from infra.event_log.recorder import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)


class LogFactory(PostgresFactory):
    """Events go to the log; snapshots, which may be thrown away, to a table that the library makes."""

    aggregate_recorder_class = LogAggregateRecorder
    application_recorder_class = LogApplicationRecorder
    tracking_recorder_class = LogTrackingRecorder
    process_recorder_class = LogProcessRecorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return a recorder of events, or of whatever else the library calls an aggregate's: snapshots."""
        if purpose == "events":
            return super().aggregate_recorder(purpose)
        recorder = PostgresAggregateRecorder(
            self.datastore, events_table_name=f"{self.env.name.lower() or 'stored'}_{purpose}"
        )
        if self.env_create_table():
            recorder.create_table()
        return recorder
