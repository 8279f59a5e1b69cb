"""A house in memory: commands are decided as over HTTP, on a log that forgets itself after the story."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from domain.diagnosis import RecordDiagnosis
from domain.errors import Rejected
from domain.event import Actor, Coded, Command, Origin
from domain.items import ItemBody, NewItem
from domain.patient import ApproveMerge, ProposeMerge, RegisterPatient
from domain.recommendation import IssueRecommendation
from infra.commands import Wish
from infra.commands.decided import Decided
from infra.commands.deciding import Deciding
from infra.commands.road import appending
from infra.demo.memory import Memory
from infra.ids import new_id

DOCTOR = Actor(account_id=new_id(), role="practitioner")
ADMIN = Actor(account_id=new_id(), role="admin")
BORAGE = NewItem(kind="herbal", remedy=Coded(text="گل‌گاوزبان"))
BARLEY = ItemBody(kind="dietary", remedy=Coded(text="آش جو"))
_numbers = count(1)


def themselves(patient_id: UUID) -> Actor:
    """A patient as who they sign in as."""
    return Actor(account_id=new_id(), role="patient", patient_id=patient_id)


def refused(code: str) -> pytest.RaisesExc[Rejected]:
    """A rule forbids it, and says which one."""
    return pytest.raises(Rejected, match=re.escape(code))


class Story:
    """Goes on by a minute with each command."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.now = datetime(2026, 3, 21, 8, 0, tzinfo=UTC)
        self._deciding = Deciding(self.memory)

    async def decide(
        self, command: Command, target_id: UUID | None, by: Actor = DOCTOR, origin: Origin | None = None
    ) -> Decided:
        """What it would come to; raises as deciding does."""
        wish = Wish(
            command=command,
            target_id=target_id,
            actor=by,
            origin=origin or Origin(),
            correlation_id=new_id(),
        )
        return await self._deciding.decide(wish, self.now)

    async def say(
        self, command: Command, target_id: UUID | None, by: Actor = DOCTOR, origin: Origin | None = None
    ) -> UUID:
        """Record it, and give the stream that it is about."""
        self.now += timedelta(minutes=1)
        decided = await self.decide(command, target_id, by, origin)
        wish = Wish(
            command=command,
            target_id=target_id,
            actor=by,
            origin=origin or Origin(),
            correlation_id=new_id(),
        )
        self.memory.keep(appending(wish, decided), self.now)
        return decided.own.stream.stream_id

    async def treated(self) -> tuple[UUID, UUID, UUID]:
        """A patient with a diagnosis and a recommendation for it."""
        patient_id = await self.say(RegisterPatient(patient_no=f"M-{next(_numbers)}", name="زهرا"), None)
        diagnosis_id = await self.say(RecordDiagnosis(condition=Coded(text="میگرن")), patient_id)
        return patient_id, diagnosis_id, await self.say(IssueRecommendation(items=(BORAGE,)), diagnosis_id)

    async def merge(self, retired_id: UUID, survivor_id: UUID) -> None:
        """Two records of one person become one."""
        await self.say(ProposeMerge(retired_id=retired_id, survivor_id=survivor_id), retired_id)
        await self.say(ApproveMerge(), retired_id, ADMIN)
