"""Files that commands write for somebody else, and how far they are."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from infra.notary.export import Watch


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file that stands at `path` when it is whole, and that only its owner may read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def bar(*, shown: bool) -> "Iterator[Watch]":
    """A progress bar on stderr, where somebody looks."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    disable = not (shown and sys.stderr.isatty())
    with Progress(*columns, console=Console(stderr=True), disable=disable, transient=True) as progress:
        task = progress.add_task("events", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
