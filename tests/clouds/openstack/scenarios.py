"""What is done with a real OpenStack when it is recorded, and again when that is played back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.openstack import OpenStackCloud
from orchestra.clouds.families.openstack.account import account_of
from orchestra.clouds.families.openstack.volume import VolumeTypes
from orchestra.contracts import Clock, Inputs, Observation, Provider, Status, Update
from orchestra.engine.patience import patiently
from orchestra.errors import ChoiceError, CloudError
from orchestra.resources.network import Firewall
from tests.clouds.owned import owner

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example"
LABELS = {"env": "test", "owner": "Ünïcode & <co>"}
TYPES = VolumeTypes({"ssd": "fast", "hdd": "slow"}, {"ssd": "fast-luks", "hdd": "slow-luks"})


def rule(
    protocol: str, port: int | None = None, *, cidr: str | None = None, firewall: str | None = None
) -> dict[str, Any]:
    """A firewall rule as providers get it."""
    return {"protocol": protocol, "from_port": port, "to_port": port, "cidr": cidr, "firewall": firewall}


def cloud_at(
    endpoint: str, connections: Connections | None = None, *, project: str = "tape", **other: str
) -> OpenStackCloud:
    """The cloud whose keystone is at ``endpoint``, for the member of a project."""
    given = {"endpoint": endpoint, "username": project, "password": "secret", "project": project, **other}
    return OpenStackCloud(account_of(given, None), "recorded", 0.0, volume_types=TYPES, connections=connections)


@attrs.frozen
class Scene:
    """A cloud, and a clock to wait on: while recording the machine's, then one that takes no time."""

    cloud: OpenStackCloud
    clock: Clock

    def provider(self, kind: str) -> Provider:
        found = self.cloud.provider(kind)
        assert found is not None
        return found

    def create(self, kind: str, address: str, **inputs: Any) -> str:
        """The external id of what is made, once it is ready."""
        made = self.provider(kind).create(Inputs(inputs), owner(address))
        assert made.ownership in (owner(address), None)
        return self.ready(kind, made.external_id).external_id

    def ready(self, kind: str, external_id: str) -> Observation:
        """What is told of it when it is ready."""
        while True:
            found = self.provider(kind).observe([external_id]).found[external_id]
            assert found.status is not Status.FAILED, found.detail
            if found.status is Status.READY:
                return found
            self.clock.sleep(2.0)

    def find(self, kind: str, address: str, **inputs: Any) -> Observation | None:
        """What is found by the token."""
        return self.provider(kind).find(owner(address), Inputs(inputs))

    def update(self, kind: str, external_id: str, before: dict[str, Any], **changes: Any) -> Observation:
        """Bring it to ``before`` with ``changes``, again and again while it says that trouble passes."""
        update = Update(before=Inputs(before), after=Inputs({**before, **changes}), changed=frozenset(changes))
        patiently(lambda: self.provider(kind).update(external_id, update), self.clock)
        return self.ready(kind, external_id)

    def delete(self, kind: str, external_id: str) -> None:
        """Delete it, and wait until it is gone."""
        patiently(lambda: self.provider(kind).delete(external_id), self.clock)
        while external_id not in self.provider(kind).observe([external_id]).gone:
            self.clock.sleep(2.0)

    def refusal(self, call: Callable[[], object]) -> CloudError:
        """What a call is refused with."""
        try:
            call()
        except CloudError as error:
            return error
        raise AssertionError("it wasn't refused")


def _normal(rules: list[dict[str, Any]]) -> object:
    """Rules in the order that the kind gives them."""
    normalize = Firewall.kind.inputs["ingress"].normalize
    assert normalize is not None
    return normalize(rules)


