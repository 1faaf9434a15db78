"""One server of each sort for all tests that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from tests.clouds.recorded.tape import Tape
from tests.servers import pdns, swift
from tests.servers.azurite import Azurite, azurite
from tests.servers.s3rver import S3rver, s3rver


@pytest.fixture(scope="session")
def dns_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pdns.PdnsServer]:
    if reason := pdns.missing():
        pytest.skip(reason)
    with pdns.pdns_server(tmp_path_factory.mktemp("pdns")) as server:
        yield server


@pytest.fixture
def powerdns(dns_server: pdns.PdnsServer) -> LibcloudCloud:
    options = {"nameservers": ["ns1.example.net", "ns2.example.net"]}
    return libcloud("powerdns", key=dns_server.key, endpoint=dns_server.endpoint, options=options)


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3rver]:
    with s3rver(tmp_path_factory.mktemp("s3rver")) as server:
        yield server


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[swift.SwiftServer]:
    folder = tmp_path_factory.mktemp("swift")
    if reason := swift.missing(folder):
        pytest.skip(reason)
    with swift.swift_server(folder) as server:
        yield server


@pytest.fixture
def tape() -> Iterator[Tape]:
    yield from Tape().running()
