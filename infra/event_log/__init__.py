"""The log: how events are sealed, appended and read. The only package that knows `eventsourcing`."""
