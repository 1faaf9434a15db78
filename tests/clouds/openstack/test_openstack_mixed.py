"""One stack over three real servers at once: OpenStack's servers, their addresses in PowerDNS, files on Azurite."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from tests.openstack_server import HINT, OpenStackServer, find_server
from tests.servers.azurite import Azurite
from tests.servers.pdns import PdnsServer

pytestmark = pytest.mark.timeout(1800)


class Shop(oc.Stack):
    """Two servers that are found by name, from outside and from inside, and a page that tells where they are."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.web = [oc.Server(image=image, size=size, subnet=self.subnet, public_address=False) for _ in range(2)]
        self.address = [oc.FloatingIp(server=server) for server in self.web]
        self.zone = oc.Zone(domain="three.example")
        self.outside = oc.Record(zone=self.zone, name="www", type="A", values=[one.address for one in self.address])
        self.inside = oc.Record(zone=self.zone, name="web", type="A", values=[one.private_ip for one in self.web])
        self.bucket = oc.Bucket()
        self.page = oc.Blob(bucket=self.bucket, key="where", content=f"at {self.address[0].address}")


MADE = {"networks": 1, "subnets": 1, "routers": 1, "servers": 2, "floatingips": 2, "ports": 3}
"""What OpenStack has of it then: two ports are the servers', one the router's."""


@pytest.fixture(scope="module")
def server() -> OpenStackServer:
    found = find_server("mixed")
    if found is None:
        pytest.skip(HINT)
    return found


def test_it_is_made_found_and_taken_away(
    server: OpenStackServer, dns_server: PdnsServer, azure_server: Azurite, tmp_path: Path
) -> None:
    before = server.census(), dns_server.zones(), azure_server.blobs()
    options = {"nameservers": ["ns1.example.net"]}
    names = oc.clouds.libcloud("powerdns", key=dns_server.key, endpoint=dns_server.endpoint, options=options)
    files = oc.clouds.libcloud(
        "azure_blobs", key=azure_server.account, secret=azure_server.key, endpoint=azure_server.endpoint
    )
    cloud = oc.Cloud(base=oc.clouds.openstack(**server.settings), dns=names, storage=files)
    shop = Shop()
    with oc.Deployment(shop, name="three", cloud=cloud, state=tmp_path / "state.db", progress=False) as deployment:
        deployment.apply()
        assert server.census() - before[0] == MADE
        told = {one["floating_ip_address"] for one in server.ask("GET", "network", "floatingips")["floatingips"]}
        assert told == {deployment.value(one.address) for one in shop.address}
        assert dns_server.dig("www.three.example", "A") == sorted(told)
        assert dns_server.dig("web.three.example", "A") == sorted(deployment.value(one.private_ip) for one in shop.web)
        assert [*azure_server.blobs().values()] == [*before[2].values(), ["where"]]
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
        deployment.destroy()
        assert deployment.resources == {}
    assert dns_server.dig("www.three.example", "A") == []
    assert (server.census(), dns_server.zones(), azure_server.blobs()) == before
