"""File locks that the kernel takes back from a process however it ends: nothing about them can go stale."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


def acquire(path: Path, mode: int) -> int:
    """Wait for the lock and return the descriptor that holds it until its last copy is closed."""
    handle = _opened(path)
    fcntl.flock(handle, mode)
    return handle


def attempt(path: Path) -> int | None:
    """Take the lock exclusively, or return None at once when somebody holds it."""
    handle = _opened(path)
    try:
        fcntl.flock(handle, EXCLUSIVE | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def held(path: Path, mode: int) -> Iterator[int]:
    """Hold the lock in the block; a process that inherited the descriptor goes on holding it."""
    handle = acquire(path, mode)
    try:
        yield handle
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
