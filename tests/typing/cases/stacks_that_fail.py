"""Wrong parameters and attributes of stacks."""

from __future__ import annotations

import orchestra as oc


class Shop(oc.Stack):
    """One required parameter, one with a default, a list and a nested stack."""

    domain: str
    web_servers: int = oc.parameter(default=2)

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [
            oc.Server(image="ami-1", size="t3.micro", subnet=self.subnet)
            for _ in range(self.domain)  # expect: call-overload
        ]
        self.web[0].nonsense  # expect: attr-defined
        self.web.private_ip  # expect: attr-defined
        self.nothing.id  # expect: attr-defined
        self.balancer = oc.LoadBalancer(port=443, members=self.web[0], subnets=[self.subnet])  # expect: arg-type


Shop()  # expect: call-arg
Shop("shop.example")  # expect: arg-type, call-arg
Shop(domain=5)  # expect: arg-type
Shop(domain="shop.example", web_servers="three")  # expect: arg-type
Shop(domain="shop.example", web_server=3)  # expect: call-arg
Shop(domain="shop.example", cloud="far")  # expect: arg-type
Shop(domain="shop.example").domain.nonsense  # expect: attr-defined
Shop(domain="shop.example").web["a"]  # expect: call-overload
oc.parameter(2)  # expect: call-arg
