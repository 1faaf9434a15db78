"""DigitalOcean's networks (VPCs) and firewalls, and the tags that put firewalls on droplets.

A firewall guards the droplets of a tag of its own, which a droplet gets in the request that makes it: so none is ever
there without its firewalls. The same tag stands for a firewall where it is the source of a rule.

https://docs.digitalocean.com/reference/api/reference/vpcs/ and …/firewalls/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.marking import MARK
from orchestra.clouds.base.compute.traits import Access, Firewalls, Marks, Networks, Told, region
from orchestra.clouds.base.rules import FirewallRule
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.translate import translate
from orchestra.contracts import Status, fresh_token
from orchestra.errors import CredentialsError, InUseError, InvalidRequestError, NotFoundError

_GUARD: Final = f"{MARK}:firewall:"
"""How the tag begins of what a firewall guards."""
_MARKS: Final = Marks(longest_name=255, dotted=True)
_STATUSES: Final = MappingProxyType({"succeeded": Status.READY, "failed": Status.FAILED})
_ALL_PORTS: Final = (0, 65535)
_WHOLE: Final = (("icmp", None, None), ("tcp", *_ALL_PORTS), ("udp", *_ALL_PORTS))
"""The rules that DigitalOcean has for ``all``."""
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


# -- networks


def _network(row: Mapping[str, Any]) -> Told:
    return Told(
        id=row["id"],
        name=row["name"],
        region=row["region"],
        cidr=row["ip_range"],
        comes_with=f"the region {row['region']}" if row["default"] else "",
    )


def _make_network(access: Access, name: str, cidr: str) -> Told:
    body = {"name": name, "region": region(access), "ip_range": cidr}
    return _network(access.driver.send("POST", "/v2/vpcs", body)["vpc"])


def _drop_network(access: Access, told: Told) -> None:
    """Delete a network; that droplets are in it still is told as 403, as if we might not."""
    if told.comes_with:
        raise InvalidRequestError(
            f"network {told.id} is the default one of {told.region}: DigitalOcean deletes no such",
            remedy="make another one the default in DigitalOcean's control panel, then run again",
        )
    try:
        access.driver.send("DELETE", f"/v2/vpcs/{told.id}")
    except Exception as error:
        members = access.driver.send("GET", f"/v2/vpcs/{told.id}/members")["members"]
        if members and isinstance(translate(error), CredentialsError):
            raise InUseError(f"network {told.id} still has {len(members)} members") from error
        raise


NETWORKS: Final = Networks(
    marks=_MARKS,
    all=lambda access: map(_network, access.driver.rows("/v2/vpcs", "vpcs")),
    one=lambda access, identity: _network(access.driver.send("GET", f"/v2/vpcs/{identity}")["vpc"]),
    create=_make_network,
    destroy=_drop_network,
    unsupported={"labels": "a VPC has no tags"},
    fixed={"internet": (True, "droplets in it have public addresses of their own")},
)


# -- which firewalls a droplet has


def guard_tags(access: Access, firewalls: Iterable[str]) -> list[str]:
    """The tags of what ``firewalls``, ids, guard. Raises `InvalidRequestError` for one that has none of ours."""
    return [_guard_of(access.driver.send("GET", f"/v2/firewalls/{one}")["firewall"], needed=True) for one in firewalls]


def is_guard(tag: str) -> bool:
    """Whether a tag puts a firewall on a droplet."""
    return tag.startswith(_GUARD)


def guards(access: Access) -> dict[str, str]:
    """The id of each firewall by its tag."""
    return _by_tag(access.driver.rows("/v2/firewalls", "firewalls"))


def _by_tag(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {tag: row["id"] for row in rows if (tag := _guard_of(row))}


def _guard_of(row: Mapping[str, Any], *, needed: bool = False) -> str:
    found = next((tag for tag in row["tags"] or () if is_guard(tag)), "")
    if needed and not found:
        raise InvalidRequestError(
            f"firewall {row['id']} has no tag of orchestra's, by which it could be put on a droplet",
            sent=False,
            remedy="use an oc.Firewall of a stack",
        )
    return found


# -- firewalls


def _firewall(row: Mapping[str, Any], by_tag: Mapping[str, str]) -> Told:
    return Told(
        id=row["id"],
        name=row["name"],
        state=row["status"],
        tags=row["tags"] or (),
        ingress=_rules(row["inbound_rules"] or (), "sources", by_tag),
        egress=_rules(row["outbound_rules"] or (), "destinations", by_tag),
    )


def _all_firewalls(access: Access) -> Iterator[Told]:
    rows = list(access.driver.rows("/v2/firewalls", "firewalls"))
    by_tag = _by_tag(rows)
    return (_firewall(row, by_tag) for row in rows)


def _one_firewall(access: Access, identity: str) -> Told:
    row = access.driver.send("GET", f"/v2/firewalls/{identity}")["firewall"]
    return _firewall(row, guards(access) if '"tags"' in _targets(row) else _NONE)


def _targets(row: Mapping[str, Any]) -> str:
    """Which sorts of sources and destinations the rules of a firewall have."""
    rules = [*(row["inbound_rules"] or ()), *(row["outbound_rules"] or ())]
    return " ".join(
        f'"{sort}"' for rule in rules for sort in {**rule.get("sources", {}), **rule.get("destinations", {})}
    )


def _make_firewall(access: Access, name: str, ingress: Iterable[FirewallRule], egress: Iterable[FirewallRule]) -> Told:
    """The tag first, which a firewall can't be made with before it is there."""
    rules = _sent(access, ingress, egress)
    tag = _GUARD + fresh_token(name)
    access.driver.send("POST", "/v2/tags", {"name": tag})
    made = access.driver.send("POST", "/v2/firewalls", {"name": name, **rules, "tags": [tag]})["firewall"]
    return _one_firewall(access, made["id"])


