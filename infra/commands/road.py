"""Runs a wish: the first answer again for a resend, else decide and append, anew when somebody was faster."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from domain.errors import Conflict, DomainError, Rejected
from domain.event import Event
from domain.recommendation import (
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationRevised,
    RecommendationVersionRestored,
)
from domain.recorded import Meta, Recorded, RequestMark
from infra.commands.decided import Decided
from infra.commands.deciding import Deciding
from infra.commands.loading import Loading, Reading, Seen
from infra.commands.turns import Turns
from infra.commands.wish import Result, Wish
from infra.event_log.append import Append, Appended, ClaimTaken, NewEvent, SubjectErased, VersionMoved
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter

MOST_TRIES = 20
RAISING = (
    RecommendationIssued,
    RecommendationRevised,
    RecommendationPhaseAdvanced,
    RecommendationVersionRestored,
)


def _now() -> datetime:
    return datetime.now(UTC)


class Commands:
    """The one way in which the app records anything."""

    def __init__(
        self, reader: Reader, loading: Loading, writer: GroupWriter, clock: Callable[[], datetime] = _now
    ) -> None:
        self._reader = reader
        self._loading = loading
        self._writer = writer
        self._clock = clock
        self._turns = Turns()

    async def run(self, wish: Wish, seen: Seen | None = None) -> Result:
        """Record it. `seen` is what the sender's request has read already; a first try is decided on it.

        Raises NotFound, Rejected, Conflict, StorageUnavailable, OutcomeUnknown.
        """
        async with self._turns.of(wish.target_id) as waited:
            return await self._run(wish, None if waited else seen)

    async def _run(self, wish: Wish, seen: Seen | None) -> Result:
        answered = await self._answered(wish)
        if answered is not None:
            return answered
        try:
            result, changed = await self._record(wish, seen)
        except DomainError as error:
            # what refuses it may be what its own twin, sent at the same moment, has recorded
            answered = await self._answered(wish)
            if answered is None:
                raise await self._refusal(wish, error) from error
            return answered
        return result if changed else await self._answered(wish) or result

    async def _record(self, wish: Wish, seen: Seen | None) -> tuple[Result, bool]:
        """Decide and append, anew while others are faster; and whether anything changed."""
        for _ in range(MOST_TRIES):
            known, seen = Reading(self._reader, self._loading, seen or {}), None
            decided = await Deciding(known).decide(wish, self._clock())
            if wish.expected_version not in {None, decided.own.stream.version}:
                raise Conflict("version.mismatch")
            if not decided.own.events:
                return _unchanged(decided), False
            try:
                appended = await self._writer.append(appending(wish, decided))
            except VersionMoved:
                continue
            except ClaimTaken as taken:
                raise Conflict("claim.taken", arguments={"kind": taken.kind}) from taken
            except SubjectErased as erased:
                raise Rejected("patient.erased") from erased
            if appended.duplicate:
                return await self._first_answer(wish, appended.first_position), True
            return _stored(decided, appended), True
        raise Conflict("version.conflict")

    async def _answered(self, wish: Wish) -> Result | None:
        """The answer that the same request was given before, if it was."""
        if wish.request_id is None:
            return None
        known = await self._reader.by_requests([wish.request_id])
        return await self._first_answer(wish, known[wish.request_id]) if known else None

    async def _refusal(self, wish: Wish, error: DomainError) -> DomainError:
        """Why it is refused: before all that the stream is not the one that the sender saw."""
        if wish.expected_version is None or wish.begins_stream or wish.target_id is None:
            return error
        moved = len(await self._reader.stream(wish.target_id)) not in {0, wish.expected_version}
        return Conflict("version.mismatch") if moved else error

    async def _first_answer(self, wish: Wish, position: int) -> Result:
        """Rebuild the answer of a request from the events that it made."""
        (first,) = await self._reader.at([position])
        if first.meta is None or first.meta.request is None:
            raise Rejected("patient.erased")
        if first.meta.request.digest != wish.digest:
            raise Rejected("idempotency.other_body")
        made = await self._reader.between(position, position + first.meta.request.events - 1)
        own = [recorded for recorded in made if recorded.stream_id == made[-1].stream_id]
        return _result(made[-1], [r.event for r in own if r.event is not None], created=own[0].version == 1)


def appending(wish: Wish, decided: Decided) -> Append:
    """What is asked of the log for a wish that was decided."""
    count = sum(len(part.events) for part in decided.parts)
    return Append(
        events=tuple(_new_events(wish, decided, RequestMark(digest=wish.digest, events=count))),
        guards=decided.guards,
        claims=decided.claims,
        request_id=wish.request_id or os.urandom(32),
    )


def _new_events(wish: Wish, decided: Decided, mark: RequestMark) -> Iterator[NewEvent]:
    request: RequestMark | None = mark
    for part in decided.parts:
        for version, event in enumerate(part.events, part.stream.version + 1):
            yield NewEvent(
                stream_id=part.stream.stream_id,
                version=version,
                subject_id=part.subject_id,
                actor_id=wish.actor.account_id,
                event=event,
                meta=Meta(
                    role=wish.actor.role,
                    on_behalf_of=wish.actor.on_behalf_of,
                    origin=wish.origin,
                    correlation_id=wish.correlation_id,
                    causation_id=wish.causation_id,
                    locale=wish.locale,
                    request=request,
                ),
            )
            request = None


def _unchanged(decided: Decided) -> Result:
    stream = decided.own.stream
    return Result(
        id=stream.stream_id,
        version=stream.version,
        position=stream.position,
        recommendation_version=_recommendation_version(stream.events),
    )


def _stored(decided: Decided, appended: Appended) -> Result:
    own = decided.own
    count = sum(len(part.events) for part in decided.parts)
    return Result(
        id=own.stream.stream_id,
        version=own.stream.version + len(own.events),
        position=appended.first_position + count - 1,
        recommendation_version=_recommendation_version(own.events),
        created=own.stream.version == 0,
    )


def _result(last: Recorded[Event], events: list[Event], *, created: bool) -> Result:
    return Result(
        id=last.stream_id,
        version=last.version,
        position=last.position,
        recommendation_version=_recommendation_version(events),
        created=created,
    )


def _recommendation_version(events: Sequence[Event]) -> int | None:
    """The version that the last of these events raised a recommendation to, if any did."""
    raised = [event.recommendation_version for event in events if isinstance(event, RAISING)]
    return raised[-1] if raised else None
