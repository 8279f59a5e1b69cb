"""Whatever an owner does to the log behind its back is found, and the first bad position is named."""

import pytest

from infra.notary.findings import Report
from infra.notary.note import Signer, opened
from infra.secret import Secret
from tests.infra.notary import reference
from tests.infra.notary.logs import Log

SIGNED, SIZE = 560, 600
POSITIONS = (1, 256, 257, 512, 555, 590)
"""In full tiles, at their edges, behind the last one, and behind the last signed head."""
ALTERED = {
    "shard": "shard = 1",
    "schema": "schema = 2",
    "originator_id": "originator_id = gen_random_uuid()",
    "originator_version": "originator_version = originator_version + 1",
    "recorded_at": "recorded_at = recorded_at + interval '1 microsecond'",
    "never": "recorded_at = 'infinity'",
    "subject_id": "subject_id = NULL",
    "another_subject": "subject_id = gen_random_uuid()",
    "actor_id": "actor_id = gen_random_uuid()",
    "key_id": "key_id = NULL",
    "topic": "topic = topic || ' '",
    "state": "state = set_byte(state, 5, get_byte(state, 5) # 1)",
    "longer_state": r"state = state || '\x00'",
    "meta": "meta = set_byte(meta, 0, get_byte(meta, 0) # 128)",
    "no_meta": "meta = NULL",
    "empty_meta": "meta = ''",
    "moved_bytes": "state = state || substr(meta, 1, 1), meta = substr(meta, 2)",
    "request_id": "request_id = NULL",
    "leaf_hash": "leaf_hash = set_byte(leaf_hash, 31, get_byte(leaf_hash, 31) # 1)",
    "short_leaf_hash": "leaf_hash = substr(leaf_hash, 1, 31)",
}
REWRITE = """
    UPDATE log.event SET state = 'x', leaf_hash = log.leaf_hash(
        shard, notification_id, originator_id, originator_version, topic, schema,
        (extract(epoch FROM recorded_at) * 1000000)::bigint, subject_id, actor_id, key_id, 'x', meta,
        request_id)
    WHERE notification_id = {}
    """
"""An event with a leaf hash that fits it."""
RETREE = """
    DELETE FROM log.tree;
    SELECT log.grow(0, 100);
    """


@pytest.fixture
async def tampered(log: Log) -> Log:
    """A log that was signed twice on its way, and is whole."""
    await log.sign(300)
    await log.sign(SIGNED)
    log.fill(SIZE)
    report = log.verify()
    assert (report.problems, report.size, report.root) == ([], SIZE, reference.root(log.leaves()).hex())
    return log


def found(report: Report) -> list[str]:
    return list(map(str, report.problems))


@pytest.mark.parametrize("column", ALTERED)
async def test_every_column_of_an_event(tampered: Log, column: str) -> None:
    for position in reversed(POSITIONS):
        tampered.alter(f"UPDATE log.event SET {ALTERED[column]} WHERE notification_id = {position}")
        assert tampered.verify().first_bad_position == position


async def test_any_byte_of_an_event(tampered: Log) -> None:
    with tampered.owner() as owner:
        ((length,),) = owner.execute(
            "SELECT length(state) FROM log.event WHERE notification_id = 400"
        ).fetchall()
    flip = "set_byte(state, {0}, get_byte(state, {0}) # {1})"
    change = f"UPDATE log.event SET state = {flip} WHERE notification_id = 400"
    for byte in range(0, length, 7):
        tampered.alter(change.format(byte, 1 << byte % 8))
        assert found(tampered.verify()) == ["position 400: the event does not match its leaf hash"]
        tampered.alter(change.format(byte, 1 << byte % 8))
    assert tampered.verify().problems == []


async def test_an_event_that_was_rewritten_with_its_leaf(tampered: Log) -> None:
    tampered.alter(REWRITE.format(100))
    assert found(tampered.verify()) == ["position 100: the event is not the one that the tree holds"]


async def test_events_that_changed_places(tampered: Log) -> None:
    tampered.alter(
        "UPDATE log.event SET notification_id = -1 WHERE notification_id = 270",
        "UPDATE log.event SET notification_id = 270 WHERE notification_id = 280",
        "UPDATE log.event SET notification_id = 280 WHERE notification_id = -1",
    )
    assert tampered.verify().first_bad_position == 270


async def test_an_event_that_was_dropped(tampered: Log) -> None:
    tampered.alter("DELETE FROM log.event WHERE notification_id BETWEEN 200 AND 210")
    assert found(tampered.verify()) == ["positions 200 to 210: missing from the log"]


async def test_a_dropped_event_whose_followers_closed_ranks(tampered: Log) -> None:
    tampered.alter("DELETE FROM log.event WHERE notification_id = 580")
    for position in range(581, SIZE + 1):
        tampered.alter(
            f"UPDATE log.event SET notification_id = {position - 1} WHERE notification_id = {position}"
        )
    assert tampered.verify().first_bad_position == 580


@pytest.mark.parametrize("place", [150, 600])
async def test_an_event_that_stands_twice(tampered: Log, place: int) -> None:
    tampered.alter(
        "ALTER TABLE log.event DROP CONSTRAINT event_shard_notification_id_key",
        "CREATE INDEX event_place ON log.event (shard, notification_id)",
        f"""
        INSERT INTO log.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
            topic, state, leaf_hash)
        SELECT shard, schema, gen_random_uuid(), 1, notification_id, recorded_at, topic, state, leaf_hash
        FROM log.event WHERE notification_id = {place}
        """,
    )
    try:
        report = tampered.verify()
        assert report.first_bad_position == place
    finally:
        tampered.alter(
            "TRUNCATE log.event",
            "DROP INDEX log.event_place",
            "ALTER TABLE log.event ADD CONSTRAINT event_shard_notification_id_key"
            " UNIQUE (shard, notification_id)",
        )


