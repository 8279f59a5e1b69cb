"""What is done to whom, and when: a plan made of nothing but the seed."""

from random import Random
from typing import Literal

import msgspec

How = Literal["kill", "stop"]
Victim = Literal[
    "backend",
    "postgres",
    "postgres at once",
    "api worker",
    "api",
    "projector",
    "worker",
    "writer",
    "phone",
    "tail",
]

KILLED: dict[Victim, int] = {
    "backend": 6,
    "postgres": 2,
    "postgres at once": 2,
    "api worker": 4,
    "api": 2,
    "projector": 3,
    "worker": 1,
    "writer": 4,
    "phone": 2,
}
STOPPED: dict[Victim, int] = {
    "backend": 4,
    "api worker": 2,
    "projector": 2,
    "writer": 2,
    "phone": 1,
    "tail": 2,
}
"""How often, relative to the others."""
EVERYBODY: set[Victim] = {*KILLED, *STOPPED}
OF_ANY_LOG: set[Victim] = {"backend", "postgres", "postgres at once", "writer", "tail"}
STOPS_PER_KILL = 0.35
LONG_STOP, SECONDS_OF_A_LONG_STOP = 0.08, (5.5, 8.0)
"""Some stand still for longer than a lease lasts."""
SECONDS_OF_A_STOP = (0.05, 1.2)
AT_ONCE = 0.25
"""How often the next blow falls before anybody has recovered from this one."""


class Fault(msgspec.Struct, frozen=True):
    """One blow, and how much must be acknowledged afterwards before the next one."""

    number: int
    how: How
    victim: Victim
    which: float
    seconds: float
    by_writers: int
    by_phones: int


def plan(seed: int, kills: int, *, victims: set[Victim]) -> list[Fault]:
    """So many kills, and stops among them."""
    chance = Random(f"{seed} faults")  # noqa: S311  repeatable is what it must be
    made: list[Fault] = []
    killed = 0
    while killed < kills:
        how: How = "stop" if chance.random() < STOPS_PER_KILL / (1 + STOPS_PER_KILL) else "kill"
        weights = {v: n for v, n in (KILLED if how == "kill" else STOPPED).items() if v in victims}
        (victim,) = chance.choices(list(weights), list(weights.values()))
        killed += how == "kill"
        long = how == "stop" and chance.random() < LONG_STOP
        at_once = chance.random() < AT_ONCE
        made.append(
            Fault(
                number=len(made) + 1,
                how=how,
                victim=victim,
                which=chance.random(),
                seconds=round(chance.uniform(*(SECONDS_OF_A_LONG_STOP if long else SECONDS_OF_A_STOP)), 3),
                by_writers=0 if at_once else chance.randint(1, 60),
                by_phones=0 if at_once else chance.randint(0, 6),
            )
        )
    return made
