"""The tests run alike on every machine, the longest first: see ``tests/conftest.py``."""

from __future__ import annotations

import os
import socket

import pytest

from tests.conftest import LONGEST, ROOT, pytest_collection_modifyitems


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.invalid", 443)])
def test_no_connection_leaves_this_machine(address: tuple[str, int]) -> None:
    with pytest.raises(BaseException, match="only loopback is open"):
        socket.create_connection(address)


def test_no_socket_of_its_own_leaves_it_either() -> None:
    with socket.socket() as client, pytest.raises(BaseException, match="only loopback is open"):
        client.connect(("192.0.2.1", 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1])),
    ):
        pass


def test_settings_of_this_machine_are_out_of_reach() -> None:
    assert [name for name in os.environ if name.startswith(("AWS_", "ORCHESTRA_"))] == []


def test_the_files_that_are_begun_with_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []


def test_they_are_begun_with(request: pytest.FixtureRequest) -> None:
    items = request.session.items[::-1]
    pytest_collection_modifyitems(items)
    found = list(dict.fromkeys(item.path for item in items))
    chosen = [ROOT / name for name in LONGEST if ROOT / name in found]
    assert found[: len(chosen)] == chosen
