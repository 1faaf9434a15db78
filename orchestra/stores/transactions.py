"""Transactions on a connection that is made anew when it was lost."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import attrs

from orchestra.contracts import Clock
from orchestra.errors import CorruptStateError, StateError, StateVersionError
from orchestra.stores.dialect import Column, Cursor, Dialect

PATIENCE: Final = 30.0
"""Seconds for which a lost connection is tried to be made again."""

_PAUSES: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each new try; the last one over and over."""

T = TypeVar("T")


@attrs.define
class _Doubt(Generic[T]):
    """What the last body answered whose COMMIT was sent; it stays here only while no answer came."""

    answer: T | None = None
    sent: bool = False


@attrs.define
class _Outage:
    """Waits between the tries of one transaction."""

    clock: Clock
    tries: int = 0
    ends: float = 0.0

    def wait(self) -> bool:
        """Wait before the next try; False if there is to be none."""
        now = self.clock.monotonic()
        if self.tries == 0:
            self.ends = now + PATIENCE
        pause = _PAUSES[min(self.tries, len(_PAUSES) - 1)]
        self.tries += 1
        if now + pause >= self.ends:
            return False
        if pause:
            self.clock.sleep(pause)
        return True


class Transactions:
    """The transactions of one store of ``deployment``, one at a time, on a connection that ``dialect`` makes.

    A transaction whose connection is lost is repeated on a new one, for at most `PATIENCE` seconds of ``clock``.
    """

    def __init__(self, dialect: Dialect, *, deployment: str, clock: Clock) -> None:
        self._dialect = dialect
        self._deployment = deployment
        self._clock = clock
        self._lock = threading.RLock()
        self._closed = False
        self._connection = dialect.connect()

    def execute(self, statement: str, columns: Sequence[Column] = ()) -> Cursor:
        """Execute a statement of the transaction under way."""
        return self._connection.execute(self._dialect.sql(statement), columns)

    def run(self, body: Callable[[T | None], T], *, writes: bool) -> T:
        """Call ``body`` inside a transaction, committed at its end and rolled back on any error.

        ``body`` may be called several times; all but the last were certainly not committed, with one exception: it
        is called with None, or with what it answered when the connection was lost after COMMIT was sent and before
        it was answered. It then has to find out whether that was committed, and answer the same if it was.

        The database's errors are raised as ours.
        """
        with self._lock:
            if self._closed:
                raise StateError(f"this store in {self._dialect.where} is closed", remedy="open it again")
            doubt: _Doubt[T] = _Doubt()
            outage = _Outage(self._clock)
            while True:
                try:
                    self._reconnect()
                except (CorruptStateError, StateVersionError):
                    raise
                except StateError as error:
                    cause = error
                else:
                    try:
                        return self._attempt(body, doubt, writes)
                    except self._dialect.errors as error:
                        cause = self._repeatable(error)
                if not outage.wait():
                    raise self._given_up(cause, in_doubt=writes and doubt.sent) from cause

    def close(self) -> None:
        """Let go of the connection. Closing twice is no error."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _reconnect(self) -> None:
        """Make the connection anew if it was lost."""
        if not self._dialect.is_usable(self._connection):
            with contextlib.suppress(*self._dialect.errors):
                self._connection.close()
            self._connection = self._dialect.connect()

    def _attempt(self, body: Callable[[T | None], T], doubt: _Doubt[T], writes: bool) -> T:
        try:
            self.execute(self._dialect.begin_write if writes else self._dialect.begin_read)
            doubt.answer = answer = body(doubt.answer)
            doubt.sent = True
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(*self._dialect.errors):  # the database may have done so by itself
                self.execute("ROLLBACK")
            raise
        return answer

    def _repeatable(self, error: Exception) -> StateError:
        """What ``error`` means, if a repetition may do better; else it is raised."""
        meaning = self._dialect.explain(error, self._deployment)
        if self._dialect.is_usable(self._connection) and not self._dialect.may_repeat(error):
            raise meaning from error
        return meaning if isinstance(meaning, StateError) else StateError(meaning.message)

    def _given_up(self, cause: StateError, *, in_doubt: bool) -> StateError:
        fate = "whether the last write was made can't be told yet" if in_doubt else "nothing more was written"
        return StateError(
            f"{self._dialect.where} was lost and could not be used again within {PATIENCE:.0f} s: {fate}; the last "
            f"try: {cause.message}",
            remedy="see that it runs and can be reached, then run again: what was left open is settled first",
        )