async def test_an_event_where_none_can_be(tampered: Log) -> None:
    tampered.alter("UPDATE log.event SET notification_id = 0 WHERE notification_id = 1")
    assert found(tampered.verify()) == [
        "position 0: no event can stand here",
        "position 1: missing from the log",
    ]


@pytest.mark.parametrize("last", [100, 511, 559, 598])
async def test_a_tail_that_was_cut(tampered: Log, last: int) -> None:
    tampered.alter(f"DELETE FROM log.event WHERE notification_id > {last}")
    assert found(tampered.verify()) == [f"positions {last + 1} to {SIZE}: the end of the log is missing"]
    tampered.alter(f"UPDATE log.head SET position = {last}")
    # what was neither signed nor spoken of anywhere is gone without a trace
    assert tampered.verify().first_bad_position == (last + 1 if last < SIGNED else None)


async def test_a_tail_that_only_a_kept_checkpoint_remembers(tampered: Log) -> None:
    kept = await tampered.sign(SIZE)
    tampered.alter(
        "DELETE FROM log.event WHERE notification_id > 520",
        "UPDATE log.head SET position = 520",
        "DELETE FROM log.tree_head WHERE size > 520",
    )
    assert tampered.verify().problems == []
    assert found(tampered.verify(kept)) == ["positions 521 to 600: the end of the log is missing"]


async def test_a_head_that_was_moved(tampered: Log) -> None:
    tampered.alter("UPDATE log.head SET position = 590")
    assert tampered.verify().first_bad_position == 591
    tampered.alter("UPDATE log.head SET position = 700")
    assert found(tampered.verify()) == ["positions 601 to 700: the end of the log is missing"]
    tampered.alter("DELETE FROM log.head")
    assert found(tampered.verify()) == ["the log has no head"]
    tampered.alter(f"INSERT INTO log.head VALUES (0, {SIZE}, now())")


async def test_a_fork_rewritten_throughout_after_a_signed_checkpoint(tampered: Log) -> None:
    """Event, leaf and tree fit one another; what was signed names the range."""
    tampered.alter(REWRITE.format(310), RETREE)
    assert found(tampered.verify()) == [
        "positions 301 to 560: what stands here is not what the checkpoint of size 560 was signed for"
    ]


async def test_a_fork_that_only_a_kept_checkpoint_remembers(tampered: Log) -> None:
    kept = await tampered.sign(SIZE)
    tampered.alter(REWRITE.format(310), RETREE, "DELETE FROM log.tree_head WHERE size > 300")
    await tampered.sign(SIZE)
    assert tampered.verify().problems == []
    assert tampered.verify(kept).problems[0].first == 301


async def test_a_tree_that_was_altered(tampered: Log) -> None:
    tampered.alter(
        "UPDATE log.tree SET hashes = set_byte(hashes, 33, get_byte(hashes, 33) # 1) WHERE tile = 1"
    )
    assert found(tampered.verify()) == ["position 258: the event is not the one that the tree holds"]
    tampered.alter(RETREE, "UPDATE log.tree SET root = sha256(root) WHERE tile = 0")
    assert found(tampered.verify()) == [
        "positions 1 to 256: the root of their tile is not that of its hashes"
    ]
    tampered.alter(RETREE, "DELETE FROM log.tree WHERE tile = 0")
    assert found(tampered.verify()) == ["positions 1 to 256: their tile is missing from the tree"]


async def test_a_head_that_says_something_else_than_its_note(tampered: Log) -> None:
    tampered.alter("UPDATE log.tree_head SET root = sha256(root) WHERE size = 300")
    assert found(tampered.verify()) == ["the stored head of size 300 is not what its note says"]


async def test_a_replaced_key(tampered: Log) -> None:
    """History is rewritten and signed by somebody else under the log's name."""
    forger = Signer("tarikh/example/shard/0", Secret(b"f" * 32))
    tampered.alter(REWRITE.format(310), RETREE, "DELETE FROM log.tree_head")
    house, tampered.seed = tampered.seed, Secret(b"f" * 32)
    async with tampered.notary() as notary:
        await notary.checkpoint(new_key=True)
    tampered.seed = house
    tampered.known.path.write_text(f"{Signer(forger.verifier.name, house).verifier}\n")
    name = f"{forger.verifier.name}+{forger.verifier.id.hex()}"
    assert found(tampered.verify()) == [
        f"the checkpoint of size {SIZE} is signed by no known key but by {name}"
    ]


async def test_a_house_whose_own_key_was_replaced(tampered: Log) -> None:
    tampered.seed = Secret(b"f" * 32)
    (problem,) = found(tampered.verify())
    assert "is not one of" in problem


async def test_a_log_that_was_given_another_name(tampered: Log) -> None:
    tampered.alter("UPDATE log.tree_origin SET origin = 'tarikh/other/shard/0'")
    assert all("no known key" in problem for problem in found(tampered.verify()))
    assert tampered.verify().problems


async def test_a_checkpoint_that_was_altered(tampered: Log) -> None:
    kept = await tampered.sign(SIZE)
    assert opened(kept, tampered.known.verifiers())
    assert found(tampered.verify(kept.replace("\n600\n", "\n601\n"))) == [
        "the signature of the checkpoint of size 601 is wrong"
    ]
    assert found(tampered.verify("nonsense")) == ["this is no signed note"]
