"""One PowerDNS and one Azurite for all tests that need them, whatever family of clouds they are of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import pdns
from tests.servers.azurite import Azurite, azurite


@pytest.fixture(scope="session")
def dns_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pdns.PdnsServer]:
    if reason := pdns.missing():
        pytest.skip(reason)
    with pdns.pdns_server(tmp_path_factory.mktemp("pdns")) as server:
        yield server


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server
