"""A deployment, its plans and its values, as a user's tool has them."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import assert_type

import orchestra as oc


class Shop(oc.Stack):
    """One server and what it tells."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.server = oc.Server(image="ami-1", size="t3.micro", subnet=self.subnet)
        self.url = oc.Output(f"https://{self.server.public_ip}")
        self.length = oc.Output(self.server.private_ip.map(len))


def report(event: oc.events.Event) -> None:
    """A listener."""
    print(event)


shop = Shop()
with oc.Deployment(shop, name="production", state=Path("shop.db"), listeners=[report]) as production:
    plan = production.plan(target="server", exclude=["network"])
    assert_type(plan, oc.Plan)
    assert_type(plan.is_empty, bool)
    plan.save("shop.plan")
    for change in oc.Plan.load("shop.plan").changes:
        assert_type(change, oc.Change)
        assert_type(change.action, oc.Action)
        assert_type(change.reason, oc.Reason)
    try:
        run = production.apply(plan, on_failure="stop")
    except oc.ApplyError as failure:
        assert_type(failure.remedy, str | None)
    else:
        assert_type(run, oc.Run)
    assert_type(production.value(shop.url), str)
    assert_type(production.value(shop.length), int)
    assert_type(production.value(shop.server.id), str)
    assert_type(production.stack, oc.Stack)

staging = oc.Deployment(shop, name="staging", cloud=oc.clouds.aws(region="eu-west-1"), state="sqlite:///staging.db")
local = oc.Deployment(shop, name="local", cloud=oc.clouds.simulated())
mixed = oc.Cloud(compute=oc.clouds.aws(region="eu-west-1"), dns=oc.clouds.simulated())
assert_type(oc.Deployment(shop, name="mixed", cloud=mixed).cloud.name, str)
