"""A stored shape may grow. Whatever else is done to it without a number and an upcaster is noticed.

And what any release stored is not only read: states and read models are still made of it.
"""

from collections.abc import Iterator
from functools import reduce
from typing import Annotated, Any, Literal

import msgspec
import pytest

from domain import account, diagnosis, feedback, patient, prediction, recommendation, report
from domain.account import AccountInvited
from domain.catalog import EVENTS
from domain.diagnosis import DiagnosisRecorded
from domain.event import Coded, Event, Instant
from domain.feedback import FeedbackSubmitted
from domain.patient import PatientRegistered
from domain.prediction import PredictionMade
from domain.recommendation import RecommendationDrafted, RecommendationIssued
from domain.recorded import Meta
from domain.report import ReportDefined
from infra.event_log import codec, upcasters
from infra.event_log.codec import Unreadable, decode_event
from projections.registry import models
from tests.golden import samples, shapes
from tests.golden.samples import KEY, Sample, where
from tests.projections.story import Log

TAG = "patient.background_recorded"
BEGINNINGS: dict[str, tuple[Any, tuple[type[Event], ...]]] = {
    "patient": (patient, (PatientRegistered,)),
    "diagnosis": (diagnosis, (DiagnosisRecorded,)),
    "recommendation": (recommendation, (RecommendationDrafted, RecommendationIssued)),
    "feedback": (feedback, (FeedbackSubmitted,)),
    "prediction": (prediction, (PredictionMade,)),
    "report": (report, (ReportDefined,)),
    "account": (account, (AccountInvited,)),
}
"""Each category's module, and what every stream of it begins with."""

OF_THE_HOUSE = ("account.", "report.")
BACKGROUND: dict[str, tuple[Any, ...]] = {
    "occurred_at": (Instant,),
    "precision": (Literal["exact", "day", "unknown"], "exact"),
    "kind": (Literal["allergy", "condition", "medication", "pregnancy", "lifestyle"],),
    "code": (Coded,),
    "status": (Literal["active", "ended"], "active"),
    "onset": (Instant | None, None),
}
"""`patient.background_recorded` as it is stored: type, and default where there is one."""
NARROW_CODE = msgspec.defstruct(
    "Coded",
    [("text", Annotated[str, msgspec.Meta(min_length=1, max_length=40)]), ("system", str | None, None)],
)


def made(fields: dict[str, tuple[Any, ...]]) -> type[Any]:
    """An event class of these fields under the same tag."""
    named = [(name, *said) for name, said in fields.items()]
    return msgspec.defstruct(
        "Made", named, bases=(msgspec.Struct,), kw_only=True, tag=TAG, omit_defaults=True
    )


