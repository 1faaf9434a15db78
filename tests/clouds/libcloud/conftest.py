"""One server of each sort for all tests that need it; those that several families need are in the folder above."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from tests.clouds.recorded.tape import Tape
from tests.servers import swift
from tests.servers.pdns import PdnsServer
from tests.servers.s3rver import S3rver, s3rver


@pytest.fixture
def powerdns(dns_server: PdnsServer) -> LibcloudCloud:
    options = {"nameservers": ["ns1.example.net", "ns2.example.net"]}
    return libcloud("powerdns", key=dns_server.key, endpoint=dns_server.endpoint, options=options)


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
