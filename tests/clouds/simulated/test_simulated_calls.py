"""Every kind on the simulated cloud, from creation to the second deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status, Update, fresh_token
from orchestra.errors import ConflictError
from orchestra.model.fields import KindSpec
from orchestra.model.resource import Resource
from orchestra.model.values import Plain
from orchestra.resources.balancing import HealthCheck, LoadBalancer
from orchestra.resources.checks import content_digest
from orchestra.resources.compute import CustomImage, FloatingIp, KeyPair, Server, Snapshot, Volume, VolumeAttachment
from orchestra.resources.dns import Record, Zone
from orchestra.resources.network import Firewall, Network, Subnet
from orchestra.resources.storage import Blob, Bucket
from orchestra.testing import VirtualClock
from tests.clouds.simulated.scenery import KEY, image, zone

Values = dict[str, Any]


@attrs.frozen
class Case:
    """One kind: its inputs, and for each that can be changed in place another value."""

    resource: type[Resource]
    inputs: Callable[[Around], Values]
    updates: Callable[[Around], Values] = lambda around: {}
    told_for_none: Callable[[Around], Values] = lambda around: {}
    """What is told of inputs that were left to the cloud."""
    has_tags: bool = True


@attrs.frozen
class Around:
    """What stands around a thing under test, made by the providers themselves."""

    cloud: SimulatedCloud
    ids: dict[str, str]

    def provider(self, kind: str) -> Provider:
        found = self.cloud.provider(kind)
        assert found is not None
        return found

    def make(self, name: str, kind: str, /, **inputs: object) -> str:
        made = self.provider(kind).create(Inputs(inputs), owner(name))  # type: ignore[arg-type]
        self.ids[name] = made.external_id
        return made.external_id

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


def owner(name: str) -> Ownership:
    return Ownership("shop", name, fresh_token(name))


@pytest.fixture
def around(cloud: SimulatedCloud) -> Around:
    around = Around(cloud, {})
    network = around.make("network", "network.Network", cidr="10.0.0.0/16", internet=True, labels={})
    for number, place in enumerate(("sim-1a", "sim-1b")):
        around.make(
            f"subnet{number}",
            "network.Subnet",
            network=network,
            cidr=f"10.0.{number}.0/24",
            zone=place,
            public=True,
            labels={},
        )
        around.make(f"firewall{number}", "network.Firewall", network=network, description="x", labels={})
        around.make(f"server{number}", "compute.Server", **server(around, f"subnet{number}"))
    around.make("volume", "compute.Volume", **volume())
    around.make("zone", "dns.Zone", domain="shop.example")
    around.make("bucket", "storage.Bucket", **bucket())
    return around


def server(around: Around, subnet: str = "subnet0") -> Values:
    return {
        "image": {"os": "debian", "version": "12", "id": image(around.cloud.drivers.compute).id},
        "size": {"id": "small"},
        "subnet": around[subnet],
        "firewalls": [],
        "key_pair": None,
        "user_data": None,
        "public_address": None,
        "labels": {},
    }


def volume() -> Values:
    return {"size_gib": 10, "zone": "sim-1a", "type": None, "encrypted": True, "snapshot": None, "labels": {}}


def bucket() -> Values:
    return {"name": None, "encrypted": True, "public": False, "versioned": False, "labels": {}}


def a_rule(protocol: str, port: int | None, cidr: str | None, firewall: str | None = None) -> dict[str, Plain]:
    return {"protocol": protocol, "from_port": port, "to_port": port, "cidr": cidr, "firewall": firewall}


CASES = (
    Case(
        Network,
        lambda around: {"cidr": "10.1.0.0/16", "internet": True, "labels": {"b": "1", "a": "2"}},
        lambda around: {"internet": False, "labels": {"b": "2", "c": "3"}},
    ),
    Case(
        Subnet,
        lambda around: {
            "network": around["network"],
            "cidr": "10.0.9.0/24",
            "zone": None,
            "public": False,
            "labels": {"a": "1"},
        },
        lambda around: {"public": True, "labels": {}},
        lambda around: {"zone": "sim-1c"},
    ),
    Case(
        Firewall,
        lambda around: {
            "network": around["network"],
            "description": "d",
            "ingress": [a_rule("udp", 53, "10.0.0.0/8"), a_rule("tcp", 443, "0.0.0.0/0")],
            "egress": [a_rule("all", None, "0.0.0.0/0")],
            "labels": {},
        },
        lambda around: {
            "ingress": [a_rule("tcp", 443, None, around["firewall0"]), a_rule("icmp", None, "0.0.0.0/0")],
            "egress": [],
            "labels": {"a": "1"},
        },
    ),
    Case(
        KeyPair,
        lambda around: {"public_key": KEY, "name": None},
        told_for_none=lambda around: {"name": owner("it").name()},
    ),
    Case(
        Server,
        lambda around: {
            **server(around),
            "firewalls": sorted([around["firewall0"], around["firewall1"]]),
            "key_pair": around.make("key", "compute.KeyPair", public_key=KEY, name="ops"),
            "user_data": "#!/bin/sh\n",
            "public_address": False,
            "labels": {"a": "1"},
        },
        lambda around: {"size": {"id": "large"}, "firewalls": [around["firewall1"]], "labels": {"a": "2"}},
    ),
    Case(
        CustomImage,
        lambda around: {"server": around["server0"], "name": None, "description": "golden", "labels": {"a": "1"}},
        lambda around: {"labels": {"b": "1"}},
        lambda around: {"name": owner("it").name()},
    ),
    Case(
        Volume,
        lambda around: {
            **volume(),
            "snapshot": around.make("snapshot", "compute.Snapshot", volume=around["volume"], description="", labels={}),
        },
        lambda around: {"size_gib": 20, "type": "hdd", "labels": {"a": "1"}},
        lambda around: {"type": "ssd"},
    ),
    Case(
        VolumeAttachment,
        lambda around: {"volume": around["volume"], "server": around["server0"], "device": "/dev/sdg"},
        has_tags=False,
    ),
    Case(
        Snapshot,
        lambda around: {"volume": around["volume"], "description": "before", "labels": {"a": "1"}},
        lambda around: {"labels": {"b": "1"}},
    ),
    Case(
        FloatingIp,
        lambda around: {"server": around["server0"], "labels": {}},
        lambda around: {"server": around["server1"], "labels": {"a": "1"}},
    ),
    Case(
        LoadBalancer,
        lambda around: {
            "port": 80,
            "protocol": "http",
            "member_port": None,
            "members": [around["server0"]],
            "subnets": sorted([around["subnet0"], around["subnet1"]]),
            "firewalls": [around["firewall0"]],
            "health_check": None,
            "labels": {},
        },
        lambda around: {
            "members": sorted([around["server0"], around["server1"]]),
            "firewalls": [],
            "health_check": attrs.asdict(HealthCheck(protocol="http", port=81, path="/up", interval=9, timeout=3)),
            "labels": {"a": "1"},
        },
        lambda around: {"member_port": 80, "health_check": attrs.asdict(HealthCheck(port=80))},
    ),
    Case(Zone, lambda around: {"domain": "other.example"}),
    Case(
        Record,
        lambda around: {
            "zone": around["zone"],
            "name": "www",
            "type": "A",
            "values": ["192.0.2.1", "192.0.2.2"],
            "ttl": 60,
        },
        lambda around: {"values": ["192.0.2.3"], "ttl": 0},
        has_tags=False,
    ),
    Case(
        Bucket,
        lambda around: {**bucket(), "labels": {"a": "1"}},
        lambda around: {"encrypted": False, "public": True, "versioned": True, "labels": {"b": "1"}},
        lambda around: {"name": owner("it").name()},
    ),
    Case(
        Blob,
        lambda around: {"bucket": around["bucket"], "key": "a/b c", "content": "grüß", "content_type": "text/plain"},
        lambda around: {"content": "other", "content_type": "text/html"},
    ),
)

EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.resource.kind.name)


def kept(kind: KindSpec, inputs: Mapping[str, Any]) -> Values:
    """``inputs`` in the form that the planner compares, but for choices, of which only the id is told."""
    values: Values = {}
    for name, value in inputs.items():
        spec = kind.inputs[name]
        value = spec.normalize(value) if spec.normalize else value
        value = spec.summarize(value) if spec.summarize else value
        values[name] = {"id": value["id"]} if spec.choice else value
    return values


def expected(case: Case, around: Around, inputs: Values) -> Values:
    left_to_cloud = {name: value for name, value in case.told_for_none(around).items() if inputs[name] is None}
    return kept(case.resource.kind, {**inputs, **left_to_cloud})


def test_every_kind_has_its_case_and_every_input_its_turn(around: Around) -> None:
    assert len({case.resource for case in CASES}) == 15
    for case in CASES:
        inputs = case.resource.kind.inputs
        assert set(case.inputs(around)) == set(inputs), case.resource
        assert set(case.updates(around)) == {name for name, spec in inputs.items() if spec.replace is not True}


@EACH
def test_all_is_told_from_creation_to_deletion(around: Around, case: Case) -> None:
    kind = case.resource.kind
    provider = around.provider(kind.name)
    inputs, me = case.inputs(around), owner("it")
    before = around.cloud.inventory()
    made = provider.create(Inputs(inputs), me)
    assert made.status is Status.READY
    assert made.inputs == expected(case, around, inputs)
    assert list(made.inputs) == list(inputs), "in the order of the kind"
    assert set(made.outputs) == set(kind.outputs) - {"id"}
    assert made.ownership == (me if case.has_tags else None)
    id_ = made.external_id
    assert seen(provider, id_) == made
    assert made in list(provider.list())
    assert provider.find(me, Inputs(inputs)) == made

    last = made
    for name, value in case.updates(around).items():
        after = {**inputs, name: value}
        update = Update(before=Inputs(inputs), after=Inputs(after), changed=frozenset({name}))
        changed = provider.update(id_, update)
        assert changed.inputs == expected(case, around, after), name
        assert seen(provider, id_) == changed
        assert provider.update(id_, update) == changed, "safe to repeat"
        assert changed.ownership == made.ownership
        changing = {output for output, field in kind.outputs.items() if name in field.changed_by}
        for output in set(made.outputs) - changing:
            assert changed.outputs[output] == last.outputs[output], output
        inputs, last = after, changed

    assert provider.find(me, Inputs(inputs)) == seen(provider, id_)
    provider.delete(id_)
    reading = provider.observe([id_])
    assert (reading.gone, dict(reading.found), dict(reading.unread)) == (frozenset({id_}), {}, {})
    assert provider.find(me, Inputs(inputs)) is None
    provider.delete(id_)
    assert around.cloud.inventory() == {kind: count for kind, count in before.items() if count}


def seen(provider: Provider, id_: str) -> Observation:
    reading = provider.observe([id_, id_])
    assert (set(reading.found), reading.gone, dict(reading.unread)) == ({id_}, frozenset(), {})
    return reading.found[id_]


@EACH
def test_all_updates_at_once(around: Around, case: Case) -> None:
    provider = around.provider(case.resource.kind.name)
    inputs = case.inputs(around)
    id_ = provider.create(Inputs(inputs), owner("it")).external_id
    after = {**inputs, **case.updates(around)}
    update = Update(before=Inputs(inputs), after=Inputs(after), changed=frozenset(case.updates(around)))
    assert provider.update(id_, update).inputs == expected(case, around, after)


@EACH
def test_creation_under_one_token_happens_once(around: Around, case: Case) -> None:
    provider = around.provider(case.resource.kind.name)
    inputs = Inputs(case.inputs(around))
    made = provider.create(inputs, owner("it"))
    inventory = around.cloud.inventory()
    assert provider.create(inputs, owner("it")) == made
    assert around.cloud.inventory() == inventory


@EACH
def test_observation_of_many(around: Around, case: Case) -> None:
    """Of things there, gone and never there, each is told rightly."""
    kind = case.resource.kind.name
    provider = around.provider(kind)
    id_ = provider.create(Inputs(case.inputs(around)), owner("it")).external_id
    never = {
        "compute.VolumeAttachment": f"{around['volume']}:srv-none",
        "dns.Record": f"{around['zone']}/A/none",
        "storage.Blob": f"{around['bucket']}/none",
    }.get(kind, "none-0")
    nowhere = {
        "compute.VolumeAttachment": "vol-none:srv-none",
        "dns.Record": "zone-none/A/none",
        "storage.Blob": "none/none",
    }.get(kind, "none-1")
    reading = provider.observe([never, id_, nowhere])
    assert (set(reading.found), reading.gone) == ({id_}, {never, nowhere})
    assert provider.observe([]).found == {}


@EACH
def test_nothing_is_found_that_is_not_there(around: Around, case: Case) -> None:
    provider = around.provider(case.resource.kind.name)
    assert provider.find(owner("it"), Inputs(case.inputs(around))) is None


def test_drift_is_seen(around: Around) -> None:
    """Changes behind the library's back, made with Libcloud's calls, turn up in the inputs."""
    drivers = around.cloud.drivers
    drivers.compute.ex_create_tags(around["network"], {"by": "hand"})
    gateway = drivers.compute.ex_get_network(around["network"]).gateway
    assert gateway is not None
    drivers.compute.ex_destroy_gateway(gateway)
    told = seen(around.provider("network.Network"), around["network"])
    assert told.inputs == {"cidr": "10.0.0.0/16", "internet": False, "labels": {"by": "hand"}}
    assert told.ownership == owner("network")


def test_network_is_given_its_way_to_the_internet(around: Around) -> None:
    networks = around.provider("network.Network")
    values = {"cidr": "10.5.0.0/16", "internet": False, "labels": {}}
    id_ = networks.create(Inputs(values), owner("closed")).external_id
    opened = {**values, "internet": True}
    update = Update(before=Inputs(values), after=Inputs(opened), changed=frozenset({"internet"}))
    for _ in range(2):
        assert networks.update(id_, update).inputs == opened
    assert seen(networks, id_).inputs == opened


def test_labels_made_by_hand_are_taken_off_again(around: Around) -> None:
    networks = around.provider("network.Network")
    around.cloud.drivers.compute.ex_create_tags(around["network"], {"by": "hand"})
    values = {"cidr": "10.0.0.0/16", "internet": True, "labels": {"a": "1"}}
    update = Update(before=Inputs(values), after=Inputs(values), changed=frozenset({"labels"}))
    told = networks.update(around["network"], update)
    assert told.inputs["labels"] == {"a": "1"}
    assert told.ownership == owner("network")


def test_user_data_and_content_are_told(around: Around) -> None:
    servers, blobs = around.provider("compute.Server"), around.provider("storage.Blob")
    inputs = {**server(around), "user_data": "#!/bin/sh\n"}
    assert servers.create(Inputs(inputs), owner("s")).inputs["user_data"] == "#!/bin/sh\n"
    values = {"bucket": around["bucket"], "key": "k", "content": "ü", "content_type": "text/plain"}
    assert blobs.create(Inputs(values), owner("b")).inputs["content"] == content_digest("ü")
    blob = around.cloud.drivers.storage.get_object(around["bucket"], "k")
    assert b"".join(blob.as_stream()) == "ü".encode()


def test_floating_address_leaves_the_server_s_own(around: Around) -> None:
    before = seen(around.provider("compute.Server"), around["server0"])
    around.make("ip", "compute.FloatingIp", server=around["server0"], labels={})
    after = seen(around.provider("compute.Server"), around["server0"])
    assert after == before
    assert len(around.cloud.drivers.compute.ex_get_node(around["server0"]).public_ips) == 2


def test_resized_server_is_pending_and_nobody_waits(
    make_cloud: Callable[..., SimulatedCloud], clock: VirtualClock
) -> None:
    cloud = make_cloud(boot_seconds=20)
    around = Around(cloud, {})
    network = around.make("network", "network.Network", cidr="10.0.0.0/16", internet=False, labels={})
    around.make("subnet0", "network.Subnet", network=network, cidr="10.0.0.0/24", zone=None, public=True, labels={})
    inputs = server(around)
    servers = around.provider("compute.Server")
    id_ = servers.create(Inputs(inputs), owner("it")).external_id
    told = seen(servers, id_)
    assert (told.status, told.detail) == (Status.PENDING, "pending")
    clock.advance(20)
    assert seen(servers, id_).status is Status.READY
    after = {**inputs, "size": {"id": "large"}}
    changed = servers.update(id_, Update(before=Inputs(inputs), after=Inputs(after), changed=frozenset({"size"})))
    assert (changed.status, changed.detail) == (Status.PENDING, "resizing")
    assert changed.outputs["private_ip"] == told.outputs["private_ip"]
    clock.advance(40)
    told = seen(servers, id_)
    assert (told.status, told.detail, told.inputs["size"]) == (Status.READY, "", {"id": "large"})
    assert clock.slept == ()


def test_stopped_server_is_nothing_to_wait_for(around: Around) -> None:
    driver = around.cloud.drivers.compute
    driver.stop_node(driver.ex_get_node(around["server0"]))
    told = seen(around.provider("compute.Server"), around["server0"])
    assert (told.status, told.detail, told.outputs["public_ip"]) == (Status.READY, "stopped", None)


def test_what_is_still_pending_says_so(make_cloud: Callable[..., SimulatedCloud]) -> None:
    cloud = make_cloud(boot_seconds=20)
    driver = cloud.drivers.compute
    disk = driver.create_volume(1, "x", zone(driver))
    driver.create_volume_snapshot(disk)
    cloud.drivers.balancing.create_balancer("x", 80, "tcp", None, [])
    for kind in ("compute.Volume", "compute.Snapshot", "balancing.LoadBalancer"):
        provider = cloud.provider(kind)
        assert provider is not None
        assert [(one.status, one.detail != "") for one in provider.list()] == [(Status.PENDING, True)]


def test_record_of_someone_else_is_not_taken_over(around: Around) -> None:
    records = around.provider("dns.Record")
    values = {"zone": around["zone"], "name": "www", "type": "A", "values": ["192.0.2.1"], "ttl": 60}
    records.create(Inputs(values), owner("one"))
    with pytest.raises(ConflictError):
        records.create(Inputs(values), owner("two"))


def test_name_of_someone_else_is_not_taken_over(around: Around) -> None:
    buckets, pairs = around.provider("storage.Bucket"), around.provider("compute.KeyPair")
    buckets.create(Inputs({**bucket(), "name": "photos"}), owner("one"))
    pairs.create(Inputs({"public_key": KEY, "name": "ops"}), owner("one"))
    with pytest.raises(ConflictError):
        buckets.create(Inputs({**bucket(), "name": "photos"}), owner("two"))
    with pytest.raises(ConflictError):
        pairs.create(Inputs({"public_key": KEY, "name": "ops"}), owner("two"))


def test_volume_moved_by_hand_is_left_where_it_is(around: Around) -> None:
    attachments = around.provider("compute.VolumeAttachment")
    values = {"volume": around["volume"], "server": around["server0"], "device": "/dev/sdf"}
    id_ = attachments.create(Inputs(values), owner("it")).external_id
    driver = around.cloud.drivers.compute
    disk = driver.ex_get_volume(around["volume"])
    other = driver.create_node("x", driver.list_sizes()[0], driver.list_images()[0])
    driver.detach_volume(disk)
    driver.attach_volume(other, disk)
    assert attachments.observe([id_]).gone == {id_}
    attachments.delete(id_)
    moved = driver.ex_get_volume(around["volume"])
    assert moved.extra is not None
    assert moved.extra["server"] == other.id


def test_half_made_network_is_finished(around: Around) -> None:
    networks = around.provider("network.Network")
    me = owner("half")
    around.cloud.drivers.compute.ex_create_network("10.7.0.0/16", ex_tags=me.tags(), ex_token=me.token)
    inputs = Inputs({"cidr": "10.7.0.0/16", "internet": True, "labels": {}})
    found = networks.find(me, inputs)
    assert found is not None
    assert found.inputs["internet"] is False
    made = networks.create(inputs, me)
    assert (made.external_id, made.inputs["internet"]) == (found.external_id, True)
