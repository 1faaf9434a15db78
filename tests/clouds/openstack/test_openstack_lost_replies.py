"""Each reply to a creation is lost, on a real OpenStack: what it made is found and finished, and never doubled."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
import requests

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.openstack import OpenStackCloud
from orchestra.contracts import Inputs, Ownership, Provider, Status, fresh_token
from orchestra.engine.clock import SystemClock
from orchestra.errors import TransientError
from tests.clouds.openstack.scenarios import KEY, LABELS, Scene, cloud_at, rule
from tests.openstack_server import HINT, OFFERED, OpenStackServer, find_server

pytestmark = pytest.mark.timeout(1800)


class LosesReply(Connections):
    """Loses the reply to the change with this number, after it was made."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number
        self.lost = ""

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        answer = super().send(request, **named)
        if request.method != "GET" and not str(request.url).endswith("/auth/tokens"):
            self.left -= 1
            if self.left == -1:
                self.lost = f"{request.method} {request.url}"
                raise requests.ConnectionError("the reply was lost")
        return answer


@attrs.frozen
class Case:
    """A kind, its inputs, and what there is of it when one was made."""

    kind: str
    inputs: Callable[[dict[str, str]], dict[str, Any]]
    made: dict[str, int]
    owned: bool = True


CASES = (
    Case(
        "network.Network",
        lambda ids: {"cidr": "10.1.0.0/16", "internet": True, "labels": LABELS},
        {"networks": 1, "routers": 1},
    ),
    Case(
        "network.Subnet",
        lambda ids: {
            "network": ids["network"],
            "cidr": "10.0.9.0/24",
            "zone": None,
            "public": True,
            "labels": LABELS,
        },
        {"subnets": 1, "ports": 1},
    ),
    Case(
        "network.Firewall",
        lambda ids: {
            "network": ids["network"],
            "description": "Guards the shop",
            "ingress": [rule("tcp", 443, cidr="0.0.0.0/0")],
            "egress": [],
            "labels": LABELS,
        },
        {"security_groups": 1},
    ),
    Case(
        "compute.Server",
        lambda ids: {
            "image": {"id": ids["image"]},
            "size": {"id": "m1.tiny"},
            "subnet": ids["subnet"],
            "public_address": True,
            "labels": LABELS,
        },
        {"servers": 1, "ports": 1, "floatingips": 1},
    ),
    Case("compute.FloatingIp", lambda ids: {"server": None, "labels": LABELS}, {"floatingips": 1}),
    Case(
        "compute.Volume",
        lambda ids: {"size_gib": 1, "zone": "nova", "type": None, "encrypted": False, "snapshot": None, "labels": {}},
        {"volumes": 1},
    ),
    Case("compute.KeyPair", lambda ids: {"public_key": KEY, "name": None}, {"keypairs": 1}, owned=False),
    Case(
        "compute.VolumeAttachment",
        lambda ids: {"volume": ids["volume"], "server": ids["server"], "device": "/dev/sdf"},
        {},
        owned=False,
    ),
    Case(
        "compute.Snapshot",
        lambda ids: {"volume": ids["volume"], "description": "before the move", "labels": LABELS},
        {"snapshots": 1},
    ),
    Case(
        "compute.CustomImage",
        lambda ids: {"server": ids["server"], "name": None, "description": "before the move", "labels": LABELS},
        {"images": 1},
    ),
)
assert {case.kind for case in CASES} == {*OFFERED}


@pytest.fixture(scope="module")
def server() -> OpenStackServer:
    found = find_server("lost")
    if found is None:
        pytest.skip(HINT)
    return found


@pytest.fixture(scope="module")
def ids(server: OpenStackServer) -> Iterator[dict[str, str]]:
    scene = Scene(cloud_at(server.endpoint, project=server.project), SystemClock())
    network = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=True, labels={})
    subnet = {"network": network, "cidr": "10.0.1.0/24", "zone": None, "public": True, "labels": {}}
    made = {"network": network, "subnet": scene.create("network.Subnet", "subnet", **subnet)}
    made["image"] = scene.provider("compute.Server").choose("image", {"os": "debian", "version": "12"})
    machine = {"image": {"id": made["image"]}, "size": {"id": "m1.tiny"}, "subnet": made["subnet"], "labels": {}}
    made["server"] = scene.create("compute.Server", "machine", **machine)
    volume = {"size_gib": 1, "zone": "nova", "type": None, "encrypted": False, "snapshot": None, "labels": {}}
    made["volume"] = scene.create("compute.Volume", "disk", **volume)
    yield made
    scene.delete("compute.Volume", made["volume"])
    scene.delete("compute.Server", made["server"])
    scene.delete("network.Subnet", made["subnet"])
    scene.delete("network.Network", network)


@pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])
def test_nothing_is_lost_and_nothing_doubled(case: Case, server: OpenStackServer, ids: dict[str, str]) -> None:
    before = server.census()
    sound = cloud_at(server.endpoint, project=server.project)
    scene = Scene(sound, SystemClock())
    for number in itertools.count():
        connections = LosesReply(number)
        owner = Ownership("prod", f"subject[{number}]", fresh_token(f"{case.kind}-{number}"))
        inputs = Inputs(case.inputs(ids))
        try:
            provider(cloud_at(server.endpoint, connections, project=server.project), case).create(inputs, owner)
        except TransientError:
            assert connections.lost
        found = provider(sound, case).find(owner, inputs)
        assert found is not None, connections.lost
        assert found.ownership == (owner if case.owned else None), connections.lost
        if connections.lost and found.status is not Status.READY:
            found = provider(sound, case).create(inputs, owner)
        scene.ready(case.kind, found.external_id)
        assert server.census() - before == collections.Counter(case.made), connections.lost
        scene.delete(case.kind, found.external_id)
        assert server.census() == before, connections.lost
        if not connections.lost:
            assert number >= len(case.made), "not every request was tried"
            return


def provider(cloud: OpenStackCloud, case: Case) -> Provider:
    found = cloud.provider(case.kind)
    assert found is not None
    return found
