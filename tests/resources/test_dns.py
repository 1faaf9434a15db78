"""Zones and record sets."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.planning.inputs import raw_inputs
from tests.model.kinds import scope_of


def record(**more: Any) -> oc.Record:
    return oc.Record(**{"zone": "z-1", "type": "A", "values": ["192.0.2.1"], **more})


@pytest.mark.parametrize("domain", ["", "Shop.example", "shop.example.", "a b", "-a.example"])
def test_a_zone_is_of_a_domain(domain: str) -> None:
    with pytest.raises(oc.DefinitionError, match="a domain name"):
        oc.Zone(domain=domain)


@pytest.mark.parametrize("name", ["", "www", "a.b", "*", "_sip._tcp"])
def test_names_in_a_zone(name: str) -> None:
    assert record(name=name).name == name


@pytest.mark.parametrize("name", ["WWW", "www.", "a b", "@"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(oc.DefinitionError, match="a domain name"):
        record(name=name)


@pytest.mark.parametrize("kind", ["A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"])
def test_types_of_records(kind: str) -> None:
    assert record(type=kind).type == kind


@pytest.mark.parametrize("kind", ["a", "PTR", "SOA", "", None])
def test_other_types_are_refused(kind: Any) -> None:
    with pytest.raises(
        oc.DefinitionError, match="'A' or 'AAAA' or 'CNAME' or 'MX' or 'NS' or 'SRV' or 'TXT' is needed"
    ):
        record(type=kind)


@pytest.mark.parametrize(("ttl", "fits"), [(0, True), (2147483647, True), (-1, False), (2147483648, False)])
def test_ttls(ttl: int, fits: bool) -> None:
    if fits:
        assert record(ttl=ttl).ttl == ttl
        return
    with pytest.raises(oc.DefinitionError, match="0 to 2147483647 seconds is needed"):
        record(ttl=ttl)


def test_values_are_a_set_with_at_least_one() -> None:
    with pytest.raises(oc.DefinitionError, match=r"values=\[\]: at least one is needed"):
        record(values=[])

    class Holder(oc.Stack):
        def build(self) -> None:
            self.record = record(values=["192.0.2.2", "192.0.2.1", "192.0.2.2"])

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["record"], scope_of(declaration, {}, {}))  # type: ignore[index]
    assert values["values"] == ["192.0.2.1", "192.0.2.2"]
