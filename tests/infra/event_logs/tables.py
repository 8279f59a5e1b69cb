"""Small invented tables with their map, and a log into which they are brought."""

from dataclasses import dataclass
from pathlib import Path

from domain.event import Event
from domain.recorded import Recorded
from infra.event_logs.importing import EventLogImport
from infra.event_logs.mapping import read_map
from infra.event_logs.report import Report
from infra.services import Services
from tests.infra.fhir.logs import House, source_ref

HEAD = "case,what,at,crp,note"
MAP = """
source = "ward"
case = "case"
activity = "what"
time = "at"
ignored = ["Lunch"]
missing = ["-"]
[columns]
crp = "number"
[diagnosis]
condition = { text = "تب" }
[activities.CRP]
event = "diagnosis.finding_recorded"
fields = { modality = "lab", attributes = { test = "CRP", value = "{crp}", note = "{note}" } }
[activities.Note]
event = "diagnosis.assessment_added"
fields = { statement = "{note}" }
[activities.Home]
event = "diagnosis.resolved"
[activities.Drug]
event = "recommendation.issued"
fields = { items = [{ kind = "herbal", remedy = { text = "{note}" }, source = "import" }] }
[activities.Stop]
event = "recommendation.discontinued"
"""


@dataclass
class Desk:
    """Where tables are brought in."""

    house: House
    folder: Path

    def table(self, *lines: str, head: str = HEAD) -> Path:
        path = self.folder / "ward.csv"
        path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
        return path

    def map(self, text: str = MAP, name: str = "ward.toml") -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def imports(self, *lines: str, more: str = "", dry_run: bool = False) -> Report:
        """Bring a table of these lines in; `more` stands at the beginning of the map."""
        path, found = self.table(*lines), read_map(self.map(more + MAP))

        async def run(services: Services) -> Report:
            one = EventLogImport(services.reader, services.writer, self.house.settings, dry_run=dry_run)
            return await one.run(path, found)

        return self.house.run(run)

    def told(self) -> list[tuple[str, str]]:
        """Every event: what it comes from, and its tag."""
        return [(source_ref(one), one.tag) for one in self.house.events()]

    def events(self, tag: str) -> list[Recorded[Event]]:
        return [one for one in self.house.events() if one.tag == tag]


def problems(report: Report) -> dict[int, str]:
    """Code by line."""
    return {wrong.line: wrong.code for wrong in report.problems}
