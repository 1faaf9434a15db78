"""Inputs that a cloud has no notion of, and so never tells, derived from the rest of what was found. Pure.

OpenStack's networks have no range of their own, and its firewalls belong to no network. Both can't be declared without,
and neither is compared, since neither is told.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from orchestra.adoption.discovering import Discovered
from orchestra.model.values import Plain

_Span: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


def completed(found: Sequence[Discovered]) -> list[Discovered]:
    """``found``, with what can be derived in its place."""
    return [_completed(one, found) for one in found]


def _completed(one: Discovered, found: Sequence[Discovered]) -> Discovered:
    if one.kind == "network.Network" and "cidr" not in one.inputs:
        return _with(one, "cidr", covering(_texts(found, "network.Subnet", "cidr", network=one.external_id)))
    if one.kind == "network.Firewall" and "network" not in one.inputs:
        return _with(one, "network", _network_of(one, found))
    return one


def covering(ranges: Iterable[str]) -> str | None:
    """The smallest range that holds all of ``ranges``, of those of the first one's family; None without any."""
    spans: list[_Span] = [ipaddress.ip_network(one, strict=False) for one in ranges]
    if not spans:
        return None
    whole: _Span = spans[0]
    for one in spans:
        while one.version == whole.version and not _holds(whole, one):
            whole = whole.supernet()
    return str(whole)


def _holds(whole: _Span, part: _Span) -> bool:
    first, last = int(whole.network_address), int(whole.broadcast_address)
    return first <= int(part.network_address) and int(part.broadcast_address) <= last


def _network_of(firewall: Discovered, found: Sequence[Discovered]) -> str | None:
    """The network of the servers that a firewall is on; else the only network that there is."""
    subnets = {
        str(one.inputs.get("subnet"))
        for one in found
        if one.kind == "compute.Server" and firewall.external_id in _items(one.inputs.get("firewalls"))
    }
    networks = {
        str(one.inputs["network"])
        for one in found
        if one.kind == "network.Subnet" and one.external_id in subnets and "network" in one.inputs
    } or {one.external_id for one in found if one.kind == "network.Network"}
    return networks.pop() if len(networks) == 1 else None


def _texts(found: Iterable[Discovered], kind: str, name: str, **wanted: str) -> list[str]:
    return sorted(
        str(one.inputs[name])
        for one in found
        if one.kind == kind and name in one.inputs and wanted.items() <= one.inputs.items()
    )


def _items(value: Plain) -> Sequence[Plain]:
    return value if isinstance(value, (list, tuple)) else ()


def _with(one: Discovered, name: str, value: str | None) -> Discovered:
    inputs: Mapping[str, Plain] = one.inputs if value is None else {**one.inputs, name: value}
    return attrs.evolve(one, inputs=inputs)
