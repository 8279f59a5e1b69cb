"""What stories of the machinery share: a house that nothing was ever recorded in, as far as they can see."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.infra.house import House, Urls

FORGET = """
    DO $$
    DECLARE made text;
    BEGIN
        FOR made IN SELECT nspname FROM pg_namespace WHERE nspowner = 'tarikh_projector'::regrole LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', made);
        END LOOP;
        FOR made IN
            SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname IN ('log', 'app') AND tablename NOT IN ('head', 'tree_origin', 'migration')
        LOOP
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', made);
            EXECUTE format('TRUNCATE %s', made);
            EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', made);
        END LOOP;
    END $$;
    UPDATE log.head SET position = 0, recorded_at = 'epoch';
    UPDATE jobs.process_manager SET position = 0;
    TRUNCATE jobs.procrastinate_jobs, jobs.procrastinate_events, jobs.procrastinate_periodic_defers,
        jobs.procrastinate_workers;
"""
"""What only an owner can do who means it. Databases for each story would take seconds to make and drop."""


@pytest.fixture(scope="session")
def house_urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    """Databases that stories use one after the other."""
    return fresh_database_urls()


@pytest.fixture
def house(house_urls: Urls, tmp_path: Path) -> House:
    """Empty databases, a data dir with keys of its own, and no process yet."""
    with psycopg.connect(house_urls[0]) as main, psycopg.connect(house_urls[1]) as vault:
        main.execute(FORGET)
        vault.execute("TRUNCATE vault.key; DROP TABLE IF EXISTS backup")
    return House(house_urls, tmp_path / "data")
