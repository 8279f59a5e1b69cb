"""The stories themselves, one in each file; `TOLD` names them all."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from infra.demo.practice import Practice
from infra.demo.stories import (
    back,
    bowel,
    colon,
    cough,
    digestion,
    hayfever,
    headache,
    knee,
    shoulder,
    skin,
    sleep,
    tiredness,
    worry,
)

Story = Callable[[datetime], Awaitable[Practice]]

TOLD: tuple[Story, ...] = (
    headache.told,
    digestion.told,
    sleep.told,
    back.told,
    skin.told,
    cough.told,
    tiredness.told,
    hayfever.told,
    bowel.told,
    shoulder.told,
    colon.told,
    knee.told,
    worry.told,
)
