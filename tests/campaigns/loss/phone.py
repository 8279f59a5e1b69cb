"""A process of phones: they speak HTTP to the API and resend with the same key until they are answered."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import msgspec

from domain.event import Actor
from infra.settings import Settings
from infra.tokens import Tokens
from tests.campaigns.loss.duty import Duty, environment, told
from tests.campaigns.loss.journal import (
    Journal,
    Refused,
    Stored,
    Unsure,
    Wanted,
    Wrong,
    last_number,
    unsettled,
)

DOCTOR = UUID(int=901 << 16)
PHONES = 6
BURST = 3
SECONDS_BETWEEN_TRIES = 0.2
SECONDS_TO_ANSWER = 20
STEPS = 10
REFUSALS = {
    (409, "claim.taken"),
    (409, "version.conflict"),
    (409, "recommendation.version_moved"),
    (412, "version.mismatch"),
}
"""What may be answered here instead of taking a command, by status and code; all else is a find."""


class Request(msgspec.Struct, frozen=True):
    """A command as it is sent."""

    key: str
    path: str
    body: dict[str, Any]
    if_match: str | None = None


def caller(folder_settings: Settings, port: int) -> httpx.AsyncClient:
    """The practitioner as whom all phones speak."""
    actor = Actor(account_id=DOCTOR, role="practitioner")
    token = Tokens(folder_settings.token_key).issue(actor, timedelta(hours=6))
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS_TO_ANSWER,
    )


async def answered(http: httpx.AsyncClient, request: Request) -> Stored | Refused | Unsure | Wrong:
    """Send it once; what came of it."""
    headers = {"Idempotency-Key": request.key}
    if request.if_match is not None:
        headers["If-Match"] = request.if_match
    try:
        answer = await http.post(request.path, json=request.body, headers=headers)
    except httpx.TransportError as error:
        return Unsure(request.key, type(error).__name__)
    told_ = answer.json()
    if answer.is_success:
        return Stored(request.key, [told_["position"]], UUID(told_["id"]), told_["version"])
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return Unsure(request.key, told_["code"])
    if (answer.status_code, told_["code"]) in REFUSALS:
        return Refused(request.key, told_["code"])
    return Wrong(request.key, f"{request.path}: {answer.status_code} {told_['code']} {told_['errors']}")


class Phones:
    """What the phones of one process share."""

    def __init__(self, duty: Duty, http: httpx.AsyncClient, hot_diagnosis: str, begun: int) -> None:
        self.duty = duty
        self.http = http
        self.hot = hot_diagnosis
        self.journal = Journal(duty.journal)
        self.chance = Random(f"{duty.seed} {duty.name} {begun}")  # noqa: S311  repeatable is what it must be
        self._number = begun

    async def live(self, left: Iterator[Request]) -> None:
        """Settle what was left open before, then look after one patient after the other."""
        for request in left:
            await self.settle(request)
        while not self.duty.over:
            await self._patient()

    async def _patient(self) -> None:
        patient = await self._ask("/patients", lambda key: {"patient_no": key, "name": key})
        diagnosis = patient and await self._ask(
            f"/patients/{patient.stream}/diagnoses",
            lambda key: {"condition": {"text": key}, "tradition": "avicenna"},
        )
        line = diagnosis and await self._ask(
            f"/diagnoses/{diagnosis.stream}/recommendations", lambda key: {"items": [_item(key)]}
        )
        version = 1
        for _ in range(STEPS):
            if self.duty.over or not (line and diagnosis):
                return
            match self.chance.choice(("burst", "hot", "revise", "behind", "taken", "mismatch")):
                case "burst":
                    about = (f"/diagnoses/{diagnosis.stream}/assessments",) * BURST
                    await asyncio.gather(*(self._assess(path) for path in about))
                case "hot":
                    await self._assess(f"/diagnoses/{self.hot}/assessments")
                case "revise":
                    version += await self._revise(line.stream, version)
                case "behind":
                    version += await self._revise(line.stream, version - 1 or 7)
                case "taken":
                    await self._ask("/patients", lambda key: {"patient_no": "taken", "name": key})
                case _:
                    await self._assess(f"/diagnoses/{self.hot}/assessments", if_match='"1"')

    async def _assess(self, path: str, if_match: str | None = None) -> None:
        await self._ask(path, lambda key: {"statement": key}, if_match)

    async def _revise(self, line: UUID | None, base: int) -> int:
        """By how much the version was raised."""
        taken = await self._ask(
            f"/recommendations/{line}/revise",
            lambda key: {
                "base_version": base,
                "changes": [{"op": "add", "after": _item(key), "reason_code": "ADHERENCE.PREFERENCE"}],
            },
        )
        return int(taken is not None)

    async def _ask(self, path: str, body: Any, if_match: str | None = None) -> Stored | None:  # noqa: ANN401  JSON
        self._number += 1
        key = f"{self.duty.name}-{self._number:06}"
        request = Request(key, path, body(key), if_match)
        self.journal.note(Wanted(key, msgspec.to_builtins(request)))
        return await self.settle(request)

    async def settle(self, request: Request) -> Stored | None:
        """Send it until it is known what became of it; None where it was refused."""
        while not self.duty.orphaned:
            answer = await answered(self.http, request)
            self.journal.note(answer)
            match answer:
                case Stored():
                    return answer
                case Refused():
                    return None
                case Wrong():
                    self.journal.note(Refused(request.key, "wrong"))
                    return None
                case Unsure():
                    await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        return None


def _item(key: str) -> dict[str, Any]:
    return {"kind": "herbal", "remedy": {"text": key}}


async def run(duty: Duty) -> None:
    begun = last_number(duty.journal)
    left = iter([msgspec.convert(wanted.request, Request) for wanted in unsettled(duty.journal)])
    hot = (duty.folder / "hot").read_text()
    async with caller(Settings.from_environment(environment(duty.folder)), duty.port) as http:
        phones = Phones(duty, http, hot, begun)
        await asyncio.gather(*(phones.live(left) for _ in range(PHONES)))


if __name__ == "__main__":
    sys.exit(asyncio.run(run(told())))
