"""A web shop: web servers behind a load balancer, one database server, DNS, and a private bucket.

The same stack runs on every cloud that has these kinds::

    python examples/webshop.py                   # on the simulated cloud, in the file orchestra-cloud.db
    python examples/webshop.py --cloud aws       # on AWS, with the credentials of the environment
    python examples/webshop.py --servers 3       # one more server than by default
    python examples/webshop.py --destroy
"""

from __future__ import annotations

import argparse

import orchestra as oc

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP shop@example"


class WebShop(oc.Stack):
    """Web servers behind a load balancer, one database server."""

    web_servers: int = oc.parameter(default=2, minimum=1, maximum=20, doc="How many web servers.")
    domain: str = oc.parameter(default="shop.example", doc="The domain that the shop answers for.")
    zones: tuple[str, ...] = oc.parameter(default=(), doc="The zones to be in. Default: one, which the cloud chooses.")

    def build(self) -> None:
        debian = oc.Image(os="debian", version="12")
        self.network = oc.Network(cidr="10.0.0.0/16")
        zone = self.zones[0] if self.zones else None
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", zone=zone)
        self.more_subnets = [
            oc.Subnet(network=self.network, cidr=f"10.0.{number}.0/24", zone=zone)
            for number, zone in enumerate(self.zones[1:], start=2)
        ]
        self.key = oc.KeyPair(public_key=PUBLIC_KEY)

        self.web_firewall = oc.Firewall(
            network=self.network,
            description="Web servers",
            ingress=[oc.allow("tcp", 80), oc.allow("tcp", 22, source="10.0.0.0/16")],
        )
        self.database_firewall = oc.Firewall(
            network=self.network,
            description="Database",
            ingress=[oc.allow("tcp", 3306, source=self.web_firewall)],
        )
        self.database = oc.Server(
            image=debian,
            size=oc.Size(cpus=2, memory_gib=4),
            subnet=self.subnet,
            firewalls=[self.database_firewall],
            key_pair=self.key,
            public_address=False,
            user_data="#!/bin/sh\napt-get install -y mariadb-server\n",
            labels={"role": "database"},
        )
        self.web = [
            oc.Server(
                image=debian,
                size=oc.Size(cpus=1, memory_gib=1),
                subnet=self.subnet,
                firewalls=[self.web_firewall],
                key_pair=self.key,
                user_data=f"#!/bin/sh\necho DB_HOST={self.database.private_ip} > /etc/shop.env\n",
                labels={"role": "web"},
            )
            for _ in range(self.web_servers)
        ]
        self.balancer = oc.LoadBalancer(
            port=80,
            protocol="http",
            members=self.web,
            subnets=[self.subnet, *self.more_subnets],
            firewalls=[self.web_firewall],
            health_check=oc.HealthCheck(protocol="http", port=80, path="/health"),
        )
        self.zone = oc.Zone(domain=self.domain)
        self.www = oc.Record(zone=self.zone, name="www", type="CNAME", values=[self.balancer.address], ttl=60)
        self.uploads = oc.Bucket(labels={"holds": "uploads"})

        self.url = oc.Output(f"http://www.{self.domain}/", doc="Where customers go.")
        self.address = oc.Output(self.balancer.address, doc="The balancer behind that name.")
        self.database_host = oc.Output(self.database.private_ip)


def main() -> None:
    """Plan, show, apply, and tell the outputs."""
    parser = argparse.ArgumentParser(description="Deploy the web shop.")
    parser.add_argument("--cloud", choices=["simulated", "aws"], default="simulated")
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--destroy", action="store_true")
    arguments = parser.parse_args()
    cloud = oc.clouds.aws() if arguments.cloud == "aws" else oc.clouds.simulated()
    shop = WebShop(web_servers=arguments.servers)
    with oc.Deployment(shop, name="webshop", cloud=cloud) as deployment:
        plan = deployment.plan(destroy=arguments.destroy)
        print(plan)
        print(deployment.apply(plan))
        if not arguments.destroy:
            print(f"the shop is at {deployment.value(shop.url)}, balancer {deployment.value(shop.address)}")


if __name__ == "__main__":
    main()
