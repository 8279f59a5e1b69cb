"""Plans without a log: what a source states, planned on what an earlier plan has made known."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.event import Event
from infra.fhir.known import KnownPatient
from infra.fhir.mapping import stated
from infra.fhir.planning import Planned, Planner
from infra.fhir.planning_base import House
from infra.fhir.references import resolver
from infra.fhir.spool import Kept
from infra.fhir.stated import AnyStated, Stated, StatedMedication
from infra.ids import new_id
from tests.infra.fhir.bundles import Resource

NOW = datetime(2026, 3, 21, 8, 0, tzinfo=UTC)
TEHRAN = ZoneInfo("Asia/Tehran")


def said(resource: Resource) -> list[Stated]:
    """What a resource states, as the import reads it; `ref` is that of a contained one.

    Raises Unusable or PassedOver.
    """
    kind = resource["resourceType"]
    ref = resource.get("ref") or f"{kind}/{resource['id']}"
    return stated(kind, json.dumps(resource).encode(), ref, resolver({}, ref), TEHRAN)


class Record:
    """One patient's record, to which the same or other resources come again and again."""

    def __init__(self) -> None:
        self.known = KnownPatient(new_id())
        self.medications: dict[str, StatedMedication] = {}
        self.vanished: list[str] = []

    def brings(self, *resources: Resource) -> list[Planned]:
        """Plan these resources, as the whole of what the source says now."""
        kept = [Kept(record, "a file") for record in self._of_the_patient(resources)]
        house = House(NOW, new_id, "fa", self.medications.get)
        planner = Planner(self.known, house, kept)
        planned = list(planner.plan())
        self.vanished = planner.vanished()
        return planned

    def _of_the_patient(self, resources: tuple[Resource, ...]) -> Iterator[AnyStated]:
        for resource in resources:
            for record in said(resource):
                if isinstance(record, StatedMedication):
                    self.medications[record.ref] = record
                else:
                    yield record  # type: ignore[misc]  # every mapping yields one of them


def events(planned: list[Planned]) -> list[Event]:
    """What would be recorded, in its order."""
    return [event for one in planned if one.request for event in one.request.events]


def tags(planned: list[Planned]) -> list[str]:
    return [str(event.__struct_config__.tag) for event in events(planned)]


def refusals(planned: list[Planned]) -> dict[str, str]:
    return {one.record.ref: one.refused.code for one in planned if one.refused}


def left_out(planned: list[Planned]) -> dict[str, str]:
    return {one.record.ref: one.passed_over for one in planned if one.passed_over}
