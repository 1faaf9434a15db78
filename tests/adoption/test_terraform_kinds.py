"""States of Terraform for Compute Engine, DigitalOcean and AWS's newer balancers: attributes as the providers write."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from test_terraform import resource, state

import orchestra as oc
from orchestra.testing import VirtualClock
from tests.clouds.families.gce import PROJECT, Gce
from tests.clouds.families.gce_scenery import connect, disk, machine, make, network, subnet

_API = "https://www.googleapis.com/compute/v1/projects/shop"
_ZONE = f"{_API}/zones/europe-west1-b"


def google(kind: str, name: str, place: str, **attributes: Any) -> dict[str, Any]:
    """A resource of Google's provider, version 5 and later."""
    told = {"id": f"projects/shop/{place}", "self_link": f"{_API}/{place}", "project": "shop", **attributes}
    return resource(kind, name, {"name": place.rpartition("/")[2], **told})


LABELS = {"labels": {"env": "prod"}, "effective_labels": {"env": "prod", "goog-terraform-provisioned": "true"}}
INSTANCE: Mapping[str, Any] = {
    "zone": "europe-west1-b",
    "machine_type": "e2-small",
    "boot_disk": [
        {
            "source": f"{_ZONE}/disks/web",
            "initialize_params": [
                {"image": "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/debian-12-v2"}
            ],
        }
    ],
    "network_interface": [{"subnetwork": f"{_API}/regions/europe-west1/subnetworks/web", "access_config": [{}]}],
    "tags": ["web"],
    "metadata": {"ssh-keys": "admin:ssh-ed25519 AAAA admin@example"},
    "metadata_startup_script": "#!/bin/sh",
    **LABELS,
}
GOOGLE = (
    google("google_compute_network", "net", "global/networks/net", delete_default_routes_on_create=True),
    google(
        "google_compute_route",
        "out",
        "global/routes/out",
        network=f"{_API}/global/networks/net",
        dest_range="0.0.0.0/0",
        next_hop_gateway=f"{_API}/global/gateways/default-internet-gateway",
    ),
    google("google_compute_network", "closed", "global/networks/closed", delete_default_routes_on_create=True),
    google(
        "google_compute_subnetwork",
        "web",
        "regions/europe-west1/subnetworks/web",
        network=f"{_API}/global/networks/net",
        ip_cidr_range="10.0.1.0/24",
        private_ip_google_access=True,
    ),
    google(
        "google_compute_subnetwork",
        "far",
        "regions/europe-west1/subnetworks/far",
        network=f"{_API}/global/networks/closed",
        ip_cidr_range="10.1.0.0/24",
        private_ip_google_access=False,
    ),
    google("google_compute_instance", "web", "zones/europe-west1-b/instances/web", **INSTANCE),
    google("google_compute_image", "golden", "global/images/golden", source_disk=f"{_ZONE}/disks/web", **LABELS),
    google(
        "google_compute_disk",
        "data",
        "zones/europe-west1-b/disks/data",
        size=20,
        zone="europe-west1-b",
        type="pd-standard",
        snapshot=f"{_API}/global/snapshots/nightly",
        **LABELS,
    ),
    resource(
        "google_compute_attached_disk",
        "data",
        {
            "id": "projects/shop/zones/europe-west1-b/instances/web/data",
            "disk": f"{_ZONE}/disks/data",
            "instance": "web",
            "zone": "europe-west1-b",
            "project": "shop",
            "device_name": "sdg",
        },
    ),
    google(
        "google_compute_snapshot",
        "nightly",
        "global/snapshots/nightly",
        source_disk="data",
        zone="europe-west1-b",
        description="Nightly",
        **LABELS,
    ),
    google(
        "google_compute_address",
        "ip",
        "regions/europe-west1/addresses/ip",
        address_type="EXTERNAL",
        users=[f"{_ZONE}/instances/web"],
        **LABELS,
    ),
)


