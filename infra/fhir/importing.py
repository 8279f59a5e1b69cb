"""The run of an import: read everything, then patient by patient plan, append and report."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from infra.event_log.append import ClaimTaken, SubjectErased, VersionMoved
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.fhir.appending import Appending, SomebodyWasFaster, load
from infra.fhir.known import KnownPatient
from infra.fhir.mapping import MAPPINGS, stated
from infra.fhir.planning import Planned, Planner
from infra.fhir.planning_base import House
from infra.fhir.planning_deciding import Refusal
from infra.fhir.reading import Found, Unreadable, files, resources
from infra.fhir.report import Named, Report, kind_of, peak_memory_mb
from infra.fhir.spool import Kept, Spool
from infra.fhir.stated import PassedOver, StatedPatient, Unusable
from infra.ids import new_id
from infra.settings import Settings

PATIENTS_AT_ONCE = 32
"""Patients are independent of one another; those at work together share the batches of the writer."""
MOST_TRIES = 10
NOT_NAMED = frozenset(
    {"import.no_symptom", "import.only_identity", "import.nobody_new", "import.part_of_plan"}
)
"""What is counted only: nobody expected it, or it is told elsewhere."""
OPTIONAL = {"patient.phone_invalid": "phone", "patient.email_invalid": "email"}
"""What is wrong with a detail that a patient can be registered without."""
CLAIMED_AND_OPTIONAL = frozenset({"phone"})

Watch = Callable[[Report, int, int], None]
"""Told after each step: the report so far, steps done, steps in all (files at first, then patients)."""


class _Without(Exception):
    """To be tried again without this detail of the patient."""

    def __init__(self, detail: str, code: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class _Tries:
    """What the tries of one patient have in common."""

    def __init__(self, ref: str, kept: list[Kept]) -> None:
        self.ref = ref
        self.kept = kept
        self.stored: dict[str, Planned] = {}
        self.place = next((one.place for one in kept if one.record.ref == ref), kept[0].place)

    def drop(self, detail: str) -> None:
        """Leave a detail of the patient out from now on."""
        for number, one in enumerate(self.kept):
            if isinstance(one.record, StatedPatient):
                record = msgspec.structs.replace(one.record, **{detail: None})
                self.kept[number] = Kept(record, one.place)


class Import:
    """One run over some paths."""

    def __init__(
        self,
        reader: Reader,
        writer: GroupWriter,
        settings: Settings,
        *,
        dry_run: bool = False,
        watch: Watch = lambda *_: None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._watch = watch
        self._run_id = new_id()
        self.report = Report(dry_run=dry_run)

    async def run(self, paths: Sequence[Path]) -> Report:
        """Bring it all in. What goes wrong with one resource stands in the report, and the rest goes on.

        Raises StorageUnavailable or OutcomeUnknown (in an exception group) where the log is lost on the way.
        """
        report, started = self.report, time.monotonic()
        with Spool() as spool:
            found = files(paths)
            for report.files, file in enumerate(found, 1):
                self._read(file, spool)
                self._watch(report, report.files, len(found))
                await asyncio.sleep(0)
            read = time.monotonic()
            await self._bring_in(spool)
        report.append_seconds = round(time.monotonic() - read, 3)
        report.seconds = round(time.monotonic() - started, 3)
        report.peak_memory_mb = peak_memory_mb()
        return report

    def _read(self, file: Path, spool: Spool) -> None:
        for found in resources(file):
            if isinstance(found, Unreadable):
                self.report.problem(None, Named(code=found.code, detail=found.detail, place=found.place))
                continue
            self.report.of(found.kind).read += 1
            if found.kind not in MAPPINGS:
                self.report.skip(found.kind, "import.type_not_imported")
                continue
            try:
                self._keep(found, spool)
            except PassedOver as why:
                named = Named(ref=found.ref, code=why.code, place=found.place)
                self.report.skip(found.kind, why.code, None if why.code in NOT_NAMED else named)
            except Unusable as why:
                named = Named(ref=found.ref, code=why.code, detail=why.detail, place=found.place)
                self.report.problem(found.kind, named)

    def _keep(self, found: Found, spool: Spool) -> None:
        records = stated(found.kind, found.raw, found.ref, found.resolve, self._settings.time_zone)
        try:
            repeated = [spool.keep(record, found.place) for record in records]
        except msgspec.ValidationError as error:
            raise Unusable("import.malformed", str(error)) from error
        if repeated[0]:
            self.report.skip(found.kind, "import.repeated")
        elif found.kind == "Medication":
            self.report.skip(found.kind, "import.only_names")

    async def _bring_in(self, spool: Spool) -> None:
        total, gate = spool.count_patients(), asyncio.Semaphore(PATIENTS_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for ref in spool.patients():
                await gate.acquire()
                tasks.create_task(self._patient(ref, spool, gate, total))

    async def _patient(self, ref: str, spool: Spool, gate: asyncio.Semaphore, total: int) -> None:
        tries = _Tries(ref, spool.of(ref))
        try:
            await self._until_done(tries, spool)
        except Unusable as why:
            self._given_up(tries, why)
        finally:
            gate.release()
        self.report.patients += 1
        self._watch(self.report, self.report.patients, total)

    async def _until_done(self, tries: _Tries, spool: Spool) -> None:
        for _ in range(MOST_TRIES):
            try:
                outcomes = await self._try(tries, spool)
            except (SomebodyWasFaster, VersionMoved):
                continue
            except SubjectErased as erased:
                raise Unusable("patient.erased") from erased
            except ClaimTaken as taken:
                if taken.kind not in CLAIMED_AND_OPTIONAL:
                    raise Unusable("claim.taken", taken.kind) from taken
                self._without(tries, taken.kind, "claim.taken")
            except _Without as why:
                self._without(tries, why.detail, why.code)
            else:
                for planned in outcomes:
                    self._account(tries.stored.get(planned.record.ref, planned))
                return
        raise Unusable("version.conflict")

    async def _try(self, tries: _Tries, spool: Spool) -> list[Planned]:
        known = await self._known(tries, spool)
        appending = Appending(self._writer, tries.ref, known.patient_id, self._run_id, self._settings.locale)
        now = datetime.now(UTC)
        planner = Planner(known, House(now, new_id, self._settings.locale, spool.medication), tries.kept)
        outcomes = []
        for planned in planner.plan():
            if isinstance(planned.record, StatedPatient) and planned.refused:
                _without_what_is_optional(planned.refused, registered=known.patient.version > 0)
            if planned.request is not None and not self.report.dry_run:
                await appending.append(planned.record.ref, planned.request)
                tries.stored[planned.record.ref] = planned
            outcomes.append(planned)
        gone = [Named(ref=ref, code="import.vanished", detail=tries.ref) for ref in planner.vanished()]
        self.report.vanished += gone
        return outcomes

    async def _known(self, tries: _Tries, spool: Spool) -> KnownPatient:
        known = await load(self._reader, tries.ref)
        if known is not None:
            return known
        stated_as = next((one.record for one in tries.kept if isinstance(one.record, StatedPatient)), None)
        if stated_as is None:
            raise Unusable("import.patient_unknown", tries.ref)
        if kind := spool.held_by_another(stated_as):
            raise ClaimTaken(kind)
        return KnownPatient(new_id())

    def _without(self, tries: _Tries, detail: str, code: str) -> None:
        """The patient is brought in without this detail, and it is said."""
        tries.drop(detail)
        self.report.problem("Patient", Named(ref=tries.ref, code=code, detail=detail, place=tries.place))

    def _given_up(self, tries: _Tries, why: Unusable) -> None:
        """Nothing of this patient can be brought in: the patient is named for it, or else every resource."""
        for one in tries.kept:
            kind = kind_of(one.record)
            named = Named(ref=one.record.ref, code=why.code, detail=why.detail, place=one.place)
            if one.record.ref == tries.ref or why.code == "import.patient_unknown":
                self.report.problem(kind, named)
            else:
                self.report.skip(kind, "import.patient_not_imported")

    def _account(self, planned: Planned) -> None:
        kind, ref = kind_of(planned.record), planned.record.ref
        if planned.request is not None:
            self.report.imported(kind, planned.record, len(planned.request.events))
        elif planned.refused is None and planned.passed_over is None:
            self.report.unchanged(kind, planned.record)
        if planned.passed_over is not None:
            why = planned.passed_over
            named = Named(ref=ref, code=why, place=planned.place)
            self.report.skip(kind, why, None if why in NOT_NAMED else named)
        if planned.refused is not None:
            wrong = planned.refused
            named = Named(ref=ref, code=wrong.code, detail=wrong.detail, place=planned.place)
            self.report.problem(kind, named)


def _without_what_is_optional(refused: Refusal, *, registered: bool) -> None:
    for code, detail in OPTIONAL.items():
        if code in refused.codes:
            raise _Without(detail, code)
    if not registered:
        raise Unusable(refused.code, refused.detail)
