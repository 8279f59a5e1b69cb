"""The run of an import of an event log: read everything, then case by case plan, append and report."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from infra.event_log.append import ClaimTaken, SubjectErased, VersionMoved
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.event_logs.mapping import EventMap
from infra.event_logs.planning import CasePlanner, Planned, case_ref
from infra.event_logs.report import Report
from infra.event_logs.rows import Row, Wrong, rows
from infra.event_logs.spool import Spool
from infra.fhir.appending import Appending, SomebodyWasFaster, load
from infra.fhir.importing import MOST_TRIES, PATIENTS_AT_ONCE
from infra.fhir.known import KnownPatient
from infra.fhir.planning_base import House
from infra.fhir.report import peak_memory_mb
from infra.fhir.stated import Unusable
from infra.ids import new_id
from infra.settings import Settings

ROWS_BETWEEN_LOOKS = 1000

Watch = Callable[[Report, int | None], None]
"""Told after each step: the report so far, and cases in all, None while the table is read."""


class EventLogImport:
    """One run over one table."""

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

    async def run(self, path: Path, found: EventMap) -> Report:
        """Bring it all in. What goes wrong with one row stands in the report, and the rest goes on.

        Raises CommandMisused where map and table do not fit; StorageUnavailable or OutcomeUnknown (in an
        exception group) where the log is lost on the way.
        """
        report, started = self.report, time.monotonic()
        with Spool() as spool:
            for row in rows(path, found, self._settings.time_zone):
                report.rows += 1
                if isinstance(row, Row):
                    spool.keep(row)
                else:
                    report.problems.append(row)
                if report.rows % ROWS_BETWEEN_LOOKS == 0:
                    self._watch(report, None)
                    await asyncio.sleep(0)
            read = time.monotonic()
            await self._bring_in(spool, found)
        report.problems.sort(key=lambda wrong: wrong.line)
        report.append_seconds = round(time.monotonic() - read, 3)
        report.seconds = round(time.monotonic() - started, 3)
        report.peak_memory_mb = peak_memory_mb()
        return report

    async def _bring_in(self, spool: Spool, found: EventMap) -> None:
        total, gate = spool.count_cases(), asyncio.Semaphore(PATIENTS_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for case in spool.cases():
                await gate.acquire()
                tasks.create_task(self._case(case, spool.of(case), found, gate, total))

    async def _case(
        self, case: str, kept: list[Row], found: EventMap, gate: asyncio.Semaphore, total: int
    ) -> None:
        try:
            await self._until_done(case, kept, found)
        except Unusable as why:
            self._named(kept[0], why.code, why.detail)
            if len(kept) > 1:
                self.report.skip("import.case_not_imported", len(kept) - 1)
        finally:
            gate.release()
        self.report.cases += 1
        self._watch(self.report, total)

    async def _until_done(self, case: str, kept: list[Row], found: EventMap) -> None:
        stored: dict[str, Planned] = {}
        for _ in range(MOST_TRIES):
            try:
                outcomes = await self._try(case, kept, found, stored)
            except (SomebodyWasFaster, VersionMoved):
                continue
            except SubjectErased as erased:
                raise Unusable("patient.erased") from erased
            except ClaimTaken as taken:
                raise Unusable("claim.taken", taken.kind) from taken
            for planned in ({one.ref: one for one in outcomes} | stored).values():
                self._account(planned)
            return
        raise Unusable("version.conflict")

    async def _try(
        self, case: str, kept: list[Row], found: EventMap, stored: dict[str, Planned]
    ) -> list[Planned]:
        ref = case_ref(found, case)
        known = await load(self._reader, ref) or KnownPatient(new_id())
        appending = Appending(self._writer, ref, known.patient_id, self._run_id, self._settings.locale)
        house = House(datetime.now(UTC), new_id, self._settings.locale, lambda _: None)
        planner = CasePlanner(known, house, found, case)
        outcomes = planner.plan(kept)
        gone = planner.vanished(outcomes)
        for planned in outcomes:
            if planned.request is not None and not self.report.dry_run:
                await appending.append(planned.ref, planned.request)
                stored[planned.ref] = planned
        self.report.vanished += gone
        return outcomes

    def _account(self, planned: Planned) -> None:
        report, row = self.report, planned.row
        report.events += len(planned.request.events) if planned.request else 0
        if row is None:
            return
        if planned.refused is not None:
            self._named(row, planned.refused.code, planned.refused.detail)
        elif planned.passed_over is not None:
            report.skip(planned.passed_over)
        elif planned.request is not None:
            report.imported += 1
        else:
            report.unchanged += 1

    def _named(self, row: Row, code: str, detail: str) -> None:
        self.report.problems.append(
            Wrong(line=row.line, code=code, detail=detail, case=row.case, activity=row.activity)
        )
