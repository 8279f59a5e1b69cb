"""Proves of predictions that they rest on nothing that was recorded later than they say: by replay.

The door asks the log (`infra/commands/evidence.py`). This folds the read models anew as they were known
at the position that the model spoke from, and looks whether what it cites was there to be seen.
"""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

import msgspec

from domain.catalog import tag_of
from domain.event import Event, EvidenceLink
from domain.prediction import PredictionMade
from domain.recorded import Recorded
from infra.commands.evidence import references
from infra.past import Moment
from infra.services import Services
from projections import citable

BY_ID = frozenset({"feedback", "finding", "assessment", "prediction"})


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction that knows more than it says it knew; `recorded_at_position` is when it could be known."""

    prediction_id: UUID
    position: int
    as_of_position: int
    cites: str
    recorded_at_position: int | None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How many predictions were looked at, how many things they cite, and those that leak."""

    predictions: int
    cited: int
    leaks: tuple[Leak, ...]


async def check(found: Services, patient_id: UUID | None = None) -> Checked:
    """Every prediction about a patient (and whoever is merged with them), or about anybody.

    Those of the erased cannot be opened, and say nothing any more.
    """
    checked = [await _of_patient(found, one) for one in await _patients(found, patient_id)]
    return Checked(
        predictions=sum(one.predictions for one in checked),
        cited=sum(one.cited for one in checked),
        leaks=tuple(leak for one in checked for leak in one.leaks),
    )


async def _patients(found: Services, patient_id: UUID | None) -> list[UUID]:
    if patient_id is not None:
        return [*await found.past.group(patient_id, Moment())]
    query = "SELECT DISTINCT subject_id FROM log.event WHERE topic = %s ORDER BY subject_id"
    async with found.pool.connection() as connection:
        cursor = await connection.execute(query, (tag_of(PredictionMade),))
        return [row[0] for row in await cursor.fetchall()]


async def _of_patient(found: Services, patient_id: UUID) -> Checked:
    made = await found.reader.by_subject([patient_id], tags=[tag_of(PredictionMade)])
    predictions = [(one, one.event) for one in made if isinstance(one.event, PredictionMade)]
    leaks = [leak for one, event in predictions for leak in await _leaks(found, patient_id, one, event)]
    cited = sum(len(_links(event)) for _, event in predictions)
    return Checked(predictions=len(predictions), cited=cited, leaks=tuple(leaks))


async def _leaks(
    found: Services, patient_id: UUID, recorded: Recorded[Event], made: PredictionMade
) -> list[Leak]:
    then = Moment(position=made.as_of_position)
    group = await found.past.group(patient_id, Moment())
    timeline, foretold = (found.models[name] for name in ("patient_timeline", "predictions"))
    shown = citable.shown(
        await found.past.rows(timeline, group, then), await found.past.rows(foretold, group, then)
    )
    hidden = [link for link in _links(made) if not _was_there(link, made.as_of_position, shown)]
    first = await _first_seen(found, group) if hidden else {}
    return [*_told(recorded, made, hidden, first)]


def _told(
    recorded: Recorded[Event],
    made: PredictionMade,
    hidden: Sequence[EvidenceLink],
    first: dict[citable.Citation, int],
) -> Iterator[Leak]:
    """Also a model that speaks from where its own word stands, or from later."""
    cites = [("itself", recorded.position)] if made.as_of_position >= recorded.position else []
    known = [(f"{link.type} {link.ref}", first.get(_plain(link), link.pinned_position)) for link in hidden]
    for cited, since in (*cites, *known):
        yield Leak(
            prediction_id=recorded.stream_id,
            position=recorded.position,
            as_of_position=made.as_of_position,
            cites=cited,
            recorded_at_position=since,
        )


def _links(made: PredictionMade) -> list[EvidenceLink]:
    return [link for feature in made.explanation for link in feature.evidence]


def _was_there(link: EvidenceLink, position: int, shown: Collection[citable.Citation]) -> bool:
    """What is of no patient (literature, a catalogue) has no place in a record."""
    if link.pinned_position is not None and link.pinned_position > position:
        return False
    if link.type == "event":
        return link.ref.isdecimal() and int(link.ref) <= position
    return link.type not in citable.TYPES or _plain(link) in shown


def _plain(link: EvidenceLink) -> citable.Citation:
    return link.type, link.ref.lower() if link.type in BY_ID else link.ref


async def _first_seen(found: Services, group: Collection[UUID]) -> dict[citable.Citation, int]:
    """Since which position each thing can be cited."""
    first: dict[citable.Citation, int] = {}
    for recorded in await found.reader.by_subject(group):
        first.setdefault(("event", str(recorded.position)), recorded.position)
        for citation in references(recorded):
            first.setdefault(citation, recorded.position)
    return first
