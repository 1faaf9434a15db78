"""EC2 through Libcloud's base API, over AWS's API by moto."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Ownership, Provider, fresh_token
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.moto_server import MotoServer

REGION = "eu-west-1"
IMAGE = "ami-00000000000000003"
KEYS = [
    f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlN{n:02} one@example"
    for n in range(6)
]


def ec2(aws: MotoServer, secret: str = "") -> LibcloudCloud:
    return libcloud(
        "ec2",
        service="compute",
        region=REGION,
        key=aws.access_key,
        secret=secret or aws.secret_key,
        endpoint=aws.endpoint,
        options={"location": f"{REGION}b"},
    )


def servers(aws: MotoServer) -> Provider:
    found = ec2(aws).provider("compute.Server")
    assert found is not None
    return found


def a_server() -> oc.Server:
    return oc.Server(image=IMAGE, size="t3.micro", user_data="#!/bin/sh\necho 'Grüße'\n")


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        ("compute.Server", ProviderCase(make=lambda _: a_server())),
        ("compute.KeyPair", ProviderCase(make=lambda number: oc.KeyPair(public_key=KEYS[number]), owned=False)),
    ],
)
def test_it_keeps_the_contract(aws: MotoServer, kind: str, case: ProviderCase) -> None:
    def provider(cloud: LibcloudCloud) -> Provider:
        found = cloud.provider(kind)
        assert found is not None
        return found

    checked = check_provider(
        lambda: provider(ec2(aws)),
        [case],
        unreachable=lambda: provider(ec2(aws, "a-secret-that-is-wrong")),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()


class Fleet(oc.Stack):
    """Servers with a key."""

    servers: int = 2

    def build(self) -> None:
        self.key = oc.KeyPair(public_key=KEYS[0])
        self.web = [oc.Server(image=IMAGE, size="t3.micro", key_pair=self.key) for _ in range(self.servers)]


def test_a_whole_life(aws: MotoServer, tmp_path: Path) -> None:
    def deploy(count: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        fleet = Fleet(servers=count)
        return oc.Deployment(fleet, name="fleet", cloud=ec2(aws), state=state, progress=False, clock=VirtualClock())

    aws.fault(action="RunInstances", mode="drop_after")
    with deploy(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        zone = {record.outputs["zone"] for record in deployment.resources.values() if "zone" in record.outputs}
        assert zone <= {f"{REGION}b", None}
    assert len(list(servers(aws).list())) == 2
    with deploy(3) as deployment:
        assert deployment.plan().counts[oc.Action.CREATE] == 1
        deployment.apply()
        servers(aws).delete(str(deployment.resources["web[1]"].external_id))
        deployment.apply()
        assert deployment.plan().is_empty
        deployment.destroy()
    assert not list(servers(aws).list())


def test_what_a_page_leaves_out_is_found_by_its_id_and_its_token(aws: MotoServer) -> None:
    """Libcloud's driver reads one page, here of a hundred: the cloud is asked for less than everything."""
    provider = servers(aws)
    inputs = Inputs(
        {"image": {"id": IMAGE}, "size": {"id": "t3.micro"}, "labels": {}, "key_pair": None, "user_data": None}
    )
    owners = [Ownership("prod", f"web[{n}]", fresh_token(str(n))) for n in range(104)]
    ids = [provider.create(inputs, owner).external_id for owner in owners]
    assert len(list(provider.list())) == 100
    reading = provider.observe(ids)
    assert set(reading.found) == set(ids)
    found = provider.find(owners[-1], inputs)
    assert found is not None
    assert found.external_id == ids[-1]
    assert provider.create(inputs, owners[-1]).external_id == ids[-1]


def test_an_image_is_not_chosen_by_a_name_that_anybody_may_give(aws: MotoServer) -> None:
    with pytest.raises(oc.ChoiceError, match="anybody may publish"):
        servers(aws).choose("image", {"os": "debian", "version": "12"})
    assert servers(aws).choose("size", {"cpus": 1, "memory_gib": 1}).startswith("t")
