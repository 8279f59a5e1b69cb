"""One case's rows to requests for the log, decided as the API decides; of a row all or nothing is taken."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from domain.diagnosis import RecordDiagnosis
from domain.event import Command
from domain.patient import RegisterPatient
from infra.event_logs.commands import COMMANDS
from infra.event_logs.mapping import EventMap, Fields, filled
from infra.event_logs.rows import Row
from infra.fhir.known import KnownPatient
from infra.fhir.planning_base import House, Step, told
from infra.fhir.planning_deciding import Deciding, Refusal, Request
from infra.fhir.stated import Unusable
from infra.fhir.times import unknown

DIGEST_DIGITS = 32
LONGEST_REFERENCE = 400


@dataclass(frozen=True)
class Planned:
    """What comes of a row, or (without one) of the case itself."""

    ref: str
    row: Row | None = None
    request: Request | None = None
    passed_over: str | None = None
    refused: Refusal | None = None


@dataclass(frozen=True)
class _Wanted:
    """A row that can be read as the command that it is."""

    row: Row
    ref: str
    command: Command
    digest: str


def case_ref(found: EventMap, case: str) -> str:
    """What a case is called in every reference to it."""
    return f"{found.source}/{case}"


class CasePlanner:
    """Plans one case, on what is known of it already."""

    def __init__(self, known: KnownPatient, house: House, found: EventMap, case: str) -> None:
        self._known = known
        self._house = house
        self._map = found
        self._case = case
        self._ref = case_ref(found, case)
        self._deciding = Deciding(known, house)

    def plan(self, rows: Sequence[Row]) -> list[Planned]:
        """Patient and diagnosis with the first row that can be taken, then row by row.

        Nothing is told of a case of which no row can be taken. Raises Unusable where the case itself cannot.
        """
        wanted = [self._read(row, ref) for row, ref in self._referred(rows)]
        first = next((one for one in wanted if isinstance(one, _Wanted)), None)
        begun = list(self._begin(first.row)) if first else []
        planned = [self._planned(one) if isinstance(one, _Wanted) else one for one in wanted]
        if begun and not any(one.request for one in planned):
            return planned
        return [*begun, *planned]

    def vanished(self, planned: Iterable[Planned]) -> list[str]:
        """Rows of this case that were brought in before and are not there any more."""
        there = {one.ref for one in planned}
        return sorted(
            ref for ref in self._known.imported if ref.startswith(f"{self._ref}/") and ref not in there
        )

    def _referred(self, rows: Sequence[Row]) -> Iterator[tuple[Row, str]]:
        """Rows with what they are called; of those that are the same in every cell, each its own."""
        counted: Counter[str] = Counter()
        for row in rows:
            counted[row.identity] += 1
            again = counted[row.identity]
            told_apart = f"#{row.line}" if self._map.id else f".{again}"
            yield row, f"{self._ref}/{row.identity}{told_apart if again > 1 else ''}"

    def _read(self, row: Row, ref: str) -> _Wanted | Planned:
        if row.activity in self._map.ignored:
            return Planned(ref, row, passed_over="import.activity_ignored")
        if len(ref) > LONGEST_REFERENCE:
            return Planned(ref, row, refused=Refusal("import.identity_too_long"))
        if self._map.id is not None and ref != f"{self._ref}/{row.identity}":
            return Planned(ref, row, refused=Refusal("import.repeated", row.identity))
        activity = self._map.activities[row.activity]
        asked = COMMANDS[activity.event]
        fields = asked.defaults | filled(activity.fields, row.values)
        try:
            command = self._command(asked.kind, fields, row)
        except msgspec.ValidationError as error:
            return Planned(ref, row, refused=Refusal("import.malformed", str(error)))
        said = msgspec.json.encode((activity.event, fields, row.at), order="deterministic")
        return _Wanted(row, ref, command, hashlib.sha256(said).hexdigest()[:DIGEST_DIGITS])

    def _command(self, kind: type[Command], fields: Fields, row: Row) -> Command:
        when = msgspec.to_builtins(told(row.at, self._house.now))
        return msgspec.convert(fields | when, kind)

    def _begin(self, row: Row) -> Iterator[Planned]:
        """What stands before the first row; when it began nobody says, so that its time is the row's."""
        row = msgspec.structs.replace(row, at=unknown(row.at))
        if not self._known.patient.version:
            named: dict[str, Any] = {"patient_no": self._ref, "name": self._case}
            yield self._begun(
                self._known.patient_id, "patient", RegisterPatient, named | self._map.patient, row
            )
        if self._map.diagnosis is not None and f"{self._ref}#diagnosis" not in self._known.imported:
            fields = {"tradition": "modern", **self._map.diagnosis}
            yield self._begun(self._house.new_id(), "diagnosis", RecordDiagnosis, fields, row)

    def _begun(
        self, stream_id: UUID, category: str, kind: type[Command], template: Fields, row: Row
    ) -> Planned:
        ref = self._ref if category == "patient" else f"{self._ref}#{category}"
        try:
            command = self._command(kind, filled(template, row.values), row)
        except msgspec.ValidationError as error:
            raise Unusable("import.malformed", f"{category}: {error}") from error
        step = Step(stream_id, category, (command,))
        decided = self._deciding.decide(step, ref)
        if decided.refusal is not None:
            raise Unusable(decided.refusal.code, decided.refusal.detail)
        return Planned(ref, request=self._deciding.request(step, ref, decided, category))

    def _planned(self, wanted: _Wanted) -> Planned:
        ref, row = wanted.ref, wanted.row
        if imported := self._known.imported.get(ref):
            same = imported.digest == wanted.digest
            return Planned(ref, row, passed_over=None if same else "import.change_without_event")
        event = self._map.activities[row.activity].event
        category = event.partition(".")[0]
        stream_id = self._stream(category, begins=COMMANDS[event].begins)
        if stream_id is None:
            return Planned(ref, row, refused=Refusal(f"import.no_{category}"))
        step = Step(stream_id, category, (wanted.command,), self._last("diagnosis"))
        decided = self._deciding.decide(step, ref)
        if decided.refusal is not None:
            return Planned(ref, row, refused=decided.refusal)
        request = self._deciding.request(step, ref, decided, wanted.digest)
        return Planned(ref, row, request, None if request else "import.changes_nothing")

    def _stream(self, category: str, *, begins: bool) -> UUID | None:
        if category == "patient":
            return self._known.patient_id
        return self._house.new_id() if begins else self._last(category)

    def _last(self, category: str) -> UUID | None:
        """The stream of this kind that the log began last."""
        begun = [i for i, one in self._known.streams.items() if one.category == category and one.said]
        return begun[-1] if begun else None