def without(name: str, **instead: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    return {key: said for key, said in BACKGROUND.items() if key != name} | instead


CHANGED = {
    "renamed": without("onset", began=(Instant | None, None)),
    "renamed and required": without("kind", about=BACKGROUND["kind"]),
    "removed": without("onset"),
    "removed, and it had no default": without("code"),
    "a new field without a default": BACKGROUND | {"grade": (int,)},
    "a value less": BACKGROUND | {"kind": (Literal["allergy", "condition", "medication", "lifestyle"],)},
    "another type": BACKGROUND | {"code": (str,)},
    "null no longer": BACKGROUND | {"onset": (Instant,)},
    "required": BACKGROUND | {"status": (Literal["active", "ended"],)},
    "another default": BACKGROUND | {"status": (Literal["active", "ended"], "ended")},
    "shorter, deep inside": BACKGROUND | {"code": (NARROW_CODE,)},
}
GROWN = {
    "a new field with a default": BACKGROUND | {"grade": (int | None, None)},
    "a value more": BACKGROUND | {"status": (Literal["active", "ended", "unclear"], "active")},
    "wider": BACKGROUND | {"kind": (str,)},
}


def problems(fields: dict[str, tuple[Any, ...]]) -> list[str]:
    return shapes.narrower(shapes.read()[f"{TAG} 1"], shapes.shape_of(made(fields)))


def test_the_story_is_about_the_shape_that_is_stored() -> None:
    assert shapes.shape_of(made(BACKGROUND)) == shapes.shape_of(EVENTS[TAG])


@pytest.mark.parametrize("name", sorted(shapes.today()))
def test_every_shape_is_written_down_and_takes_what_it_took(name: str) -> None:
    known, now = shapes.read().get(name, {}), shapes.today()[name]
    assert shapes.narrower(known, now) == [], "give it a schema number and an upcaster"
    assert known == now, "run `python -m tests.golden`"


def test_the_envelope_has_no_number_and_may_only_grow() -> None:
    assert [name for name in shapes.read() if name.startswith("meta")] == ["meta 1"]


@pytest.mark.parametrize("how", CHANGED)
def test_a_changed_shape_is_noticed(how: str) -> None:
    assert problems(CHANGED[how])


@pytest.mark.parametrize("how", GROWN)
def test_a_shape_that_grew_is_not(how: str) -> None:
    assert problems(GROWN[how]) == []


@pytest.fixture
def redefined(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let the tag mean another class."""

    def redefine(fields: dict[str, tuple[Any, ...]]) -> None:
        monkeypatch.setitem(EVENTS, TAG, made(fields))
        codec._decoder.cache_clear()

    yield redefine
    monkeypatch.undo()
    codec._decoder.cache_clear()


def differs(sample: Sample) -> bool:
    """Whether a sample is not read, or as something else than it said."""
    try:
        return samples.shape(decode_event(sample.bytes, where(TAG, sample.schema), KEY)) != sample.shape
    except Unreadable:
        return True


@pytest.mark.parametrize("how", ["renamed", "removed", "another type", "a new field without a default"])
def test_samples_notice_it_too(how: str, redefined: Any) -> None:  # noqa: ANN401  a function
    (sample,) = samples.read(TAG)
    assert not differs(sample)
    redefined(CHANGED[how])
    assert differs(sample)


@pytest.mark.parametrize("how", GROWN)
def test_samples_are_read_by_what_grew(how: str, redefined: Any) -> None:  # noqa: ANN401  a function
    (sample,) = samples.read(TAG)
    redefined(GROWN[how])
    assert not differs(sample)


def replayed(tag: str, *events: Event) -> tuple[Any, Log]:
    """The state after these events of a stream and what has to stand before them, and the log of it."""
    module, first = BEGINNINGS[tag.partition(".")[0]]
    opening = [
        decode_event(samples.read(name)[0].bytes, where(name, 1), KEY)
        for name in (str(of.__struct_config__.tag) for of in first)
        if name != tag
    ]
    told = [*opening[: 0 if tag == str(first[0].__struct_config__.tag) else None], *events]
    stream = where(tag, 1).stream_id
    log = Log().add(stream, *told, subject_id=None if tag.startswith(OF_THE_HOUSE) else stream)
    return reduce(module.evolve, told, module.INITIAL), log


@pytest.mark.parametrize("tag", sorted(EVENTS))
def test_old_samples_replay_into_states_and_every_read_model(tag: str) -> None:
    for sample in samples.read(tag):
        event = decode_event(sample.bytes, where(tag, sample.schema), KEY)
        state, log = replayed(tag, event)
        again, _ = replayed(tag, samples.full(EVENTS[tag]))
        assert type(state) is not type(BEGINNINGS[tag.partition(".")[0]][0].INITIAL)
        if sample.shape == samples.today(tag).shape:
            assert state == again
        for model in models("Asia/Tehran"):
            rows = model.fold(log.events)
            if model.name == "audit_trail" and not tag.startswith(OF_THE_HOUSE):
                assert sum(1 for table in model.tables for _ in rows.all(table)) == len(log.events)


def test_an_upcast_sample_replays_as_what_it_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape of a release that called the code a concept, stored under schema 1."""
    (today,) = samples.read(TAG)
    old = {("concept" if name == "code" else name): value for name, value in today.shape.items()}
    nonce = bytes(12)
    stored = nonce + KEY.cipher.encrypt(nonce, msgspec.json.encode(old), where(TAG, 1).bound(b"s"))

    def to_2(shape: upcasters.Shape) -> upcasters.Shape:
        return {("code" if name == "concept" else name): value for name, value in shape.items()}

    with pytest.raises(Unreadable):
        decode_event(stored, where(TAG, 1), KEY)
    monkeypatch.setitem(upcasters.UPCASTERS, TAG, (to_2,))
    event = decode_event(stored, where(TAG, 1), KEY)
    assert samples.shape(event) == today.shape
    state, _ = replayed(TAG, event)
    assert state == replayed(TAG, samples.full(EVENTS[TAG]))[0]


def test_meta_is_read_from_its_sample() -> None:
    (sample,) = samples.read("meta")
    assert msgspec.convert(sample.shape, Meta) == samples.full(Meta)