def network(scene: Scene) -> None:
    """A network with its router, a subnet in it, and the way out taken away and brought back."""
    inputs = {"cidr": "10.0.0.0/16", "internet": True, "labels": LABELS}
    made = scene.create("network.Network", "network", **inputs)
    told = scene.ready("network.Network", made)
    assert told.inputs == {"internet": True, "labels": LABELS}
    assert told.ownership == owner("network")
    subnet = {"network": made, "cidr": "10.0.1.0/24", "zone": None, "public": True, "labels": {}}
    inside = scene.create("network.Subnet", 'shards["eu"].subnet[0]', **subnet)
    told = scene.ready("network.Subnet", inside)
    assert told.inputs == {**subnet, "zone": "nova"}
    assert told.outputs == {"available_zone": "nova"}
    assert scene.update("network.Subnet", inside, subnet, public=False, labels=LABELS).inputs["public"] is False
    found = scene.find("network.Subnet", 'shards["eu"].subnet[0]', **{**subnet, "labels": LABELS})
    assert found is not None
    assert found.status is Status.READY
    assert scene.update("network.Network", made, inputs, internet=False, labels={}).inputs["internet"] is False
    assert scene.update("network.Network", made, inputs, internet=True, labels={}).inputs["internet"] is True
    assert [one.external_id for one in scene.provider("network.Network").list()] == [made]
    scene.delete("network.Subnet", inside)
    scene.delete("network.Network", made)
    assert scene.find("network.Network", "network", **inputs) is None


def firewall(scene: Scene) -> None:
    """A security group with rules of every sort, half-made and completed, changed, and refused while it is named."""
    other = scene.create("network.Firewall", "other", network="-", description="two", ingress=[], egress=[], labels={})
    inputs = {
        "network": "-",
        "description": "Guards the shop",
        "ingress": [rule("tcp", 443, cidr="0.0.0.0/0"), rule("tcp", 5432, firewall=other)],
        "egress": [rule("all", cidr="0.0.0.0/0")],
        "labels": LABELS,
    }
    made = scene.create("network.Firewall", "firewall", **inputs)
    told = scene.ready("network.Firewall", made).inputs
    assert told["description"] == "Guards the shop"
    assert told["ingress"] == _normal(inputs["ingress"])
    assert told["egress"] == inputs["egress"]
    more = [rule("udp", 53, cidr="2001:db8::/32"), rule("icmp", cidr="::/0"), rule("icmp", cidr="10.0.0.0/8")]
    every = {"protocol": "tcp", "from_port": 0, "to_port": 65535, "cidr": "10.0.0.0/8", "firewall": None}
    half = scene.find("network.Firewall", "firewall", **{**inputs, "ingress": [*more, every]})
    assert half is not None
    assert half.status is Status.PENDING
    told = scene.update("network.Firewall", made, inputs, ingress=[*more, every], egress=[], labels={}).inputs
    assert told["ingress"] == _normal([*more, every])
    assert told["egress"] == []
    scene.delete("network.Firewall", made)
    scene.delete("network.Firewall", other)


def server(scene: Scene) -> None:
    """A server with key, firewall, public address and floating address, resized, relabelled, and taken away."""
    network = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=True, labels={})
    subnet = scene.create(
        "network.Subnet", "subnet", network=network, cidr="10.0.1.0/24", zone="nova", public=True, labels={}
    )
    group = {"network": network, "description": "one", "ingress": [], "egress": [], "labels": {}}
    guard = scene.create("network.Firewall", "firewall", **group)
    key = scene.create("compute.KeyPair", "key", public_key=KEY, name=None)
    compute = scene.provider("compute.Server")
    inputs = {
        "image": {"id": compute.choose("image", {"os": "debian", "version": "12"})},
        "size": {"id": compute.choose("size", {"cpus": 1, "memory_gib": 1})},
        "subnet": subnet,
        "firewalls": [guard],
        "key_pair": key,
        "user_data": "#!/bin/sh\necho 'Grüße'\n",
        "public_address": None,
        "labels": LABELS,
    }
    assert scene.find("compute.Server", "server", **inputs) is None
    made = scene.create("compute.Server", "server", **inputs)
    told = scene.ready("compute.Server", made)
    assert told.inputs == {name: inputs[name] for name in told.inputs}
    assert len(told.inputs) == 6
    assert told.outputs["zone"] == "nova"
    assert str(told.outputs["private_ip"]).startswith("10.0.1.")
    assert str(told.outputs["public_ip"]).startswith("198.18.")
    assert compute.create(Inputs(inputs), owner("server")).external_id == made
    told = scene.update("compute.Server", made, inputs, size={"id": "m1.medium"}, firewalls=[], labels={"env": "prod"})
    assert told.inputs["size"] == {"id": "m1.medium"}
    assert told.inputs["firewalls"] == []
    assert told.inputs["labels"] == {"env": "prod"}
    address = scene.create("compute.FloatingIp", "address", server=made, labels=LABELS)
    assert scene.ready("compute.FloatingIp", address).inputs == {"server": made, "labels": LABELS}
    assert (
        scene.ready("compute.Server", made).outputs["public_ip"]
        == scene.ready("compute.FloatingIp", address).outputs["address"]
    )
    assert scene.update("compute.FloatingIp", address, {"server": made, "labels": {}}, server=None).inputs == {
        "server": None,
        "labels": {},
    }
    assert [one.external_id for one in compute.list()] == [made]
    scene.delete("compute.FloatingIp", address)
    scene.delete("compute.Server", made)
    for kind, external_id in (
        ("compute.KeyPair", key),
        ("network.Firewall", guard),
        ("network.Subnet", subnet),
        ("network.Network", network),
    ):
        scene.delete(kind, external_id)


