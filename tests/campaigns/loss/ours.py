"""Looking afterwards at Tarikh's own log: positions, versions, times, the API's answers, views, the tree."""

import asyncio
import os
import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psycopg

from tests.campaigns.loss.checking import Find, Requests
from tests.campaigns.loss.logs import Row

LAWS = {
    "positions are dense": """
        SELECT notification_id FROM (
            SELECT notification_id, row_number() OVER (ORDER BY notification_id) AS n FROM log.event
        ) AS t WHERE notification_id <> n
    """,
    "the head is the last position": """
        SELECT position FROM log.head
        WHERE position IS DISTINCT FROM (SELECT coalesce(max(notification_id), 0) FROM log.event)
    """,
    "versions have no gaps": """
        SELECT originator_id FROM log.event GROUP BY originator_id
        HAVING min(originator_version) <> 1 OR max(originator_version) <> count(*)
    """,
    "versions follow positions": """
        SELECT notification_id FROM (
            SELECT notification_id, originator_version, row_number() OVER (
                PARTITION BY originator_id ORDER BY notification_id) AS n FROM log.event
        ) AS t WHERE originator_version <> n
    """,
    "recorded_at never falls": """
        SELECT notification_id FROM (
            SELECT notification_id, recorded_at, lag(recorded_at) OVER (ORDER BY notification_id) AS before
            FROM log.event
        ) AS t WHERE recorded_at < before
    """,
    "a claim is held by a stream that is there": """
        SELECT owner_id FROM log.claim
        WHERE owner_id NOT IN (SELECT originator_id FROM log.event)
    """,
}
COMMANDS = (
    ("log", "checkpoint", "--json"),
    ("log", "verify", "--json"),
    ("projections", "verify", "--json"),
)


def lawful(url: str) -> list[Find]:
    """What breaks a law of the log."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [
            Find(law, str(row[0]))
            for law, query in LAWS.items()
            for row in connection.execute(query.encode())
        ]


def answers_of_the_api(requests: Requests, rows: Sequence[Row], url: str) -> list[Find]:
    """What a phone was told: the stream, version and last position of its own request, and of no other."""
    with psycopg.connect(url, autocommit=True) as connection:
        places = {
            position: (stream, version)
            for position, stream, version in connection.execute(
                "SELECT notification_id, originator_id, originator_version FROM log.event"
            )
        }
        first = connection.execute(
            "SELECT notification_id FROM log.event WHERE request_id IS NOT NULL ORDER BY 1"
        )
        begins = [position for (position,) in first]
    marked: dict[str, list[int]] = {}
    for row in rows:
        for key in row.keys:
            marked.setdefault(key, []).append(row.position)
    found = []
    for key, answers in requests.stored.items():
        for answer in (one for one in answers if one.stream is not None):
            (last,) = answer.positions
            made = {bisect_right(begins, position) for position in (*marked.get(key, []), last)}
            ends = last == len(rows) or bisect_right(begins, last + 1) != bisect_right(begins, last)
            if places.get(last) != (answer.stream, answer.version) or len(made) != 1 or not ends:
                said = f"version {answer.version} of {answer.stream} at {last}"
                found.append(Find("answers", f"{key}: told {said}; stands at {marked.get(key)}"))
    return found


async def commands(environment: Mapping[str, str], folder: Path) -> list[Find]:
    """Every read model is the fold of the log and the tree is that of its leaves: by our own command line."""
    found = []
    for words in COMMANDS:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "infra.cli",
            *words,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        (folder / f"{'-'.join(words[:2])}.json").write_bytes(out)
        if process.returncode:
            told = msgspec.json.decode(out) if out else err.decode()
            found.append(Find(" ".join(words[:2]), str(told)[:2_000]))
    return found
