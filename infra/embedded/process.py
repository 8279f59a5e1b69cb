"""A server process that never runs as root, dies with the process that started it and leaves none behind."""

import ctypes
import os
import pwd
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
SWEEP_SECONDS = 8.0

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def start(
    command: list[str], folder: Path, log: IO[bytes], death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server in `folder`; it gets `death_signal` when the calling thread's process dies."""
    return subprocess.Popen(  # noqa: S603  our own binaries and arguments
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_entry(death_signal),  # noqa: PLW1509  the watchdog has one thread
    )


def own_folder(folder: Path) -> Path:
    """Create a private folder that belongs to whom the servers run as."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    servant = _servant()
    if servant:
        os.chown(folder, servant.pw_uid, servant.pw_gid)
    return folder


def sweep(folder: Path) -> None:
    """End every process that works in `folder`: what a killed watchdog or server has left behind."""
    import psutil  # noqa: PLC0415  costs time that a member who only joins need not spend

    left = []
    for process in psutil.process_iter(["cwd", "status"]):
        if process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
            left.append(process)
            _signal(process.pid, signal.SIGQUIT)
    _, stubborn = psutil.wait_procs(left, timeout=SWEEP_SECONDS)
    for process in stubborn:
        _signal(process.pid, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=SWEEP_SECONDS)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _servant() -> pwd.struct_passwd | None:
    """Return whom to run as instead of root (Postgres refuses root); None for an ordinary user."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _entry(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what the new process does between fork and exec; everything it needs is prepared before."""
    servant = _servant()
    linux = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getpid()

    def enter() -> None:
        if servant:
            _become(servant, linux)
        if linux:
            linux.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return enter


def _become(servant: pwd.struct_passwd, linux: ctypes.CDLL | None) -> None:
    """Stop being root for good, keeping only the right to walk through folders that belong to root.

    Without that right a clone under a home of mode 0700 would have to be opened to everybody.
    """
    if linux:
        linux.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(servant.pw_gid, servant.pw_gid, servant.pw_gid)
    os.setresuid(servant.pw_uid, servant.pw_uid, servant.pw_uid)
    if linux:
        one = 1 << _CAP_DAC_OVERRIDE
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        linux.capset(header, struct.pack("6I", one, one, one, 0, 0, 0))
        linux.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
