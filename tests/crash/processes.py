"""Work in processes that are forked off, and may be killed."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Final

import attrs

PATIENCE: Final = 60
"""Seconds that a process may take before it counts as hung."""

Say = Callable[[str], None]


@attrs.frozen
class Said:
    """How a process ended, what it said, and its highest memory in bytes."""

    text: str
    killed: bool
    failed: bool
    memory: int


class Broken(Exception):
    """A process that nobody killed failed, or hung."""


def forked(work: Callable[[Say], None], *, kill_after: float = 0.0, patience: int = PATIENCE) -> Said:
    """Do ``work`` in a process of its own, which may be killed ``kill_after`` seconds from now.

    After ``patience`` seconds it counts as hung.
    """
    process, reading = _started(work, patience)
    if kill_after:
        threading.Event().wait(kill_after)
        os.kill(process, signal.SIGKILL)
    return _ended(process, reading)


class Sleeper:
    """``work`` in a process of its own that stops itself; made when it has done so, or has ended."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._process, self._reading = _started(work, PATIENCE)
        state = os.waitid(os.P_PID, self._process, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.is_asleep = state is not None and state.si_code == os.CLD_STOPPED

    def woken(self) -> Said:
        """Let it go on to its end."""
        if self.is_asleep:
            os.kill(self._process, signal.SIGCONT)
        return _ended(self._process, self._reading)


def _started(work: Callable[[Say], None], patience: int) -> tuple[int, int]:
    """A process that does ``work``, and where to read what it says."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _child(work, writing, patience)
    os.close(writing)
    return process, reading


def _ended(process: int, reading: int) -> Said:
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status, usage = os.wait4(process, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return Said(text, killed, not killed and status != 0, usage.ru_maxrss * 1024)


def told(work: Callable[[], str], what: str) -> str:
    """What ``work`` returns, done in a process of its own; raises `Broken` if it fails."""
    return ended_well(forked(lambda say: say(work())), what).text


def ended_well(said: Said, what: str) -> Said:
    """``said``; raises `Broken` unless that process came to its end."""
    if said.killed or said.failed:
        raise Broken(f"{what}:\n{said.text or 'hung'}")
    return said


def _child(work: Callable[[Say], None], writing: int, patience: int) -> None:
    def say(text: str) -> None:
        os.write(writing, text.encode())

    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(patience)
        work(say)
        code = 0
    except BaseException:
        say(traceback.format_exc())
    finally:
        os._exit(code)
