"""A whole life on CloudStack, through Libcloud's driver and over HTTP: made, changed, mended, taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.testing import VirtualClock
from tests.clouds.families.cloudstack import CloudStack
from tests.clouds.families.scenery import KEYS, LABELS
from tests.clouds.families.test_cloudstack_contract import BALANCING, IMAGE, SIZES, cloud_at

CREATIONS = (
    "createVPC",
    "createNetwork",
    "registerSSHKeyPair",
    "deployVirtualMachine",
    "createVolume",
    "attachVolume",
    "createSnapshot",
    "associateIpAddress",
    "createLoadBalancerRule",
    "assignToLoadBalancerRule",
)


class Shop(oc.Stack):
    """Some servers in a network of their own, a disk, and an address that leads to the first."""

    servers: int = 2
    size: int = 0
    led_to: int = 0
    stage: str = "test"

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", labels=LABELS)
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", public=False)
        self.key = oc.KeyPair(public_key=KEYS[0])
        self.web = [
            oc.Server(
                image=IMAGE,
                size=SIZES[self.size],
                subnet=self.subnet,
                key_pair=self.key,
                user_data="#!/bin/sh\necho 'Grüße'\n",
                labels={**LABELS, "stage": self.stage},
            )
            for _ in range(self.servers)
        ]
        self.disk = oc.Volume(size_gib=10, zone=self.web[0].zone, labels={"stage": self.stage})
        self.attachment = oc.VolumeAttachment(volume=self.disk, server=self.web[0])
        self.copy = oc.Snapshot(volume=self.disk)
        self.balancer = oc.LoadBalancer(port=80, members=self.web, subnets=[self.subnet])
        self.address = oc.FloatingIp(server=self.web[self.led_to], labels={"stage": self.stage})
        self.url = oc.Output(f"http://{self.address.address}/")


class Guarded(oc.Stack):
    """Servers in a zone with security groups, and in its network for all."""

    ports: tuple[int, ...] = (80,)

    def build(self) -> None:
        self.web = oc.Firewall(network="shared", ingress=[oc.allow("tcp", port) for port in self.ports])
        self.database = oc.Firewall(network="shared", ingress=[oc.allow("tcp", 3306, source=self.web)])
        self.server = oc.Server(image=IMAGE, size=SIZES[0], firewalls=[self.web, self.database])


Deploy = Callable[..., oc.Deployment]


@pytest.fixture
def server() -> Iterator[CloudStack]:
    server = CloudStack()
    server.slow = 1
    with server.running():
        yield server


def deployer(server: CloudStack, stack: type[oc.Stack], tmp_path: Path) -> Deploy:
    def made(**parameters: Any) -> oc.Deployment:
        shop, state = stack(**parameters), tmp_path / "state.db"
        cloud = cloud_at(server, subnet_offering=BALANCING)
        return oc.Deployment(shop, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    return made


@pytest.fixture
def deploy(server: CloudStack, tmp_path: Path) -> Deploy:
    return deployer(server, Shop, tmp_path)


def apply(deployment: oc.Deployment) -> oc.Plan:
    """Apply what there is to do, and see that nothing is left."""
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def census(server: CloudStack) -> dict[str, int]:
    """How many of each there are, by the cloud's own books."""
    own = [one for one in server.addresses.values() if one["state"] != "Free" and not one["issourcenat"]]
    machines = [one for one in server.machines.values() if one["state"] != "Destroyed"]
    return {
        "vpcs": len(server.vpcs),
        "networks": len(server.networks),
        "keys": len(server.keys),
        "machines": len(machines),
        "volumes": sum(one["state"] != "Destroy" for one in server.volumes.values()),
        "attached": sum("virtualmachineid" in one for one in server.volumes.values()),
        "snapshots": len(server.snapshots),
        "addresses": len(own),
        "balancers": len(server.balancers),
        "members": sum(one in server.machines for row in server.balancers.values() for one in row["members"]),
    }


SHOP = {
    **dict.fromkeys(("vpcs", "networks", "keys", "volumes", "attached", "snapshots", "balancers"), 1),
    **dict.fromkeys(("machines", "members", "addresses"), 2),
}
NOTHING = dict.fromkeys(SHOP, 0)


