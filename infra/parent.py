"""A process that ends when the one that started it is gone, also where that one was killed."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
SECONDS_BETWEEN_LOOKS = 1.0


def end_with(parent: int) -> None:
    """Be told to stop as soon as `parent`, whose main thread started this process, ends (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it ended before it could be watched
        os.kill(os.getpid(), signal.SIGTERM)


def end_soon_after(parent: int, seconds: float) -> None:
    """End without more ado when this process is still there so long after `parent` has ended.

    For those whose own way to end may not have heard the signal, as it was not listening yet.
    """
    threading.Thread(target=_outlive_briefly, args=(parent, seconds), name="parent", daemon=True).start()


def _outlive_briefly(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
