"""Firewalls and their rules, as calls of the simulated compute driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final, Literal

import attrs

from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.kinds import FIREWALL, NETWORK, FirewallBody, RuleBody
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row, Rows

_PROTOCOLS: Final = ("tcp", "udp", "icmp", "all")


@attrs.frozen(kw_only=True)
class SimulatedFirewall:
    """Which traffic may come in (``ingress``) and go out (``egress``). ``name`` is unique in the network."""

    id: str
    network: str
    name: str
    description: str
    ingress: Sequence[RuleBody]
    egress: Sequence[RuleBody]
    tags: Mapping[str, str]


def rule(
    protocol: str,
    from_port: int | None = None,
    to_port: int | None = None,
    *,
    cidr: str | None = None,
    firewall: str | None = None,
) -> RuleBody:
    """A rule for `Firewalls`: ports for ``tcp`` and ``udp``, and either a ``cidr`` or the id of a ``firewall``."""
    return {"protocol": protocol, "from_port": from_port, "to_port": to_port, "cidr": cidr, "firewall": firewall}


class Firewalls(InProcess):
    """The calls for firewalls."""

    def ex_create_firewall(
        self,
        network_id: str,
        name: str,
        description: str = "",
        *,
        ingress: Sequence[RuleBody] = (),
        egress: Sequence[RuleBody] = (),
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> SimulatedFirewall:
        """Make a firewall with its rules; without any it lets nothing through."""
        with self._write("ex_create_firewall", token=ex_token, service="network") as rows:
            row = rows.made_under(FIREWALL, ex_token)
            if row is None:
                rows.get(NETWORK, network_id)
                if rows.named(FIREWALL, name, network_id):
                    raise refusal("InvalidGroup.Duplicate", f"the network '{network_id}' has a firewall '{name}'")
                body: FirewallBody = {
                    "tags": dict(ex_tags or {}),
                    "network": network_id,
                    "name": name,
                    "description": description,
                    "ingress": _checked(rows, ingress),
                    "egress": _checked(rows, egress),
                }
                row = rows.add(FIREWALL, body, parent=network_id, name=name, token=ex_token)
                _use_referenced(rows, row)
            return _firewall(row)

    def ex_list_firewalls(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None, ex_network: str | None = None
    ) -> list[SimulatedFirewall]:
        """All firewalls, or those with the ids, the token, or of the network."""
        wanted = Filter(ids=ex_ids, token=ex_token, parent=ex_network)
        return [_firewall(row) for row in self._list("ex_list_firewalls", FIREWALL, wanted)]

    def ex_get_firewall(self, firewall_id: str) -> SimulatedFirewall:
        """One firewall."""
        with self._read("ex_get_firewall", firewall_id, service="network") as rows:
            return _firewall(rows.look_up(FIREWALL, firewall_id))

    def ex_set_firewall_rules(
        self,
        firewall_id: str,
        *,
        ingress: Sequence[RuleBody] | None = None,
        egress: Sequence[RuleBody] | None = None,
    ) -> SimulatedFirewall:
        """Replace all rules of one or both directions; None leaves a direction as it is."""
        with self._write("ex_set_firewall_rules", firewall_id, service="network") as rows:
            row = rows.get(FIREWALL, firewall_id)
            if ingress is not None:
                row.body["ingress"] = _checked(rows, ingress)
            if egress is not None:
                row.body["egress"] = _checked(rows, egress)
            rows.save(row)
            _use_referenced(rows, row)
            return _firewall(row)

    def ex_authorize_firewall(
        self, firewall_id: str, direction: Literal["ingress", "egress"], new: RuleBody
    ) -> SimulatedFirewall:
        """Add one rule."""
        with self._write("ex_authorize_firewall", firewall_id, service="network") as rows:
            row = rows.get(FIREWALL, firewall_id)
            if new in row.body[direction]:
                raise refusal("InvalidPermission.Duplicate", f"the firewall '{firewall_id}' already has this rule")
            row.body[direction] = [*row.body[direction], *_checked(rows, [new])]
            rows.save(row)
            _use_referenced(rows, row)
            return _firewall(row)

    def ex_revoke_firewall(
        self, firewall_id: str, direction: Literal["ingress", "egress"], old: RuleBody
    ) -> SimulatedFirewall:
        """Take one rule away."""
        with self._write("ex_revoke_firewall", firewall_id, service="network") as rows:
            row = rows.get(FIREWALL, firewall_id)
            if old not in row.body[direction]:
                raise refusal("InvalidPermission.NotFound", f"the firewall '{firewall_id}' has no such rule")
            row.body[direction] = [one for one in row.body[direction] if one != old]
            rows.save(row)
            _use_referenced(rows, row)
            return _firewall(row)

    def ex_destroy_firewall(self, firewall_id: str) -> bool:
        """Delete a firewall; refused while it is on something or another one's rule names it."""
        with self._write("ex_destroy_firewall", firewall_id, service="network") as rows:
            row = rows.get(FIREWALL, firewall_id)
            if users := rows.users(row.id):
                raise in_use(f"the firewall '{row.id}'", users)
            rows.remove(row)
        return True


def check_on_network(rows: Rows, firewalls: Sequence[str], network: str | None) -> list[str]:
    """``firewalls``, each once; refused unless all of them belong to ``network``."""
    wanted = list(dict.fromkeys(firewalls))
    for firewall in wanted:
        if rows.get(FIREWALL, firewall).body["network"] != network:
            raise refusal(
                "InvalidParameterValue", f"the firewall '{firewall}' doesn't belong to the network '{network}'"
            )
    return wanted


def _checked(rows: Rows, rules: Sequence[RuleBody]) -> list[RuleBody]:
    """``rules``, each once; refused if one makes no sense."""
    wanted: list[RuleBody] = []
    for one in rules:
        _check_ports(one)
        if (one["cidr"] is None) == (one["firewall"] is None):
            raise refusal("InvalidParameterValue", "a rule needs either a CIDR or a firewall")
        if one["cidr"] is not None:
            _check_source(one["cidr"])
        if one["firewall"] is not None:
            rows.get(FIREWALL, one["firewall"])
        if one not in wanted:
            wanted.append(one)
    return wanted


def _check_ports(one: RuleBody) -> None:
    first, last = one["from_port"], one["to_port"]
    if one["protocol"] not in _PROTOCOLS:
        raise refusal(
            "InvalidParameterValue", f"the protocol '{one['protocol']}' is not one of {', '.join(_PROTOCOLS)}"
        )
    if one["protocol"] in ("icmp", "all"):
        if first is not None or last is not None:
            raise refusal("InvalidParameterValue", f"the protocol '{one['protocol']}' has no ports")
    elif first is None or last is None or not 0 <= first <= last <= 65535:
        raise refusal("InvalidParameterValue", f"invalid port range {first} to {last}")


def _check_source(cidr: str) -> None:
    try:
        ip_network(cidr)
    except ValueError as fault:
        raise refusal("InvalidParameterValue", f"CIDR block '{cidr}' is malformed ({fault})") from fault


def _use_referenced(rows: Rows, row: Row[FirewallBody]) -> None:
    named = {one["firewall"] for one in [*row.body["ingress"], *row.body["egress"]]}
    rows.use(row, "rule", sorted(one for one in named if one is not None))


def _firewall(row: Row[FirewallBody]) -> SimulatedFirewall:
    body = row.body
    return SimulatedFirewall(
        id=row.id,
        network=body["network"],
        name=body["name"],
        description=body["description"],
        ingress=body["ingress"],
        egress=body["egress"],
        tags=body["tags"],
    )
