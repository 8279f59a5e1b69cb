"""Evidence as it is told where it was cited: with what became of it since."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec

from domain.event import EvidenceLink, EvidenceType
from projections.evidence import Evidence, Fate

BY_ID = frozenset({"feedback", "finding", "assessment", "prediction"})


class ChangedSince(msgspec.Struct, frozen=True, kw_only=True):
    """What became of evidence after it was cited."""

    fate: Fate
    position: int
    recorded_at: datetime


class CitedEvidence(EvidenceLink, frozen=True, kw_only=True, omit_defaults=False):
    changed_since: ChangedSince | None = None


Fates: TypeAlias = Mapping[tuple[EvidenceType, str], Evidence]


def fates_of(evidence: Iterable[Evidence]) -> Fates:
    """The last that became of each, by what it is cited as: by itself, or by the event that said it."""
    fates: dict[tuple[EvidenceType, str], Evidence] = {}
    for one in sorted(evidence, key=lambda one: one.position):
        fates[one.type, one.ref] = fates["event", str(one.event_position)] = one
    return fates


def cited(links: Iterable[EvidenceLink], position: int, fates: Fates) -> tuple[CitedEvidence, ...]:
    """What was cited at a position."""
    return tuple(_cited(link, position, fates.get((link.type, _plain(link)))) for link in links)


def _plain(link: EvidenceLink) -> str:
    """An id is the same however it was written."""
    return link.ref.lower() if link.type in BY_ID else link.ref


def _cited(link: EvidenceLink, position: int, found: Evidence | None) -> CitedEvidence:
    since = None
    if found is not None and found.fate and found.position > (link.pinned_position or position):
        since = ChangedSince(fate=found.fate, position=found.position, recorded_at=found.recorded_at)
    return CitedEvidence(**msgspec.structs.asdict(link), changed_since=since)
