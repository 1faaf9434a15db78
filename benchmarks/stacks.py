"""The stack that is measured: networks with a subnet and servers in each, in groups of ten."""

from __future__ import annotations

import orchestra as oc


class Groups(oc.Stack):
    """``count`` resources in groups of ten: one network, one subnet in it, eight servers in that."""

    count: int = oc.parameter(minimum=10)

    def build(self) -> None:
        self.networks: list[oc.Network] = []
        self.subnets: list[oc.Subnet] = []
        self.servers: list[list[oc.Server]] = []
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        for _ in range(self.count // 10):
            network = oc.Network(cidr="10.0.0.0/16")
            subnet = oc.Subnet(network=network, cidr="10.0.1.0/24")
            self.networks.append(network)
            self.subnets.append(subnet)
            self.servers.append([oc.Server(image=image, size=size, subnet=subnet) for _ in range(8)])
