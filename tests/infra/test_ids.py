"""Ids: uuid7 in the order of time, each of its shard."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from infra.ids import MINTED_BITS, NOISE_BYTES, new_id, shard_of, uuid7

TIMES = st.integers(0, 2**48 - 1)
NOISE = st.binary(min_size=NOISE_BYTES, max_size=NOISE_BYTES)
SHARDS = st.integers(0, 2**16 - 1)


@given(TIMES, NOISE, SHARDS)
def test_an_id_says_its_time_and_its_shard(milliseconds: int, noise: bytes, shard: int) -> None:
    made = uuid7(milliseconds, noise, shard)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == milliseconds
    assert shard_of(made) == shard


@given(TIMES, NOISE, NOISE)
def test_a_later_id_is_greater(milliseconds: int, noise: bytes, other: bytes) -> None:
    if milliseconds:
        assert uuid7(milliseconds - 1, noise) < uuid7(milliseconds, other)


@given(st.lists(st.integers(0, 2**44 - 1), min_size=2, max_size=2, unique=True))
def test_all_44_bits_of_chance_count(chances: list[int]) -> None:
    one, other = (uuid7(1, chance.to_bytes(NOISE_BYTES, "big")) for chance in chances)
    assert one != other


def test_new_ids_are_new() -> None:
    made = {new_id(7) for _ in range(10_000)}
    assert len(made) == 10_000
    assert {shard_of(one) for one in made} == {7}


def test_neighbours_are_free() -> None:
    """A command mints further ids by counting up from its first; chance must not land there."""
    first = new_id()
    mine = {UUID(int=first.int + (n << 16)) for n in range(1, 2**MINTED_BITS)}
    assert mine.isdisjoint({new_id() for _ in range(10_000)})
