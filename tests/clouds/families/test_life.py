"""A whole life on every family, through Libcloud's driver and over HTTP: made, changed, mended, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Cloud
from orchestra.testing import VirtualClock
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import KEYS, LABELS, Family, census, provider


class Shop(oc.Stack):
    """Some servers; a key and a disk where the cloud has such."""

    family: Family
    of: Cloud
    servers: int = 2
    size: int = 0

    def build(self) -> None:
        family = self.family
        inputs = {
            "size": family.sizes[self.size],
            "labels": LABELS if family.labels else {},
            "user_data": "#!/bin/sh\necho 'Grüße'\n" if family.user_data else None,
        }
        if self.of.provider("compute.KeyPair"):
            self.key = oc.KeyPair(public_key=KEYS[0])
            inputs["key_pair"] = self.key
        if self.of.provider("network.Network"):
            self.network = oc.Network(cidr="10.0.0.0/16")
            inputs["subnet"] = self.network.id
        if self.of.provider("network.Firewall"):
            self.inner = oc.Firewall(network=self.network, ingress=[oc.allow("tcp", 22, source="10.0.0.0/16")])
            self.outer = oc.Firewall(
                network=self.network,
                ingress=[oc.allow("tcp", 443), oc.allow("icmp", source=self.inner)],
                egress=[oc.allow("all"), oc.allow("udp", (1000, 2000), source=self.inner)],
            )
            inputs["firewalls"] = [self.inner, self.outer]
        self.web = [family.server(**inputs) for _ in range(self.servers)]
        if self.of.provider("balancing.LoadBalancer"):
            self.balancer = oc.LoadBalancer(port=443, members=self.web[:1], subnets=[self.network.id])
        if self.of.provider("compute.Volume"):
            encrypted = family.encrypts(self.of)
            self.disk = oc.Volume(size_gib=10, zone=self.web[0].zone, encrypted=encrypted)
            self.attachment = oc.VolumeAttachment(volume=self.disk, server=self.web[0])
        if self.of.provider("compute.FloatingIp"):
            self.stays = oc.FloatingIp(server=self.web[0])
        if self.of.provider("compute.Snapshot"):
            self.copy = oc.Snapshot(volume=self.disk)
        self.address = oc.Output(f"ssh root@{self.web[0].public_ip}")


class Golden(oc.Stack):
    """A server, an image of it, and one made from that."""

    family: Family
    copies: int = 1
    remade_with: str = "one"
    create_timeout: float = 7200.0

    def build(self) -> None:
        size = {"size": self.family.imaged} if self.family.imaged else {}
        self.builder = self.family.server(**size)
        rules = oc.Lifecycle(replace_on=[self.remade_with], create_timeout=self.create_timeout)
        self.golden = oc.CustomImage(server=self.builder, lifecycle=rules)
        self.web = [self.family.server(image=self.golden, **size) for _ in range(self.copies)]


Deploy = Callable[..., oc.Deployment]


@pytest.fixture
def deploy(family: Family, cloud: FamilyCloud, tmp_path: Path) -> Deploy:
    def made(**parameters: int) -> oc.Deployment:
        shop = Shop(family=family, of=cloud, **parameters)
        state = tmp_path / "state.db"
        return oc.Deployment(shop, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    return made


def apply(deployment: oc.Deployment) -> oc.Plan:
    """Apply what there is to do, and see that nothing is left."""
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def test_a_whole_life(family: Family, cloud: FamilyCloud, server: Imitation, deploy: Deploy) -> None:
    with deploy() as deployment:
        made = apply(deployment)
        assert set(made.counts) == {oc.Action.CREATE}
        assert deployment.value(deployment.stack.address).startswith("ssh root@198.18.0.")
        assert census(cloud)["compute.Server"] == 2
        assert deployment.drift().is_empty
    with deploy(servers=4) as deployment:
        assert apply(deployment).counts == {oc.Action.CREATE: 2, oc.Action.NO_OP: sum(made.counts.values())}
        gone = str(deployment.resources["web[3]"].external_id)
        provider(cloud, "compute.Server").delete(gone)
        assert [str(one.address) for one in deployment.drift().changes if one.action is not oc.Action.NO_OP] == [
            "web[3]"
        ]
        assert apply(deployment).counts[oc.Action.CREATE] == 1
        assert census(cloud)["compute.Server"] == 4
    with deploy(servers=1) as deployment:
        assert apply(deployment).counts[oc.Action.DELETE] == 3
        assert census(cloud)["compute.Server"] == 1
        deployment.destroy()
    assert census(cloud) == dict.fromkeys(census(cloud), 0)


def test_servers_are_made_from_an_image_of_another(
    family: Family, cloud: FamilyCloud, server: Imitation, tmp_path: Path
) -> None:
    if cloud.provider("compute.CustomImage") is None:
        pytest.skip(f"no images are made of servers on {family.name}")

    def deployed(**parameters: object) -> oc.Deployment:
        stack = Golden(family=family, **parameters)  # type: ignore[arg-type]
        state = tmp_path / "state.db"
        return oc.Deployment(stack, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    server.lost += [("POST", pattern) for pattern in family.imaging]
    with deployed() as deployment:
        assert apply(deployment).counts == {oc.Action.CREATE: 3}
        assert not server.lost, "it was made once, and nobody was told"
        assert census(cloud)["compute.CustomImage"] == 1
        assert deployment.drift().is_empty
        first = deployment.resources["golden"].external_id
    with deployed(copies=2) as deployment:
        assert apply(deployment).counts[oc.Action.CREATE] == 1
    with deployed(copies=2, remade_with="two") as deployment:
        assert apply(deployment).counts[oc.Action.REPLACE] == 3
        second = deployment.resources["golden"].external_id
        assert [one.external_id for one in provider(cloud, "compute.CustomImage").list()] == [second] != [first]
        deployment.destroy()
    assert census(cloud) == dict.fromkeys(census(cloud), 0)


def test_another_size(family: Family, cloud: FamilyCloud, deploy: Deploy) -> None:
    if not family.resizes:
        pytest.skip(f"Libcloud's driver for {family.name} can't change a size")
    with deploy() as deployment:
        apply(deployment)
        before = {one.external_id for one in provider(cloud, "compute.Server").list()}
    with deploy(size=1) as deployment:
        assert apply(deployment).counts[oc.Action.UPDATE] == 2
    assert {one.external_id for one in provider(cloud, "compute.Server").list()} == before


def test_answers_that_are_lost_make_nothing_twice(
    family: Family, cloud: FamilyCloud, server: Imitation, deploy: Deploy
) -> None:
    server.lost += [("POST", pattern) for pattern in family.creations]
    with deploy() as deployment:
        made = apply(deployment)
    assert not server.lost, "each was made once, and nobody was told"
    wanted = {kind: sum(one.kind == kind for one in made.changes) for kind in census(cloud)}
    assert census(cloud) == wanted


def test_what_fails_is_made_by_the_next_run(
    family: Family, cloud: FamilyCloud, server: Imitation, deploy: Deploy
) -> None:
    server.failing += [("POST", family.creations[0], 422)]
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError):
            deployment.apply()
        apply(deployment)
    assert census(cloud)["compute.Server"] == 2


def test_a_lost_state_is_rebuilt_from_the_cloud(
    family: Family, cloud: FamilyCloud, deploy: Deploy, tmp_path: Path
) -> None:
    if not family.owned:
        pytest.skip(f"on {family.name} nothing tells whose a server is")
    with deploy() as deployment:
        apply(deployment)
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy() as deployment:
        deployment.rebuild()
        found = {str(address): record.external_id for address, record in deployment.resources.items()}
        told = {address: found for address, found in known.items() if address != "key" or family.keys_owned}
        assert found == told
        assert deployment.plan().is_empty is (told == known)
