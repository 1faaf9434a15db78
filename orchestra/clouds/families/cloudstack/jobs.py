"""The jobs that commands were given, until they are known to be over.

A command that takes long answers with a job, and what comes of it is told by the job alone. The memory is for that
only: who doesn't have it, after a crash, sees what is there and goes on from it.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Sequence
from typing import Any

import attrs

from orchestra.clouds.families.cloudstack.faults import read_fault


class Outcome(enum.Enum):
    """How far a job is: the numbers are CloudStack's ``jobstatus``."""

    PENDING = 0
    DONE = 1
    FAILED = 2


@attrs.frozen
class Verdict:
    """How far a job is, with CloudStack's words if it failed."""

    outcome: Outcome
    text: str = ""
    code: str = ""


def read_job(content: Any) -> Verdict:
    """What the answer to ``queryAsyncJobResult`` says."""
    number = content.get("jobstatus", 0)
    if number == Outcome.FAILED.value:
        fault = read_fault(content.get("jobresult"))
        return Verdict(Outcome.FAILED, fault.message, fault.code) if fault else Verdict(Outcome.FAILED, "it failed")
    return Verdict(Outcome.DONE if number == Outcome.DONE.value else Outcome.PENDING)


@attrs.frozen
class Job:
    """One job; ``decides``: whether the thing that it is about has failed if it fails."""

    id: str
    decides: bool = True


class Jobs:
    """What jobs there are about which thing; for all threads of one cloud."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[Job, ...]] = {}

    def began(self, external_id: str, content: Any, *, decides: bool = True) -> None:
        """A command about ``external_id`` answered ``content``; without a job in it, it is over already."""
        if content.get("jobid"):
            with self._lock:
                self._jobs[external_id] = (*self._jobs.get(external_id, ()), Job(str(content["jobid"]), decides))

    def of(self, external_id: str) -> Sequence[Job]:
        """The jobs about ``external_id`` that aren't known to be over, or that failed."""
        with self._lock:
            return self._jobs.get(external_id, ())

    def over(self, external_id: str, job: Job) -> None:
        """A job is over, and needs no more asking."""
        with self._lock:
            left = tuple(one for one in self._jobs.get(external_id, ()) if one != job)
            if left:
                self._jobs[external_id] = left
            else:
                self._jobs.pop(external_id, None)

    def forget(self, external_id: str) -> None:
        """Something new begins for ``external_id``: what was before doesn't count any more."""
        with self._lock:
            self._jobs.pop(external_id, None)