def disks(scene: Scene) -> None:
    """A volume, encrypted, grown, of another type; attached, snapshot, and one made of that."""
    network = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=False, labels={})
    subnet = scene.create(
        "network.Subnet", "subnet", network=network, cidr="10.0.1.0/24", zone=None, public=False, labels={}
    )
    compute = scene.provider("compute.Server")
    machine = scene.create(
        "compute.Server",
        "server",
        image={"id": compute.choose("image", {"os": "ubuntu", "version": "22.04"})},
        size={"id": "m1.tiny"},
        subnet=subnet,
        labels={},
    )
    assert scene.ready("compute.Server", machine).outputs["public_ip"] is None
    inputs = {"size_gib": 2, "zone": "nova", "type": "ssd", "encrypted": True, "snapshot": None, "labels": LABELS}
    volume = scene.create("compute.Volume", "volume", **inputs)
    assert scene.ready("compute.Volume", volume).inputs == inputs
    attached = scene.create("compute.VolumeAttachment", "at", volume=volume, server=machine, device="/dev/sdf")
    assert attached == f"{volume}:{machine}"
    assert scene.update("compute.Volume", volume, inputs, size_gib=3, labels={}).inputs["size_gib"] == 3
    kinds = ("compute.VolumeAttachment", "compute.Volume")
    assert [[one.external_id for one in scene.provider(kind).list()] for kind in kinds] == [[attached], [volume]]
    snapshot = scene.create("compute.Snapshot", "snapshot", volume=volume, description="before the move", labels=LABELS)
    told = scene.ready("compute.Snapshot", snapshot)
    assert told.inputs == {"volume": volume, "description": "before the move", "labels": LABELS}
    assert told.outputs == {"size_gib": 3}
    error = scene.refusal(lambda: scene.provider("compute.Volume").delete(volume))
    assert error.code == "VolumeInUse"
    assert error.retryable
    scene.delete("compute.VolumeAttachment", attached)
    scene.delete("compute.Snapshot", snapshot)
    scene.delete("compute.Volume", volume)
    scene.delete("compute.Server", machine)
    scene.delete("network.Subnet", subnet)
    scene.delete("network.Network", network)


