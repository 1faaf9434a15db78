"""A user's stack that type-checks: inputs, references, parameters, nested stacks, a kind of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import assert_type

import orchestra as oc


class Database(oc.Stack):
    """A nested stack."""

    subnet: oc.Subnet
    memory_gib: float = oc.parameter(default=4.0, minimum=1.0)

    def build(self) -> None:
        self.server = oc.Server(
            image=oc.Image(os="debian", version="12"),
            size=oc.Size(cpus=2, memory_gib=self.memory_gib),
            subnet=self.subnet,
            lifecycle=oc.Lifecycle(protect=True, ignore_changes=["user_data"]),
        )


class Shop(oc.Stack):
    """Parameters with and without a default, lists and dicts of resources."""

    domain: str
    web_servers: int = oc.parameter(default=2, minimum=1, maximum=20)

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnets = {
            zone: oc.Subnet(network=self.network, cidr=f"10.0.{number}.0/24", zone=zone)
            for number, zone in enumerate(("a", "b"))
        }
        self.firewall = oc.Firewall(network=self.network, ingress=[oc.allow("tcp", 443), oc.allow("icmp")])
        self.database = Database(subnet=self.subnets["a"])
        self.elsewhere = Database(subnet=self.subnets["a"], cloud=oc.clouds.simulated())
        self.password = oc.Secret.generate("database")
        self.web = [
            oc.Server(
                image="ami-0123",
                size="t3.micro",
                subnet=self.subnets["b"],
                firewalls=[self.firewall],
                user_data=f"DB={self.database.server.private_ip} PASSWORD={self.password}",
                labels={"role": "web", "database": self.database.server.id},
                depends_on=[self.database.server],
            )
            for _ in range(self.web_servers)
        ]
        self.balancer = oc.LoadBalancer(port=443, members=self.web, subnets=list(self.subnets.values()))
        self.zone = oc.Zone(domain=self.domain)
        self.record = oc.Record(zone=self.zone, name="www", type="CNAME", values=[self.balancer.address])
        self.blob = oc.Blob(bucket=oc.Bucket(), key="motd", content=self.balancer.address.map(str.upper))
        self.url = oc.Output(f"https://{self.balancer.address}")
        self.count = oc.Output(len(self.web), doc="How many servers there are.")
        self.first = oc.Output(self.web[0].private_ip)


shop = Shop(domain="shop.example", web_servers=3)

assert_type(shop.web_servers, int)
assert_type(shop.domain, str)
assert_type(shop.web, list[oc.Server])
assert_type(shop.subnets, dict[str, oc.Subnet])
assert_type(shop.database.server, oc.Server)
assert_type(shop.web[0].id, oc.Ref[str])
assert_type(shop.web[0].private_ip, oc.Ref[str])
assert_type(shop.zone.name_servers, oc.Ref[list[str]])
assert_type(shop.web[0].private_ip.map(len), oc.Ref[int])
assert_type(shop.zone.name_servers.map(lambda names: names[0]), oc.Ref[str])
assert_type(oc.Ref.all(shop.web[0].id, shop.zone.name_servers), oc.Ref[tuple[str, list[str]]])
assert_type(oc.Ref.all(server.id for server in shop.web), oc.Ref[tuple[str, ...]])
assert_type(shop.url, oc.Output[str])
assert_type(shop.count, oc.Output[int])
assert_type(shop.first, oc.Output[str])
assert_type(shop.first.map(len), oc.Ref[int])


def addresses(servers: Sequence[oc.Server]) -> list[oc.Ref[str]]:
    """References are values like others."""
    return [server.private_ip for server in servers]
