"""Small stacks for tests of the engine."""

from __future__ import annotations

from typing import Any

import orchestra as oc


class Chain(oc.Stack):
    """A network, a subnet in it, and servers in that; a zone of its own."""

    servers: int = oc.parameter(default=2, minimum=0)
    cidr: str = "10.0.0.0/16"
    env: str = "test"
    with_zone: bool = True
    lifecycle: oc.Lifecycle = oc.Lifecycle()

    def build(self) -> None:
        self.network = oc.Network(cidr=self.cidr)
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [
            oc.Server(
                image="debian-12",
                size="small",
                subnet=self.subnet,
                labels={"env": self.env},
                lifecycle=self.lifecycle,
            )
            for _ in range(self.servers)
        ]
        if self.with_zone:
            self.zone = oc.Zone(domain="shop.example")
        self.network_id = oc.Output(self.network.id)


def deploy(stack: oc.Stack, cloud: Any, folder: Any, **more: Any) -> oc.Deployment:
    """A deployment of ``stack`` with its state in ``folder``."""
    return oc.Deployment(stack, name="test", cloud=cloud, state=folder / "state.db", progress=False, **more)
