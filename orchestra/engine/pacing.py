"""How many calls a second a cloud takes, learnt from what it refuses."""

from __future__ import annotations

import math
import random
from typing import Final

import attrs

BACK: Final = 0.1
"""By what part the pace is taken back when a call is refused."""
REGAINED: Final = 5.0
"""Seconds, at least, after which the pace is again what it was when a call was refused."""
REGAINED_CALLS: Final = 15.0
"""For how many calls that lasts, at least: a refusal costs a part of one, however slow the pace."""
REGAINED_AT_MOST: Final = 30.0
"""Seconds, at most, that it lasts."""
REGAINED_AT_FIRST: Final = 10.0 / 3.0
"""Seconds that it lasts while the pace is only guessed, from the first calls that were refused."""
RISEN: Final = 3.0
"""Seconds from then on after which the pace is as much above that as it was below."""
LONGEST: Final = 20.0
"""Seconds between two calls at most, whatever the cloud refuses."""
LOWEST: Final = 0.85
"""To what part of the pace at a refusal the next peak falls at most, if anything went through."""
LEAST_AT_FIRST: Final = 1.0
"""Calls a second that a cloud is first taken to permit, if it lets nothing through at once."""
HORIZON: Final = 1.0
"""Seconds that calls are counted over at least: a cloud lets a burst through before it refuses any."""
SOONEST: Final = 0.25
"""After what part of the time between two calls the next one follows a refusal, at the earliest."""
CATCH_UP: Final = 0.25
"""Seconds for which calls that could have been sent are sent later."""


@attrs.define(eq=False)
class Pace:
    """When the next call may be sent to one cloud: at any time, until it first refuses one as too much.

    From then on calls are spaced. After a refusal the pace is a little below that at which it came, then rises along a
    cubic curve: fast to where it was, slowly past that, and ever faster from there, so that it neither provokes
    refusals all the time nor stays low once the cloud takes more (as CUBIC does, RFC 9438, and the adaptive retries of
    the AWS SDKs). What the cloud let through tells more than the pace where that was far too high.
    """

    next_at: float = -math.inf
    """When the next call may be sent."""
    _peak: float = math.inf
    """Calls a second when the last refusal came."""
    _since: float = math.inf
    """From when on calls are counted: the first one, or the last refusal."""
    _through: int = 0
    """Calls sent since then, without those that were refused."""
    _waits_until: float = -math.inf
    """When the cloud said that calls may come again."""
    _is_first: bool = True
    """Whether there was one refusal at most: of the same calls, more may follow."""

    def is_open(self, now: float) -> bool:
        """Whether a call may be sent."""
        return now >= self.next_at

    def rate(self, now: float) -> float:
        """Calls a second."""
        if math.isinf(self._peak):
            return math.inf
        regained = min(REGAINED_AT_MOST, max(REGAINED, REGAINED_CALLS / self._peak))
        if self._is_first:
            regained = REGAINED_AT_FIRST
        after = now - self._since - regained
        part = after / (regained if after < 0.0 or self._is_first else RISEN)
        return max(1.0 / LONGEST, self._peak * (1.0 + BACK * part**3))

    def sent(self, now: float) -> None:
        """A call is sent."""
        self._since = min(self._since, now)
        self._through += 1
        self.next_at = max(self.next_at, now - CATCH_UP) + 1.0 / self.rate(now)

    def refused(self, now: float, is_new: bool, wait: float, chance: random.Random) -> None:
        """A call was refused as too much; the cloud said to ``wait`` so many seconds (0: it didn't say).

        ``is_new``: it was sent after the last refusal was known, so that it tells something new of the pace. The next
        call then comes at a moment drawn by chance, so that several processes don't come together again, and sooner
        than it would have: the refused one took nothing of what the cloud permits.
        """
        if is_new:
            self._take_back(now)
            self.next_at = now + (SOONEST + (1.0 - 2.0 * SOONEST) * chance.random()) / self.rate(now)
        elif self._is_first:
            self._peak = max(LEAST_AT_FIRST, self._peak - 1.0)
        self._waits_until = max(self._waits_until, now + wait)
        self.next_at = max(self.next_at, self._waits_until)

    def _take_back(self, now: float) -> None:
        """Find the peak anew. Over a span at both ends of which a call was refused, what went through is the pace."""
        rate, seconds, through = self.rate(now), now - self._since, self._through - 1
        self._is_first = math.isinf(rate)
        if self._is_first:
            peak = max(LEAST_AT_FIRST, through / max(HORIZON, seconds))
        elif through < 1:
            peak = rate / 2.0
        else:
            peak = min(rate, max(through / max(HORIZON, seconds), rate * LOWEST))
        self._peak = max(1.0 / LONGEST, peak)
        self._since, self._through = now, 0
