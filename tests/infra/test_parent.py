"""Nobody outlives the process that started them, be they deaf."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

PATIENCE = 30
DEAF = """
import os, signal, sys, time
from infra.parent import end_with
signal.signal(signal.SIGTERM, lambda *_: None)
end_with(int(sys.argv[1]), signal.SIGKILL)
print(os.getpid(), flush=True)
time.sleep(600)
"""
"""A child that hears the signal of its parent's death and forgets it, as one does that is not ready yet."""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
child.wait()
"""


@contextmanager
def family() -> "Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]":
    """A parent and its deaf child; nothing of them outlives the story."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, DEAF], stdout=subprocess.PIPE)  # noqa: S603
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    try:
        yield parent, child
    finally:
        parent.kill()
        parent.wait()
        if child.is_running():
            child.kill()
        parent.stdout.close()


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_deaf_child_ends_with_its_parent() -> None:
    with family() as (parent, child):
        child.terminate()
        assert not ended(child)
        parent.kill()
        deadline = time.monotonic() + PATIENCE
        while not ended(child):
            assert time.monotonic() < deadline
