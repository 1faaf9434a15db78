"""How a run is to be carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from orchestra import events
from orchestra.engine.attended import Interrupt
from orchestra.engine.durations import Durations
from orchestra.engine.pool import Pool
from orchestra.planning.steps import Step

OnFailure: TypeAlias = Literal["continue", "stop", "rollback"]
"""``continue``: go on with everything that doesn't hang on a failure. ``stop``: begin nothing new. ``rollback``: begin
nothing new, and undo what was done."""


@attrs.frozen(kw_only=True)
class Settings:
    """How to carry out: ``width`` calls at once at most. ``timeout`` is in seconds, for a whole step."""

    width: int
    on_failure: OnFailure
    tell: Callable[[events.Event], None]
    timeout: Callable[[Step], float]
    durations: Durations = attrs.field(factory=Durations)
    interrupt: Interrupt = attrs.field(factory=Interrupt)
    pool: Callable[[int], Pool] = Pool
    """What makes calls, for a width."""
