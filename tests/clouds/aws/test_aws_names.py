"""Zones, record sets, and the forms of names and texts on Route 53."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.clouds.base.names import absolute, relative
from orchestra.clouds.families.aws.names import decoded_name, quoted_text, unquoted_text
from orchestra.contracts import Inputs, Ownership
from orchestra.errors import ConflictError, InUseError
from orchestra.model.values import Sealed
from tests.clouds.aws.scenery import Scene, client, owner


@given(st.text(max_size=700))
def test_a_text_comes_back_as_it_went(text: str) -> None:
    told = quoted_text(text)
    assert told.isascii()
    assert unquoted_text(told) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("v=spf1 -all", '"v=spf1 -all"'),
        ("", '""'),
        ('say "hi" \\o/', r'"say \"hi\" \\o/"'),
        ("ü", r'"\303\274"'),
        ("a" * 256, f'"{"a" * 255}" "a"'),
    ],
)
def test_texts(text: str, told: str) -> None:
    assert quoted_text(text) == told
    assert unquoted_text(told) == text


def test_a_text_that_is_not_quoted_stays() -> None:
    assert unquoted_text("plain") == "plain"


@pytest.mark.parametrize(
    ("told", "name"), [("shop.example.", "shop.example"), (r"\052.shop.example.", "*.shop.example"), ("a", "a")]
)
def test_names_as_told(told: str, name: str) -> None:
    assert decoded_name(told) == name


@pytest.mark.parametrize("name", ["", "www", "a.b", "*"])
def test_names_inside_a_zone(name: str) -> None:
    assert relative(absolute(name, "shop.example"), "shop.example") == name


def record(scene: Scene, **other: Any) -> dict[str, Any]:
    return {"zone": scene.zone, "name": "www", "type": "A", "values": ["192.0.2.2", "192.0.2.1"], "ttl": 60, **other}


def sets(scene: Scene) -> dict[tuple[str, str], list[str]]:
    """The record sets of the zone as AWS's own library tells them, without those that are part of the zone."""
    told = client(scene.server, "route53").list_resource_record_sets(HostedZoneId=scene.zone)["ResourceRecordSets"]
    return {
        (one["Name"], one["Type"]): [value["Value"] for value in one.get("ResourceRecords", [])]
        for one in told
        if one["Type"] not in ("NS", "SOA")
    }


@pytest.mark.parametrize(
    ("name", "type_", "values"),
    [
        ("", "A", ["192.0.2.1"]),
        ("*", "A", ["192.0.2.1"]),
        ("www", "AAAA", ["2001:db8::1", "2001:db8::2"]),
        ("www", "CNAME", ["other.example."]),
        ("", "MX", ["10 mail.shop.example.", "20 mail2.shop.example."]),
        ("_sip._tcp", "SRV", ["10 5 5060 sip.shop.example."]),
        ("sub", "NS", ["ns1.other.example.", "ns2.other.example."]),
        ("", "TXT", ["v=spf1 -all", 'say "hi"', "Grüße", "x" * 600]),
    ],
)
def test_record_sets_of_every_type(scene: Scene, name: str, type_: str, values: list[str]) -> None:
    inputs = record(scene, name=name, type=type_, values=values)
    made = scene.make("dns.Record", "record", **inputs)
    assert made == f"{scene.zone}/{type_}/{name}"
    assert scene.observed("dns.Record", made).inputs == {**inputs, "values": sorted(values)}
    assert made in [one.external_id for one in scene.provider("dns.Record").list()]
    scene.provider("dns.Record").delete(made)
    assert sets(scene) == {}


def test_all_values_of_a_set_are_sent_at_once(scene: Scene) -> None:
    scene.make("dns.Record", "record", **record(scene))
    assert sets(scene) == {("www.shop.example.", "A"): ["192.0.2.1", "192.0.2.2"]}


