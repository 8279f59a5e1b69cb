"""A patient's record is proven by its file and a key alone, and no letter of it can be another one."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.errors import NotFound
from infra.cli import main
from infra.ids import new_id
from infra.notary.findings import Report
from infra.notary.note import NoteRefused, Signer, Verifier
from infra.notary.offline_record import verify_record
from infra.notary.record import BEGINNING, Statement, stored
from infra.notary.recording import EVENTS_AT_ONCE, Recording
from infra.secret import Secret
from infra.services import Services
from tests.infra.house import House, Urls
from tests.infra.tales import Teller

Lines = list[bytes]


async def record_of(services: Services, patient: UUID) -> bytes:
    recording = await Recording.of(services.notary, services.reader, services.past, patient)
    return b"".join([line async for line in recording.lines()])


@pytest.fixture(scope="module")
def house(fresh_database_urls: Callable[[], Urls], tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(fresh_database_urls(), tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def told(house: House) -> tuple[bytes, Verifier]:
    """The record of two who were merged, among those of others, and the key that signed it."""

    async def tell() -> tuple[bytes, Verifier]:
        async with house.opened() as services:
            teller = await Teller(services, 7).tell(40)
            one, other = [await teller._begin() for _ in range(2)]
            await teller._diagnose(one)
            await teller.merge(one, other)
            verifier = (await services.notary.checkpoint()).verifier
            return await record_of(services, other), verifier

    return asyncio.run(tell())


def verified(record: bytes, *trusted: Verifier) -> Report:
    return verify_record(io.BytesIO(record), trusted)


def opened(record: bytes) -> tuple[list[int], Lines]:
    lines = record.splitlines(keepends=True)
    return json.loads(lines[0])["positions"], lines


def altered(line: bytes, **fields: Any) -> bytes:  # noqa: ANN401  any JSON value
    """The line with other values, written as lines are."""
    said = json.loads(line) | fields
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def first_bad(record: Lines, verifier: Verifier) -> int | None:
    report = verified(b"".join(record), verifier)
    assert report.problems
    return report.first_bad_position


def test_the_file_and_the_key_are_enough(told: tuple[bytes, Verifier]) -> None:
    record, verifier = told
    report = verified(record, verifier)
    positions, lines = opened(record)
    assert (report.problems, report.size) == ([], len(positions))
    assert not report.key_from_file
    assert verified(record).key_from_file
    shown = [json.loads(line)["shown"] for line in lines[1:-1]]
    assert [one["position"] for one in shown] == positions
    assert len({one["patient_id"] for one in shown}) == 2
    assert all(one["data"] is not None for one in shown)
    assert record.startswith(BEGINNING)


def test_no_letter_can_be_another(told: tuple[bytes, Verifier]) -> None:
    record, verifier = told
    chance = Random(11)  # noqa: S311  a tale is no secret
    positions, lines = opened(record)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for number, line in enumerate(lines):
        for at in {chance.randrange(len(line)) for _ in range(25)}:
            place = starts[number] + at
            letter = bytes([(record[place] ^ (1 << chance.randrange(7))) or 1])
            report = verified(record[:place] + letter + record[place + 1 :], verifier)
            assert report.problems, (number, at, letter)
            if 0 < number < len(lines) - 1 and record[place : place + 1] != b"\n":
                assert report.first_bad_position == positions[number - 1], (at, letter)


def test_no_line_can_be_left_out_added_or_moved(told: tuple[bytes, Verifier]) -> None:
    record, verifier = told
    positions, lines = opened(record)
    assert first_bad([*lines[:3], *lines[4:]], verifier) == positions[2]
    assert first_bad([*lines[:3], lines[4], lines[3], *lines[5:]], verifier) == positions[2]
    assert first_bad([*lines[:-1], lines[-2], lines[-1]], verifier) == positions[-1]
    assert first_bad([*lines, lines[-1]], verifier) == positions[-1]
    assert first_bad(lines[:-1], verifier) == positions[-1]
    assert first_bad(lines[:4], verifier) == positions[3]
    assert verified(b"", verifier).problems
    fewer = [altered(lines[0], positions=positions[:-1]), *lines[1:-2], lines[-1]]
    assert verified(b"".join(fewer), verifier).problems


def test_a_forger_who_keeps_the_hashes_right_is_found_by_position(
    told: tuple[bytes, Verifier],
) -> None:
    record, verifier = told
    positions, lines = opened(record)
    line = json.loads(lines[4])
    shown = line["shown"] | {"data": {"name": "somebody else"}}
    said = json.dumps(shown, separators=(",", ":")).encode()
    retold = altered(lines[4], shown=shown, digest=sha256(said).hexdigest())
    report = verified(b"".join([*lines[:4], retold, *lines[5:]]), verifier)
    assert (report.problems[0].first, report.problems[0].last) == (positions[0], positions[-1])
    leaf = base64.b64decode(line["leaf"])
    other = leaf[:-3] + bytes([leaf[-3] ^ 1]) + leaf[-2:]
    shown = line["shown"] | {"leaf_hash": sha256(other).hexdigest()}
    said = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    text = base64.b64encode(other).decode()
    resealed = altered(lines[4], leaf=text, shown=shown, digest=sha256(said).hexdigest())
    assert first_bad([*lines[:4], resealed, *lines[5:]], verifier) == positions[3]


def test_what_is_shown_in_the_clear_is_what_was_stored(told: tuple[bytes, Verifier]) -> None:
    record, verifier = told
    positions, lines = opened(record)
    shown = json.loads(lines[2])["shown"]
    for name, value in (
        ("tag", "patient.died"),
        ("version", 99),
        ("actor_id", str(new_id())),
        ("patient_id", None),
        ("recorded_at", "2020-01-01T00:00:00Z"),
        ("stream_id", str(new_id())),
        ("leaf_hash", "00" * 32),
    ):
        other = shown | {name: value}
        said = json.dumps(other, ensure_ascii=False, separators=(",", ":")).encode()
        line = altered(lines[2], shown=other, digest=sha256(said).hexdigest())
        assert first_bad([*lines[:2], line, *lines[3:]], verifier) == positions[1], name
    missing = altered(lines[2], shown={}, digest=sha256(b"{}").hexdigest())
    assert first_bad([*lines[:2], missing, *lines[3:]], verifier) == positions[1]


def test_another_house_proves_nothing(told: tuple[bytes, Verifier]) -> None:
    record, verifier = told
    stranger = Signer(verifier.name, Secret(b"s" * 32)).verifier
    assert verified(record, stranger).problems
    _, lines = opened(record)
    named = altered(lines[0], verifier=str(stranger))
    assert verified(b"".join([named, *lines[1:]]), stranger, verifier).problems


async def test_a_statement_about_something_else_is_refused(
    house: House, told: tuple[bytes, Verifier]
) -> None:
    record, verifier = told
    _, lines = opened(record)
    text = json.loads(lines[-1])["statement"].partition("\n\n")[0] + "\n"
    said = Statement.parse(text)
    async with house.opened() as services:
        for wrong in (
            text.replace("tree ", "tree 1"),
            text.replace(f"patient {said.patients[0]}", f"patient {new_id()}"),
            text.replace("events ", "events 1"),
            text.replace("tarikh record 1", "tarikh record 2"),
            text.replace("at 20", "at next 20"),
        ):
            closing = altered(lines[-1], statement=await services.notary.sign(wrong))
            assert verified(b"".join([*lines[:-1], closing]), verifier).problems, wrong
    with pytest.raises(NoteRefused):
        Statement.parse("nothing")


async def test_of_the_erased_the_proofs_stay_and_the_words_are_gone(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(8)
        patient = teller.patients[0]
        before = len(opened(await record_of(services, patient))[0])
        await teller.erase(patient)
        record = await record_of(services, patient)
        verifier = (await services.notary.checkpoint()).verifier
    positions, lines = opened(record)
    assert len(positions) == before + 1
    assert verified(record, verifier).problems == []
    shown = [json.loads(line)["shown"] for line in lines[1:-1]]
    assert [one["data"] is None and one["meta"] is None for one in shown[:-1]] == [True] * before
    assert shown[-1]["tag"] == "patient.erased"
    assert b"MARK" not in record


async def test_a_long_record_is_written_part_by_part(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(1)
        diagnosis = teller.diagnoses[0]
        for _ in range(EVENTS_AT_ONCE):
            await teller.observe(diagnosis)
        record = await record_of(services, teller.patients[0])
        assert verified(record, (await services.notary.checkpoint()).verifier).size > EVENTS_AT_ONCE
        with pytest.raises(NotFound):
            await record_of(services, new_id())


def test_it_is_exported_at_one_place_and_verified_at_another(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tell() -> UUID:
        async with house.opened() as services:
            return (await Teller(services, 5).tell(6)).patients[0]

    patient, file = asyncio.run(tell()), tmp_path / "record"
    with monkeypatch.context() as here:
        for name, value in house.environment.items():
            here.setenv(name, value)
        assert main(["log", "export", str(file), f"--patient={patient}", "--json"]) == 0
        about = json.loads(capsys.readouterr().out)
        assert about["patients"] == [str(patient)]
        assert main(["log", "export", str(tmp_path / "other"), f"--patient={patient}"]) == 0
        assert f"{about['events']} events" in capsys.readouterr().out
        assert main(["log", "export", str(tmp_path / "nobody"), f"--patient={new_id()}"]) == 1
        capsys.readouterr()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "record"]
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("TARIKH_DATA_DIR", str(tmp_path / "nowhere"))
    verify = ["log", "verify", f"--export={file}", f"--key={about['key']}"]
    assert main(verify) == 0
    assert f"ok: {about['events']} events" in capsys.readouterr().out
    assert main([*verify, f"--checkpoint={file}"]) == 2
    capsys.readouterr()
    record = file.read_bytes()
    positions, lines = opened(record)
    at = len(lines[0]) + len(lines[1]) + lines[2].index(b'"data"') + 12
    file.write_bytes(record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :])
    assert main([*verify, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["first_bad_position"]) == (False, positions[1])


def test_a_leaf_is_read_as_it_is_written() -> None:
    document = Path("infra/event_log/LEAF.md").read_text("utf-8")
    vectors = json.loads(document.partition("```json\n")[2].partition("```")[0])
    for vector in vectors:
        leaf = bytes.fromhex(vector["leaf"])
        found = stored(leaf)
        assert (found.position, found.tag, found.version) == (
            vector["position"],
            vector["tag"],
            vector["version"],
        )
        assert str(found.subject_id) == str(vector["subject"])
        for broken in (leaf[1:], leaf[:-1], leaf + b"\0", leaf[:2] + b"\xff" * 4 + leaf[10:]):
            with pytest.raises(ValueError, match="leaf"):
                stored(broken)
