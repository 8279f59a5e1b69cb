"""What was known then and what was true then are two questions, and every read model answers both.

One story for all models. Told in this order: a patient of 2010, a diagnosis of 2015, a treatment of 2015 and
its change of 2016, and last of all that the diagnosis was worded wrongly from the start. All have a marker.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.diagnosis import RecordDiagnosis, ReviseDiagnosis
from domain.diagnosis.commands import DiagnosisDetails
from domain.event import Coded, Command
from domain.items import NewItem, NewItemChange
from domain.patient import ApproveMerge, ProposeMerge, RegisterPatient
from domain.recommendation import IssueRecommendation, ReviseRecommendation
from infra.cli import main
from infra.past import Moment
from infra.services import Services
from projections.model import Rows
from projections.registry import models
from tests.api.house import running
from tests.infra.house import House, Urls
from tests.infra.tales import OTHER_DOCTOR, WORDS, Teller

NAMES = [model.name for model in models("Asia/Tehran")]
NAME, WRONG, RIGHT, FIRST, SECOND = "MARK-NAME", "MARK-WRONG", "MARK-RIGHT", "MARK-FIRST", "MARK-SECOND"
EVERYTHING = frozenset({NAME, WRONG, RIGHT, FIRST, SECOND})

NOTHING: frozenset[str] = frozenset()
CORRECTED, UNCORRECTED = frozenset({WRONG, RIGHT}), frozenset({WRONG})
BOTH, ONE = frozenset({FIRST, SECOND}), frozenset({FIRST})

WORDS_THEN: dict[str, tuple[frozenset[str], ...]] = {
    "patient_timeline": (
        frozenset({NAME, RIGHT}),
        frozenset({NAME, WRONG}),
        frozenset({NAME, RIGHT}),
        frozenset({NAME, WRONG}),
        frozenset({NAME}),
        NOTHING,
    ),
    "patients": (*[frozenset({NAME})] * 5, NOTHING),
    "diagnoses": (CORRECTED, UNCORRECTED, CORRECTED, UNCORRECTED, NOTHING, NOTHING),
    "recommendation_versions": (BOTH, BOTH, ONE, ONE, NOTHING, NOTHING),
    "recommendation_changes": (BOTH, BOTH, ONE, ONE, NOTHING, NOTHING),
}
"""What each model says at the moments below; a diagnosis tells its corrections, a timeline their outcome."""

ROWS_THEN: dict[str, tuple[int, ...]] = {
    "audit_trail": (7, 6, 6, 5, 2, 0),
    "statistics": (6, 6, 5, 5, 2, 0),
    "patient_groups": (0, 0, 0, 0, 0, 0),
    "predictions": (0, 0, 0, 0, 0, 0),
    "accounts": (0, 0, 0, 0, 0, 0),
    "change_reasons": (3, 3, 2, 2, 0, 0),
    "decisions": (5, 5, 4, 4, 1, 0),
}
"""Of the models that say no words: how many rows."""


def on(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, 8, tzinfo=UTC)


class Told(msgspec.Struct):
    """The patient, and the position after each chapter."""

    patient: UUID
    registered: int = 0
    diagnosed: int = 0
    treated: int = 0
    changed: int = 0
    corrected: int = 0


@pytest.fixture
def house(fresh_database_urls: Callable[[], Urls], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    found = House(fresh_database_urls(), tmp_path / "data")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


async def story(services: Services) -> Told:
    teller = Teller(services, 1)

    async def say(command: Command, target: UUID | None) -> tuple[UUID, int]:
        result = await teller.say(command, target)
        return result.id, result.position

    patient, registered = await say(RegisterPatient(patient_no="R-1", name=NAME, occurred_at=on(2010)), None)
    told = Told(patient, registered)
    diagnosis, told.diagnosed = await say(
        RecordDiagnosis(condition=Coded(text=WRONG), occurred_at=on(2015)), patient
    )
    first = NewItem(kind="herbal", remedy=Coded(text=FIRST))
    line, told.treated = await say(IssueRecommendation(items=(first,), occurred_at=on(2015, 2)), diagnosis)
    second = NewItemChange(
        op="add",
        after=NewItem(kind="herbal", remedy=Coded(text=SECOND)),
        reason_code="ADHERENCE.PREFERENCE",
    )
    revised = ReviseRecommendation(base_version=1, changes=(second,), occurred_at=on(2016))
    _, told.changed = await say(revised, line)
    correction = ReviseDiagnosis(
        changes=DiagnosisDetails(condition=Coded(text=RIGHT)),
        reason_code="CORRECTION.TRANSLATION",
        narrative=WORDS,
    )
    _, told.corrected = await say(correction, diagnosis)
    return told


def marks(rows: Rows, name: str) -> frozenset[str]:
    """Which markers some row says."""
    model = next(model for model in models("Asia/Tehran") if model.name == name)
    said = json.dumps([msgspec.to_builtins(row) for table in model.tables for row in rows.all(table)])
    return frozenset(mark for mark in EVERYTHING if mark in said)


def moments(told: Told) -> tuple[Moment, ...]:
    """Now; before the correction; of 2015, known now; of 2015, known before the correction; 2014; 2009."""
    return (
        Moment(),
        Moment(position=told.changed),
        Moment(as_of=on(2015, 6)),
        Moment(told.changed, on(2015, 6)),
        Moment(as_of=on(2014)),
        Moment(as_of=on(2009)),
    )


async def test_what_was_known_and_what_was_true_are_two_questions_to_every_model(house: House) -> None:
    assert {*WORDS_THEN, *ROWS_THEN} == set(NAMES)
    async with house.opened() as services:
        told = await story(services)
        for name in NAMES:
            model = services.models[name]
            then = [(await services.past.rows(model, [told.patient], one))[0] for one in moments(told)]
            if name in WORDS_THEN:
                assert tuple(marks(rows, name) for rows in then) == WORDS_THEN[name], name
            else:
                counts = tuple(sum(len(list(rows.all(table))) for table in model.tables) for rows in then)
                assert counts == ROWS_THEN[name], name


async def test_a_merge_is_no_merge_yet_before_it_was_known_or_was_true(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        one, other = [
            (await teller.say(RegisterPatient(patient_no=f"G-{n}", name=NAME, occurred_at=on(2010)), None)).id
            for n in range(2)
        ]
        before = (await services.reader.head()).position
        await teller.say(ProposeMerge(survivor_id=one, retired_id=other), other)
        await teller.say(ApproveMerge(), other, OTHER_DOCTOR)
        groups = services.models["patient_groups"]
        for moment, edges in ((Moment(), 1), (Moment(position=before), 0), (Moment(as_of=on(2020)), 0)):
            for rows in await services.past.rows(groups, [one, other], moment):
                assert sum(len(list(rows.all(table))) for table in groups.tables) == edges


def test_every_model_is_replayed_by_command_and_by_route_with_the_same_answer(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tell() -> Told:
        async with house.opened() as services:
            return await story(services)

    told = asyncio.run(tell())
    options = [f"--known-at={told.changed}", "--as-of=2015-06-01"]
    with running(house.settings, sys.__stderr__ or sys.stderr) as api:
        auditor = api.caller("auditor")
        assert auditor.get("/audit/checkpoint").status_code == 200
        for name in NAMES:
            capsys.readouterr()
            assert main(["replay", f"--patient={told.patient}", f"--read-model={name}", *options]) == 0
            written: dict[str, Any] = json.loads(capsys.readouterr().out)
            answer = auditor.read(
                "/audit/replay",
                patient=told.patient,
                read_model=name,
                known_at=told.changed,
                as_of="2015-06-01",
            )
            assert written == answer, name
            assert written["position"] == told.changed
            assert RIGHT not in json.dumps(written)
            assert SECOND not in json.dumps(written)
            assert written.get("items") or written["tables"]
            both = [f"--read-model={name}", "--side-by-side", "--proofs"]
            assert main(["replay", f"--patient={told.patient}", *both, *options]) == 0
            shown: dict[str, Any] = json.loads(capsys.readouterr().out)
            corrected = auditor.read(
                "/audit/replay", patient=told.patient, read_model=name, as_of="2015-06-01"
            )
            corrected.pop("checkpoint")
            assert shown.pop("as_corrected") == corrected
            assert [proof["position"] for proof in shown.pop("proofs")] == list(range(1, told.changed + 1))
            assert shown == written
