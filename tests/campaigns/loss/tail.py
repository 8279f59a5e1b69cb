"""A process that reads along: everything behind the last position that it has seen, as a projector does."""

import time

import psycopg
from eventsourcing.persistence import PersistenceError

from tests.campaigns.loss.duty import Duty, log_of, told
from tests.campaigns.loss.journal import Journal, Seen

MOST = 1_000
SECONDS_BETWEEN_LOOKS = 0.005
SECONDS_BETWEEN_TRIES = 0.1


def follow(duty: Duty) -> None:
    """Until told to end and nothing more is there; lost connections are made again."""
    log, journal, last = log_of(duty.log, duty.folder), Journal(duty.journal), 0
    while not duty.orphaned:
        try:
            with log.tailing() as after:
                while True:
                    over = duty.over
                    if rows := after(last, MOST):
                        journal.note(Seen(rows))
                        last = rows[-1][0]
                    elif over:
                        return
                    elif not duty.hurried:
                        time.sleep(SECONDS_BETWEEN_LOOKS)
        except (psycopg.OperationalError, PersistenceError):
            time.sleep(SECONDS_BETWEEN_TRIES)


if __name__ == "__main__":
    follow(told())
