"""Record sets on clouds that hold one record for each value, against recorded answers: what is asked, and with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from orchestra.clouds.families.libcloud import libcloud
from orchestra.contracts import Inputs, Ownership, Provider, Status, Update, fresh_token
from orchestra.errors import ConflictError, CredentialsError, InvalidRequestError, NotFoundError, ThrottledError
from tests.clouds.recorded.tape import Answer, Tape, recorded

OWNER = Ownership("prod", "record", fresh_token("record"))
TTL = 300


@attrs.frozen
class Row:
    """One record as a cloud has it."""

    id: int
    name: str
    type: str
    value: str
    priority: int = 0
    ttl: int = TTL


@attrs.frozen(kw_only=True)
class Wire:
    """How one cloud says it. ``zone`` is that of its recorded answer, ``domain`` its domain."""

    provider: str
    zone: str
    domain: str
    records: str
    """The path of the zone's records."""
    listed: Callable[[Sequence[Row]], Any]
    said: Callable[[str, str, dict[str, Any]], dict[str, Any]]
    """The body that makes a record of ``www``, from its type, its value and what goes beside it."""
    change: str
    """The method that changes a record."""
    changed: Callable[[str], dict[str, Any]]
    """The body that changes an A record of ``www`` to a value."""
    deleted: Any = None

    @property
    def place(self) -> str:
        """The path of the zone."""
        return self.records.rpartition("/")[0]

    def provider_at(self, tape: Tape) -> Provider:
        found = libcloud(self.provider, service="dns", key="made-up-token", endpoint=tape.endpoint).provider(
            "dns.Record"
        )
        assert found is not None
        return found

    def answer(self, *rows: Row) -> Answer:
        return Answer("GET", self.records, self.listed(rows))

    def zone_answer(self) -> Answer:
        return Answer("GET", self.place, recorded(f"dns/{self.provider}_zone.json"))

    def made(self) -> Answer:
        return Answer("POST", self.records, recorded(f"dns/{self.provider}_record.json"), 200)

    def record(self, *values: str, kind: str = "A", ttl: int = TTL) -> Inputs:
        return Inputs({"zone": self.zone, "name": "www", "type": kind, "values": list(values), "ttl": ttl})


def _digitalocean(row: Row) -> dict[str, Any]:
    beside = {"priority": row.priority or None, "port": None, "weight": None, "flags": None, "tag": None}
    return {"id": row.id, "type": row.type, "name": row.name, "data": row.value, "ttl": row.ttl, **beside}


def _cloudflare(row: Row) -> dict[str, Any]:
    name = f"{row.name}.example.com"
    told = {"id": str(row.id), "type": row.type, "name": name, "content": row.value, "ttl": row.ttl}
    return {**told, "priority": row.priority, "proxiable": True, "proxied": False, "locked": False}


def _linode(row: Row) -> dict[str, Any]:
    told = {"id": row.id, "type": row.type, "name": row.name, "target": row.value, "ttl_sec": row.ttl}
    beside = {"priority": row.priority, "weight": 0, "port": 0, "service": None, "protocol": None, "tag": None}
    return {**told, **beside, "created": "2020-10-16T07:57:07", "updated": "2020-10-16T07:57:07"}


def _vultr(row: Row) -> dict[str, Any]:
    told = {"id": str(row.id), "type": row.type, "name": row.name, "data": row.value}
    return {**told, "priority": row.priority or -1, "ttl": row.ttl}