def test_compute_engine_is_read() -> None:
    generated = oc.migrate.terraform(state(*GOOGLE))
    assert dict(generated.adoptions) == {
        "net": "global/networks/net",
        "closed": "global/networks/closed",
        "web_subnet": "regions/europe-west1/subnetworks/web",
        "far": "regions/europe-west1/subnetworks/far",
        "web_server": "zones/europe-west1-b/instances/web",
        "golden": "global/images/golden",
        "data_volume": "zones/europe-west1-b/disks/data",
        "data_volume_attachment": "zones/europe-west1-b/disks/data:zones/europe-west1-b/instances/web",
        "nightly": "global/snapshots/nightly",
        "ip": "regions/europe-west1/addresses/ip",
    }, str(generated)
    assert [one.input for one in generated.left_out] == ["user_data"]
    for line in (
        'self.net = oc.Network(cidr="10.0.1.0/24")',
        'self.closed = oc.Network(cidr="10.1.0.0/24", internet=False)',
        "public=False",
        'image="projects/debian-cloud/global/images/debian-12-v2"',
        'size="e2-small"',
        "subnet=self.web_subnet",
        'firewalls=["global/firewalls/web"]',
        'key_pair="admin:ssh-ed25519 AAAA admin@example"',
        'labels={"env": "prod", "goog-terraform-provisioned": "true"}',
        'type="hdd"',
        "volume=self.data_volume",
        'device="/dev/sdg"',
        "server=self.web_server",
        'description="Nightly"',
    ):
        assert line in generated.source, line


def written(server: Gce) -> list[dict[str, Any]]:
    """What Terraform's provider would have written of all that is in an imitation, which it had made."""
    kinds = {"networks": "network", "subnetworks": "subnetwork", "instances": "instance", "disks": "disk"}
    found = []
    for place, thing in server.things.items():
        kind = kinds.get(place.split("/")[-2])
        if kind is None or (kind == "disk" and "sourceImage" in thing):
            continue
        labels = thing.get("labels") or {}
        told = {"labels": labels, "effective_labels": labels, "size": int(thing.get("sizeGb", 0))}
        told |= {name: str(thing[name]).rpartition("/")[2] for name in ("type", "machineType") if name in thing}
        if kind == "instance":
            zone, disks = place.split("/")[1], thing["disks"]
            image = server.things[server.place(disks[0]["source"])]["sourceImage"]
            url = f"https://www.googleapis.com/compute/v1/{image}"
            told |= {
                "zone": zone,
                "machine_type": told["machineType"],
                "boot_disk": [{"source": disks[0]["source"], "initialize_params": [{"image": url}]}],
                "network_interface": [{"subnetwork": thing["networkInterfaces"][0]["subnetwork"]}],
                "tags": thing["tags"].get("items", []),
                "metadata": {one["key"]: one["value"] for one in thing.get("metadata", {}).get("items", ())},
            }
            for disk in disks[1:]:
                attached = {"disk": disk["source"], "instance": thing["selfLink"], "zone": zone, "project": PROJECT}
                attached["device_name"] = disk["deviceName"]
                found.append(resource("google_compute_attached_disk", "extra", {"id": "x", **attached}))
        told |= {
            "id": f"projects/{PROJECT}/{place}",
            "self_link": thing["selfLink"],
            "project": PROJECT,
            "name": thing["name"],
            "network": thing.get("network"),
            "zone": place.split("/")[1] if place.startswith("zones/") else None,
            "ip_cidr_range": thing.get("ipCidrRange"),
            "private_ip_google_access": thing.get("privateIpGoogleAccess"),
        }
        found.append(resource(f"google_compute_{kind}", "it", told))
    return found


