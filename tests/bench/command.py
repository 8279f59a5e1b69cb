"""`command_vs_load`: a command over HTTP, over a route that loads one stream and stores nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import msgspec

from domain.event import Actor
from infra.tokens import Tokens
from tests.bench import serving
from tests.bench.harness import ROUNDS, Figure, house, ratio

CLIENTS = 64
REQUESTS = 20
"""Of each client in a round: on a diagnosis of its own, which has so many observations at the round's end."""
SYMPTOM = msgspec.json.encode({"symptom_code": "headache", "score": 4})
DOCTOR = Actor(account_id=UUID("01900000-0000-7000-8000-00000bec0000"), role="practitioner")

Sent = tuple[str, bytes]
"""A path and a body."""


async def figures() -> AsyncIterator[Figure]:
    """Requests a second of as many clients as stand in a queue, against the same clients who only read."""
    with house() as (settings, servers):
        token = Tokens(settings.token_key).issue(DOCTOR, timedelta(hours=1))
        async with serving.served(settings, servers):
            patients = await _told(token, [_registered(number) for number in range(CLIENTS)])
            diagnosed = [
                (f"/v1/patients/{patient}/diagnoses", b'{"condition":{"text":"migraine"}}')
                for patient in patients
            ]
            rounds = iter([await _told(token, diagnosed) for _ in range(ROUNDS + 1)])

            async def commands() -> float:
                symptoms = [(f"/v1/diagnoses/{one}/symptoms", SYMPTOM) for one in next(rounds)]
                return await _per_second(token, symptoms)

            loads = [(serving.LOAD, msgspec.json.encode({"stream_id": one})) for one in patients]
            load = partial(_per_second, token, loads)
            await commands()
            await load()
            yield await ratio(
                "command_vs_load",
                commands,
                load,
                ">= 0.60",
                clients=CLIENTS,
                requests=CLIENTS * REQUESTS,
                command="POST /diagnoses/{id}/symptoms",
            )


def _registered(number: int) -> Sent:
    return "/v1/patients", msgspec.json.encode({"patient_no": f"C-{number}", "name": "بیمار نمونه"})


async def _told(token: str, requests: Sequence[Sent]) -> list[str]:
    """The ids that these commands are answered with."""
    return await asyncio.gather(*(_client(token, one, 1) for one in requests))


async def _per_second(token: str, requests: Sequence[Sent]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(_client(token, one, REQUESTS) for one in requests))
    return len(requests) * REQUESTS / (time.perf_counter() - started)


async def _client(token: str, sent: Sent, times: int) -> str:
    """One after the other through one connection; the id in the last answer."""
    path, body = sent
    request = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.PORT)
    answered = b""
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        answered = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        if not head.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(answered.decode())
    writer.close()
    found: str = msgspec.json.decode(answered)["id"]
    return found
