"""All stories together: what they ask of the log, in the order of time, and where to find them again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from infra.demo.practice import Practice
from infra.demo.stories import TOLD
from infra.event_log.append import Append


@dataclass(frozen=True)
class Script:
    """`today` is the midnight before which everything happened."""

    today: datetime
    stories: dict[str, Practice]

    @cached_property
    def requests(self) -> list[Append]:
        """Every step, oldest first; those of one moment in the order of the stories."""
        steps = (step for story in self.stories.values() for step in story.requests)
        return sorted(steps, key=lambda step: step.recorded_at or self.today)

    @property
    def last_year(self) -> datetime:
        """A day on which a good part of it was known."""
        return self.today - timedelta(days=365)


async def script(today: datetime) -> Script:
    """Tell every story. The same day gives the same script: ids, times, words."""
    told = [await story(today) for story in TOLD]
    return Script(today, {story.name: story for story in told})


def midnight(now: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the day of the house, in UTC: a year of the stories has no summer time."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
