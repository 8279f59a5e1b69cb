"""The audit trail: one line for every event, found by patient, actor, time, type and request."""

import msgspec

from projections.audit_trail import MODEL, Asked, audit_event, page_of
from tests.domain.spec import NOW, an_id
from tests.projections.laws import erased
from tests.projections.sample import a_year
from tests.projections.story import DOCTOR_ID, META, PATIENT_ID, Log


def positions(log: Log, asked: Asked) -> list[int]:
    return [entry.position for entry in page_of([log.rows(MODEL)], asked, 0).entries]


def test_every_event_has_its_line_newest_first() -> None:
    log = a_year()
    everything = list(range(len(log.events), 0, -1))
    assert positions(log, Asked(limit=200)) == everything
    first = page_of([log.rows(MODEL)], Asked(limit=5), 0)
    assert positions(log, Asked(limit=200, before=first.next)) == everything[5:]


def test_filters() -> None:
    log = a_year()
    assert positions(log, Asked(tags=("patient.registered",))) == [1]
    assert positions(log, Asked(actor_id=DOCTOR_ID, correlation_id=META.correlation_id, limit=2))
    assert positions(log, Asked(actor_id=an_id(7))) == []
    assert positions(log, Asked(correlation_id=an_id(7))) == []
    second = log.events[1].recorded_at
    assert positions(log, Asked(end=second)) == [1]
    assert positions(log, Asked(start=log.events[-1].recorded_at)) == [len(log.events)]
    assert positions(log, Asked(start=NOW, end=NOW)) == []


def test_of_an_account_there_is_no_patient_and_of_an_erased_one_no_request() -> None:
    recorded = a_year().events[0]
    (account,) = MODEL.evolve(MODEL.fold([]), msgspec.structs.replace(recorded, subject_id=None))
    (gone,) = MODEL.evolve(MODEL.fold([]), erased([recorded])[0])
    assert (getattr(account, "patient_id"), getattr(gone, "correlation_id")) == (None, None)  # noqa: B009  rows of one type


def test_an_event_shows_its_content_to_those_who_may_read_it() -> None:
    recorded = a_year().events[0]
    shown = audit_event(recorded, readable=True)
    assert shown.data is not None
    assert shown.meta is not None
    assert (shown.data["name"], shown.occurred_at) == ("Mina", recorded.event and recorded.event.occurred_at)
    assert "type" not in shown.data
    hidden = audit_event(recorded, readable=False)
    assert (hidden.data, hidden.meta, hidden.occurred_at, hidden.patient_id) == (None, None, None, PATIENT_ID)
