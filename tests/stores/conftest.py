"""What the tests of stores share: a PostgreSQL server, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.stores.server import PostgresServer


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A running server."""
    from tests.stores.server import PostgresServer, programs  # while pytest loads this file, it isn't to be found

    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: no initdb on the path, nor in /usr/lib/postgresql/*/bin")
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()