WIRES = (
    Wire(
        provider="digitalocean",
        zone="testdomain",
        domain="testdomain",
        records="/v2/domains/testdomain/records",
        listed=lambda rows: {
            "domain_records": [_digitalocean(row) for row in rows],
            "links": {},
            "meta": {"total": len(rows)},
        },
        said=lambda kind, value, extra: {
            "type": kind,
            "name": "www",
            "data": value + ("." if kind == "MX" else ""),
            "priority": None,
            "port": None,
            "weight": None,
            "ttl": TTL,
            **extra,
        },
        change="PUT",
        changed=lambda value: {
            "type": "A",
            "name": "www",
            "data": value,
            "priority": None,
            "port": None,
            "weight": None,
            "ttl": TTL,
        },
    ),
    Wire(
        provider="cloudflare",
        zone="1234",
        domain="example.com",
        records="/client/v4/zones/1234/dns_records",
        listed=lambda rows: {
            "result": [_cloudflare(row) for row in rows],
            "result_info": {"page": 1, "per_page": 100, "total_pages": 1},
            "success": True,
        },
        said=lambda kind, value, extra: {
            "type": kind,
            "name": "www.example.com",
            "content": value,
            "ttl": TTL,
            **extra,
        },
        change="PATCH",
        changed=lambda value: {"content": value, "ttl": TTL},
        deleted=lambda row: {"result": {"id": str(row)}, "success": True},
    ),
    Wire(
        provider="linode",
        zone="123",
        domain="test.com",
        records="/v4/domains/123/records",
        listed=lambda rows: {"data": [_linode(row) for row in rows], "page": 1, "pages": 1, "results": len(rows)},
        said=lambda kind, value, extra: {"type": kind, "name": "www", "target": value, "ttl_sec": TTL, **extra},
        change="PUT",
        changed=lambda value: {"name": "www", "type": "A", "target": value, "ttl_sec": TTL},
        deleted=lambda row: {},
    ),
    Wire(
        provider="vultr",
        zone="example.com",
        domain="example.com",
        records="/v2/domains/example.com/records",
        listed=lambda rows: {
            "records": [_vultr(row) for row in rows],
            "meta": {"total": len(rows), "links": {"next": "", "prev": ""}},
        },
        said=lambda kind, value, extra: {"type": kind, "name": "www", "data": value, "ttl": TTL, **extra},
        change="PATCH",
        changed=lambda value: {"name": "www", "data": value, "ttl": TTL},
    ),
)


@pytest.fixture(params=WIRES, ids=[wire.provider for wire in WIRES])
def wire(request: pytest.FixtureRequest) -> Wire:
    found: Wire = request.param
    return found


def test_each_value_is_a_record(wire: Wire, tape: Tape) -> None:
    tape.play(wire.zone_answer(), wire.answer(Row(9, "other", "A", "192.0.2.9")), wire.made(), wire.made())
    made = wire.provider_at(tape).create(wire.record("192.0.2.1", "192.0.2.2"), OWNER)
    assert made.external_id == f"{wire.zone}/A/www"
    assert tape.lines == [f"GET {wire.place}", f"GET {wire.records}", f"POST {wire.records}", f"POST {wire.records}"]
    assert [one.body for one in tape.asked[2:]] == [wire.said("A", f"192.0.2.{n}", {}) for n in (1, 2)]
    assert "made-up-token" in str(tape.asked[0].headers)


def test_the_priority_of_mx_goes_beside_its_host(wire: Wire, tape: Tape) -> None:
    tape.play(wire.zone_answer(), wire.answer(), wire.made())
    wire.provider_at(tape).create(wire.record("10 mail.shop.example", kind="MX"), OWNER)
    assert tape.lines[-1] == f"POST {wire.records}"
    assert tape.asked[-1].body == wire.said("MX", "mail.shop.example", {"priority": 10})


def test_one_half_made_is_finished(wire: Wire, tape: Tape) -> None:
    there = wire.answer(Row(1, "www", "A", "192.0.2.1"))
    tape.play(wire.zone_answer(), there, there, there, wire.made())
    provider, wanted = wire.provider_at(tape), wire.record("192.0.2.1", "192.0.2.2")
    found = provider.find(OWNER, wanted)
    assert found is not None
    assert found.status is Status.PENDING
    provider.create(wanted, OWNER)
    assert tape.lines[-1] == f"POST {wire.records}"
    assert tape.asked[-1].body == wire.said("A", "192.0.2.2", {})


@pytest.mark.parametrize("values", [["192.0.2.1"], ["192.0.2.3"]])
def test_what_is_there_already_is_a_conflict(wire: Wire, tape: Tape, values: list[str]) -> None:
    tape.play(wire.zone_answer(), wire.answer(Row(1, "www", "A", "192.0.2.1")))
    with pytest.raises(ConflictError, match="already"):
        wire.provider_at(tape).create(wire.record(*values), OWNER)
    assert tape.lines == [f"GET {wire.place}", f"GET {wire.records}"]


