"""What the owner of the database can do to the log behind its back, and where it must be found."""

from collections.abc import Callable
from random import Random

import msgspec

from infra.notary.note import Checkpoint, Signer
from infra.secret import Secret
from tests.campaigns.tampering.columns import COLUMNS, another
from tests.campaigns.tampering.expecting import Expected, around, at, in_words
from tests.campaigns.tampering.signed import EARLIER, KEPT, SIZE
from tests.infra.notary import reference
from tests.infra.notary.logs import SEED, Connection

FULL_TILES = SIZE // 256 * 256
FORGER = Secret(b"f" * 32)
LEAVES = """
    UPDATE log.event SET leaf_hash = log.leaf_hash(
        shard, notification_id, originator_id, originator_version, topic, schema,
        (extract(epoch FROM recorded_at) * 1000000)::bigint,
        subject_id, actor_id, key_id, state, meta, request_id)
    WHERE notification_id BETWEEN %s AND %s
    """
"""Leaf hashes that fit what stands there now."""
COPY = """
    INSERT INTO log.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash)
    SELECT shard, schema, originator_id, originator_version, %s, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash
    FROM log.event WHERE notification_id = %s
    """
SHIFT = "UPDATE log.event SET notification_id = notification_id + %s WHERE notification_id BETWEEN %s AND %s"
TURN = """
    UPDATE log.event
    SET notification_id = CASE notification_id WHEN %s THEN %s ELSE notification_id + 1 END
    WHERE notification_id BETWEEN %s AND %s
    """

Tampering = Callable[[Connection, Random], tuple[str, Expected]]
"""Does it; what was done, and where it must be found."""


def column(name: str) -> Tampering:
    """Any byte of this column."""

    def alter(owner: Connection, chance: Random) -> tuple[str, Expected]:
        position = chance.randint(1, SIZE)
        ((value,),) = owner.execute(
            f"SELECT {name} FROM log.event WHERE notification_id = %s", (position,)
        ).fetchall()
        new = another(name, value, chance)
        owner.execute(f"UPDATE log.event SET {name} = %s WHERE notification_id = %s", (new, position))
        what = f"{name} of {position}: {value!r} is {new!r}"
        if name == "notification_id":
            return what, Expected(min(position, new), exporting=position)
        return what, at(position)

    return alter


