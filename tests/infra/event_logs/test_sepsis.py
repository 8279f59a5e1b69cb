"""The sepsis log: every one of its 15,214 rows is an event in the record, in its order, once.

The data is not ours to keep: `TARIKH_TEST_DATA` names the folder that holds it. The map beside this is.
"""

import csv
import gzip
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import pytest

from domain.diagnosis import FindingRecorded
from domain.event import Event
from domain.patient import PatientRegistered
from domain.recorded import Recorded
from infra.event_logs.report import Report
from infra.settings import Settings
from tests.infra.event_logs.tables import Desk
from tests.infra.fhir.logs import source_ref

ROWS, CASES, TIES = 15_214, 1_050, 4_447
MOST_SECONDS, MOST_MEGABYTES = 60, 400
TAGS = {
    "patient.registered": CASES,
    "diagnosis.recorded": CASES,
    "diagnosis.finding_recorded": 1_050 + 3_383 + 3_262 + 1_466,
    "diagnosis.assessment_added": 1_053 + 1_049,
    "diagnosis.referral_advised": 1_182 + 117,
    "diagnosis.resolved": 671 + 56 + 25 + 24 + 6,
    "diagnosis.recurred": 294,
    "recommendation.drafted": 823 + 753,
    "recommendation.issued": 823 + 753,
}
MAP = Path(__file__).parent / "sepsis.toml"


@pytest.fixture
def table(settings: Settings) -> Path:
    assert settings.test_data is not None, "TARIKH_TEST_DATA names no folder, and this story needs its data"
    return settings.test_data / "event-logs" / "sepsis.csv.gz"


@pytest.mark.third_party
def test_every_row_is_in_the_record_in_its_order_once(desk: Desk, table: Path) -> None:
    words = ("events", str(table), "--map", str(MAP))
    report, again = (msgspec.json.decode(desk.house.imports_apart(*words), type=Report) for _ in range(2))
    assert (report.problems, report.skipped) == ([], {})
    assert (report.rows, report.cases, report.imported) == (ROWS, CASES, ROWS)
    assert report.seconds <= MOST_SECONDS
    assert report.peak_memory_mb <= MOST_MEGABYTES
    assert (again.events, again.unchanged, again.vanished) == (0, ROWS, [])
    recorded = desk.house.events()
    assert Counter(one.tag for one in recorded) == TAGS
    assert len({one.subject_id for one in recorded}) == CASES
    with gzip.open(table, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    _order_is_kept(rows, recorded)
    _values_are_kept(rows, recorded)
    assert "NA" in {one.event.name for one in recorded if isinstance(one.event, PatientRegistered)}


def _order_is_kept(rows: list[dict[str, str]], recorded: list[Recorded[Event]]) -> None:
    """Also of the many that share a time."""
    asked, told = defaultdict(list), defaultdict(list)
    ties, seen = 0, set()
    for row in rows:
        asked[row["case_id"]].append(row[".order"])
        ties += (row["case_id"], row["timestamp"]) in seen
        seen.add((row["case_id"], row["timestamp"]))
    assert ties == TIES
    for one in recorded:
        _, case, *order = source_ref(one).split("/")
        if order and one.tag != "recommendation.drafted":
            told[case].append(order[0])
    assert told == asked


def _values_are_kept(rows: list[dict[str, str]], recorded: list[Recorded[Event]]) -> None:
    measured = {
        source_ref(one).rpartition("/")[2]: one.event.attributes.get("value")
        for one in recorded
        if isinstance(one.event, FindingRecorded) and one.event.modality == "lab"
    }
    columns = {"CRP": "crp", "Leucocytes": "leucocytes", "LacticAcid": "lacticacid"}
    said = {
        row[".order"]: float(text) if (text := row[columns[row["activity"]]]) else None
        for row in rows
        if row["activity"] in columns
    }
    assert measured == said
