"""Every provider for OpenStack keeps the contract, on a real OpenStack."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs
import pytest

import orchestra as oc
from orchestra.contracts import Capabilities, Cloud, Inputs, Observation, Ownership, Provider, Reading, Update
from orchestra.engine.clock import SystemClock
from orchestra.engine.patience import patiently
from orchestra.model.values import Plain
from orchestra.testing import check_provider
from orchestra.testing.rules import RULES
from tests.catalogue.scenes import Case
from tests.openstack_server import HINT, OFFERED, OpenStackServer, find_server
from tests.testing.ground import EACH, lay

T = TypeVar("T")

pytestmark = pytest.mark.timeout(1800)

ZONES = ("nova", "west")
UNOWNED = ("KeyPair", "VolumeAttachment")
"""Kinds with which OpenStack keeps nothing of whose they are."""
CASES = {name: case for name, case in EACH.items() if case.kind.kind.name in OFFERED}
PAUSE = 1.0
"""Seconds between two looks at least: each takes neutron from what is waited for."""


class Unhurried(SystemClock):
    """Looks less often than the contract would: on a machine of its own OpenStack is short of time, not of ears."""

    def sleep(self, seconds: float) -> None:
        super().sleep(max(seconds, PAUSE))


@attrs.frozen
class Patient:
    """A provider whose calls are made again while it says that trouble passes, as the engine makes them."""

    inner: Provider

    @property
    def kind(self) -> str:
        return self.inner.kind

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        return _patiently(lambda: self.inner.create(inputs, owner))

    def observe(self, ids: Sequence[str]) -> Reading:
        return self.inner.observe(ids)

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return self.inner.find(owner, inputs)

    def update(self, external_id: str, update: Update) -> Observation:
        return _patiently(lambda: self.inner.update(external_id, update))

    def delete(self, external_id: str) -> None:
        _patiently(lambda: self.inner.delete(external_id))

    def list(self) -> Iterator[Observation]:
        return self.inner.list()

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        return self.inner.choose(name, wanted)


def _patiently(call: Callable[[], T]) -> T:
    return patiently(call, SystemClock())


@pytest.fixture(scope="module")
def server() -> OpenStackServer:
    found = find_server("contract")
    if found is None:
        pytest.skip(HINT)
    return found


@pytest.fixture
def closed_endpoint() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_provider_keeps_the_contract(case: Case, server: OpenStackServer, closed_endpoint: str) -> None:
    before = server.census()
    there = oc.clouds.openstack(**server.settings)
    out = oc.clouds.openstack(**{**server.settings, "endpoint": closed_endpoint})
    ground = lay(case, there, ZONES)
    settings = {"owned": False} if case.kind.__name__ in UNOWNED else {}
    checked = check_provider(
        functools.partial(served, there, case),
        ground.cases(**settings),
        unreachable=functools.partial(served, out, case),
        clock=Unhurried(),
        threads=3,
    )
    assert checked.rules == tuple(rule.name for rule in RULES)
    ground.deployment.destroy()
    ground.deployment.close()
    assert server.census() == before


def served(cloud: Cloud, case: Case) -> Provider:
    provider = cloud.provider(case.kind.kind.name)
    assert provider is not None
    return Patient(provider)