def test_a_whole_life(server: CloudStack, deploy: Deploy) -> None:
    with deploy() as deployment:
        assert set(apply(deployment).counts) == {oc.Action.CREATE}
        assert deployment.value(deployment.stack.url).startswith("http://203.0.113.")
        assert census(server) == SHOP
        assert deployment.drift().is_empty
        before = set(server.machines)
    with deploy(servers=3, stage="prod", led_to=1) as deployment:
        assert apply(deployment).counts[oc.Action.CREATE] == 1
        assert census(server) == {**SHOP, "machines": 3, "members": 3}
        (address,) = (one for one in server.addresses.values() if one.get("isstaticnat"))
        assert address["virtualmachineid"] == deployment.resources["web[1]"].external_id
        gone = str(deployment.resources["web[2]"].external_id)
        server.machines.pop(gone)
        server.past.add(gone)
        changed = [str(one.address) for one in deployment.drift().changes if one.action is not oc.Action.NO_OP]
        assert sorted(changed) == ["balancer", "web[2]"]
        assert apply(deployment).counts[oc.Action.CREATE] == 1
    with deploy(size=1, stage="prod", led_to=1) as deployment:
        assert apply(deployment).counts[oc.Action.UPDATE] == 3  # and the balancer
        assert {one["state"] for one in server.machines.values()} == {"Running"}
        assert before <= set(server.machines)
        deployment.destroy()
    assert census(server) == NOTHING
    assert all(one["state"] == "Free" for one in server.addresses.values())


@pytest.mark.parametrize("command", CREATIONS)
def test_an_answer_that_is_lost_makes_nothing_twice(server: CloudStack, deploy: Deploy, command: str) -> None:
    server.lost += [("POST", f"/{command}")]
    with deploy() as deployment:
        apply(deployment)
        assert not server.lost, "it was made once, and nobody was told"
        assert census(server) == SHOP
        deployment.destroy()
    assert census(server) == NOTHING


@pytest.mark.parametrize("command", [*CREATIONS, "createTags", "enableStaticNat"])
def test_what_is_refused_is_made_by_the_next_run(server: CloudStack, deploy: Deploy, command: str) -> None:
    server.failing += [("POST", f"/{command}", 432)]
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError):
            deployment.apply()
        apply(deployment)
    assert census(server) == SHOP


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("createVPC", "network"),
        ("deployVirtualMachine", "web[0]"),
        ("createVolume", "disk"),
        ("attachVolume", "attachment"),
        ("createSnapshot", "copy"),
    ],
)
def test_a_job_that_fails_is_told_in_clouds_words(server: CloudStack, deploy: Deploy, command: str, what: str) -> None:
    server.breaking[command] = (533, "Unable to find a place for it anywhere")
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError) as failed:
            deployment.apply()
        (cause,) = failed.value.exceptions
        assert "Unable to find a place for it anywhere" in str(cause)
        assert str(cause).startswith(("web[", what))
        apply(deployment)
        assert census(server) == SHOP
        deployment.destroy()
    assert census(server) == NOTHING


def test_an_address_that_is_not_given_is_asked_for_again(server: CloudStack, deploy: Deploy) -> None:
    server.breaking["associateIpAddress"] = (533, "Insufficient address capacity")
    with deploy() as deployment:
        apply(deployment)
    assert census(server) == SHOP


def test_a_lost_state_is_rebuilt_from_the_cloud(deploy: Deploy, tmp_path: Path) -> None:
    with deploy() as deployment:
        apply(deployment)
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy() as deployment:
        deployment.rebuild()
        found = {str(address): record.external_id for address, record in deployment.resources.items()}
        assert found == known
        assert deployment.plan().is_empty


def test_a_zone_with_security_groups(tmp_path: Path) -> None:
    server = CloudStack(security_groups=True)
    server.slow = 1
    with server.running():
        deploy = deployer(server, Guarded, tmp_path)
        with deploy() as deployment:
            apply(deployment)
            (machine,) = server.machines.values()
            names = {str(deployment.resources[one].external_id) for one in ("web", "database")}
            assert {one["id"] for one in machine["securitygroup"]} == names
        with deploy(ports=(80, 443)) as deployment:
            assert apply(deployment).counts[oc.Action.UPDATE] == 1
            deployment.destroy()
        assert [one["name"] for one in server.groups.values()] == ["default"]
        assert census(server) == NOTHING
