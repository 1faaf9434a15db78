"""One stack over three clouds: simulated servers, their addresses in PowerDNS, a bucket on Azurite."""

from __future__ import annotations

from pathlib import Path

import orchestra as oc
from tests.servers.azurite import Azurite
from tests.servers.pdns import PdnsServer


class Shop(oc.Stack):
    """Two servers that are found by name, and a page that tells where they are."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.web = [oc.Server(image=image, size=size, subnet=self.subnet) for _ in range(2)]
        self.zone = oc.Zone(domain="mixed.example")
        self.name = oc.Record(
            zone=self.zone, name="www", type="A", values=[server.private_ip for server in self.web], ttl=60
        )
        self.bucket = oc.Bucket()
        self.page = oc.Blob(bucket=self.bucket, key="where", content=f"at {self.web[0].private_ip}")


def test_it_is_made_found_and_taken_away(dns_server: PdnsServer, azure_server: Azurite, tmp_path: Path) -> None:
    servers = oc.clouds.simulated(tmp_path / "cloud.db")
    names = oc.clouds.libcloud(
        "powerdns",
        key=dns_server.key,
        endpoint=dns_server.endpoint,
        options={"nameservers": ["ns1.example.net"]},
    )
    blobs = oc.clouds.libcloud(
        "azure_blobs", key=azure_server.account, secret=azure_server.key, endpoint=azure_server.endpoint
    )
    cloud = oc.Cloud(base=servers, dns=names, storage=blobs)
    assert cloud.name == "simulated+dns=powerdns+storage=azure_blobs"
    cloud.verify()
    shop = Shop()
    with oc.Deployment(shop, name="mixed", cloud=cloud, state=tmp_path / "state.db", progress=False) as deployment:
        deployment.apply()
        addresses = sorted(str(deployment.value(server.private_ip)) for server in shop.web)
        assert dns_server.dig("www.mixed.example", "A") == addresses
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
        provider = blobs.provider("storage.Blob")
        assert provider is not None
        assert len(list(provider.list())) == 1
        deployment.destroy()
        assert deployment.resources == {}
    assert dns_server.dig("www.mixed.example", "A") == []
    assert list(provider.list()) == []


def test_a_lost_state_is_rebuilt_from_the_clouds(dns_server: PdnsServer, azure_server: Azurite, tmp_path: Path) -> None:
    """Whose things are stands in PowerDNS's comments and in Azure's metadata."""

    class Kept(oc.Stack):
        def build(self) -> None:
            self.zone = oc.Zone(domain="rebuilt.example")
            self.name = oc.Record(zone=self.zone, name="www", type="A", values=["192.0.2.1", "192.0.2.2"])
            self.bucket = oc.Bucket()
            self.page = oc.Blob(bucket=self.bucket, key="k", content="text")

    options = {"nameservers": ["ns1.example.net"]}
    cloud = oc.Cloud(
        dns=oc.clouds.libcloud("powerdns", key=dns_server.key, endpoint=dns_server.endpoint, options=options),
        storage=oc.clouds.libcloud(
            "azure_blobs", key=azure_server.account, secret=azure_server.key, endpoint=azure_server.endpoint
        ),
    )
    with oc.Deployment(Kept(), name="kept", cloud=cloud, state=tmp_path / "one.db", progress=False) as deployment:
        deployment.apply()
        known = {address: record.external_id for address, record in deployment.resources.items()}
    with oc.Deployment(Kept(), name="kept", cloud=cloud, state=tmp_path / "two.db", progress=False) as deployment:
        deployment.rebuild()
        assert {address: record.external_id for address, record in deployment.resources.items()} == known
        assert deployment.plan().is_empty
        deployment.destroy()
