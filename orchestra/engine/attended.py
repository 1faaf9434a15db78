"""A run in a thread of its own, so that Ctrl-C can never arrive in the middle of its bookkeeping."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

TWICE: Final = (
    "interrupted twice: nothing more is begun, and calls under way are not waited for. "
    "What they come to is settled by the next plan"
)


PATIENCE: Final = 1.0
"""Seconds for a thread that was told to start to do so."""


def _nobody() -> None:
    return None


class Interrupt:
    """What the thread that waits for a run tells the one that does it."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = _nobody
        """Called when something is told: set by whoever listens."""
        self.asked = False
        """Begin nothing new; finish calls under way."""
        self.heeded = False
        """What the run comes to says that it was asked to stop."""
        self.abandoned = False
        """Nobody waits any more: there is nobody to tell anything."""

    def ask(self) -> None:
        """Ask the run to stop."""
        self.asked = True
        self.wake()


def attended(work: Callable[[Interrupt], T]) -> T:
    """What ``work`` returns, or raises. Python raises `KeyboardInterrupt` in the main thread only: that one waits here.

    The first Ctrl-C, or `SystemExit` raised by a signal's handler, asks ``work`` to stop and waits for its end; the
    second is raised at once. ``work`` then goes on by itself, for as long as the process lives.
    """
    interrupt = Interrupt()
    begun, done = threading.Event(), threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []
    context = contextvars.copy_context()

    def body() -> None:
        begun.set()
        try:
            results.append(context.run(work, interrupt))
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    try:
        asked_by = _start(threading.Thread(target=body, name="orchestra-run", daemon=True), begun, interrupt)
        asked_by = _wait(done, interrupt) or asked_by
    except BaseException:
        interrupt.abandoned = True
        interrupt.ask()
        raise
    if errors:
        raise errors[0]
    if isinstance(asked_by, SystemExit) or (asked_by is not None and not interrupt.heeded):
        raise asked_by
    return results[0]


def _start(
    thread: threading.Thread, begun: threading.Event, interrupt: Interrupt
) -> KeyboardInterrupt | SystemExit | None:
    """Start ``thread``. Returns what asked to stop meanwhile."""
    try:
        thread.start()
    except (KeyboardInterrupt, SystemExit) as error:
        if not begun.wait(PATIENCE):  # it came before there was anything to stop
            raise
        interrupt.ask()
        return error
    return None


def _wait(done: threading.Event, interrupt: Interrupt) -> KeyboardInterrupt | SystemExit | None:
    """Wait until ``done``. Returns what asked to stop meanwhile."""
    asked_by: KeyboardInterrupt | SystemExit | None = None
    while True:
        try:
            while not done.is_set():
                done.wait()
        except (KeyboardInterrupt, SystemExit) as error:
            if interrupt.asked:
                raise KeyboardInterrupt(TWICE) from error
            asked_by = error
            interrupt.ask()
        else:
            return asked_by
