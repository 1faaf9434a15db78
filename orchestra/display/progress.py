"""Progress of a run: in place on a terminal with rich, else a line for each thing that happens."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from orchestra import events
from orchestra.planning.plan import Plan


@contextlib.contextmanager
def progress_listener(plan: Plan, wanted: bool, stream: TextIO | None = None) -> Iterator[list[events.Listener]]:
    """The listeners that show the run of ``plan`` on ``stream`` (standard error); none unless ``wanted``."""
    stream = stream or sys.stderr
    if not wanted or not plan.changes:
        yield []
        return
    live = _rich_display(stream) if stream.isatty() else None
    if live is None:
        yield [plain_lines(stream)]
        return
    with live as listener:
        yield [listener]


def line_of(event: events.Event) -> str | None:
    """What to say of ``event``; None for what isn't worth a line."""
    if isinstance(event, events.RunStarted):
        return f"{event.purpose}: {event.steps} steps"
    if isinstance(event, events.StepBegan) and event.attempt == 1:
        return f"  {event.address}: {event.operation} began"
    if isinstance(event, events.StepAccepted) and event.operation != "delete":
        return f"  {event.address}: {event.operation} accepted as {event.external_id}, waiting until it is ready"
    if isinstance(event, events.StepRetried):
        return f"  {event.address}: {event.operation} again in {event.delay:.1f} s: {event.error}"
    if isinstance(event, events.StepAwaited):
        return f"  {event.address}: {event.operation} waiting, asked again in {event.delay:.1f} s: {event.detail}"
    if isinstance(event, events.StepDone):
        return f"  {event.address}: {event.operation} done in {event.seconds:.1f} s [{event.external_id}]"
    if isinstance(event, events.StepFailed):
        return f"  {event.address}: {event.operation} FAILED after {event.seconds:.1f} s: {event.error}"
    if isinstance(event, events.StepSkipped):
        return f"  {event.address}: {event.operation} skipped, because of {event.because}"
    if isinstance(event, events.RunFinished):
        failed = f", {event.failed} failed, {event.skipped} skipped" if event.failed or event.skipped else ""
        return f"{event.status}: {event.done} done{failed} in {event.seconds:.1f} s"
    return None


def plain_lines(stream: TextIO) -> events.Listener:
    """A listener that writes a line for each event."""

    def show(event: events.Event) -> None:
        line = line_of(event)
        if line is not None:
            stream.write(line + "\n")
            stream.flush()

    return show


def _rich_display(stream: TextIO) -> contextlib.AbstractContextManager[events.Listener] | None:
    """A display in place, or None where rich is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    except ImportError:
        return None

    @contextlib.contextmanager
    def display() -> Iterator[events.Listener]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(file=stream), transient=False) as bars:
            yield _bar_listener(bars.console.print, bars.add_task, bars.update)

    return display()


def _bar_listener(say: Callable[..., None], add: Callable[..., object], update: Callable[..., None]) -> events.Listener:
    """One bar for the run; failures, retries and long waits as lines above it."""
    task: list[object] = []
    under_way: dict[str, str] = {}

    def show(event: events.Event) -> None:
        if isinstance(event, events.RunStarted):
            task.append(add(event.purpose, total=event.steps))
            return
        if isinstance(event, (events.StepBegan, events.StepAccepted)):
            under_way[event.address] = event.operation
        elif isinstance(event, (events.StepDone, events.StepFailed, events.StepSkipped)):
            under_way.pop(event.address, None)
        if isinstance(event, (events.StepRetried, events.StepAwaited, events.StepFailed, events.RunFinished)):
            say(line_of(event), markup=False, highlight=False)
        if task:
            names = ", ".join(sorted(under_way)[:3]) + (" …" if len(under_way) > 3 else "")
            ended = isinstance(event, (events.StepDone, events.StepFailed, events.StepSkipped))
            update(task[0], advance=1 if ended else 0, description=names or "done")

    return show
