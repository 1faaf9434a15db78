"""Zones, and record sets of clouds that hold them whole, against recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Ownership, Provider, Update, fresh_token
from orchestra.errors import ConflictError, InUseError, InvalidRequestError, NotFoundError
from tests.clouds.recorded.tape import Answer, Tape, recorded

OWNER = Ownership("prod", "zone", fresh_token("zone"))
MARK = f"orchestra {OWNER.token} prod zone"
RRSETS = "/dns/v1/projects/p1/managedZones/example-com/rrsets"
CHANGES = "/dns/v1/projects/p1/managedZones/example-com/changes"
GANDI = "/api/v5/domains/example.com/records"


def at(cloud: LibcloudCloud, kind: str) -> Provider:
    found = cloud.provider(kind)
    assert found is not None
    return found


@pytest.fixture
def google(tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LibcloudCloud:
    """Google Cloud DNS with a token that Libcloud finds where it keeps those."""
    token = {"access_token": "made-up", "expire_time": "2999-01-01T00:00:00Z"}
    (tmp_path / ".google_libcloud_auth.app").write_text(json.dumps(token))
    monkeypatch.setenv("HOME", str(tmp_path))
    options = {"project": "p1", "auth_type": "IA"}
    return libcloud("google", service="dns", key="app", secret="made-up", endpoint=tape.endpoint, options=options)


@pytest.fixture
def gandi(tape: Tape) -> LibcloudCloud:
    return libcloud("gandi_live", key="made-up", endpoint=tape.endpoint)


def record(zone: str, name: str, *values: str, kind: str = "A", ttl: int = 300) -> Inputs:
    return Inputs({"zone": zone, "name": name, "type": kind, "values": list(values), "ttl": ttl})


# -- Google


def google_zone(**more: Any) -> Answer:
    path = "/dns/v1/projects/p1/managedZones/example-com"
    return Answer("GET", path, {**recorded("dns/google_zone.json"), **more})


def test_google_marks_a_zone_in_the_request_that_makes_it(google: LibcloudCloud, tape: Tape) -> None:
    made = {**recorded("dns/google_zone.json"), "description": MARK}
    tape.play(Answer("POST", "/dns/v1/projects/p1/managedZones", made), google_zone(description=MARK))
    zone = at(google, "dns.Zone").create(Inputs({"domain": "example.com"}), OWNER)
    assert tape.lines[0] == "POST /dns/v1/projects/p1/managedZones"
    named = f"orchestra-{OWNER.name(50)}"
    assert tape.asked[0].body == {"dnsName": "example.com.", "name": named, "description": MARK}
    assert (zone.external_id, zone.ownership) == ("example-com", OWNER)
    assert zone.outputs["name_servers"] == [f"ns-cloud-e{n}.googledomains.com" for n in range(1, 5)]


def test_google_changes_a_record_set_in_one_request(google: LibcloudCloud, tape: Tape) -> None:
    rrsets = Answer("GET", RRSETS, recorded("dns/google_records.json"))
    tape.play(google_zone(), rrsets, Answer("POST", CHANGES, recorded("dns/google_change.json")))
    before = record("example-com", "foo", "1.2.3.4", ttl=3600)
    after = record("example-com", "foo", "1.2.3.5", "1.2.3.6")
    at(google, "dns.Record").update("example-com/A/foo", Update(before=before, after=after, changed=frozenset()))
    assert tape.lines[-1] == f"POST {CHANGES}"
    assert tape.asked[1].query == {"name": "foo.example.com.", "type": "A"}
    named = {"name": "foo.example.com.", "type": "A"}
    assert tape.asked[-1].body == {
        "deletions": [{**named, "ttl": 3600, "rrdatas": ["1.2.3.4"]}],
        "additions": [{**named, "ttl": 300, "rrdatas": ["1.2.3.5", "1.2.3.6"]}],
    }


def test_google_gets_texts_quoted_and_hosts_with_a_dot(google: LibcloudCloud, tape: Tape) -> None:
    rrsets = Answer("GET", RRSETS, recorded("dns/google_records.json"))
    change = Answer("POST", CHANGES, recorded("dns/google_change.json"))
    records = at(google, "dns.Record")
    tape.play(google_zone(), rrsets, change, rrsets, change)
    records.create(record("example-com", "t", 'a "b"', kind="TXT"), OWNER)
    records.create(record("example-com", "", "10 mail.example.com", kind="MX"), OWNER)
    said = [one.body["additions"][0] for one in tape.asked if one.method == "POST"]
    assert [(one["name"], one["rrdatas"]) for one in said] == [
        ("t.example.com.", ['"a \\"b\\""']),
        ("example.com.", ["10 mail.example.com."]),
    ]
    assert tape.lines


def test_google_deletes_a_zone_only_if_nothing_is_in_it(google: LibcloudCloud, tape: Tape) -> None:
    tape.play(google_zone(), Answer("GET", RRSETS, recorded("dns/google_records.json")))
    with pytest.raises(InUseError, match="A foo"):
        at(google, "dns.Zone").delete("example-com")
    assert not [one for one in tape.lines if one.startswith("DELETE")]


def test_google_tells_a_zone_that_is_not_there(google: LibcloudCloud, tape: Tape) -> None:
    gone = Answer("GET", "/dns/v1/projects/p1/managedZones/example-com", recorded("dns/google_no_zone.json"), 404)
    tape.play(gone, gone)
    assert at(google, "dns.Zone").observe(["example-com"]).gone == {"example-com"}


# -- Gandi


def gandi_zone() -> Answer:
    return Answer("GET", "/api/v5/domains/example.com", recorded("dns/gandi_live_zone.json"))


def gandi_records() -> Answer:
    return Answer("GET", GANDI, recorded("dns/gandi_live_records.json"))


def gandi_record(name: str, kind: str, *values: str) -> Answer:
    """One record set, asked for alone; without values it isn't there."""
    told = {"rrset_type": kind, "rrset_ttl": 9600, "rrset_name": name, "rrset_values": [*values]}
    place = f"{GANDI}/{name}/{kind}"
    return (
        Answer("GET", place, told) if values else Answer("GET", place, recorded("dns/gandi_live_no_record.json"), 404)
    )