def update(wire: Wire, tape: Tape, before: Inputs, after: Inputs) -> None:
    changed = frozenset(name for name in before.values if before.values[name] != after.values[name])
    wire.provider_at(tape).update(f"{wire.zone}/A/www", Update(before=before, after=after, changed=changed))


def test_a_value_is_changed_in_place_so_that_there_is_always_one(wire: Wire, tape: Tape) -> None:
    there = wire.answer(Row(1, "www", "A", "192.0.2.1"), Row(2, "www", "A", "192.0.2.2"))
    changing = Answer(wire.change, f"{wire.records}/1", recorded(f"dns/{wire.provider}_record.json"))
    tape.play(wire.zone_answer(), there, there, changing)
    update(wire, tape, wire.record("192.0.2.1", "192.0.2.2"), wire.record("192.0.2.2", "192.0.2.3"))
    assert tape.lines[-1] == f"{wire.change} {wire.records}/1"
    assert tape.asked[-1].body == wire.changed("192.0.2.3")


def test_a_ttl_is_changed_on_each_record(wire: Wire, tape: Tape) -> None:
    there = wire.answer(Row(1, "www", "A", "192.0.2.1", ttl=3600), Row(2, "www", "A", "192.0.2.2", ttl=TTL))
    changing = Answer(wire.change, f"{wire.records}/1", recorded(f"dns/{wire.provider}_record.json"))
    tape.play(wire.zone_answer(), there, there, changing)  # of the other it is right already
    both = ("192.0.2.1", "192.0.2.2")
    update(wire, tape, wire.record(*both, ttl=3600), wire.record(*both))
    assert tape.lines[-1] == f"{wire.change} {wire.records}/1"
    assert tape.asked[-1].body == wire.changed("192.0.2.1")


def test_values_too_many_are_deleted(wire: Wire, tape: Tape) -> None:
    there = wire.answer(Row(1, "www", "A", "192.0.2.1"), Row(2, "www", "A", "192.0.2.2"))
    status = 200 if wire.deleted else 204
    gone = Answer("DELETE", f"{wire.records}/2", wire.deleted(2) if wire.deleted else None, status)
    tape.play(wire.zone_answer(), there, there, gone)
    update(wire, tape, wire.record("192.0.2.1", "192.0.2.2"), wire.record("192.0.2.1"))
    assert tape.lines[-1] == f"DELETE {wire.records}/2"


def test_record_sets_are_read_with_one_list(wire: Wire, tape: Tape) -> None:
    rows = [
        Row(1, "www", "A", "192.0.2.1"),
        Row(2, "www", "A", "192.0.2.2"),
        Row(3, "www", "MX", "mail.shop.example", 10),
        Row(4, "www", "TXT", '"v=spf1 -all"'),
    ]
    tape.play(wire.zone_answer(), wire.answer(*rows))
    ids = [f"{wire.zone}/{kind}/www" for kind in ("A", "MX", "TXT")]
    told = wire.provider_at(tape).observe(ids).found
    assert [told[one].inputs["values"] for one in ids] == [
        ["192.0.2.1", "192.0.2.2"],
        ["10 mail.shop.example"],
        ["v=spf1 -all"],
    ]
    assert tape.lines == [f"GET {wire.place}", f"GET {wire.records}"]


REFUSALS = {
    "digitalocean": (404, {"id": "not_found", "message": "The resource you were accessing could not be found."}),
    "cloudflare": (404, recorded("dns/cloudflare_no_zone.json")),
    "linode": (404, {"errors": [{"reason": "Not found"}]}),
    "vultr": (404, {"error": "Invalid domain.", "status": 404}),
}


def test_a_zone_that_is_gone_takes_its_records_along(wire: Wire, tape: Tape) -> None:
    status, body = REFUSALS[wire.provider]
    gone = Answer("GET", wire.place, body, status)
    tape.play(gone, gone)
    external_id = f"{wire.zone}/A/www"
    assert wire.provider_at(tape).observe([external_id]).gone == {external_id}
    tape.play(gone)
    with pytest.raises(NotFoundError):
        wire.provider_at(tape).create(wire.record("192.0.2.1"), OWNER)


