"""The road of a command: load what it is about, decide, append; the same answer for the same request."""

from infra.commands.loading import Loading, Seen
from infra.commands.road import Commands
from infra.commands.wish import BEGINNING, RequestKey, Result, Wish

__all__ = ["BEGINNING", "Commands", "Loading", "RequestKey", "Result", "Seen", "Wish"]
