"""A process that stops just before a COMMIT: ``python -m tests.stores.stalling WHEN URL PURPOSE``.

It begins a call, says ``begun``, writes what came of it, and says ``before commit``; on a line it goes on, and tells
what became of that write.
"""

from __future__ import annotations

import sys

from orchestra.errors import LeaseLostError
from orchestra.stores.postgresql import PostgresDialect
from orchestra.stores.sql import SqlStore
from orchestra.testing import VirtualClock
from orchestra.testing.samples import intent, outcome, record, this_process
from tests.stores.child import say


class Stalling(PostgresDialect):
    """Waits for a line before the next COMMIT once it was told to."""

    stalls = False

    def sql(self, statement: str) -> str:
        if statement == "COMMIT" and self.stalls:
            self.stalls = False
            say("before commit")
            sys.stdin.readline()
        return super().sql(statement)


if __name__ == "__main__":
    _, url, purpose = sys.argv[1:]
    dialect = Stalling(url)
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    lease = store.acquire(this_process(purpose))
    store.begin(lease, [intent(0)])
    say("begun")
    dialect.stalls = True
    try:
        say(f"written: {store.commit(lease, [outcome(0, settles=intent(0), write=(record(0),))])}")
    except LeaseLostError as error:
        say(f"lost: {error.message}")
