"""What an import of an event log did."""

import msgspec

from infra.event_logs.rows import Wrong


class Report(msgspec.Struct, kw_only=True):
    """The figures of a run. What was read is imported, unchanged, skipped or a problem."""

    dry_run: bool = False
    rows: int = 0
    cases: int = 0
    imported: int = 0
    events: int = 0
    unchanged: int = 0
    skipped: dict[str, int] = {}
    problems: list[Wrong] = []
    vanished: list[str] = []
    seconds: float = 0.0
    append_seconds: float = 0.0
    peak_memory_mb: float = 0.0

    def skip(self, code: str, count: int = 1) -> None:
        """Rows left out by a rule or by the map."""
        self.skipped[code] = self.skipped.get(code, 0) + count
