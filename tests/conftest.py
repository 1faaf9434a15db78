"""What every test can rely on: nothing of the machine's settings, no network but loopback, the same draws each time."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from tests.moto_server import MotoServer, moto_server

FOREIGN = ("AWS_", "LIBCLOUD_", "ORCHESTRA_", "OS_", "PG")
"""Environment variables whose names start so belong to whoever runs the tests, not to the tests."""

SWITCHES = ("ALL_PROXY", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "HTTPS_PROXY", "HTTP_PROXY", "LINES", "NO_COLOR")


class OutsideError(BaseException):
    """A test called a machine that isn't this one. Not an Exception, so that no code under test can swallow it."""


def pytest_configure(config: pytest.Config) -> None:
    """Clear the environment and close the network before any test module is imported."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.upper() in SWITCHES:
            del os.environ[name]
    hypothesis.settings.register_profile("house", derandomize=True, deadline=None, database=None)
    hypothesis.settings.load_profile("house")
    sys.addaudithook(_refuse_outside)


@pytest.fixture(scope="session")
def aws_server() -> Iterator[MotoServer]:
    """One AWS for all tests of this process, which takes two seconds to start."""
    with moto_server() as server:
        yield server


@pytest.fixture
def aws(aws_server: MotoServer) -> MotoServer:
    """It, empty."""
    aws_server.reset()
    return aws_server


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_here(host.decode() if isinstance(host, bytes) else host):
        raise OutsideError(f"a test calls {host}: only loopback is open to tests")


def _is_here(host: object) -> bool:
    if not isinstance(host, str) or host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
