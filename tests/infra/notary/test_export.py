"""An export is verified without a database, and no byte of it can be changed, moved or lost unnoticed."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.notary.export import Incomplete
from infra.notary.findings import Report
from infra.notary.leaves import Leaf as StoredLeaf
from infra.notary.leaves import gap
from infra.notary.note import Checkpoint, Signer, Verifier
from infra.notary.offline import verify_export
from infra.secret import Secret
from tests.infra.notary import reference
from tests.infra.notary.exports import taken_apart
from tests.infra.notary.logs import Log

SIZE = 300
FORGER = Signer("tarikh/example/shard/0", Secret(b"f" * 32))


class Room:
    """Where an auditor sits: a file and the key of the log."""

    def __init__(self, folder: Path, export: bytes, kept: str, key: Verifier) -> None:
        self.file = folder / "export"
        self.export = export
        self.kept = kept
        self.key = key

    def verify(self, export: bytes, kept: str | None = None, *, trust: bool = True) -> Report:
        self.file.write_bytes(export)
        with self.file.open("rb") as file:
            return verify_export(file, [self.key] if trust else [], kept)

    def found(self, export: bytes, kept: str | None = None) -> list[str]:
        return list(map(str, self.verify(export, kept).problems))


@pytest.fixture
async def room(log: Log, tmp_path: Path) -> Room:
    kept = await log.sign(100)
    log.fill(SIZE)
    export = await log.export()
    assert taken_apart(export).whole() == export
    return Room(tmp_path, export, kept, log.known.verifiers()[0])


async def test_an_export_verifies_without_a_database(room: Room, log: Log) -> None:
    for kept in (None, room.kept):
        report = room.verify(room.export, kept)
        assert (report.problems, report.size, report.key_from_file) == ([], SIZE, False)
        assert report.root == reference.root(log.leaves()).hex()
    stranger = room.verify(room.export, trust=False)
    assert (stranger.problems, stranger.key_from_file, stranger.key) == ([], True, str(room.key))


async def test_a_log_without_events_can_be_exported(log: Log, tmp_path: Path) -> None:
    await log.sign(0)
    export = await log.export()
    empty = Room(tmp_path, export, "", log.known.verifiers()[0])
    assert empty.found(export) == []
    assert empty.verify(export + b"x").first_bad_position == 1


async def test_no_bit_of_an_export_can_be_changed(room: Room) -> None:
    begin = room.export.index(room.export[room.export.rindex(b"=\n") + 2 :][:8])

    @settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(at=st.integers(0, len(room.export) - 1) | st.integers(0, begin + 2_000), bit=st.integers(0, 7))
    def law(at: int, bit: int) -> None:
        altered = bytearray(room.export)
        altered[at] ^= 1 << bit
        assert room.verify(bytes(altered)).problems

    law()


async def test_an_altered_event_is_named(room: Room) -> None:
    for position in (1, 256, 257, SIZE):
        for part in ("hash", "encoding"):
            parts = taken_apart(room.export)
            leaf = parts.leaves[position - 1]
            content = getattr(leaf, part)
            setattr(leaf, part, content[:-1] + bytes([content[-1] ^ 1]))
            assert room.found(parts.whole()) == [
                f"position {position}: the event does not match its leaf hash"
            ]


async def test_events_that_were_moved_dropped_or_doubled_are_named(room: Room) -> None:
    for position in (5, 256, 280):
        swapped, dropped, doubled = (taken_apart(room.export) for _ in range(3))
        at = position - 1
        swapped.leaves[at], swapped.leaves[at + 1] = swapped.leaves[at + 1], swapped.leaves[at]
        assert room.found(swapped.whole()) == [f"position {position}: another event stands in this place"]
        doubled.leaves.insert(position, doubled.leaves[at])
        del doubled.leaves[-1]
        assert room.verify(doubled.whole()).first_bad_position == position + 1
        del dropped.leaves[at]
        assert room.verify(dropped.whole()).first_bad_position == position
    for count in (-1, 1):
        parts = taken_apart(room.export)
        parts.leaves = parts.leaves[:count] if count < 0 else [*parts.leaves, parts.leaves[0]]
        assert room.verify(parts.whole()).first_bad_position == (SIZE if count < 0 else SIZE + 1)


async def test_an_export_that_was_cut_or_goes_on_is_named(room: Room) -> None:
    for bytes_long in (0, 10, 40, 150, 300, 5_000, len(room.export) - 1):
        assert room.verify(room.export[:bytes_long]).problems
    assert room.found(room.export + b"\0") == [f"position {SIZE + 1}: the file goes on behind its last event"]
    parts = taken_apart(room.export)
    del parts.leaves[256:]
    assert room.verify(parts.whole()).first_bad_position == 257


async def test_an_event_that_was_rewritten_with_its_hash_is_between_two_checkpoints(room: Room) -> None:
    parts = taken_apart(room.export)
    leaf = parts.leaves[149]
    leaf.encoding = leaf.encoding[:-1] + bytes([leaf.encoding[-1] ^ 1])
    leaf.hash = sha256(leaf.encoding).digest()
    wrong = "what stands here is not what the checkpoint of size 300 was signed for"
    assert room.found(parts.whole()) == [f"positions 1 to 300: {wrong}"]
    assert room.found(parts.whole(), room.kept) == [f"positions 101 to 300: {wrong}"]


async def test_a_history_that_somebody_else_signed_is_not_the_logs(room: Room) -> None:
    parts = taken_apart(room.export)
    leaf = parts.leaves[49]
    leaf.encoding = leaf.encoding[:-1] + bytes([leaf.encoding[-1] ^ 1])
    leaf.hash = sha256(leaf.encoding).digest()
    parts.signed(FORGER)
    (problem,) = room.found(parts.whole())
    assert "no known key" in problem
    assert room.verify(parts.whole(), trust=False).key_from_file
    (problem,) = map(str, room.verify(parts.whole(), room.kept, trust=False).problems)
    assert "no known key" in problem


async def test_a_fork_by_the_log_itself_is_seen_with_a_kept_checkpoint(room: Room, log: Log) -> None:
    parts = taken_apart(room.export)
    leaf = parts.leaves[49]
    leaf.encoding = leaf.encoding[:-1] + bytes([leaf.encoding[-1] ^ 1])
    leaf.hash = sha256(leaf.encoding).digest()
    parts.signed(Signer(room.key.name, log.seed))
    assert room.found(parts.whole()) == []
    assert room.found(parts.whole(), room.kept) == [
        "positions 1 to 100: what stands here is not what the checkpoint of size 100 was signed for"
    ]


async def test_a_checkpoint_of_later_or_of_elsewhere(room: Room, log: Log) -> None:
    later = await log.sign(SIZE + 9)
    assert room.found(room.export, later) == [
        "positions 301 to 309: the checkpoint of size 309 covers them, the export ends before"
    ]
    elsewhere = Signer("tarikh/elsewhere/shard/0", log.seed)
    note = elsewhere.sign(Checkpoint(elsewhere.verifier.name, 5, bytes(32)).text())
    assert room.found(room.export, note)
    assert room.found(room.export, room.kept[:-9])


async def test_a_key_in_the_file_that_did_not_sign_it(room: Room) -> None:
    parts = taken_apart(room.export)
    parts.key = str(FORGER.verifier)
    (problem,) = room.found(parts.whole())
    assert "but it was signed with" in problem


async def test_what_is_not_in_the_log_is_not_exported(room: Room, log: Log) -> None:
    log.alter("DELETE FROM log.event WHERE notification_id IN (20, 21)")
    with pytest.raises(Incomplete, match="position 20"):
        await log.export()
    assert room.found(room.export) == []


async def test_what_was_altered_in_the_log_is_seen_in_its_export(room: Room, log: Log) -> None:
    log.alter("UPDATE log.event SET state = 'x', topic = 'y' WHERE notification_id = 30")
    assert room.found(await log.export()) == ["position 30: the event does not match its leaf hash"]
    log.alter("UPDATE log.event SET recorded_at = 'infinity' WHERE notification_id = 30")
    assert room.found(await log.export()) == ["position 30: the event does not match its leaf hash"]


def test_a_gap_is_named_by_what_is_missing_or_stands_twice() -> None:
    def leaves(*positions: int) -> list[StoredLeaf]:
        return [StoredLeaf(position, b"", b"") for position in positions]

    assert gap(leaves(5, 6, 7), 5) is None
    assert gap(leaves(5, 7), 5) == 6
    assert gap(leaves(5, 6, 6, 7), 5) == 6
    assert gap(leaves(6, 7), 5) == 5
