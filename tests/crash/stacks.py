"""The stack that is deployed while processes are killed: the web shop, with one of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

import orchestra as oc

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP shop@example"


class Shop(oc.Stack):
    """Web servers behind a balancer, a database server with a disk, names, files."""

    web_servers: int = oc.parameter(default=2, minimum=0)
    release: int = 1
    domain: str = "shop.example"
    device: str = "/dev/sdf"
    motto: str = "welcome"
    growth: int = 1
    zones: tuple[str, ...] = ()
    """Two zones for the balancer, where its cloud wants them."""

    def build(self) -> None:
        debian, small = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.network = oc.Network(cidr="10.0.0.0/16")
        zone = self.zones[0] if self.zones else None
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", zone=zone, labels={"motto": self.motto})
        self.more = [oc.Subnet(network=self.network, cidr="10.0.2.0/24", zone=one) for one in self.zones[1:]]
        self.key = oc.KeyPair(public_key=PUBLIC_KEY)
        self.web_firewall = oc.Firewall(
            network=self.network,
            description=f"Release {self.release}",
            ingress=[oc.allow("tcp", 80), oc.allow("tcp", 8000 + self.growth)],
            egress=[oc.allow("tcp", 443)],
        )
        self.database = oc.Server(
            image=debian, size=oc.Size(cpus=1, memory_gib=self.growth), subnet=self.subnet, key_pair=self.key
        )
        self.disk = oc.Volume(size_gib=10 * self.growth, zone=self.database.zone)
        self.attachment = oc.VolumeAttachment(volume=self.disk, server=self.database, device=self.device)
        self.backup = oc.Snapshot(volume=self.disk)
        self.golden = oc.CustomImage(server=self.database, labels={"motto": self.motto})
        self.web = [
            oc.Server(
                image=debian,
                size=small,
                subnet=self.subnet,
                firewalls=[self.web_firewall],
                user_data=f"release {self.release} of {self.database.private_ip}",
            )
            for _ in range(self.web_servers)
        ]
        self.front = oc.FloatingIp(server=self.web[0] if self.web else None)
        self.balancer = oc.LoadBalancer(
            port=80,
            protocol="http",
            members=self.web,
            subnets=[self.subnet, *self.more],
            firewalls=[self.web_firewall],
            health_check=oc.HealthCheck(protocol="http", port=80, path=f"/health/{self.growth}"),
        )
        self.zone = oc.Zone(domain=self.domain)
        self.www = oc.Record(zone=self.zone, name="www", type="CNAME", values=[self.balancer.address], ttl=60)
        self.files = oc.Bucket(versioned=True, labels={"motto": self.motto})
        self.page = oc.Blob(bucket=self.files, key="index.html", content=f"<p>{self.motto}</p>")


def _shop(**parameters: Any) -> Mapping[str, Any]:
    return MappingProxyType(parameters)


@attrs.frozen(kw_only=True)
class Scenario:
    """What a process is killed in. ``before`` is deployed already, None if nothing is; ``after`` None: destroy.

    ``back``: ``after`` was deployed before that, and is gone back to.
    """

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    back: bool = False


SCENARIOS = (
    Scenario(name="first apply", before=None, after=_shop()),
    Scenario(name="scale up", before=_shop(), after=_shop(web_servers=4)),
    Scenario(name="scale down", before=_shop(web_servers=4), after=_shop(web_servers=1)),
    Scenario(name="change in place", before=_shop(), after=_shop(motto="hello")),
    Scenario(name="grow in place", before=_shop(), after=_shop(growth=2)),
    Scenario(name="replace, new first", before=_shop(), after=_shop(release=2)),
    Scenario(name="replace, old first", before=_shop(), after=_shop(domain="store.example", device="/dev/sdg")),
    Scenario(name="go back", before=_shop(web_servers=3, release=2, growth=2), after=_shop(), back=True),
    Scenario(name="destroy", before=_shop(), after=None),
)
