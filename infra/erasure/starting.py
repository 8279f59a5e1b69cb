"""What every start does before anything is served: the erased stay so, whatever backup came back.

Ledger and log are made to agree. A restored vault loses the keys of the erased again. A restored log that
takes the person for alive is told of the erasure once more, in the words of the ledger: by that event it
refuses them, every projector purges them, and the worker ends it all with a new certificate.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from uuid import UUID

import psycopg
from psycopg import Connection

from domain.event import Origin
from domain.patient import PatientErased
from domain.recorded import Meta, RequestMark
from infra.embedded import Servers
from infra.erasure import ledger
from infra.erasure.ledger import Entry
from infra.errors import CommandFailed
from infra.event_log import arrays, batch, sealing
from infra.event_log.append import Append, NewEvent
from infra.ids import new_id
from infra.settings import Settings
from infra.vault import DESTROY

MOST_TRIES = 5
SHARD = 0

IN_LOG = """
    SELECT x.subject_id, convert_from(e.state, 'UTF8')::json ->> 'legal_basis', e.actor_id, e.recorded_at
    FROM log.erased AS x
    JOIN log.event AS e ON e.shard = x.shard AND e.notification_id = x.position
    WHERE x.shard = %s
    """
ALIVE = """
    SELECT e.originator_id, max(e.originator_version)
    FROM log.event AS e
    WHERE e.shard = %s AND e.originator_id = ANY(%s)
      AND NOT EXISTS (SELECT FROM log.erased AS x WHERE x.shard = e.shard AND x.subject_id = e.originator_id)
    GROUP BY e.originator_id
    """


def keep_erased(settings: Settings, servers: Servers) -> None:
    """Raises CommandFailed where the ledger cannot be read, or the log does not take the erasure."""
    path = ledger.path_of(settings)
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        try:
            ledger.write(path, (Entry(*row) for row in connection.execute(IN_LOG, (SHARD,)).fetchall()))
            erased = ledger.read(path)
        except (OSError, ValueError) as error:
            raise CommandFailed(f"the erasure ledger {path} cannot be used: {error}") from error
        if erased:
            arrays.register(connection)
            with psycopg.connect(servers.vault_url) as vault:
                vault.execute(DESTROY, (SHARD, sorted(erased)))
            _tell_again(connection, erased)


def _tell_again(connection: Connection, erased: Mapping[UUID, Entry]) -> None:
    """Append the erasure of whoever the log takes for alive; several processes may do so at once."""
    for _ in range(MOST_TRIES):
        alive: dict[UUID, int] = dict(connection.execute(ALIVE, (SHARD, list(erased))).fetchall())
        if not alive:
            return
        for append in _appends([erased[patient] for patient in alive], alive):
            arguments = (SHARD, batch.clock([append]), *batch.arguments([sealing.sealed(append, {}, b"")]))
            connection.execute(batch.APPEND, arguments, binary=True)
    raise CommandFailed("some of the erased are alive in this log, and it does not take their erasure")


def _appends(entries: Iterable[Entry], versions: Mapping[UUID, int]) -> Iterator[Append]:
    """One request for each erasure: whoever was forgotten together is so again."""
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.patient_id))
    for _, together in groupby(ordered, key=lambda entry: (entry.at, entry.actor_id, entry.basis)):
        group = list(together)
        digest = hashlib.sha256(b"erasure ledger" + b"".join(one.patient_id.bytes for one in group))
        mark: RequestMark | None = RequestMark(digest=digest.hexdigest(), events=len(group))
        events = []
        for one in group:
            events.append(_event(one, versions[one.patient_id] + 1, mark))
            mark = None
        yield Append(events=tuple(events), request_id=digest.digest())


def _event(entry: Entry, version: int, mark: RequestMark | None) -> NewEvent:
    origin = Origin(channel="scheduler", method="rule")
    return NewEvent(
        stream_id=entry.patient_id,
        version=version,
        subject_id=entry.patient_id,
        actor_id=entry.actor_id,
        event=PatientErased(occurred_at=entry.at, legal_basis=entry.basis),
        meta=Meta(role="service", origin=origin, correlation_id=new_id(SHARD), request=mark),
    )
