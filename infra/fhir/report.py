"""What an import did: for each type read, brought in, left out and why; and every resource that went wrong."""

import resource
import sys
from collections import Counter

import msgspec


class Named(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resource or a file that was not brought in as it stands, and why."""

    ref: str
    code: str
    detail: str = ""
    place: str = ""


class Kind(msgspec.Struct, kw_only=True):
    """The figures of one type. What was read is imported, unchanged, skipped or a problem."""

    read: int = 0
    imported: int = 0
    unchanged: int = 0
    events: int = 0
    problems: int = 0
    skipped: Counter[str] = msgspec.field(default_factory=Counter)


class Report(msgspec.Struct, kw_only=True):
    """The figures of a run, and everything that a person should look at."""

    dry_run: bool = False
    files: int = 0
    patients: int = 0
    events: int = 0
    seconds: float = 0.0
    append_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    types: dict[str, Kind] = {}
    problems: list[Named] = []
    skipped: list[Named] = []
    vanished: list[Named] = []

    def of(self, kind: str) -> Kind:
        """The figures of a type, made when it is met first."""
        return self.types.setdefault(kind, Kind())

    def read(self, kind: str) -> None:
        self.of(kind).read += 1

    def imported(self, ref: str, events: int) -> None:
        """A resource made events."""
        kind = self.of(type_of(ref))
        kind.imported += 1
        kind.events += events
        self.events += events

    def unchanged(self, ref: str) -> None:
        self.of(type_of(ref)).unchanged += 1

    def skip(self, kind: str, code: str, named: Named | None = None) -> None:
        """A resource is left out by our rules; it is named where somebody may have expected it."""
        self.of(kind).skipped[code] += 1
        if named is not None:
            self.skipped.append(named)

    def problem(self, named: Named) -> None:
        """Something is wrong with a resource or a file."""
        self.problems.append(named)
        if named.ref != named.place:
            self.of(type_of(named.ref)).problems += 1


def type_of(ref: str) -> str:
    """The type in an identity: `Condition/17`, `CarePlan/4#p1` (a contained one is counted with its holder)."""
    return ref.partition("/")[0]


def peak_memory_mb() -> float:
    """The most that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
