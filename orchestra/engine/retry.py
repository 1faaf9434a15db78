"""When to try again, after how long, and how many calls a cloud can take at once."""

from __future__ import annotations

import random
from typing import Final

import attrs

from orchestra.errors import CloudError, InUseError, ThrottledError
from orchestra.state.journal import Operation

BASE: Final = 0.5
"""Seconds that the first pause may last at most; each further one twice as long."""
CAP: Final = 20.0
"""Seconds that any pause may last at most."""
ATTEMPTS: Final = 8
"""How often a call is made in all, throttling and being in use aside: those go on until the step's deadline."""


def delay(error: CloudError, attempt: int, chance: random.Random) -> float:
    """Seconds to pause after the ``attempt``-th failure: full jitter (AWS, "Exponential backoff and jitter", 2015)."""
    pause = chance.uniform(0.0, min(CAP, BASE * 2.0 ** (attempt - 1)))
    return max(pause, min(error.retry_after or 0.0, CAP * 3))


def again(error: Exception, operation: Operation, attempt: int) -> bool:
    """Whether the same call may be made again."""
    if not isinstance(error, CloudError) or not error.retryable:
        return False
    if isinstance(error, InUseError):
        return operation is Operation.DELETE
    return isinstance(error, ThrottledError) or attempt < ATTEMPTS


@attrs.define(eq=False)
class Concurrency:
    """How many calls one cloud is sent at once: halved when it throttles, slowly back up when it doesn't (AIMD)."""

    ceiling: float
    limit: float = attrs.field(init=False)
    busy: int = 0

    def __attrs_post_init__(self) -> None:
        self.limit = self.ceiling

    @property
    def has_room(self) -> bool:
        """Whether one more call may be sent."""
        return self.busy < int(self.limit)

    def throttled(self) -> None:
        """The cloud said that it was too much."""
        self.limit = max(1.0, self.limit / 2.0)

    def succeeded(self) -> None:
        """A call went through."""
        self.limit = min(self.ceiling, self.limit + 1.0 / self.limit)