def test_gandi_gets_all_values_at_once(gandi: LibcloudCloud, tape: Tape) -> None:
    made = Answer("POST", GANDI, recorded("dns/gandi_live_made.json"), 201)
    tape.play(gandi_zone(), gandi_record("@", "MX"), made)
    at(gandi, "dns.Record").create(record("example.com", "", "10 a.example", "20 b.example", kind="MX"), OWNER)
    assert tape.lines[-1] == f"POST {GANDI}"
    values = ["10 a.example.", "20 b.example."]
    assert tape.asked[-1].body == {
        "rrset_name": "@",
        "rrset_type": "MX",
        "rrset_values": values,
        "rrset_ttl": 300,
    }


def test_gandi_replaces_all_values_at_once(gandi: LibcloudCloud, tape: Tape) -> None:
    put = Answer("PUT", f"{GANDI}/bob/A", recorded("dns/gandi_live_made.json"), 201)
    tape.play(gandi_zone(), gandi_record("bob", "A", "127.0.1.1"), put)
    before, after = record("example.com", "bob", "127.0.1.1"), record("example.com", "bob", "127.0.1.2", "127.0.1.3")
    at(gandi, "dns.Record").update("example.com/A/bob", Update(before=before, after=after, changed=frozenset()))
    assert tape.lines[-1] == f"PUT {GANDI}/bob/A"
    assert tape.asked[-1].body == {"rrset_values": ["127.0.1.2", "127.0.1.3"], "rrset_ttl": 300}


def test_gandi_reads_and_deletes_record_sets(gandi: LibcloudCloud, tape: Tape) -> None:
    gone = Answer("DELETE", f"{GANDI}/bob/A", None, 204)
    tape.play(gandi_zone(), gandi_records(), gandi_record("bob", "A", "127.0.1.1"), gone)
    records = at(gandi, "dns.Record")
    told = records.observe(["example.com/A/", "example.com/CNAME/www"]).found
    assert [one.inputs["values"] for one in told.values()] == [["127.0.0.1"], ["bob.example.com"]]
    assert [one.inputs["ttl"] for one in told.values()] == [10800, 3600]
    records.delete("example.com/A/bob")
    assert tape.lines[-1] == f"DELETE {GANDI}/bob/A"


def test_gandi_is_asked_for_what_its_list_leaves_out(gandi: LibcloudCloud, tape: Tape) -> None:
    asked = gandi_record("lists", "MX", "10 mail.example.", "20 mail2.example.")
    tape.play(gandi_zone(), gandi_records(), asked, gandi_record("none", "A"))
    reading = at(gandi, "dns.Record").observe(["example.com/MX/lists", "example.com/A/none"])
    assert (set(reading.found), reading.gone) == ({"example.com/MX/lists"}, {"example.com/A/none"})
    told = reading.found["example.com/MX/lists"].inputs
    assert (told["values"], told["ttl"]) == (["10 mail.example", "20 mail2.example"], 9600)
    tape.play(Answer("GET", GANDI, []), Answer("GET", f"{GANDI}/www/A", {"message": "a page of another server"}))
    reading = at(gandi, "dns.Record").observe(["example.com/A/www"])
    assert (reading.gone, set(reading.unread)) == (frozenset(), {"example.com/A/www"})


def test_gandi_refuses_what_another_made_meanwhile(gandi: LibcloudCloud, tape: Tape) -> None:
    conflict = Answer("POST", GANDI, recorded("dns/gandi_live_conflict.json"), 409)
    tape.play(gandi_zone(), gandi_record("new", "A"), conflict)
    with pytest.raises(ConflictError):
        at(gandi, "dns.Record").create(record("example.com", "new", "192.0.2.1"), OWNER)


def test_gandi_has_no_zones_to_make(gandi: LibcloudCloud) -> None:
    assert gandi.provider("dns.Zone") is None