DENIED = {
    "digitalocean": (401, {"id": "unauthorized", "message": "Unable to authenticate you."}),
    "cloudflare": (403, {"success": False, "errors": [{"code": 9103, "message": "Unknown X-Auth-Key"}]}),
    "linode": (401, {"errors": [{"reason": "Invalid Token"}]}),
    "vultr": (401, {"error": "Invalid API token.", "status": 401}),
}


def test_refusals_are_told_as_what_they_are(wire: Wire, tape: Tape) -> None:
    status, body = DENIED[wire.provider]
    tape.play(Answer("GET", wire.place, body, status))
    with pytest.raises(CredentialsError):
        wire.provider_at(tape).create(wire.record("192.0.2.1"), OWNER)
    tape.play(Answer("GET", wire.place, body, 429, {"Retry-After": "7"}))
    if wire.provider in ("digitalocean", "vultr"):
        with pytest.raises(ThrottledError):
            wire.provider_at(tape).create(wire.record("192.0.2.1"), OWNER)


@pytest.mark.parametrize(
    ("provider", "kind", "value", "ttl"),
    [
        ("cloudflare", "A", "192.0.2.1", 59),
        ("digitalocean", "A", "192.0.2.1", 29),
        ("linode", "A", "192.0.2.1", 301),
        ("linode", "SRV", "1 2 443 www.shop.example", 300),
        ("cloudflare", "SRV", "1 2 443 www.shop.example", 300),
    ],
)
def test_what_a_cloud_would_round_or_refuse_is_refused_unsent(
    tape: Tape, provider: str, kind: str, value: str, ttl: int
) -> None:
    wire = next(one for one in WIRES if one.provider == provider)
    tape.play()
    with pytest.raises(InvalidRequestError):
        wire.provider_at(tape).create(wire.record(value, kind=kind, ttl=ttl), OWNER)
    assert tape.lines == []


def cloudflare_page(number: int, rows: Sequence[Row], *, total: int = 250) -> Answer:
    info = {"page": number, "per_page": 100, "count": len(rows), "total_count": total, "total_pages": -(-total // 100)}
    result = [_cloudflare(row) for row in rows]
    return Answer("GET", WIRES[1].records, {"result": result, "result_info": info, "success": True})


def test_cloudflare_is_read_to_the_last_page_and_half_a_list_is_no_list(tape: Tape) -> None:
    wire = WIRES[1]
    rows = [Row(number, f"www-{number}", "A", "192.0.2.1") for number in range(250)]
    records, ids = wire.provider_at(tape), [f"1234/A/www-{number}" for number in range(250)]
    pages = [cloudflare_page(at + 1, rows[at * 100 : at * 100 + 100]) for at in range(3)]
    tape.play(wire.zone_answer(), *pages)
    reading = records.observe(ids)
    assert (len(reading.found), reading.gone, reading.unread) == (250, frozenset(), {})
    assert [one.query for one in tape.asked[1:]] == [{"page": str(at), "per_page": "100"} for at in (1, 2, 3)]
    short = [pages[0], cloudflare_page(2, rows[100:150]), pages[2]]  # which isn't full, and isn't the last
    tape.play(*short)
    reading = records.observe(ids)
    assert (reading.gone, len(reading.found), len(reading.unread)) == (frozenset(), 0, 250)
    last = [pages[0], cloudflare_page(2, rows[100:150], total=150)]
    tape.play(*last, *last)
    assert records.observe([ids[0], ids[249]]).gone == {ids[249]}, "a whole list that doesn't have it"


def test_what_is_no_list_of_cloudflares_makes_nothing_gone(tape: Tape) -> None:
    wire = WIRES[1]
    tape.play(wire.zone_answer(), Answer("GET", wire.records, {"success": True}))
    reading = wire.provider_at(tape).observe(["1234/A/www"])
    assert (reading.gone, set(reading.unread)) == (frozenset(), {"1234/A/www"})
