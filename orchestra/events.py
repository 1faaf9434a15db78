"""What has happened, as a typed stream: progress, metrics and logs are listeners on it.

Events never hold a value of an input or output, so that no secret can be in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs


@attrs.frozen(kw_only=True)
class Event:
    """Something that has happened. ``at`` is in seconds since 1970-01-01 UTC."""

    at: float
    run: str


@attrs.frozen(kw_only=True)
class RunStarted(Event):
    """A run has begun: ``steps`` calls are to be made."""

    purpose: str
    steps: int
    counts: Mapping[str, int]


@attrs.frozen(kw_only=True)
class StepEvent(Event):
    """Something about one step."""

    address: str
    operation: str
    """create, update, delete or record."""


@attrs.frozen(kw_only=True)
class StepBegan(StepEvent):
    """The intent is on disk and the call is about to be made. ``attempt`` counts from 1."""

    attempt: int = 1


@attrs.frozen(kw_only=True)
class StepAccepted(StepEvent):
    """The cloud accepted the call; waiting until it is ready (or gone)."""

    external_id: str


@attrs.frozen(kw_only=True)
class StepRetried(StepEvent):
    """A call failed in a way that may pass; it is made again after ``delay`` seconds."""

    attempt: int
    delay: float
    error: str


@attrs.frozen(kw_only=True)
class StepAwaited(StepEvent):
    """The cloud said that it is at it and not done: it is asked again in ``delay`` seconds, and so on until it is.

    Told once, and again whenever what it says, ``detail``, is something else.
    """

    delay: float
    detail: str


@attrs.frozen(kw_only=True)
class StepDone(StepEvent):
    """The resource is ready (or gone), and the state says so. ``seconds`` since the step began."""

    external_id: str
    seconds: float


@attrs.frozen(kw_only=True)
class StepFailed(StepEvent):
    """The step failed for good."""

    error: str
    seconds: float


@attrs.frozen(kw_only=True)
class StepSkipped(StepEvent):
    """Not tried: ``because`` is the address of the step that it waited for, or says that the run was stopped."""

    because: str


@attrs.frozen(kw_only=True)
class RunFinished(Event):
    """A run has ended."""

    status: str
    seconds: float
    done: int
    failed: int
    skipped: int


Listener: TypeAlias = Callable[[Event], None]
"""Called for each event, in order, from one thread at a time. An exception in it is raised after the run."""
