"""When to try again, after how long, and how many calls a cloud can take at once."""

from __future__ import annotations

import random
from typing import ClassVar, Final

import attrs

from orchestra.engine.pacing import Pace
from orchestra.errors import (
    CloudError,
    ConflictError,
    CredentialsError,
    InProgressError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
)
from orchestra.state.journal import Operation

BASE: Final = 0.5
"""Seconds that the first pause may last at most; each further one twice as long."""
CAP: Final = 20.0
"""Seconds that any pause may last at most."""
ATTEMPTS: Final = 8
"""How often a call is made in all. Throttling, being in use and being in progress go on until the step's deadline."""

_DOUBLINGS: Final = 16
"""After so many the cap is long reached; further ones would only overflow."""

_REFUSALS: Final = (
    ConflictError,
    CredentialsError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
)


def delay(error: CloudError, attempt: int, chance: random.Random) -> float:
    """Seconds to pause after the ``attempt``-th failure: full jitter (AWS, "Exponential backoff and jitter", 2015)."""
    pause = chance.uniform(0.0, min(CAP, BASE * 2.0 ** min(attempt - 1, _DOUBLINGS)))
    return max(pause, told_to_wait(error))


def told_to_wait(error: CloudError) -> float:
    """Seconds that the cloud said to wait, as far as it is believed; 0 if it didn't say."""
    return min(error.retry_after or 0.0, CAP * 3)


def again(error: Exception, operation: Operation, attempt: int) -> bool:
    """Whether the same call may be made again."""
    if not isinstance(error, CloudError) or not error.retryable:
        return False
    if isinstance(error, InUseError):
        return operation is Operation.DELETE
    return isinstance(error, (InProgressError, ThrottledError)) or attempt < ATTEMPTS


def may_have_happened(error: Exception) -> bool:
    """Whether a call that ended so may have happened: anything but a clear refusal, or a request never sent."""
    return may_have_begun(error) and not isinstance(error, _REFUSALS)


def may_have_begun(error: Exception) -> bool:
    """Whether a part of the call may have happened: one that takes several requests may be refused at the second."""
    return not isinstance(error, CloudError) or error.sent


def is_budgeted(error: CloudError) -> bool:
    """Whether trying again after ``error`` costs: not where a cloud that is well asks for patience."""
    return not isinstance(error, (InProgressError, InUseError, ThrottledError))


@attrs.define(eq=False)
class Budget:
    """How many repetitions one cloud is sent in all, so that many steps don't hammer at one that is down.

    A token bucket like that of the AWS SDKs' standard retry mode ("Retry behavior", AWS SDKs and Tools Reference
    Guide; botocore's ``RetryQuota``), with its numbers: a repetition takes five tokens of five hundred; one that goes
    through gives them back, a first attempt that goes through gives one. gRPC's retry throttling (proposal A6) is the
    same with other numbers.
    """

    CAPACITY: ClassVar[int] = 500
    COST: ClassVar[int] = 5
    tokens: int = CAPACITY

    def take(self) -> bool:
        """Pay for one repetition; False if there isn't enough left."""
        if self.tokens < self.COST:
            return False
        self.tokens -= self.COST
        return True

    def refill(self, repeated: bool) -> None:
        """A call went through, at first or after it was ``repeated``."""
        self.tokens = min(self.CAPACITY, self.tokens + (self.COST if repeated else 1))

    def say_so(self, error: CloudError, cloud: str) -> None:
        """Tell in ``error``, the last one, why there is no further attempt."""
        error.message += f" (not tried again: so many calls to the cloud {cloud!r} failed that its retries are used up)"


@attrs.define(eq=False)
class Concurrency:
    """How many calls one cloud is sent at once: halved when it throttles, slowly back up when it doesn't (AIMD).

    It is halved once for all calls that were under way together. A call that was throttled keeps its place until it is
    made again, so that nothing new is begun before it.
    """

    ceiling: float
    limit: float = attrs.field(init=False)
    busy: int = 0
    """Calls under way."""
    held: int = 0
    """Calls that were throttled and wait to be made again."""
    budget: Budget = attrs.field(factory=Budget)
    pace: Pace = attrs.field(factory=Pace)
    _together: int = 0
    """How many of the calls under way when the limit was last halved are so still, as far as can be told."""

    def __attrs_post_init__(self) -> None:
        self.limit = self.ceiling

    @property
    def has_room(self) -> bool:
        """Whether a new call may be sent."""
        return self.busy + self.held < int(self.limit)

    @property
    def can_retry(self) -> bool:
        """Whether a call may be sent again."""
        return self.busy < int(self.limit)

    def begin(self) -> None:
        """A call is sent."""
        self.busy += 1

    def begin_again(self) -> None:
        """One that was throttled is sent again."""
        self.held -= 1
        self.begin()

    def end_well(self, repeated: bool = False) -> None:
        """A call went through, at first or ``repeated``."""
        self._end()
        self.budget.refill(repeated)
        self.limit = min(self.ceiling, self.limit + 1.0 / self.limit)

    def end_badly(self) -> None:
        """A call failed."""
        self._end()

    def end_throttled(self) -> bool:
        """The cloud said that it was too much; the call waits to be made again. Whether that halved the limit."""
        is_new = not self._together
        self._end()
        self.held += 1
        if is_new:
            self._together = self.busy
            self.limit = max(1.0, self.limit / 2.0)
        return is_new

    def give_up(self) -> None:
        """One that was throttled is not made again."""
        self.held -= 1

    def _end(self) -> None:
        self.busy -= 1
        self._together = max(0, self._together - 1)