def test_a_set_of_another_is_not_overwritten(scene: Scene) -> None:
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": "www.shop.example",
            "Type": "A",
            "TTL": 5,
            "ResourceRecords": [{"Value": "203.0.113.9"}],
        },
    }
    client(scene.server, "route53").change_resource_record_sets(
        HostedZoneId=scene.zone, ChangeBatch={"Changes": [change]}
    )
    provider, inputs = scene.provider("dns.Record"), Inputs(record(scene))
    assert provider.find(owner("record"), inputs) is None
    with pytest.raises(ConflictError, match="already exists"):
        provider.create(inputs, owner("record"))
    assert sets(scene) == {("www.shop.example.", "A"): ["203.0.113.9"]}


def test_a_set_whose_values_are_not_kept_is_found_by_its_name(scene: Scene) -> None:
    scene.make("dns.Record", "record", **record(scene))
    inputs = Inputs({**record(scene), "values": [Sealed("digest")]})
    assert scene.provider("dns.Record").find(owner("record"), inputs) is not None


def test_values_changed_by_others_are_told_and_put_right(scene: Scene) -> None:
    made = scene.make("dns.Record", "record", **record(scene))
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {
            "Name": "www.shop.example",
            "Type": "A",
            "TTL": 5,
            "ResourceRecords": [{"Value": "203.0.113.9"}],
        },
    }
    client(scene.server, "route53").change_resource_record_sets(
        HostedZoneId=scene.zone, ChangeBatch={"Changes": [change]}
    )
    told = scene.observed("dns.Record", made).inputs
    assert (told["values"], told["ttl"]) == (["203.0.113.9"], 5)
    scene.update("dns.Record", made, record(scene), values=["192.0.2.1", "192.0.2.2"])
    assert scene.observed("dns.Record", made).inputs["values"] == ["192.0.2.1", "192.0.2.2"]


def test_an_alias_is_told_as_a_set_without_values(scene: Scene) -> None:
    alias = {"HostedZoneId": "Z1", "DNSName": "balancer.example", "EvaluateTargetHealth": False}
    change = {"Action": "CREATE", "ResourceRecordSet": {"Name": "www.shop.example", "Type": "A", "AliasTarget": alias}}
    client(scene.server, "route53").change_resource_record_sets(
        HostedZoneId=scene.zone, ChangeBatch={"Changes": [change]}
    )
    told = scene.observed("dns.Record", f"{scene.zone}/A/www").inputs
    assert (told["values"], told["ttl"]) == ([], 0)


def test_records_of_a_zone_that_is_gone_are_gone(scene: Scene) -> None:
    gone = scene.make("dns.Zone", "gone", domain="gone.example")
    made = scene.make("dns.Record", "record", **record(scene))
    other = f"{gone}/A/www"
    scene.provider("dns.Zone").delete(gone)
    reading = scene.provider("dns.Record").observe([made, other])
    assert (list(reading.found), reading.gone, reading.unread) == ([made], {other}, {})


def test_a_zone_in_use_is_kept(scene: Scene) -> None:
    scene.make("dns.Record", "record", **record(scene))
    with pytest.raises(InUseError, match="HostedZoneNotEmpty"):
        scene.provider("dns.Zone").delete(scene.zone)


def test_two_zones_of_one_domain_are_two(scene: Scene) -> None:
    """Route 53 allows that; each has name servers of its own."""
    other = scene.make("dns.Zone", "other", domain="shop.example")
    assert other != scene.zone
    assert scene.observed("dns.Zone", other).outputs["name_servers"]


def test_whose_a_zone_is_fits_into_its_comment(scene: Scene) -> None:
    whose = Ownership("prod", f"zones['{'x' * 300}']", owner("zone").token)
    made = scene.provider("dns.Zone").create(Inputs({"domain": "long.example"}), whose)
    told = scene.observed("dns.Zone", made.external_id).ownership
    assert told is not None
    assert (told.deployment, told.token) == ("prod", whose.token)
    assert whose.address.startswith(told.address)


def test_a_zone_of_another_has_no_owner(scene: Scene) -> None:
    config = {"Comment": "orchestra rehearsal", "PrivateZone": False}
    client(scene.server, "route53").create_hosted_zone(
        Name="other.example", CallerReference="x", HostedZoneConfig=config
    )
    assert [one.ownership for one in scene.provider("dns.Zone").list()] == [None]
