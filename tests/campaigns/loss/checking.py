"""Looking afterwards: what was acknowledged, refused and seen, against what is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.campaigns.loss.journal import Refused, Seen, Stored, Unsure, Wanted, Wrong, entries
from tests.campaigns.loss.logs import Row

MOST_TOLD = 20


class Find(msgspec.Struct, frozen=True):
    """Something that must never be."""

    law: str
    what: str


class Requests(msgspec.Struct):
    """All journals of writers, read together."""

    wanted: dict[str, Wanted] = {}
    stored: dict[str, list[Stored]] = {}
    refused: dict[str, Refused] = {}
    unsure: Counter[str] = msgspec.field(default_factory=Counter)
    finds: list[Find] = []

    def read(self, journal: Path) -> None:
        for entry in entries(journal):
            match entry:
                case Wanted():
                    self.wanted[entry.key] = entry
                case Stored():
                    self.stored.setdefault(entry.key, []).append(entry)
                case Refused():
                    self.refused[entry.key] = entry
                case Unsure():
                    self.unsure[entry.key] += 1
                case Wrong():
                    self.finds.append(Find("answers", f"{entry.key}: {entry.what}"))
                case Seen():
                    pass

    def left_open(self) -> list[Find]:
        """Requests whose outcome nobody learned in the end."""
        left = self.wanted.keys() - self.stored.keys() - self.refused.keys()
        return [Find("answers", f"{key} was never settled") for key in sorted(left)]


def read(journals: Iterable[Path]) -> Requests:
    requests = Requests(wanted={}, stored={}, refused={}, finds=[])
    for journal in journals:
        requests.read(journal)
    return requests


def acknowledged_once(requests: Requests, rows: Sequence[Row]) -> list[Find]:
    """Every acknowledged request is stored, once, where it was said to be; no refused one is."""
    places: dict[str, list[int]] = {}
    for row in rows:
        for key in row.keys:
            places.setdefault(key, []).append(row.position)
    found = []
    for key, answers in requests.stored.items():
        stands = places.get(key, [])
        if not stands:
            found.append(Find("acknowledged", f"{key} is not there"))
        for answer in answers:
            if "events" in requests.wanted[key].request:
                count = len(requests.wanted[key].request["events"])
                if len(stands) != count or (answer.positions and sorted(answer.positions) != stands):
                    said = f"{count} events at {list(answer.positions)}"
                    found.append(Find("acknowledged", f"{key}: {said}, and stands at {stands}"))
    found += [
        Find("refused", f"{key} was refused ({refused.why}) and stands at {places[key]}")
        for key, refused in requests.refused.items()
        if key in places
    ]
    strangers = places.keys() - requests.wanted.keys()
    return found + [Find("acknowledged", f"nobody wanted {key}") for key in sorted(strangers)]


class Along(msgspec.Struct, frozen=True):
    """What a tailing reader missed, saw twice, out of order, or saw otherwise than it is stored."""

    seen: int
    lost: list[int]
    finds: list[Find]


def along(journal: Path, rows: Sequence[Row]) -> Along:
    """Everything stored was seen, once, in order, and as it stands."""
    seen = [place for entry in entries(journal) if isinstance(entry, Seen) for place in entry.rows]
    stored = {row.position: row.tag for row in rows}
    counted = Counter(position for position, _ in seen)
    lost = [position for position in stored if position not in counted]
    places = [position for position, _ in seen]
    finds = [Find("tail", f"position {position} was never seen") for position in lost]
    finds += [Find("tail", f"position {p} was seen {n} times") for p, n in counted.items() if n > 1]
    finds += [
        Find("tail", f"position {p} was seen and is not what is stored")
        for p, tag in seen
        if stored.get(p) != tag
    ]
    if places != sorted(places):
        finds.append(Find("tail", "positions were not seen in order"))
    return Along(len(seen), lost, finds)
