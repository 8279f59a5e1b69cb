"""Writing a patient's record with its proofs, a few hundred events at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from domain.errors import NotFound
from infra.event_log.reader import Reader
from infra.notary.merkle import Frontier
from infra.notary.record import Closing, Line, Opening, Statement, line, needed, said
from infra.notary.signing import Notary, Refused, Signed
from infra.past import Moment, Past
from projections.audit_trail import audit_event

EVENTS_AT_ONCE = 256
NODES_AT_ONCE = 512

encode = msgspec.json.encode


class Recording:
    """The record of a person: of the patient, and of whoever is merged with them."""

    def __init__(self, notary: Notary, reader: Reader, group: Sequence[UUID], signed: Signed) -> None:
        self.group = tuple(group)
        self.signed = signed
        self.positions: list[int] = []
        self._notary = notary
        self._reader = reader

    @classmethod
    async def of(cls, notary: Notary, reader: Reader, past: Past, patient_id: UUID) -> "Recording":
        """Under the log's head as it is now. Raises NotFound for nobody, Refused."""
        signed = await notary.checkpoint()
        group = await past.group(patient_id, Moment(position=signed.checkpoint.size))
        found = cls(notary, reader, group, signed)
        found.positions = await reader.positions(group, signed.checkpoint.size)
        if not found.positions:
            raise NotFound("not_found")
        return found

    async def lines(self) -> AsyncIterator[bytes]:
        """The file. Raises Refused, and then the file has no end and proves nothing."""
        yield encode(await self._opening()) + b"\n"
        tree = Frontier()
        for first in range(0, len(self.positions), EVENTS_AT_ONCE):
            for one, leaf_hash in await self._events(self.positions[first : first + EVENTS_AT_ONCE]):
                tree.push(said(leaf_hash, bytes.fromhex(one.digest)))
                yield encode(one) + b"\n"
        head = self.signed.checkpoint
        statement = Statement(
            log=head.origin,
            patients=self.group,
            tree=head.head,
            events=len(self.positions),
            root=tree.root(),
            at=datetime.now(UTC),
        )
        yield encode(Closing(statement=await self._notary.sign(statement.text()))) + b"\n"

    async def _opening(self) -> Opening:
        wanted = await asyncio.to_thread(needed, self.positions, self.signed.checkpoint.size)
        nodes: list[bytes] = []
        for first in range(0, len(wanted), NODES_AT_ONCE):
            nodes += await self._notary.subtrees(wanted[first : first + NODES_AT_ONCE])
        return Opening(
            verifier=str(self.signed.verifier),
            checkpoint=self.signed.note,
            positions=tuple(self.positions),
            nodes=tuple(node.hex() for node in nodes),
        )

    async def _events(self, positions: Sequence[int]) -> list[tuple[Line, bytes]]:
        encodings = await self._notary.leaves(positions)
        recorded = await self._reader.lenient.at(positions)
        told = []
        for one, encoding in zip(recorded, encodings, strict=True):
            if one.unreadable is not None:
                raise Refused(f"position {one.position} cannot be opened; run `tarikh log verify`")
            shown = encode(audit_event(one, readable=True))
            told.append((line(encoding, shown), sha256(encoding).digest()))
        return told
