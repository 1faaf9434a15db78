"""Reading clouds in spite of passing trouble: what only reads may be asked again at any time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from orchestra.contracts import Clock, Observation, Provider, Reading
from orchestra.engine.retry import ATTEMPTS, delay
from orchestra.errors import CloudError, ThrottledError

T = TypeVar("T")

READS: Final = 4
"""How often a read is made in all; one that is throttled as often as any call. Someone waits for the plan."""


def patiently(read: Callable[[], T], clock: Clock) -> T:
    """What ``read`` returns, asked again after a pause as long as its error is retryable; at last it is raised."""
    chance, attempt = random.Random(), 0
    while True:
        attempt += 1
        try:
            return read()
        except CloudError as error:
            if not _again(error, attempt):
                raise
            pause = delay(error, attempt, chance)
        clock.sleep(pause)


def observe(provider: Provider, ids: Sequence[str], clock: Clock) -> Reading:
    """As `Provider.observe`, with what passing trouble kept from being read asked for again, and nothing else.

    Trouble that is raised counts as trouble with everything that was asked for, but is raised at last.
    """
    found: dict[str, Observation] = {}
    gone: set[str] = set()
    unread: dict[str, CloudError] = {}
    chance, attempt, left = random.Random(), 0, list(ids)
    while True:
        attempt += 1
        try:
            reading = provider.observe(left)
        except CloudError as error:
            if not _again(error, attempt):
                raise
            reading = Reading(unread=dict.fromkeys(left, error))
        found.update(reading.found)
        gone |= reading.gone
        pauses = {one: delay(error, attempt, chance) for one, error in reading.unread.items() if _again(error, attempt)}
        unread.update((one, error) for one, error in reading.unread.items() if one not in pauses)
        if not pauses:
            return Reading(found=found, gone=frozenset(gone), unread=unread)
        left = list(pauses)
        clock.sleep(max(pauses.values()))


def _again(error: CloudError, attempt: int) -> bool:
    return error.retryable and attempt < (ATTEMPTS if isinstance(error, ThrottledError) else READS)