def _change_firewall(
    access: Access, told: Told, ingress: Iterable[FirewallRule], egress: Iterable[FirewallRule]
) -> None:
    """All of it is sent: what isn't is reset."""
    row = access.driver.send("GET", f"/v2/firewalls/{told.id}")["firewall"]
    kept = {"name": row["name"], "tags": row["tags"] or [], "droplet_ids": row["droplet_ids"] or []}
    access.driver.send("PUT", f"/v2/firewalls/{told.id}", {**kept, **_sent(access, ingress, egress)})


def _drop_firewall(access: Access, told: Told) -> None:
    """Its tag first: that alone would be found by nothing."""
    for tag in filter(is_guard, told.tags):
        with tolerating(NotFoundError):
            access.driver.send("DELETE", f"/v2/tags/{tag}")
    access.driver.send("DELETE", f"/v2/firewalls/{told.id}")


FIREWALLS: Final = Firewalls(
    marks=_MARKS,
    all=_all_firewalls,
    one=_one_firewall,
    create=_make_firewall,
    change=_change_firewall,
    destroy=_drop_firewall,
    statuses=_STATUSES,
    unsupported={"labels": "the tags of a firewall tell which droplets it guards"},
)


# -- rules


def _rules(rows: Iterable[Mapping[str, Any]], side: str, by_tag: Mapping[str, str]) -> Sequence[FirewallRule]:
    """What DigitalOcean tells, as rules of ours: its three for everything from one source are one of ours."""
    found = {
        (cidr, firewall, row["protocol"], *_ports(row))
        for row in rows
        for cidr, firewall in _places(row.get(side) or {}, by_tag)
    }
    for cidr, firewall in {one[:2] for one in found}:
        whole = {(cidr, firewall, *one) for one in _WHOLE}
        if whole <= found:
            found = (found - whole) | {(cidr, firewall, "all", None, None)}
    return [FirewallRule(protocol, first, last, cidr, firewall) for cidr, firewall, protocol, first, last in found]


def _ports(row: Mapping[str, Any]) -> tuple[int | None, int | None]:
    ports = str(row["ports"])
    if row["protocol"] == "icmp":
        return None, None
    if ports in ("0", "all"):
        return _ALL_PORTS
    first, _, last = ports.partition("-")
    return int(first), int(last or first)


def _places(target: Mapping[str, Any], by_tag: Mapping[str, str]) -> Iterator[tuple[str | None, str | None]]:
    """Where a rule is about: ranges of addresses, and firewalls; of other things, what names them."""
    for address in target.get("addresses") or ():
        yield address if "/" in address else f"{address}/{128 if ':' in address else 32}", None
    for tag in target.get("tags") or ():
        yield None, by_tag.get(tag, f"tag {tag}")
    for sort in ("droplet_ids", "load_balancer_uids", "kubernetes_ids"):
        for one in target.get(sort) or ():
            yield None, f"{sort} {one}"


def _sent(access: Access, ingress: Iterable[FirewallRule], egress: Iterable[FirewallRule]) -> dict[str, Any]:
    """Rules as DigitalOcean takes them; raises `InvalidRequestError` for such as it would tell back otherwise."""
    sides = {"inbound_rules": (list(ingress), "sources"), "outbound_rules": (list(egress), "destinations")}
    if not any(rules for rules, _ in sides.values()):
        raise InvalidRequestError(
            "DigitalOcean makes no firewall without a rule", sent=False, remedy="let something in or out: oc.allow(…)"
        )
    tags = {one: "" for rules, _ in sides.values() for rule in rules if (one := rule.firewall)}
    tags = dict(zip(tags, guard_tags(access, tags), strict=True))
    by_tag = {tag: one for one, tag in tags.items()}
    body = {name: [row for rule in rules for row in _rows(rule, side, tags)] for name, (rules, side) in sides.items()}
    for name, (rules, side) in sides.items():
        has_port_0 = any(rule.from_port == 0 and rule.to_port != _ALL_PORTS[1] for rule in rules)
        if has_port_0 or set(_rules(body[name], side, by_tag)) != set(rules):
            raise InvalidRequestError(
                "DigitalOcean has no port 0, and tells all ports of tcp and udp with icmp as one rule",
                sent=False,
                remedy="ports are from 1; for everything of a source write oc.allow('all', source=…) alone",
            )
    return body


def _rows(rule: FirewallRule, side: str, tags: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    target = {"tags": [tags[rule.firewall]]} if rule.firewall else {"addresses": [rule.cidr]}
    parts = _WHOLE if rule.protocol == "all" else ((rule.protocol, rule.from_port, rule.to_port),)
    for protocol, first, last in parts:
        ports = (
            "0" if first is None or (first, last) == _ALL_PORTS else f"{first}-{last}" if first != last else f"{first}"
        )
        yield {"protocol": protocol, "ports": ports, side: target}
