"""What is in the log stays as it is, whoever asks: the app, the projector, a careless owner."""

from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.infra.event_log.calls import (
    ARRAYS,
    BACKFILL,
    Claim,
    Connection,
    Event,
    Request,
    append,
    connected,
    new,
    of,
    one,
)

ROLES = ("tarikh_app", "tarikh_projector")
CHANGES_OF_HISTORY = (
    "UPDATE log.event SET state = ''",
    "UPDATE log.event SET recorded_at = now() WHERE false",
    "DELETE FROM log.event",
    "DELETE FROM log.event WHERE false",
    "TRUNCATE log.event",
    "TRUNCATE log.event, log.head CASCADE",
    "UPDATE log.erased SET position = 0",
    "DELETE FROM log.erased",
    "TRUNCATE log.erased",
    "MERGE INTO log.event AS e USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    "INSERT INTO log.event TABLE log.event ON CONFLICT (shard, notification_id) DO UPDATE SET state = ''",
)
CHANGES_BESIDE = (
    "INSERT INTO log.event SELECT * FROM log.event",
    "INSERT INTO log.head VALUES (1, 0, now())",
    "UPDATE log.head SET position = 0",
    "DELETE FROM log.head",
    "INSERT INTO log.claim VALUES (0, 'mine', gen_random_uuid())",
    "UPDATE log.claim SET owner_id = gen_random_uuid()",
    "DELETE FROM log.claim",
    "INSERT INTO log.erased VALUES (0, gen_random_uuid(), 1)",
    "SELECT * FROM log.event FOR UPDATE",
    "DO $$ BEGIN LOCK TABLE log.event IN ACCESS EXCLUSIVE MODE; END $$",
    "ALTER TABLE log.event DISABLE TRIGGER ALL",
    "DROP TRIGGER append_only ON log.event",
    "DROP TABLE log.event",
    "CREATE TABLE log.mine ()",
    "CREATE OR REPLACE FUNCTION log.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
)
WRITE = f"SELECT * FROM log.write(%b::integer, %b::timestamptz, %b::bytea[], %b::timestamptz[], {ARRAYS})"


@pytest.fixture
def filled(app: Connection) -> Connection:
    """The app, after a patient with a claim and an erased one."""
    a, b = new(2)
    append(app, Request([Event(a, subject=a)], b"id", claims=[Claim(b"number", a)]))
    append(app, Request([Event(b, topic="patient.erased", subject=b)]))
    return app


def content(connection: Connection) -> list[object]:
    """Everything that the log holds."""
    return [
        connection.execute(f"SELECT * FROM log.{table} ORDER BY 1, 2").fetchall()
        for table in ("event", "head", "claim", "erased")
    ]


def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_nothing(filled: Connection, log_url: str, role: str) -> None:
    before = content(filled)
    with connected(log_url, role) as connection:
        for statement in CHANGES_OF_HISTORY + CHANGES_BESIDE:
            refused(connection, statement)
    assert content(filled) == before


def test_a_careless_owner_changes_no_history(filled: Connection, owner: Connection) -> None:
    before = content(filled)
    for statement in CHANGES_OF_HISTORY:
        refused(owner, statement)
    assert content(filled) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads(filled: Connection, log_url: str, role: str) -> None:
    with connected(log_url, role) as connection:
        assert content(connection) == content(filled)


def test_the_app_appends_and_has_no_other_way_in(app: Connection) -> None:
    nothing: list[object] = [[] for _ in range(17)]
    for query, arguments in ((WRITE, [0, None, [], [], *nothing]), (BACKFILL, [0, [], [], *nothing])):
        with pytest.raises(InsufficientPrivilege):
            app.execute(query, arguments)
    assert append(app, of(uuid4()))[0].outcome == "appended"


def test_the_projector_does_not_append(log_url: str) -> None:
    with connected(log_url, "tarikh_projector") as projector, pytest.raises(InsufficientPrivilege):
        append(projector, of(uuid4()))


def test_a_connection_that_came_as_the_app_stays_the_app(filled: Connection) -> None:
    for escape in ("RESET ROLE", "RESET ALL", "DISCARD ALL"):
        filled.execute(escape)
        assert one(filled, "SELECT current_user") == "tarikh_app"
        refused(filled, "DELETE FROM log.event")
        refused(filled, "INSERT INTO log.event SELECT * FROM log.event")


def test_the_function_does_not_look_where_its_caller_points(app: Connection) -> None:
    """A caller's own schema and temporary tables come before nothing that the function names."""
    app.execute("CREATE TEMPORARY TABLE event (LIKE log.event)")
    app.execute(
        "CREATE TEMPORARY TABLE head AS SELECT 0 AS shard, 99::bigint AS position, now() AS recorded_at"
    )
    app.execute("SET search_path = pg_temp, log, pg_catalog")
    (answer,) = append(app, of(uuid4()))
    assert answer.position == 1
    assert one(app, "SELECT count(*) FROM log.event") == 1


def test_a_new_function_of_the_log_is_not_everybodys(owner: Connection) -> None:
    rows = owner.execute(
        """
        SELECT p.proname
        FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'log'::regnamespace AND a.grantee = 0
        """
    ).fetchall()
    assert rows == []


def test_what_refuses_says_so(owner: Connection) -> None:
    with pytest.raises(psycopg.Error, match=r"append-only: DELETE on log\.event is refused"):
        owner.execute("DELETE FROM log.event")
