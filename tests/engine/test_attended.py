"""Work in a thread of its own, and what reaches whoever waits for it."""

from __future__ import annotations

import contextvars
import threading
import types

import pytest

from orchestra.engine import attended as attending
from orchestra.engine.attended import Interrupt, attended

pytestmark = pytest.mark.timeout(20)


def test_results_and_errors_come_through() -> None:
    assert attended(lambda interrupt: 7) == 7
    with pytest.raises(LookupError, match="gone"):
        attended(_raise)


def _raise(interrupt: Interrupt) -> None:
    raise LookupError("gone")


def test_the_work_sees_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    variable.set("mine")
    assert attended(lambda interrupt: (variable.get(), threading.current_thread().name)) == ("mine", "orchestra-run")


class Waiting:
    """Stands for the event that is waited for: raises its script, then waits for good."""

    def __init__(self, *script: BaseException) -> None:
        self.script = list(script)
        self.event = threading.Event()
        self.set = self.event.set
        self.is_set = lambda: not self.script and self.event.is_set()

    def wait(self) -> None:
        if self.script:
            raise self.script.pop(0)
        self.event.wait(10.0)


def waits(monkeypatch: pytest.MonkeyPatch, *script: BaseException) -> None:
    """What waits for the run is hit by ``script``."""
    changed = types.SimpleNamespace(Event=lambda: Waiting(*script), Thread=threading.Thread)
    monkeypatch.setattr("orchestra.engine.attended.threading", changed)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("heeds", [True, False])
def test_what_asks_to_stop_is_never_swallowed(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, heeds: bool
) -> None:
    waits(monkeypatch, error)
    asked = threading.Event()

    def work(interrupt: Interrupt) -> str:
        interrupt.wake = asked.set
        if interrupt.asked:
            asked.set()
        asked.wait(10.0)
        interrupt.heeded = heeds
        return "stopped"

    if heeds and isinstance(error, KeyboardInterrupt):
        assert attended(work) == "stopped"
    else:
        with pytest.raises(type(error)):
            attended(work)


def test_the_second_time_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    waits(monkeypatch, KeyboardInterrupt(), KeyboardInterrupt())
    seen: list[Interrupt] = []

    def work(interrupt: Interrupt) -> None:
        seen.append(interrupt)
        go_on.wait(10.0)

    with pytest.raises(KeyboardInterrupt, match="twice"):
        attended(work)
    go_on.set()
    assert all(interrupt.abandoned for interrupt in seen)


def test_any_other_exception_is_raised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    waits(monkeypatch, TimeoutError("a test's own"))
    with pytest.raises(TimeoutError):
        attended(lambda interrupt: go_on.wait(10.0))
    go_on.set()


def test_an_interrupt_while_the_thread_is_being_started_asks_it_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(self: threading.Thread) -> None:
        start(self)
        if self.name == "orchestra-run":
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)

    def work(interrupt: Interrupt) -> str:
        asked = threading.Event()
        interrupt.wake = asked.set
        assert interrupt.asked or asked.wait(10.0)
        interrupt.heeded = True
        return "stopped in good order"

    assert attended(work) == "stopped in good order"


def test_an_interrupt_before_there_is_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(attending, "PATIENCE", 0.0)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attended(lambda interrupt: "never")
