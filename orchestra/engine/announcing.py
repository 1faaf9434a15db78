"""Telling listeners what has happened, whatever they do with it."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.engine.attended import Interrupt
from orchestra.events import Event, Listener


class Announcer:
    """Tells each event to each listener. One that raises harms neither the run nor the other listeners.

    The first exception of each is kept, to be raised after the run. `KeyboardInterrupt` in a listener is taken for
    a Ctrl-C. Used by one thread at a time.
    """

    def __init__(self, listeners: Sequence[Listener], interrupt: Interrupt) -> None:
        self._listeners = tuple(listeners)
        self._interrupt = interrupt
        self._errors: dict[int, BaseException] = {}

    def tell(self, event: Event) -> None:
        """Tell every listener, unless nobody waits for the run any more."""
        if self._interrupt.abandoned:
            return
        for number, listener in enumerate(self._listeners):
            try:
                listener(event)
            except KeyboardInterrupt:
                self._interrupt.ask()
            except Exception as error:
                self._errors.setdefault(number, error)
            except BaseException as error:  # it means to end the program: calls under way are finished first
                self._errors.setdefault(number, error)
                self._interrupt.ask()

    @property
    def errors(self) -> tuple[Exception, ...]:
        """The first exception of each listener that raised one; raises what was meant to end the program."""
        for error in self._errors.values():
            if not isinstance(error, Exception):
                raise error
        return tuple(error for error in self._errors.values() if isinstance(error, Exception))
