"""What an import did: for each type read, brought in, left out and why; and each resource that went wrong."""

import re
import resource
import sys
from pathlib import Path

import msgspec

from infra.fhir.stated import (
    AnyStated,
    Stated,
    StatedBackground,
    StatedDeath,
    StatedDiagnosis,
    StatedEncounter,
    StatedGoal,
    StatedMedication,
    StatedPatient,
    StatedPlan,
    StatedPrescription,
    StatedSymptom,
)

KINDS: dict[type[Stated], str] = {
    StatedPatient: "Patient",
    StatedDeath: "Patient",
    StatedBackground: "AllergyIntolerance",
    StatedDiagnosis: "Condition",
    StatedSymptom: "Observation",
    StatedPlan: "CarePlan",
    StatedGoal: "Goal",
    StatedEncounter: "Encounter",
    StatedPrescription: "MedicationRequest",
    StatedMedication: "Medication",
}
"""Which type of resource states what."""


class Named(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resource or a file that was not brought in as it stands, and why."""

    code: str
    ref: str = ""
    detail: str = ""
    place: str = ""


class Kind(msgspec.Struct, kw_only=True):
    """The figures of one type. What was read is imported, unchanged, skipped or a problem."""

    read: int = 0
    imported: int = 0
    events: int = 0
    unchanged: int = 0
    problems: int = 0
    skipped: dict[str, int] = {}


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

    def imported(self, kind: str, record: AnyStated, events: int) -> None:
        """A resource made events; a death is a part of its patient's."""
        figures = self.of(kind)
        figures.imported += not isinstance(record, StatedDeath)
        figures.events += events
        self.events += events

    def unchanged(self, kind: str, record: AnyStated) -> None:
        """The source says what it said before."""
        self.of(kind).unchanged += not isinstance(record, StatedDeath)

    def skip(self, kind: str, code: str, named: Named | None = None) -> None:
        """A resource is left out by our rules; it is named where somebody may have expected it."""
        counts = self.of(kind).skipped
        counts[code] = counts.get(code, 0) + 1
        if named is not None:
            self.skipped.append(named)

    def problem(self, kind: str | None, named: Named) -> None:
        """Something is wrong with a resource, or (of no kind) with a file."""
        self.problems.append(named)
        if kind is not None:
            self.of(kind).problems += 1


def kind_of(record: AnyStated) -> str:
    """The type of the resource that a record comes from."""
    return KINDS[type(record)]


def peak_memory_mb() -> float:
    """The most that this process has held so far.

    Linux's `ru_maxrss` also tells of the process that started this one; the high-water mark does not.
    """
    if sys.platform == "linux":
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        return round(int(found[1]) / 1024, 1) if found else 0.0
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024), 1)
