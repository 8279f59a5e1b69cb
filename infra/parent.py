"""A process that ends when the one that started it is gone, also where that one was killed."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
SECONDS_BETWEEN_LOOKS = 1.0


def end_with(parent: int, told: signal.Signals = signal.SIGTERM) -> None:
    """Get this signal as soon as `parent`, whose main thread started this process, ends.

    On Linux the kernel sees to it, also where no Python runs any more; elsewhere a thread looks.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, told, 0, 0, 0)
    else:
        threading.Thread(target=_outlive, args=(parent, told), name="parent", daemon=True).start()
    if os.getppid() != parent:  # it ended before it could be watched
        os.kill(os.getpid(), told)


def _outlive(parent: int, told: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), told)
