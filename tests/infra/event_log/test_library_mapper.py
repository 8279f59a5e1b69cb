"""Tarikh's events through the library's own mapper, recorder and event store."""

import os
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.persistence import EventStore, JSONTranscoder, StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalog import EVENTS, UNSEALED, tag_of
from domain.event import Event
from domain.feedback import FeedbackRetracted
from domain.patient import PatientDied
from infra.event_log.codec import DataKey, Unreadable
from infra.event_log.factory import LogFactory
from infra.event_log.library_mapper import Enveloped, LibraryMapper
from tests.domain.spec import NOW
from tests.domain.strategies import anything
from tests.infra.event_log.calls import Connection, settings_of

KEY = DataKey(uuid4(), AESGCM(os.urandom(32)))
KEYED = LibraryMapper(JSONTranscoder(), key_of=lambda _: KEY)
ANY_EVENT = st.one_of([anything(event_type) for event_type in EVENTS.values()])
SOME = ANY_EVENT.filter(lambda event: tag_of(type(event)) not in UNSEALED)


@settings(deadline=None)
@given(event=ANY_EVENT)
def test_what_is_stored_comes_back_under_its_tag(event: Event) -> None:
    enveloped = Enveloped(uuid4(), 3, event)
    stored = KEYED.to_stored_event(enveloped)
    assert stored.topic == tag_of(type(event))
    assert KEYED.to_domain_event(stored) == enveloped


@settings(deadline=None)
@given(event=SOME)
def test_a_personal_event_stays_closed_without_its_key_and_out_of_its_place(event: Event) -> None:
    stored = KEYED.to_stored_event(Enveloped(uuid4(), 3, event))
    moved = StoredEvent(stored.originator_id, 4, stored.topic, stored.state)
    with pytest.raises(Unreadable):
        KEYED.to_domain_event(moved)
    with pytest.raises(Unreadable):
        LibraryMapper(JSONTranscoder()).to_domain_event(stored)
    with pytest.raises(Unreadable):
        LibraryMapper(JSONTranscoder()).to_stored_event(Enveloped(uuid4(), 3, event))


def test_the_librarys_event_store_reads_what_it_wrote(log_url: str, owner: Connection) -> None:
    stream, events = (
        uuid4(),
        [FeedbackRetracted(occurred_at=NOW, reason_code="mistaken"), PatientDied(occurred_at=NOW)],
    )
    written = [Enveloped(stream, version, event) for version, event in enumerate(events, 1)]
    with LogFactory(settings_of(log_url)) as factory:
        store = EventStore(KEYED, factory.application_recorder())
        recordings = store.put(written)
        assert [recording.notification.id for recording in recordings] == [1, 2]
        assert list(store.get(stream)) == written
    tags = [tag for (tag,) in owner.execute("SELECT topic FROM log.event ORDER BY notification_id")]
    assert tags == [tag_of(type(event)) for event in events]
