"""How far long work is: a bar with rate and time left on a terminal, else a line on stderr now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.projector.alone import Told

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def telling(verb: str, *, bar: bool) -> "Iterator[Callable[[str], Told]]":
    """Of each named model, hear how many of how many events are done; a bar only if somebody may see it."""
    if bar and sys.stderr.isatty():
        with _bars(verb) as begin:
            yield begin
    else:
        yield lambda name: lines(f"{verb} {name}")


@contextmanager
def _bars(verb: str) -> "Iterator[Callable[[str], Told]]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def begin(name: str) -> "Told":
            task = progress.add_task(f"{verb} {name}", total=None, rate="")

            def told(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)
                speed = progress.tasks[task].speed
                progress.update(task, rate=f"{speed:,.0f} events/s" if speed else "")

            return told

        yield begin


def lines(what: str, clock: Callable[[], float] = monotonic) -> "Told":
    """A line at the beginning and every few seconds, with the rate since the beginning."""
    begun: tuple[float, int] | None = None
    said = -SECONDS_BETWEEN_LINES

    def told(done: int, total: int) -> None:
        nonlocal begun, said
        now = clock()
        begun = begun or (now, done)
        if now - said < SECONDS_BETWEEN_LINES and done < total:
            return
        said = now
        rate = (done - begun[1]) / (now - begun[0]) if now > begun[0] else 0
        left = f", {rate:,.0f} a second, {(total - done) / rate:,.0f} s left" if rate else ""
        print(f"{what}: {done} of {total} events{left}", file=sys.stderr)

    return told