# -- zones of clouds that hold one record for each value


def test_digitalocean_makes_a_zone_without_a_record_that_nobody_asked_for(tape: Tape) -> None:
    cloud = libcloud("digitalocean", service="dns", key="made-up", endpoint=tape.endpoint)
    zone = Answer("GET", "/v2/domains/testdomain", recorded("dns/digitalocean_zone.json"))
    servers = [
        {"id": n, "type": "NS", "name": "@", "data": f"ns{n}.digitalocean.com", "ttl": 1800} for n in range(1, 4)
    ]
    told = [{**one, "priority": None, "port": None, "weight": None} for one in servers]
    records = Answer("GET", "/v2/domains/testdomain/records", {"domain_records": told, "links": {}, "meta": {}})
    made = Answer("POST", "/v2/domains", recorded("dns/digitalocean_made.json"), 201)
    tape.play(made, zone, zone, records)
    found = at(cloud, "dns.Zone").create(Inputs({"domain": "testdomain"}), OWNER)
    assert tape.lines[0] == "POST /v2/domains"
    assert tape.asked[0].body == {"name": "testdomain"}
    assert found.outputs["name_servers"] == [f"ns{n}.digitalocean.com" for n in range(1, 4)]


def test_linode_marks_a_zone_in_the_request_that_makes_it(tape: Tape) -> None:
    options = {"soa_email": "admin@test.com"}
    cloud = libcloud("linode", service="dns", key="made-up", endpoint=tape.endpoint, options=options)
    told = {**recorded("dns/linode_zone.json"), "description": MARK}
    tape.play(Answer("POST", "/v4/domains", told), Answer("GET", "/v4/domains/123", told))
    zone = at(cloud, "dns.Zone").create(Inputs({"domain": "test.com"}), OWNER)
    assert tape.lines == ["POST /v4/domains", "GET /v4/domains/123"]
    assert tape.asked[0].body == {"domain": "test.com", "type": "master", "description": MARK, **options}
    assert (zone.ownership, zone.outputs["name_servers"]) == (OWNER, [f"ns{n}.linode.com" for n in range(1, 6)])


def test_a_zone_that_is_refused_because_the_token_made_it_is_found(tape: Tape) -> None:
    options = {"soa_email": "admin@test.com"}
    cloud = libcloud("linode", service="dns", key="made-up", endpoint=tape.endpoint, options=options)
    ours = {**recorded("dns/linode_zone.json"), "description": MARK}
    refused = Answer("POST", "/v4/domains", {"errors": [{"reason": "DNS zone already exists."}]}, 400)
    listed = Answer("GET", "/v4/domains", {"data": [ours], "page": 1, "pages": 1, "results": 1})
    one = Answer("GET", "/v4/domains/123", ours)
    tape.play(refused, listed, one, one)
    assert at(cloud, "dns.Zone").create(Inputs({"domain": "test.com"}), OWNER).external_id == "123"
    theirs = {**ours, "description": ""}
    tape.play(
        refused,
        Answer("GET", "/v4/domains", {"data": [theirs], "page": 1, "pages": 1, "results": 1}),
        Answer("GET", "/v4/domains/123", theirs),
    )
    with pytest.raises(ConflictError, match="not from here"):
        at(cloud, "dns.Zone").create(Inputs({"domain": "test.com"}), OWNER)


def test_cloudflare_is_told_the_account_that_a_zone_belongs_to(tape: Tape) -> None:
    cloud = libcloud("cloudflare", key="made-up", endpoint=tape.endpoint, options={"account": "a1"})
    zone = recorded("dns/cloudflare_zone.json")
    tape.play(Answer("POST", "/client/v4/zones", zone), Answer("GET", "/client/v4/zones/1234", zone))
    made = at(cloud, "dns.Zone").create(Inputs({"domain": "example.com"}), OWNER)
    assert tape.asked[0].body == {"name": "example.com", "account": {"id": "a1"}, "type": "full"}
    assert made.outputs["name_servers"] == ["anna.ns.cloudflare.com", "john.ns.cloudflare.com"]
    assert tape.asked[0].headers["authorization"] == "Bearer made-up"
    assert tape.lines


def test_a_zone_whose_domain_is_wrong_is_told_as_the_cloud_tells_it(tape: Tape) -> None:
    cloud = libcloud("vultr", service="dns", key="made-up", endpoint=tape.endpoint)
    nothing = {"domains": [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}}
    refused = Answer("POST", "/v2/domains", {"error": "Invalid domain.", "status": 400}, 400)
    tape.play(refused, Answer("GET", "/v2/domains", nothing))
    with pytest.raises(InvalidRequestError, match=r"Invalid domain\."):
        at(cloud, "dns.Zone").create(Inputs({"domain": "example.com"}), OWNER)
    tape.play(Answer("GET", "/v2/domains/example.com", {"error": "Not found", "status": 404}, 404))
    with pytest.raises(NotFoundError):
        at(cloud, "dns.Record").create(record("example.com", "www", "192.0.2.1"), OWNER)
