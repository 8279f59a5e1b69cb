"""Rules that every aggregate shares: when a thing may have happened, what it rests on, how it came in.

A rule yields the fields that are wrong; `refuse` raises for all of them at once:

    refuse(well_told(command, facts), evidence_resolves(command.evidence, facts))
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from unicodedata import category

from domain.errors import FieldError, Rejected
from domain.event import Command, EvidenceLink, Facts

LEEWAY = timedelta(minutes=5)
"""How far a caller's clock may run ahead of ours."""

EASTERNMOST = timedelta(hours=14)
"""How far ahead of UTC it is already the next day somewhere."""

EARLIEST, LATEST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Nobody in this record lived before; a year such as 1404 is a Solar Hijri one that was not converted."""


def refuse(*rules: Iterable[FieldError]) -> None:
    """Raise Rejected for every wrong field: with their code where it is one, else as `request.rejected`."""
    errors = tuple(chain(*rules))
    codes = {error.code for error in errors}
    if len(codes) == 1:
        raise Rejected(errors[0].code, errors=errors, arguments=errors[0].arguments)
    if codes:
        raise Rejected("request.rejected", errors=errors)


def when(command: Command, facts: Facts, earliest: datetime | None = None) -> datetime:
    """The clinical time of a new fact, in UTC: as the caller says, or now. Only after the rules of time.

    Clocks differ by a little: what is told without a time, after something that happened at `earliest`,
    happened no earlier than that.
    """
    if command.occurred_at is not None:
        return command.occurred_at.astimezone(UTC)
    return max(facts.now, earliest or facts.now).astimezone(UTC)


def well_told(command: Command, facts: Facts) -> Iterator[FieldError]:
    """What holds for every command: a time that can be, and a model that says which one it is."""
    yield from possible("occurred_at", command.occurred_at)
    yield from not_in_future("occurred_at", command.occurred_at, facts)
    yield from model_is_named(facts)


def possible(path: str, instant: datetime | None) -> Iterator[FieldError]:
    """A time has a zone, and lies in a year that can be meant."""
    if instant is None:
        return
    if instant.tzinfo is None:
        yield FieldError(path=path, code="time.zone_required")
    elif not EARLIEST <= instant <= LATEST:
        yield FieldError(path=path, code="time.out_of_range")


def not_in_future(path: str, instant: datetime | None, facts: Facts) -> Iterator[FieldError]:
    if instant is not None and instant.tzinfo is not None and instant > facts.now + LEEWAY:
        yield FieldError(path=path, code="time.in_future")


def not_before(command: Command, earliest: datetime | None) -> Iterator[FieldError]:
    """A transition does not happen before the one that it follows; the same moment will do."""
    if earliest and command.occurred_at and not _later(earliest, command.occurred_at):
        yield FieldError(path="occurred_at", code="time.backwards")


def ends_after_start(path: str, end: datetime | None, command: Command, facts: Facts) -> Iterator[FieldError]:
    """What begins with this command ends later than it begins."""
    start = command.occurred_at or facts.now
    if end is not None and (end == start or not _later(start, end)):
        yield FieldError(path=path, code="time.ends_before_start")


def not_before_birth(command: Command, born: date | None, facts: Facts) -> Iterator[FieldError]:
    """Nothing is found in whom is not born; a source elsewhere may know another birthday than we do."""
    at = command.occurred_at
    if born is None or at is None or at.tzinfo is None or is_import(facts):
        return
    if (at.astimezone(UTC) + EASTERNMOST).date() < born:
        yield FieldError(path="occurred_at", code="time.before_birth")


def day_possible(path: str, day: date | None, facts: Facts) -> Iterator[FieldError]:
    """A day that has come somewhere on earth, in a year that can be meant."""
    if day is None:
        return
    if day < EARLIEST.date():
        yield FieldError(path=path, code="time.out_of_range")
    elif day > (facts.now + timedelta(days=1)).date():
        yield FieldError(path=path, code="time.in_future")


def evidence_resolves(
    links: Iterable[EvidenceLink], facts: Facts, path: str = "evidence"
) -> Iterator[FieldError]:
    """Each link names something that is there, and is this patient's or nobody's."""
    for index, link in enumerate(links):
        if (link.type, link.ref) in facts.unresolved:
            yield FieldError(path=f"{path}.{index}.ref", code="evidence.unresolved")


def model_is_named(facts: Facts) -> Iterator[FieldError]:
    """A model says which one it is, and in which version."""
    if facts.origin.method != "model":
        return
    if not _says_something(facts.origin.model_id):
        yield FieldError(path="origin.model_id", code="origin.model_required")
    if not _says_something(facts.origin.model_version):
        yield FieldError(path="origin.model_version", code="origin.model_required")


def a_person_decides(facts: Facts) -> Iterator[FieldError]:
    """A model may propose, never publish."""
    if facts.origin.method == "model":
        yield FieldError(path="origin.method", code="origin.model_may_only_propose")


def has_words(path: str, text: str | None) -> Iterator[FieldError]:
    """Text holds something to read: more than spaces and invisible joiners."""
    if text is not None and not _says_something(text):
        yield FieldError(path=path, code="text.blank")


def _says_something(text: str | None) -> bool:
    return text is not None and not all(category(letter)[0] in "ZC" for letter in text)


def _later(start: datetime, end: datetime) -> bool:
    """Not before; a time without its zone is another rule's matter."""
    return end.tzinfo is None or start.tzinfo is None or start <= end


def is_import(facts: Facts) -> bool:
    """Whether this tells what another system recorded, and so was decided elsewhere."""
    return facts.origin.method == "imported"


def a_practitioner_decides(facts: Facts) -> Iterator[FieldError]:
    """A practitioner, in person; an import only tells what one decided elsewhere."""
    if facts.origin.method == "model":
        yield from a_person_decides(facts)
    elif not is_import(facts) and (facts.actor.role, facts.origin.method) != ("practitioner", "practitioner"):
        yield FieldError(path="origin.method", code="origin.practitioner_required")


def a_clinician_or_engine(facts: Facts) -> Iterator[FieldError]:
    """Whoever thinks about the illness, a model among them; not who suffers from it."""
    if facts.actor.role == "patient" or facts.origin.method in {"self_report", "device"}:
        yield FieldError(path="origin.method", code="origin.practitioner_required")
