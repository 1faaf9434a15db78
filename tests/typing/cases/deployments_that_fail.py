"""Wrong uses of deployments and plans."""

from __future__ import annotations

import orchestra as oc


class Shop(oc.Stack):
    """One network."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.name = oc.Output("shop")


shop = Shop()
production = oc.Deployment(shop, name="production")

oc.Deployment(Shop, name="production")  # expect: arg-type
oc.Deployment(shop)  # expect: call-arg
oc.Deployment(shop, "production")  # expect: call-arg
oc.Deployment(shop, name="production", cloud="aws")  # expect: arg-type
oc.Deployment(shop, name="production", listeners=[print, 3])  # expect: list-item
production.plan(targets=["network"])  # expect: call-arg
production.plan("network")  # expect: arg-type, call-arg
production.plan(target=[shop.network])  # expect: list-item
production.apply("shop.plan")  # expect: arg-type
production.apply(on_failure="explode")  # expect: arg-type
production.value("name")  # expect: arg-type
number: int = production.value(shop.name)  # expect: assignment
production.plan().changes[0].action == "create"  # expect: comparison-overlap
oc.Netwrok(cidr="10.0.0.0/16")  # expect: attr-defined
oc.clouds.aws("eu-west-1")  # expect: call-arg
oc.clouds.azzure()  # expect: attr-defined
