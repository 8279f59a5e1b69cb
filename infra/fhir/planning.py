"""One patient's records to requests for the log, decided as the API decides, on states carried forward."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.fhir import stated
from infra.fhir.known import KnownPatient
from infra.fhir.planning_base import House
from infra.fhir.planning_deciding import Deciding, Refusal, Request
from infra.fhir.planning_steps import Steps
from infra.fhir.spool import Kept
from infra.fhir.stated import AnyStated, PassedOver, StatedPatient, Unusable

DIGEST_DIGITS = 32


@dataclass(frozen=True)
class Planned:
    """What comes of one record: a request or none, and what is to be said about it."""

    record: AnyStated
    place: str
    request: Request | None = None
    passed_over: str | None = None
    refused: Refusal | None = None
    """What is right of the resource is requested all the same."""


class Planner:
    """Plans one patient. What it has planned it takes as done, so that the next record is decided on it."""

    def __init__(self, known: KnownPatient, house: House, kept: Iterable[Kept]) -> None:
        self._known = known
        self._deciding = Deciding(known, house)
        self._kept = list(kept)
        self._steps = Steps(known, house, (one.record for one in self._kept))

    def plan(self) -> Iterator[Planned]:
        """Every record, in the order of time; the patient comes first, the death last."""
        for one in sorted(self._kept, key=lambda one: self._steps.place_in_time(one.record)):
            try:
                yield self._planned(one)
            except PassedOver as why:
                yield Planned(one.record, one.place, passed_over=why.code)
            except Unusable as why:
                yield Planned(one.record, one.place, refused=Refusal(why.code, why.detail))

    def vanished(self) -> list[str]:
        """What was brought in before and is not stated any more; unknown where the patient is not stated."""
        if not any(isinstance(one.record, StatedPatient) for one in self._kept):
            return []
        stated_now = {one.record.ref for one in self._kept}
        return sorted(ref for ref in self._known.imported if ref not in stated_now)

    def _planned(self, one: Kept) -> Planned:
        record = self._steps.completed(one.record)
        digest = hashlib.sha256(stated.encode(record)).hexdigest()[:DIGEST_DIGITS]
        imported = self._known.imported.get(record.ref)
        if imported is not None and imported.digest == digest:
            return Planned(one.record, one.place)
        step = self._steps.step(record, again=imported is not None)
        decided = self._deciding.decide(step, record.ref)
        request = self._deciding.request(step, record.ref, decided, digest, self._steps.author(record))
        silent = request is None and decided.refusal is None and imported is not None
        passed_over = "import.change_without_event" if silent else None
        return Planned(one.record, one.place, request, passed_over, decided.refusal)
