"""What is sent to DigitalOcean, to the letter, and what its droplets do in between."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud, digitalocean
from orchestra.contracts import Status, fresh_token
from orchestra.errors import CredentialsError, InUseError, InvalidRequestError, TransientError
from tests.clouds.families.digitalocean import REGION, TOKEN, DigitalOcean
from tests.clouds.families.scenery import KEYS, Family, change, create, family_of, owner, plain_server, provider

OWNER_TAGS = [
    "orchestra:deployment:prod",
    "orchestra:address:web_5b0_5d",
    f"orchestra:token:{owner('web[0]').token}",
]
NAME = f"prod-web-0-{owner('web[0]').token[:10]}"


@pytest.fixture
def family() -> Family:
    return family_of("digitalocean")


def inputs(**more: Any) -> dict[str, Any]:
    return plain_server("119192817", "512mb", **more)


def test_a_droplet_is_made_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    key = create(cloud, "compute.KeyPair", "key", {"public_key": KEYS[0], "name": "mine"})
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=key, user_data="#!/bin/sh", labels={"Env": "a b"}))
    (request,) = server.sent("POST", "/v2/droplets")
    assert request.body == {
        "name": NAME,
        "region": "nyc1",
        "size": "512mb",
        "image": 119192817,
        "user_data": "#!/bin/sh",
        "tags": [*OWNER_TAGS, "_45nv:a_20b"],
        "ssh_keys": [int(key)],
    }


def test_a_volume_is_made_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    create(cloud, "compute.Volume", "web[0]", volume_inputs_here(snapshot="snap-1"))
    (request,) = server.sent("POST")
    assert request.body == {
        "name": NAME,
        "size_gigabytes": 10,
        "region": "nyc1",
        "tags": OWNER_TAGS,
        "snapshot_id": "snap-1",
    }


def volume_inputs_here(**more: Any) -> dict[str, Any]:
    plain = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": True, "snapshot": None, "labels": {}}
    return {**plain, **more}


def test_a_volume_is_attached_and_grows_and_is_detached(cloud: FamilyCloud, server: DigitalOcean) -> None:
    volume = create(cloud, "compute.Volume", "disk", volume_inputs_here())
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    attachment = create(cloud, "compute.VolumeAttachment", "both", {"volume": volume, "server": machine})
    change(cloud, "compute.Volume", volume, volume_inputs_here(), size_gib=20)
    provider(cloud, "compute.VolumeAttachment").delete(attachment)
    assert [one.body for one in server.sent("POST", f"/v2/volumes/{volume}/actions")] == [
        {"type": "attach", "droplet_id": int(machine), "region": "nyc1"},
        {"type": "resize", "size_gigabytes": 20, "region": "nyc1"},
        {"type": "detach", "droplet_id": int(machine), "region": "nyc1"},
    ]


def test_labels_are_tags_of_the_thing(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs(labels={"env": "test"}))
    server.droplets[machine]["tags"] += ["of somebody else"]
    told = change(cloud, "compute.Server", machine, inputs(labels={"env": "test"}), labels={"env": "prod"})
    assert told.inputs["labels"] == {"env": "prod"}
    resources = {"resources": [{"resource_id": machine, "resource_type": "droplet"}]}
    sent = [(one.method, one.path, one.body) for one in server.requests if one.path.startswith("/v2/tags")]
    assert sent == [
        ("POST", "/v2/tags", {"name": "env:prod"}),
        ("POST", "/v2/tags/env:prod/resources", resources),
        ("DELETE", "/v2/tags/env:test/resources", resources),
    ]
    assert set(server.droplets[machine]["tags"]) == {*OWNER_TAGS, "env:prod", "of somebody else"}


# -- networks and firewalls


def firewall_inputs(*ingress: Any, egress: Any = ()) -> dict[str, Any]:
    """The inputs of a firewall as its provider gets them."""
    sides = {"ingress": ingress, "egress": egress}
    plain = {side: [attrs.asdict(rule) for rule in rules] for side, rules in sides.items()}
    return {"network": "network-1", "description": "for a test", "labels": {}, **plain}


def guard(address: str) -> str:
    """The tag of what the firewall at ``address`` guards."""
    return f"orchestra:firewall:{fresh_token(f'prod..{address}..{owner(address).token}')}"


def test_a_network_is_made_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    create(cloud, "network.Network", "nets[0]", {"cidr": "10.0.0.0/16"})
    (request,) = server.sent("POST")
    assert request.body == {
        "name": f"prod..nets.5b0.5d..{owner('nets[0]').token}",
        "region": "nyc1",
        "ip_range": "10.0.0.0/16",
    }
    (found,) = provider(cloud, "network.Network").list()
    assert found.ownership == owner("nets[0]")


def test_a_network_that_is_in_use_says_so(cloud: FamilyCloud, server: DigitalOcean) -> None:
    network = create(cloud, "network.Network", "network", {"cidr": "10.0.0.0/16"})
    machine = create(cloud, "compute.Server", "web[0]", inputs(subnet=network))
    assert server.droplets[machine]["vpc_uuid"] == network
    with pytest.raises(InUseError, match="still has 1 members"):
        provider(cloud, "network.Network").delete(network)
    provider(cloud, "compute.Server").delete(machine)
    server.networks[network]["default"] = True
    with pytest.raises(InvalidRequestError, match="is the default one of nyc1"):
        provider(cloud, "network.Network").delete(network)
    server.networks[network]["default"] = False
    provider(cloud, "network.Network").delete(network)
    assert not server.networks


def test_a_firewall_guards_what_has_its_tag(cloud: FamilyCloud, server: DigitalOcean) -> None:
    inner = create(cloud, "network.Firewall", "inner", firewall_inputs(oc.allow("tcp", 22, source="10.0.0.0/16")))
    rules = firewall_inputs(
        oc.allow("tcp", (8000, 9000)),
        attrs.evolve(oc.allow("icmp"), cidr=None, firewall=inner),
        egress=[oc.allow("all")],
    )
    outer = create(cloud, "network.Firewall", "outer", rules)
    everywhere = {"addresses": ["0.0.0.0/0"]}
    assert server.sent("POST", "/v2/firewalls")[1].body == {
        "name": f"prod..outer..{owner('outer').token}",
        "inbound_rules": [
            {"protocol": "icmp", "ports": "0", "sources": {"tags": [guard("inner")]}},
            {"protocol": "tcp", "ports": "8000-9000", "sources": everywhere},
        ],
        "outbound_rules": [
            {"protocol": "icmp", "ports": "0", "destinations": everywhere},
            {"protocol": "tcp", "ports": "0", "destinations": everywhere},
            {"protocol": "udp", "ports": "0", "destinations": everywhere},
        ],
        "tags": [guard("outer")],
    }
    machine = create(cloud, "compute.Server", "web[0]", inputs(firewalls=[inner, outer]))
    (request,) = server.sent("POST", "/v2/droplets")
    assert request.body["tags"] == [*OWNER_TAGS, guard("inner"), guard("outer")], (
        "so it is guarded from the first moment"
    )
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert told.inputs["firewalls"] == sorted([inner, outer])
    told = change(cloud, "compute.Server", machine, inputs(firewalls=[inner, outer]), firewalls=[inner])
    assert (told.inputs["firewalls"], told.inputs["labels"]) == ([inner], {})
    provider(cloud, "network.Firewall").delete(outer)
    assert guard("outer") not in server.tags


def test_what_others_changed_in_a_firewall_is_drift(cloud: FamilyCloud, server: DigitalOcean) -> None:
    wanted = firewall_inputs(oc.allow("tcp", 22))
    identity = create(cloud, "network.Firewall", "inner", wanted)
    server.firewalls[identity]["inbound_rules"] = [
        {"protocol": "tcp", "ports": "all", "sources": {"addresses": ["192.0.2.1"], "droplet_ids": [7]}},
        {"protocol": "udp", "ports": "53", "sources": {"tags": ["of somebody else"]}},
    ]
    server.firewalls[identity]["droplet_ids"] = [7]
    told = provider(cloud, "network.Firewall").observe([identity]).found[identity].inputs["ingress"]
    plain = {"protocol": "tcp", "from_port": 0, "to_port": 65535, "cidr": None, "firewall": None}
    assert sorted(told, key=str) == sorted(  # type: ignore[call-overload]
        [
            {**plain, "cidr": "192.0.2.1/32"},
            {**plain, "firewall": "droplet_ids 7"},
            {**plain, "protocol": "udp", "from_port": 53, "to_port": 53, "firewall": "tag of somebody else"},
        ],
        key=str,
    )
    change(cloud, "network.Firewall", identity, wanted, ingress=[attrs.asdict(oc.allow("tcp", 80))])
    (sent,) = server.sent("PUT")
    assert (sent.body["droplet_ids"], sent.body["tags"]) == ([7], [guard("inner")]), "what isn't sent is reset"


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (oc.allow("tcp", (0, 80)),),
        (oc.allow("tcp", (0, 65535)), oc.allow("udp", (0, 65535)), oc.allow("icmp")),
        (oc.allow("all"), oc.allow("icmp")),
    ],
)
def test_rules_that_would_be_told_back_otherwise_are_refused(
    cloud: FamilyCloud, server: DigitalOcean, rules: tuple[Any, ...]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        create(cloud, "network.Firewall", "inner", firewall_inputs(*rules))
    assert refused.value.sent is False
    assert not server.sent("POST")


def test_a_firewall_without_our_tag_cannot_be_put_on_a_droplet(cloud: FamilyCloud, server: DigitalOcean) -> None:
    identity = create(cloud, "network.Firewall", "inner", firewall_inputs(oc.allow("tcp", 22)))
    server.firewalls[identity]["tags"] = []
    with pytest.raises(InvalidRequestError, match="has no tag of orchestra's"):
        create(cloud, "compute.Server", "web[0]", inputs(firewalls=[identity]))
    assert not server.sent("POST", "/v2/droplets")


def balancer_inputs(**more: Any) -> dict[str, Any]:
    """The inputs of a load balancer as its provider gets them."""
    plain = {"member_port": None, "members": [], "firewalls": [], "health_check": None, "labels": {}}
    return {"port": 443, "protocol": "tcp", **plain, **more}


def test_a_load_balancer_is_made_and_changed_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    network = create(cloud, "network.Network", "network", {"cidr": "10.0.0.0/16"})
    machine = create(cloud, "compute.Server", "web[0]", inputs(subnet=network))
    wanted = balancer_inputs(subnets=[network], members=[machine], member_port=8443)
    identity = create(cloud, "balancing.LoadBalancer", "balancer", wanted)
    same = {
        "name": f"prod..balancer..{owner('balancer').token}",
        "region": "nyc1",
        "vpc_uuid": network,
        "forwarding_rules": [
            {"entry_protocol": "tcp", "entry_port": 443, "target_protocol": "tcp", "target_port": 8443}
        ],
        "droplet_ids": [int(machine)],
    }
    check = {
        "protocol": "tcp",
        "port": 8443,
        "check_interval_seconds": 30,
        "response_timeout_seconds": 5,
        "healthy_threshold": 3,
        "unhealthy_threshold": 2,
    }
    assert server.sent("POST", "/v2/load_balancers")[0].body == {**same, "health_check": check}
    server.balancers[identity]["redirect_http_to_https"] = True
    health = attrs.asdict(oc.HealthCheck(protocol="http", port=80, path="/health"))
    told = change(cloud, "balancing.LoadBalancer", identity, wanted, health_check=health)
    assert (told.inputs["health_check"], told.outputs["address"]) == (health, "198.18.1.7")
    assert server.sent("PUT")[0].body == {
        **same,
        "health_check": {**check, "protocol": "http", "port": 80, "path": "/health"},
        "size_unit": 1,
        "redirect_http_to_https": True,
    }, "what isn't sent is reset"


def test_a_load_balancer_is_in_one_network(cloud: FamilyCloud, server: DigitalOcean) -> None:
    with pytest.raises(InvalidRequestError, match="in one network, not in 2"):
        create(cloud, "balancing.LoadBalancer", "balancer", balancer_inputs(subnets=["one", "two"]))
    assert not server.sent("POST")


# -- another size


def resize(cloud: FamilyCloud, machine: str, size: str = "1gb") -> Any:
    return change(cloud, "compute.Server", machine, inputs(), size={"id": size})


def test_a_droplet_is_off_while_it_gets_another_size(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.stays_off_for = 2
    with pytest.raises(TransientError, match="is active") as early:
        resize(cloud, machine)
    assert early.value.retry_after == 20.0
    told = resize(cloud, machine)
    assert (told.inputs["size"], told.status, told.detail) == ({"id": "1gb"}, Status.READY, "active")
    actions = [one.body for one in server.sent("POST", f"/v2/droplets/{machine}/actions")]
    assert actions[0] == {"type": "shutdown"}
    assert actions[-2:] == [{"type": "resize", "size": "1gb", "disk": False}, {"type": "power_on"}]
    assert server.droplets[machine]["tags"] == OWNER_TAGS


def test_a_resize_that_is_broken_off_is_told_as_such(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.failing.append(("POST", f"/v2/droplets/{machine}/actions", 500))
    with pytest.raises(TransientError):
        resize(cloud, machine)
    server.droplets[machine].update(status="off")
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert "size" not in told.inputs, "so the update is sent again"
    assert resize(cloud, machine).detail == "active"


def test_a_droplet_that_somebody_stopped_is_no_drift(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.droplets[machine].update(status="off")
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert (told.status, told.detail, told.inputs["size"]) == (Status.READY, "off", {"id": "512mb"})


def test_a_size_that_cannot_be_had_leaves_it_running(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    with pytest.raises(InvalidRequestError, match="invalid size"):
        resize(cloud, machine, "no-such-size")
    assert server.droplets[machine]["status"] == "active"
    assert server.droplets[machine]["tags"] == OWNER_TAGS


# -- reading


def test_all_pages_are_read_of_one_region(server: DigitalOcean) -> None:
    server.page = 3
    cloud = digitalocean(region=REGION, token=TOKEN, endpoint=server.endpoint)
    made = [create(cloud, "compute.Server", f"web[{number}]", inputs()) for number in range(7)]
    elsewhere = digitalocean(region="sfo1", token=TOKEN, endpoint=server.endpoint)
    create(elsewhere, "compute.Server", "other", inputs())
    before = len(server.requests)
    assert set(provider(cloud, "compute.Server").observe(made).found) == set(made)
    assert [one.query.get("page", "1") for one in server.requests[before:]] == ["1", "2", "3"]
    assert {one.external_id for one in provider(cloud, "compute.Server").list()} == set(made)


def test_a_page_that_fails_is_not_taken_for_gone(server: DigitalOcean, cloud: FamilyCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.failing.append(("GET", "/v2/droplets", 500))
    reading = provider(cloud, "compute.Server").observe([machine])
    assert (set(reading.unread), reading.gone) == ({machine}, frozenset())


def test_a_slug_is_no_image(cloud: FamilyCloud, server: DigitalOcean) -> None:
    with pytest.raises(InvalidRequestError, match="means another image from time to time"):
        create(cloud, "compute.Server", "web[0]", inputs(image={"id": "ubuntu-14-04-x64"}))
    assert not server.sent("POST")


# -- the account


def test_the_account_is_verified(server: DigitalOcean, cloud: FamilyCloud) -> None:
    cloud.verify()
    with pytest.raises(CredentialsError, match="Unable to authenticate you"):
        digitalocean(region=REGION, token="wrong", endpoint=server.endpoint).verify()
    with pytest.raises(InvalidRequestError, match="'nyc9' is no region of DigitalOcean") as unknown:
        digitalocean(region="nyc9", token=TOKEN, endpoint=server.endpoint).verify()
    assert unknown.value.remedy == "use one such as nyc1"


def test_plans_say_what_cannot_be_had(cloud: FamilyCloud) -> None:
    class Site(oc.Stack):
        def build(self) -> None:
            image, size = oc.Image(os="ubuntu", version="14.04"), oc.Size(cpus=1, memory_gib=1)
            self.inside = oc.Server(image=image, size=size, public_address=False)
            self.disk = oc.Volume(size_gib=10, zone=REGION, encrypted=False)
            self.network = oc.Network(cidr="10.0.0.0/16", internet=False, labels={"env": "test"})
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.address = oc.FloatingIp()

    with (
        oc.Deployment(Site(), name="site", cloud=cloud, state=":memory:", progress=False) as deployment,
        pytest.raises(oc.errors.UnsupportedError) as refused,
    ):
        deployment.plan()
    told = str(refused.value)
    assert "network: the cloud 'digitalocean:nyc1' can't do network.Network with labels: a VPC has no tags" in told
    assert "network: the cloud 'digitalocean:nyc1' does network.Network only with internet=True: " in told
    assert "subnet: the cloud 'digitalocean:nyc1' can't do network.Subnet" in told
    assert "address: the cloud 'digitalocean:nyc1' can't do compute.FloatingIp" in told
    assert "inside: the cloud 'digitalocean:nyc1' does compute.Server only with public_address=True: " in told
    assert "disk: the cloud 'digitalocean:nyc1' does compute.Volume only with encrypted=True: " in told