def image(scene: Scene) -> None:
    """An image of a server, relabelled; one of a server that was made from it; both stay when the servers are gone."""
    network = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=False, labels={})
    subnet = scene.create(
        "network.Subnet", "subnet", network=network, cidr="10.0.1.0/24", zone=None, public=False, labels={}
    )
    compute, images = scene.provider("compute.Server"), scene.provider("compute.CustomImage")
    debian = compute.choose("image", {"os": "debian", "version": "12"})
    wishes = {"size": {"id": "m1.tiny"}, "subnet": subnet, "labels": {}}
    first = scene.create("compute.Server", "first", image={"id": debian}, **wishes)
    inputs = {"server": first, "name": None, "description": "before the move", "labels": LABELS}
    assert scene.find("compute.CustomImage", "golden", **inputs) is None
    golden = scene.create("compute.CustomImage", "golden", **inputs)
    told = scene.ready("compute.CustomImage", golden)
    assert told.inputs == {**inputs, "name": owner("golden").name(255)}
    assert told.outputs == {"size_gib": 1}
    assert told.ownership == owner("golden")
    assert images.create(Inputs(inputs), owner("golden")).external_id == golden
    labels = {"env": "prod", "a~b/c": "x"}
    assert scene.update("compute.CustomImage", golden, inputs, labels=labels).inputs["labels"] == labels
    assert compute.choose("image", {"os": "debian", "version": "12"}) == debian
    second = scene.create("compute.Server", "second", image={"id": golden}, **wishes)
    later = scene.create("compute.CustomImage", "later", **{**inputs, "server": second, "labels": {}})
    told = scene.ready("compute.CustomImage", later)
    assert told.ownership == owner("later")
    assert told.inputs["labels"] == {}
    assert {one.external_id: one.ownership for one in images.list()} == {
        golden: owner("golden"),
        later: owner("later"),
    }
    for server in (second, first):
        scene.delete("compute.Server", server)
    assert scene.ready("compute.CustomImage", golden).inputs["server"] == first
    for made in (later, golden):
        scene.delete("compute.CustomImage", made)
    scene.delete("network.Subnet", subnet)
    scene.delete("network.Network", network)


def refusals(scene: Scene) -> None:
    """What is told when OpenStack refuses: never a secret, always the class that says what to do."""
    networks, subnets = scene.provider("network.Network"), scene.provider("network.Subnet")
    missing = "00000000-0000-0000-0000-000000000000"
    kinds = ("Server", "Volume", "Snapshot", "FloatingIp")
    for kind in (*(f"compute.{name}" for name in kinds), "network.Network", "network.Subnet", "network.Firewall"):
        assert scene.provider(kind).observe([missing]).gone == {missing}
        scene.provider(kind).delete(missing)
    asked = {"network": missing, "cidr": "10.0.0.0/24", "zone": "nova", "public": False, "labels": {}}
    error = scene.refusal(lambda: subnets.create(Inputs(asked), owner("subnet")))
    assert error.code == "NetworkNotFound"
    made = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=False, labels={})
    inside = scene.create("network.Subnet", "subnet", **{**asked, "network": made})
    error = scene.refusal(lambda: subnets.create(Inputs({**asked, "network": made}), owner("other")))
    assert error.code == "InvalidSubnet.Conflict"
    assert not error.retryable
    inputs = {"size_gib": 1, "zone": "nowhere", "type": None, "encrypted": False, "snapshot": None, "labels": {}}
    error = scene.refusal(lambda: scene.provider("compute.Volume").create(Inputs(inputs), owner("volume")))
    assert not error.retryable
    compute = scene.provider("compute.Server")
    with pytest.raises(ChoiceError, match="templeos-5"):
        compute.choose("image", {"os": "templeos", "version": "5"})
    wanted = {"image": {"id": missing}, "size": {"id": "m1.tiny"}, "subnet": inside, "labels": {}}
    assert not scene.refusal(lambda: compute.create(Inputs(wanted), owner("server"))).retryable
    half = scene.find("compute.Server", "server", **wanted)
    assert half is not None
    assert half.external_id.startswith("port:")
    assert half.status is Status.FAILED
    assert [one.external_id for one in compute.list()] == [half.external_id]
    scene.delete("compute.Server", half.external_id)
    assert scene.find("compute.Server", "server", **wanted) is None
    for one in list(subnets.list()):
        scene.delete("network.Subnet", one.external_id)
    for one in list(networks.list()):
        scene.delete("network.Network", one.external_id)


SCENARIOS: tuple[Callable[[Scene], None], ...] = (network, firewall, server, disks, image, refusals)