def test_what_terraform_made_on_compute_engine_is_taken_over_and_no_plan_is_left(tmp_path: Path) -> None:
    server = Gce()
    with server.running():
        cloud = connect(server)
        net, home = network(cloud), subnet(cloud)
        web, data = machine(cloud, "web", home, key_pair="me:ssh-ed25519 AAAA x"), disk(cloud, "data")
        make(cloud, "compute.VolumeAttachment", "data", volume=data, server=web, device="/dev/sdf")
        for thing in server.things.values():  # of which orchestra knows nothing
            thing["description"], labels = "", thing.get("labels")
            if labels is not None:
                thing["labels"] = {"env": "prod"}
        for asked in (None, cloud):
            generated = oc.migrate.terraform(state(*written(server)), cloud=asked)
            assert generated.left_out == ()
            assert sorted(generated.adoptions.values()) == sorted([net, home, web, data, f"{data}:{web}"])
        (tmp_path / "moved.py").write_text(generated.source)
        spec = importlib.util.spec_from_file_location("moved_from_google", tmp_path / "moved.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        del sys.modules[spec.name]
        deployment = oc.Deployment(
            module.Migrated(),
            name="moved",
            cloud=cloud,
            state=tmp_path / "state.db",
            progress=False,
            clock=VirtualClock(),
        )
        with deployment:
            generated.adopt(deployment)
            plan = deployment.plan()
            assert plan.is_empty, str(plan)
            deployment.destroy()
        assert [place for place in server.things if "/routes/" not in place] == []


DROPLET = {"id": "7", "image": "debian-12-x64", "size": "s-1vcpu-1gb", "vpc_uuid": "vpc-1", "region": "ams3"}
FIREWALL = {
    "id": "fw-1",
    "name": "web",
    "droplet_ids": [7],
    "inbound_rule": [
        {
            "protocol": "tcp",
            "port_range": "443",
            "source_addresses": ["0.0.0.0/0", "::/0"],
            "source_droplet_ids": [],
            "source_load_balancer_uids": [],
            "source_tags": [],
        },
        {"protocol": "tcp", "port_range": "8000-8010", "source_addresses": ["10.0.0.7"]},
    ],
    "outbound_rule": [
        {"protocol": protocol, "port_range": ports, "destination_addresses": ["0.0.0.0/0"]}
        for protocol, ports in (("tcp", "all"), ("udp", "1-65535"), ("icmp", ""))
    ],
}
BALANCER = {
    "id": "lb-1",
    "name": "web",
    "vpc_uuid": "vpc-1",
    "droplet_ids": [7, 8],
    "droplet_tag": "",
    "forwarding_rule": [
        {
            "entry_protocol": "http",
            "entry_port": 80,
            "target_protocol": "http",
            "target_port": 8080,
            "tls_passthrough": False,
        }
    ],
    "healthcheck": [
        {
            "protocol": "http",
            "port": 8080,
            "path": "/health",
            "check_interval_seconds": 10,
            "response_timeout_seconds": 5,
            "healthy_threshold": 5,
            "unhealthy_threshold": 3,
        }
    ],
}


def test_networks_of_digitalocean_are_read() -> None:
    vpc = {"id": "vpc-1", "name": "shop", "region": "ams3", "ip_range": "10.10.0.0/20", "default": False}
    generated = oc.migrate.terraform(
        state(
            resource("digitalocean_vpc", "net", vpc),
            resource("digitalocean_firewall", "guard", FIREWALL),
            resource("digitalocean_loadbalancer", "front", BALANCER),
        )
    )
    assert dict(generated.adoptions) == {"net": "vpc-1", "guard": "fw-1", "front": "lb-1"}, str(generated)
    assert generated.left_out == ()
    for line in (
        'self.net = oc.Network(cidr="10.10.0.0/20")',
        "network=self.net",
        'oc.allow("tcp", 443)',
        'oc.allow("tcp", 443, source="::/0")',
        'oc.allow("tcp", (8000, 8010), source="10.0.0.7/32")',
        "port=80",
        'protocol="http"',
        "member_port=8080",
        'members=["7", "8"]',
        'path="/health"',
        "interval=10",
    ):
        assert line in generated.source, line
    assert "egress" not in generated.source, "everything may go out, as by default"


@pytest.mark.parametrize("kind", ["digitalocean_reserved_ip", "digitalocean_floating_ip"])
def test_reserved_addresses_of_digitalocean_are_read(kind: str) -> None:
    own = {"id": "192.0.2.1", "ip_address": "192.0.2.1", "region": "ams3", "droplet_id": 7}
    apart = {"id": "192.0.2.2", "ip_address": "192.0.2.2", "region": "ams3", "droplet_id": None}
    generated = oc.migrate.terraform(
        state(
            resource(kind, "own", own),
            resource(kind, "apart", apart),
            resource(f"{kind}_assignment", "apart", {"id": "x", "ip_address": "192.0.2.2", "droplet_id": 8}),
            resource(f"{kind}_assignment", "other", {"id": "y", "ip_address": "192.0.2.3", "droplet_id": 9}),
        )
    )
    assert dict(generated.adoptions) == {"own": "192.0.2.1", "apart": "192.0.2.2"}
    assert 'oc.FloatingIp(server="7")' in generated.source
    assert 'oc.FloatingIp(server="8")' in generated.source
    assert [one.external_id for one in generated.left_out] == ["y"]


# -- AWS

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
LB = {
    "arn": f"{ARN}:loadbalancer/app/web/50dc6c495c0c9188",
    "id": f"{ARN}:loadbalancer/app/web/50dc6c495c0c9188",
    "name": "web",
    "load_balancer_type": "application",
    "security_groups": ["sg-1"],
    "subnet_mapping": [{"subnet_id": "subnet-1"}, {"subnet_id": "subnet-2"}],
    "subnets": ["subnet-1", "subnet-2"],
    "tags_all": {"env": "prod"},
}
GROUP = {
    "arn": f"{ARN}:targetgroup/web/6d0ecf831eec9f09",
    "port": 8080,
    "protocol": "HTTP",
    "target_type": "instance",
    "health_check": [
        {
            "enabled": True,
            "protocol": "HTTP",
            "port": "traffic-port",
            "path": "/health",
            "matcher": "200",
            "interval": 15,
            "timeout": 5,
            "healthy_threshold": 4,
            "unhealthy_threshold": 2,
        }
    ],
}
LISTENER = {
    "arn": f"{ARN}:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2",
    "load_balancer_arn": LB["arn"],
    "port": 80,
    "protocol": "HTTP",
    "default_action": [{"type": "forward", "order": 1, "target_group_arn": GROUP["arn"], "forward": []}],
}


def balanced(prefix: str = "aws_lb", **changed: Mapping[str, Any]) -> dict[str, Any]:
    """A balancer with its parts, some of them ``changed``."""
    parts = {"balancer": LB, "group": GROUP, "listener": LISTENER, "member": {"port": 8080}}
    said = {name: {**attributes, **changed.get(name, {})} for name, attributes in parts.items()}
    member = {"target_group_arn": GROUP["arn"], "target_id": "i-1", "id": "x", **said["member"]}
    return state(
        resource("aws_instance", "one", {"id": "i-1", "ami": "ami-1", "instance_type": "t3.micro"}),
        resource(prefix, "web", said["balancer"]),
        resource(f"{prefix}_target_group", "web", said["group"]),
        resource(f"{prefix}_listener", "web", said["listener"]),
        resource(f"{prefix}_target_group_attachment", "one", member),
    )


@pytest.mark.parametrize("prefix", ["aws_lb", "aws_alb"])
def test_the_parts_of_a_balancer_become_one(prefix: str) -> None:
    generated = oc.migrate.terraform(balanced(prefix))
    assert dict(generated.adoptions) == {"one": "i-1", "web": LB["arn"]}, str(generated)
    assert generated.left_out == ()
    for line in (
        "port=80",
        'protocol="http"',
        "member_port=8080",
        "members=[self.one]",
        'subnets=["subnet-1", "subnet-2"]',
        'firewalls=["sg-1"]',
        'path="/health"',
        "interval=15",
        "healthy=4",
        'labels={"env": "prod"}',
    ):
        assert line in generated.source, line


def test_a_group_that_is_weighed_alone_and_a_network_load_balancer() -> None:
    forward = [{"target_group": [{"arn": GROUP["arn"], "weight": 1}], "stickiness": []}]
    check = {**GROUP["health_check"][0], "protocol": "TCP", "path": "", "port": "9000"}  # type: ignore[index]
    generated = oc.migrate.terraform(
        balanced(
            balancer={"load_balancer_type": "network", "security_groups": []},
            listener={"protocol": "TCP", "default_action": [{"type": "forward", "forward": forward}]},
            group={"protocol": "TCP", "health_check": [check]},
        )
    )
    assert "port=9000" in generated.source
    assert "protocol" not in generated.source, "tcp is the default, of both"


# -- what is left out


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"listener": {"load_balancer_arn": "another"}}, "it has 0 listeners in the state"),
        ({"listener": {"default_action": [{"type": "redirect"}]}}, "does more than to forward"),
        ({"group": {"arn": "another"}}, "the target group that it forwards to isn't in the state"),
        ({"group": {"target_type": "ip"}}, "its targets are of the type ip"),
        ({"member": {"port": 9090}}, "its members listen on different ports"),
        ({"balancer": {"load_balancer_type": "gateway"}}, "it is of the type gateway"),
        ({"listener": {"protocol": "HTTPS"}}, "protocol='https'"),
    ],
)
def test_a_balancer_that_cannot_be_taken_over(changed: dict[str, Any], why: str) -> None:
    generated = oc.migrate.terraform(balanced(**changed))
    assert dict(generated.adoptions) == {"one": "i-1"}
    assert why in next(one.why for one in generated.left_out if one.external_id == LB["arn"])


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (google("google_compute_firewall", "x", "global/firewalls/x"), "a Firewall is a tag with all that it allows"),
        (google("google_compute_target_pool", "x", "regions/r/targetPools/x"), "by a mark that they are made with"),
        (google("google_compute_address", "x", "regions/r/addresses/x", address_type="INTERNAL"), "inside a network"),
        (google("google_compute_route", "x", "global/routes/x", dest_range="10.0.0.0/8"), "isn't taken over"),
        (
            google("google_compute_image", "x", "global/images/x", source_disk="y"),
            "no server that starts from the disk",
        ),
        (
            google("google_compute_instance", "x", "zones/z/instances/x", network_interface=[{}, {}]),
            "it has 2 network interfaces",
        ),
        (
            resource(
                "digitalocean_firewall",
                "x",
                {**FIREWALL, "inbound_rule": [{"protocol": "tcp", "port_range": "22", "source_tags": ["admin"]}]},
            ),
            "a rule of it names source_tags",
        ),
        (
            resource("digitalocean_loadbalancer", "x", {**BALANCER, "forwarding_rule": [{}, {}]}),
            "it has 2 forwarding rules",
        ),
        (
            resource("digitalocean_loadbalancer", "x", {**BALANCER, "droplet_tag": "web"}),
            "its members are those with a tag",
        ),
        (resource("digitalocean_droplet", "x", DROPLET), "give cloud="),
    ],
)
def test_what_is_left_out_says_why(made: dict[str, Any], why: str) -> None:
    generated = oc.migrate.terraform(state(made))
    assert not generated.adoptions
    (left,) = generated.left_out
    assert why in left.why


def test_a_floating_address_of_openstack_may_lead_to_a_port() -> None:
    generated = oc.migrate.terraform(
        state(
            resource("openstack_compute_instance_v2", "web", {"id": "i1", "network": [{"uuid": "n1", "port": "p1"}]}),
            resource("openstack_networking_floatingip_v2", "ip", {"id": "f1", "address": "192.0.2.9", "port_id": ""}),
            resource(
                "openstack_networking_floatingip_associate_v2",
                "ip",
                {"id": "f1", "floating_ip": "192.0.2.9", "port_id": "p1"},
            ),
        )
    )
    assert generated.adoptions["ip"] == "f1"
    assert 'server="i1"' in generated.source or "server=self.web" in generated.source