def rewritten(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """An event and the leaf hash that fits it; the tree is as it was."""
    position = chance.randint(1, SIZE)
    _rewrite(owner, chance, position)
    return f"{position} with its leaf", _in_tree(position)


def swapped(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """Two events change places, with leaf hashes that fit or without."""
    one, other = sorted(chance.sample(range(1, SIZE + 1), 2))
    owner.execute(
        "UPDATE log.event SET notification_id = %s - notification_id WHERE notification_id = ANY(%s)",
        (one + other, [one, other]),
    )
    if chance.random() < 0.5:
        return f"{one} and {other}", at(one)
    for position in (one, other):
        owner.execute(LEAVES, (position, position))
    return f"{one} and {other} with their leaves", _in_tree(one)


def dropped(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """An event is gone; those behind it close ranks or do not."""
    position = chance.randint(1, SIZE - 1)
    owner.execute("DELETE FROM log.event WHERE notification_id = %s", (position,))
    if chance.random() < 0.5:
        return f"{position}", at(position)
    owner.execute(SHIFT, (-1, position + 1, SIZE))
    owner.execute("UPDATE log.head SET position = position - 1")
    if chance.random() < 0.5:
        return f"{position}, and the ranks closed", Expected(position, exporting=SIZE)
    owner.execute(LEAVES, (position, SIZE))
    # behind the last smaller head nothing is known to be wrong but that the log has become too short
    found = at(SIZE) if position > KEPT else _in_tree(position)
    expected = msgspec.structs.replace(found, exporting=SIZE)
    return f"{position}, and the ranks closed with leaves", expected


def duplicated(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """An event stands twice: in its place, in another's, behind the end, or between two others."""
    position, place = chance.randint(1, SIZE), chance.randint(1, SIZE)
    match chance.choice(("twice", "elsewhere", "behind", "between")):
        case "twice":
            owner.execute(COPY, (position, position))
            return f"{position} twice", at(position)
        case "elsewhere" if place != position:
            owner.execute(COPY, (place, position))
            return f"{position} at {place} too", at(place)
        case "behind":
            owner.execute(COPY, (SIZE + 1, position))
            return f"{position} behind the end", at(SIZE + 1)
        case _:
            owner.execute(SHIFT, (1, place, SIZE))
            owner.execute(COPY, (place, position + (position >= place)))
            owner.execute("UPDATE log.head SET position = position + 1")
            # one that stands before itself stands right; what follows does not
            return f"{position} before {place}", at(place + (position == place))


def reordered(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """A run of events is turned by one, with leaf hashes that fit or without."""
    first = chance.randint(1, SIZE - 2)
    last = chance.randint(first + 1, min(SIZE, first + 40))
    owner.execute(TURN, (last, first, first, last))
    if chance.random() < 0.5:
        return f"{first} to {last} turned", at(first)
    owner.execute(LEAVES, (first, last))
    return f"{first} to {last} turned with leaves", _in_tree(first)


def truncated(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """The tail is cut; or cut with everything in the house that speaks of it, and a kept checkpoint tells."""
    quietly = chance.random() < 0.5
    last = chance.randint(0, (KEPT if quietly else SIZE) - 1)
    owner.execute("DELETE FROM log.event WHERE notification_id > %s", (last,))
    if quietly:
        owner.execute("UPDATE log.head SET position = %s", (last,))
        owner.execute("DELETE FROM log.tree_head WHERE size > %s", (last,))
        owner.execute("DELETE FROM log.tree WHERE (tile + 1) * 256 > %s", (last,))
    return f"behind {last}{', quietly' if quietly else ''}", at(last + 1)


def forked(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """History rewritten throughout, the tree rebuilt, signed with the log's key; a kept checkpoint tells."""
    position = chance.randint(1, KEPT)
    _fork(owner, chance, position, SEED)
    return f"from {position}", around(position)


def replaced_key(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """The same, signed with another key, or nothing but another key."""
    if chance.random() < 0.3:
        _resign(owner, FORGER, 0)
        return "nothing but the key", in_words("no known key")
    position = chance.randint(1, KEPT)
    _fork(owner, chance, position, FORGER)
    return f"and history from {position}", Expected(position, exactly=False, words="no known key")


def tree(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """A tile of the stored tree."""
    tile = chance.randrange(FULL_TILES // 256)
    match chance.choice(("hashes", "root", "dropped")):
        case "hashes":
            byte = chance.randrange(8192)
            owner.execute(
                """
                UPDATE log.tree SET hashes = set_byte(hashes, %s, get_byte(hashes, %s) # %s) WHERE tile = %s
                """,
                (byte, byte, 1 << chance.randrange(8), tile),
            )
            return f"byte {byte} of tile {tile}", at(tile * 256 + byte // 32 + 1)
        case "root":
            owner.execute("UPDATE log.tree SET root = sha256(root) WHERE tile = %s", (tile,))
            return f"root of tile {tile}", at(tile * 256 + 1)
        case _:
            # without its last tile it is a tree that has not grown yet, and whole
            owner.execute("DELETE FROM log.tree WHERE tile = 0")
            return "tile 0", at(1)


def head(owner: Connection, chance: Random) -> tuple[str, Expected]:
    """A stored tree head, or the head of the log."""
    size = chance.choice((EARLIER, KEPT, SIZE))
    match chance.choice(("root", "note", "size", "head", "no head")):
        case "root":
            owner.execute("UPDATE log.tree_head SET root = sha256(root) WHERE size = %s", (size,))
            return f"root of {size}", in_words(f"the stored head of size {size} is not what its note says")
        case "note":
            owner.execute(
                "UPDATE log.tree_head SET note = replace(note, %s, %s) WHERE size = %s",
                (f"\n{size}\n", f"\n{size - 1}\n", size),
            )
            return f"note of {size}", in_words("signature of the checkpoint")
        case "size":
            owner.execute("UPDATE log.tree_head SET size = size - 1 WHERE size = %s", (size,))
            return f"size of {size}", in_words(
                f"the stored head of size {size - 1} is not what its note says"
            )
        case "head":
            position = chance.choice((chance.randrange(SIZE), SIZE + chance.randint(1, 500)))
            owner.execute("UPDATE log.head SET position = %s", (position,))
            return f"the log's is {position}", at(min(position, SIZE) + 1)
        case _:
            owner.execute("DELETE FROM log.head")
            return "the log's is gone", in_words("the log has no head")


TAMPERINGS: dict[str, Tampering] = {
    **{f"column {name}": column(name) for name in COLUMNS},
    "rewritten with its leaf": rewritten,
    "swapped": swapped,
    "dropped": dropped,
    "duplicated": duplicated,
    "reordered": reordered,
    "truncated": truncated,
    "forked after a checkpoint": forked,
    "replaced key": replaced_key,
    "tree": tree,
    "head": head,
}
OF_EVENTS = {name for name in TAMPERINGS if name.startswith("column")} | {
    "rewritten with its leaf",
    "swapped",
    "dropped",
    "reordered",
}
"""What an export of the altered log shows too."""


def _in_tree(position: int) -> Expected:
    """A full tile names it; behind the last one a signed head names the range."""
    return at(position) if position <= FULL_TILES else around(position)


def _rewrite(owner: Connection, chance: Random, position: int) -> None:
    owner.execute(
        "UPDATE log.event SET state = %s WHERE notification_id = %s", (chance.randbytes(40), position)
    )
    owner.execute(LEAVES, (position, position))


def _fork(owner: Connection, chance: Random, position: int, key: Secret) -> None:
    """Alter an event, or all from there on, and let everything in the house agree with it."""
    _rewrite(owner, chance, position)
    if chance.random() < 0.5:
        owner.execute("UPDATE log.event SET state = sha256(state) WHERE notification_id > %s", (position,))
        owner.execute(LEAVES, (position, SIZE))
    owner.execute("DELETE FROM log.tree")
    owner.execute("SELECT log.grow(0, 100)")
    _resign(owner, key, position - 1)


def _resign(owner: Connection, key: Secret, last: int) -> None:
    """Instead of every head behind `last`, one of what stands there now."""
    ((origin,),) = owner.execute("SELECT origin FROM log.tree_origin").fetchall()
    rows = owner.execute("SELECT leaf_hash FROM log.event ORDER BY notification_id").fetchall()
    signer = Signer(origin, key)
    new = Checkpoint(origin, len(rows), reference.root([leaf for (leaf,) in rows]))
    owner.execute("DELETE FROM log.tree_head WHERE size > %s", (last,))
    owner.execute(
        "INSERT INTO log.tree_head (shard, size, root, verifier, note) VALUES (0, %s, %s, %s, %s)",
        (new.size, new.root, str(signer.verifier), signer.sign(new.text())),
    )
