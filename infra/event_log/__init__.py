"""The log of events: how they are sealed, appended, read and proved. The only package that knows `eventsourcing`."""
