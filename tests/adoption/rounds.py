"""Rounds of the whole way on things made at random, on each cloud; ``python -m tests.adoption`` does many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from account import Account
from circle import take_over
from estates import AwsEstate, SimulatedEstate, furnish
from openstack_estate import OpenStackEstate
from terraformed import Terraform

import orchestra as oc
from tests.moto_server import MotoServer
from tests.openstack_server import HINT, find_server

Round: TypeAlias = "Callable[[int, Path, MotoServer], Path]"


def simulated_round(seed: int, folder: Path, server: MotoServer) -> Path:
    """On the simulated cloud; afterwards nothing at all is in it. Returns the file that was generated."""
    cloud = oc.clouds.simulated(":memory:")
    furnish(SimulatedEstate(cloud), seed)
    generated = oc.generate(cloud)
    name = f"simulated_{seed}"
    with take_over(generated, cloud, folder, name=name) as deployment:
        storage = cloud.drivers.storage
        for blob in [one for place in storage.iterate_containers() for one in storage.iterate_container_objects(place)]:
            storage.delete_object(blob)
        deployment.destroy()
    assert cloud.inventory() == {}
    return folder / f"{name}.py"


def aws_round(seed: int, folder: Path, server: MotoServer) -> Path:
    """On AWS's API; afterwards there is what every account has, and key pairs, whose keys AWS doesn't tell."""
    server.reset()
    account = Account(server)
    furnish(AwsEstate(account), seed)
    generated = oc.generate(account.cloud)
    name = f"aws_{seed}"
    with take_over(generated, account.cloud, folder, name=name) as deployment:
        _empty(account.client("s3"))
        deployment.destroy()
    left = [one for one in account.cloud.discover() if not one.comes_with]
    assert {one.kind for one in left} <= {"compute.KeyPair"}, left
    return folder / f"{name}.py"


def terraform_round(seed: int, folder: Path, server: MotoServer) -> Path:
    """As Terraform made it on AWS's API, from its state alone, which the cloud confirms; nothing is left."""
    server.reset()
    account = Account(server)
    made = Terraform(account)
    furnish(made, seed)
    generated = oc.migrate.terraform(made.write(folder))
    assert {one.input for one in generated.left_out} <= {"user_data", "type"}, str(generated)
    assert oc.migrate.terraform(made.state(), cloud=account.cloud).source == generated.source
    name = f"terraform_{seed}"
    with take_over(generated, account.cloud, folder, name=name) as deployment:
        deployment.destroy()
    assert [one for one in account.cloud.discover() if not one.comes_with] == []
    return folder / f"{name}.py"


def openstack_round(seed: int, folder: Path, server: MotoServer) -> Path:
    """On a real OpenStack, in a project of its own; afterwards there is what no kind of orchestra's is, by its API."""
    there = find_server("adoption")
    assert there is not None, HINT
    estate = OpenStackEstate(there)
    estate.clear()
    try:
        furnish(estate, seed, small=True)
        estate.settle()
        generated = oc.generate(estate.cloud)
        name = f"openstack_{seed}"
        with take_over(generated, estate.cloud, folder, name=name) as deployment:
            deployment.destroy()
        whole = [one for one in generated.left_out if not one.input and one.name != "default"]
        assert {one.kind for one in whole} <= {"network.Firewall"}, str(generated)
        assert there.census() == +Counter(routers=estate.routers, security_groups=len(whole))
    finally:
        estate.clear()
    assert not there.census()
    return folder / f"{name}.py"


def _empty(s3: Any) -> None:
    for bucket in s3.list_buckets()["Buckets"]:
        for blob in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            s3.delete_object(Bucket=bucket["Name"], Key=blob["Key"])


ROUNDS: Final[Mapping[str, Round]] = MappingProxyType(
    {"simulated": simulated_round, "aws": aws_round, "terraform": terraform_round, "openstack": openstack_round}
)
