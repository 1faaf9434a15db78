"""What every test can rely on: nothing of the machine's settings, no network but loopback, the same draws each time."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.moto_server import MotoServer, moto_server

ROOT: Final = Path(__file__).parents[1]

FOREIGN = ("AWS_", "LIBCLOUD_", "ORCHESTRA_", "OS_", "PG")
"""Environment variables whose names start so belong to whoever runs the tests, not to the tests."""

SWITCHES = ("ALL_PROXY", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "HTTPS_PROXY", "HTTP_PROXY", "LINES", "NO_COLOR")

LONGEST: Final = (
    "tests/crash/test_crash.py",
    "tests/testing/test_contract_openstack.py",
    "tests/catalogue/test_openstack.py",
    "tests/stores/test_processes.py",
    "tests/testing/test_contract_docker.py",
    "tests/testing/test_contract_aws.py",
    "tests/catalogue/test_docker.py",
    "tests/catalogue/test_aws.py",
    "tests/adoption/test_whole_way.py",
    "tests/house/test_gates.py",
    "tests/herd/test_herd.py",
    "tests/house/test_typing.py",
    "tests/webshop/test_webshop.py",
)
"""Files that take long with few tests, the longest first: begun last, one of them would be waited for alone."""


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
    config.option.loadscopereorder = False  # pytest-xdist begins with the files that have most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
