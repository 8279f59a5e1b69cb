"""A process of some release: `python -m tests.release NAME project`, or `serve PORT`.

A release with a name folds `CHANGED` otherwise, so that its tables are other tables; without one it is ours.
"""

import asyncio
import importlib
import os
import sys
from dataclasses import replace

from granian.constants import Interfaces
from granian.server.embed import Server

from infra.settings import Settings
from projections import registry
from projections.model import ReadModel

CHANGED = ("patient_timeline", "statistics")
SETTABLE = (("infra.projector.building", "LONG"), ("infra.projector.history", "ROWS_AT_ONCE"))
"""What stories make smaller."""
ours = registry.models


def of_release(name: str) -> tuple[ReadModel, ...]:
    """The read models of a release; days are days of Tehran."""
    return tuple(
        replace(model, parameters=(*model.parameters, name)) if name and model.name in CHANGED else model
        for model in ours("Asia/Tehran")
    )


def main(release: str, what: str, *rest: str) -> None:
    """Run it until it is told to stop; what looks the read models up is loaded only now."""
    registry.models = lambda time_zone: of_release(release)  # noqa: ARG005  called by its name
    if what == "serve":
        asyncio.run(_serve(int(rest[0])))
    else:
        for module, name in SETTABLE:
            if name in os.environ:
                setattr(importlib.import_module(module), name, int(os.environ[name]))
        sys.exit(importlib.import_module("infra.cli").main([what, *rest]))


async def _serve(port: int) -> None:
    running = importlib.import_module("infra.running")
    settings = Settings.from_environment(os.environ)
    with running.ready(settings):
        app = importlib.import_module("api.app").create(settings)
        server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        await running.stop_on_signals().wait()
        server.stop()  # type: ignore[no-untyped-call]  # granian's
        await serving


if __name__ == "__main__":
    main(*sys.argv[1:])
