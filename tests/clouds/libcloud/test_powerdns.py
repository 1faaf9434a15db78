"""Zones and record sets on a real PowerDNS: the contract of providers, and what DNS answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Provider, Update
from orchestra.errors import ConflictError, CredentialsError, InUseError, InvalidRequestError, TransientError
from orchestra.testing import ProviderCase, check_provider
from tests.clouds.owned import owner
from tests.clouds.unhelpful import nobody
from tests.servers.pdns import PdnsServer

OPTIONS = {"nameservers": ["ns1.example.net", "ns2.example.net"]}


def cloud_of(endpoint: str, **more: Any) -> LibcloudCloud:
    return libcloud("powerdns", key="a-made-up-api-key", endpoint=endpoint, options={**OPTIONS, **more})


def provider_of(cloud: LibcloudCloud, kind: str) -> Provider:
    found = cloud.provider(kind)
    assert found is not None
    return found


@pytest.fixture
def zone(powerdns: LibcloudCloud) -> Iterator[str]:
    """A zone of its own for a test."""
    zones, records = provider_of(powerdns, "dns.Zone"), provider_of(powerdns, "dns.Record")
    made = zones.create(Inputs({"domain": "shop.example"}), owner("zone")).external_id
    yield made
    for found in list(records.list()):
        records.delete(found.external_id)
    zones.delete(made)


def record(zone: str, name: str, kind: str, *values: str, ttl: int = 60) -> Inputs:
    return Inputs({"zone": zone, "name": name, "type": kind, "values": list(values), "ttl": ttl})


ONE = 1
"""How many threads call at once in checks: of several writes at once PowerDNS over SQLite refuses some with 500, and
only the engine repeats calls. `test_many_records_at_once` has it do so."""


def test_zones_keep_the_contract(dns_server: PdnsServer) -> None:
    checked = check_provider(
        lambda: provider_of(cloud_of(dns_server.endpoint), "dns.Zone"),
        [ProviderCase(make=lambda n: oc.Zone(domain=f"d{n}.example"))],
        unreachable=lambda: provider_of(cloud_of(nobody()), "dns.Zone"),
        threads=ONE,
    )
    assert checked.left_out == ()


def test_records_keep_the_contract(dns_server: PdnsServer, zone: str) -> None:
    checked = check_provider(
        lambda: provider_of(cloud_of(dns_server.endpoint), "dns.Record"),
        [
            ProviderCase(
                make=lambda n: oc.Record(zone=zone, name=f"r{n}", type="A", values=[f"192.0.2.{n}", "192.0.2.77"]),
                changes={"values": ["192.0.2.77", "192.0.2.78", "192.0.2.79"], "ttl": 61},
            ),
            ProviderCase(
                make=lambda n: oc.Record(zone=zone, name=f"t{n}", type="TXT", values=[f"süß {n}", 'say "x; \\ y"']),
                changes={"values": ["short", "long " * 100]},
            ),
            ProviderCase(
                make=lambda n: oc.Record(zone=zone, name=f"m{n}", type="MX", values=[f"{n} mail.shop.example"])
            ),
        ],
        unreachable=lambda: provider_of(cloud_of(nobody()), "dns.Record"),
        threads=ONE,
    )
    assert checked.left_out == ()


@pytest.mark.parametrize(
    ("kind", "values", "answer"),
    [
        ("A", ["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
        ("AAAA", ["2001:db8::1"], ["2001:db8::1"]),
        ("CNAME", ["elsewhere.example"], ["elsewhere.example."]),
        ("MX", ["10 a.example", "20 b.example"], ["10 a.example.", "20 b.example."]),
        ("NS", ["ns.other.example"], []),  # a delegation isn't the zone's own to answer
        ("SRV", ["1 2 443 www.shop.example"], ["1 2 443 www.shop.example."]),
        ("TXT", ["v=spf1 -all", "süß"], ['"s\\195\\188\\195\\159"', '"v=spf1 -all"']),
    ],
)
def test_dns_answers_what_was_declared(
    powerdns: LibcloudCloud, dns_server: PdnsServer, zone: str, kind: str, values: list[str], answer: list[str]
) -> None:
    records = provider_of(powerdns, "dns.Record")
    made = records.create(record(zone, "here", kind, *values), owner("record"))
    assert made.external_id == f"shop.example./{kind}/here"
    assert dns_server.dig("here.shop.example", kind) == answer
    told = records.observe([made.external_id]).found[made.external_id]
    assert (told.inputs["values"], told.ownership) == (sorted(values), owner("record"))
    records.delete(made.external_id)
    assert dns_server.dig("here.shop.example", kind) == []


class ManyRecords(oc.Stack):
    """A zone with a dozen hosts."""

    def build(self) -> None:
        self.zone = oc.Zone(domain="many.example")
        self.hosts = [
            oc.Record(zone=self.zone, name=f"h{n}", type="A", values=[f"192.0.2.{n}"], ttl=60) for n in range(12)
        ]


def test_many_records_at_once(dns_server: PdnsServer, tmp_path: Path) -> None:
    stack, cloud = ManyRecords(), cloud_of(dns_server.endpoint)
    with oc.Deployment(stack, name="many", cloud=cloud, state=tmp_path / "state.db", progress=False) as deployment:
        deployment.apply()
        assert [dns_server.dig(f"h{n}.many.example", "A") for n in range(12)] == [[f"192.0.2.{n}"] for n in range(12)]
        assert deployment.plan().is_empty
        deployment.destroy()
    assert dns_server.dig("h1.many.example", "A") == []


def test_a_record_at_the_domain_itself_and_a_wildcard(
    powerdns: LibcloudCloud, dns_server: PdnsServer, zone: str
) -> None:
    records = provider_of(powerdns, "dns.Record")
    for name in ("", "*"):
        made = records.create(record(zone, name, "A", "192.0.2.9"), owner(name or "apex"))
        assert made.inputs["name"] == records.observe([made.external_id]).found[made.external_id].inputs["name"] == name
    assert dns_server.dig("shop.example", "A") == dns_server.dig("anything.shop.example", "A") == ["192.0.2.9"]


def test_values_are_replaced_as_a_whole(powerdns: LibcloudCloud, dns_server: PdnsServer, zone: str) -> None:
    records = provider_of(powerdns, "dns.Record")
    before, after = record(zone, "www", "A", "192.0.2.1", "192.0.2.2"), record(zone, "www", "A", "192.0.2.3", ttl=90)
    made = records.create(before, owner("www"))
    records.update(made.external_id, Update(before=before, after=after, changed=frozenset({"values", "ttl"})))
    assert dns_server.dig("www.shop.example", "A") == ["192.0.2.3"]
    told = records.observe([made.external_id]).found[made.external_id]
    assert (told.inputs["ttl"], told.ownership) == (90, owner("www"))


def test_what_others_made_is_a_conflict_and_never_found(powerdns: LibcloudCloud, zone: str) -> None:
    records, zones = provider_of(powerdns, "dns.Record"), provider_of(powerdns, "dns.Zone")
    wanted = record(zone, "www", "A", "192.0.2.1")
    records.create(wanted, owner("theirs"))
    with pytest.raises(ConflictError, match="adopt"):
        records.create(wanted, owner("ours"))
    assert records.find(owner("ours"), wanted) is None
    with pytest.raises(ConflictError, match="not from here"):
        zones.create(Inputs({"domain": "shop.example"}), owner("ours"))
    assert zones.find(owner("ours"), Inputs({"domain": "shop.example"})) is None


def test_a_zone_with_records_in_it_is_not_deleted(powerdns: LibcloudCloud, dns_server: PdnsServer, zone: str) -> None:
    provider_of(powerdns, "dns.Record").create(record(zone, "www", "A", "192.0.2.1"), owner("www"))
    with pytest.raises(InUseError, match="A www"):
        provider_of(powerdns, "dns.Zone").delete(zone)
    assert dns_server.dig("www.shop.example", "A") == ["192.0.2.1"]


def test_without_comments_records_are_found_by_their_values(dns_server: PdnsServer, zone: str) -> None:
    records = provider_of(cloud_of(dns_server.endpoint, comments=False), "dns.Record")
    wanted = record(zone, "www", "A", "192.0.2.1")
    assert records.create(wanted, owner("www")).external_id
    found = records.find(owner("www"), wanted)
    assert found is not None
    assert found.ownership is None
    assert records.find(owner("www"), record(zone, "www", "A", "192.0.2.2")) is None


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [("CNAME", "a.example.", "'a.example'"), ("AAAA", "2001:DB8::0001", "'2001:db8::1'")],
)
def test_a_value_that_would_be_told_otherwise_is_refused(
    powerdns: LibcloudCloud, zone: str, kind: str, value: str, written: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        provider_of(powerdns, "dns.Record").create(record(zone, "www", kind, value), owner("www"))
    assert caught.value.remedy == f"write {written}"
    assert not caught.value.sent


def test_name_servers_are_asked_for(dns_server: PdnsServer) -> None:
    cloud = libcloud("powerdns", key="a-made-up-api-key", endpoint=dns_server.endpoint)
    with pytest.raises(InvalidRequestError, match="which name servers") as caught:
        provider_of(cloud, "dns.Zone").create(Inputs({"domain": "shop.example"}), owner("zone"))
    assert "nameservers" in str(caught.value.remedy)


def test_a_wrong_key_is_told_as_such(dns_server: PdnsServer) -> None:
    cloud = libcloud("powerdns", key="another-made-up-key", endpoint=dns_server.endpoint)
    with pytest.raises(CredentialsError):
        cloud.verify()
    with pytest.raises(TransientError):
        cloud_of(nobody()).verify()
    cloud_of(dns_server.endpoint).verify()
