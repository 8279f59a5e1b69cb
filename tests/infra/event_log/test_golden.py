"""What any release ever stored is read by this one, and what this one stores is what it stored yesterday.

A new field with a default adds a sample (`python -m tests.golden`). Any other change of a stored shape needs
the next schema number and an upcaster: samples that are there are never rewritten.
"""

import msgspec
import pytest

from domain.catalog import EVENTS
from infra.event_log import upcasters
from infra.event_log.codec import Unreadable, decode_event, decode_meta
from infra.event_log.upcasters import current_schema
from tests.golden import samples, shapes
from tests.golden.samples import KEY, META_TAG, Sample, where

EACH_TAG = pytest.mark.parametrize("tag", sorted(EVENTS))


@EACH_TAG
def test_what_was_ever_stored_can_be_read(tag: str) -> None:
    for sample in samples.read(tag):
        event = decode_event(sample.bytes, where(tag, sample.schema), KEY)
        if sample.schema == current_schema(tag):
            assert samples.shape(event) == sample.shape, "give it a schema number and an upcaster"


@EACH_TAG
def test_what_is_stored_today_is_written_down(tag: str) -> None:
    new = samples.today(tag)
    known = [(sample.schema, sample.shape) for sample in samples.read(tag)]
    assert (new.schema, new.shape) in known, "run `python -m tests.golden`"
    assert {schema for schema, _ in known} == set(range(1, current_schema(tag) + 1))


def test_the_envelope_is_read_as_it_was_stored() -> None:
    known = samples.read("meta")
    assert samples.today("meta").shape in [sample.shape for sample in known]
    for sample in known:
        meta = decode_meta(sample.bytes, where(META_TAG, sample.schema), KEY)
        assert samples.shape(meta) == sample.shape


def test_no_sample_is_of_a_tag_that_was_dropped() -> None:
    assert {path.stem for path in samples.FOLDER.glob("*.json")} == {*samples.names(), shapes.FILE.stem}


def renamed(sample: Sample) -> Sample:
    """The same event in the shape of a release before, which called the name a title."""
    shape = {("title" if name == "name" else name): value for name, value in sample.shape.items()}
    sealed = KEY.cipher.encrypt(bytes(12), msgspec.json.encode(shape), where(META_TAG, 1).bound(b"s"))
    return msgspec.structs.replace(sample, shape=shape, stored=samples._text(bytes(12) + sealed))


def test_a_renamed_field_is_found_and_an_upcaster_heals_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = samples.today(META_TAG)
    old = renamed(sample)
    with pytest.raises(Unreadable):
        decode_event(old.bytes, where(META_TAG, 1), KEY)

    def to_2(shape: upcasters.Shape) -> upcasters.Shape:
        return {("name" if field == "title" else field): value for field, value in shape.items()}

    monkeypatch.setitem(upcasters.UPCASTERS, META_TAG, (to_2,))
    assert current_schema(META_TAG) == 2
    assert samples.shape(decode_event(old.bytes, where(META_TAG, 1), KEY)) == sample.shape
