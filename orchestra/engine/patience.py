"""Reading clouds in spite of passing trouble: what only reads may be asked again at any time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from orchestra.contracts import Clock, Provider, Reading
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
    """As `Provider.observe`, with what passing trouble kept from being read asked for again."""
    reading = patiently(lambda: provider.observe(ids), clock)
    chance, attempt = random.Random(), 0
    found, gone, unread = dict(reading.found), set(reading.gone), dict(reading.unread)
    while True:
        attempt += 1
        errors = {one: error for one, error in unread.items() if _again(error, attempt)}
        if not errors:
            return Reading(found=found, gone=frozenset(gone), unread=unread)
        clock.sleep(max(delay(error, attempt, chance) for error in errors.values()))
        again = patiently(lambda ids=list(errors): provider.observe(ids), clock)  # type: ignore[misc]
        unread = {one: error for one, error in unread.items() if one not in errors} | dict(again.unread)
        found.update(again.found)
        gone |= again.gone


def _again(error: CloudError, attempt: int) -> bool:
    return error.retryable and attempt < (ATTEMPTS if isinstance(error, ThrottledError) else READS)
