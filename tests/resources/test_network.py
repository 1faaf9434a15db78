"""Networks, subnets, firewalls and their rules."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.values import UNKNOWN, Value
from orchestra.planning.inputs import raw_inputs
from tests.model.kinds import scope_of


def rules(*given: oc.Rule, outputs: dict[str, dict[str, Value]] | None = None, also: Any = None) -> Value:
    """The ingress of a firewall in its normal form."""

    class Holder(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.other = oc.Firewall(network=self.network)
            made = also(self) if also else []
            self.firewall = oc.Firewall(network=self.network, ingress=[*given, *made])

    declaration = collect(Holder())
    scope = scope_of(declaration, outputs or {}, {})
    return raw_inputs(declaration.resources["firewall"], scope)["ingress"]  # type: ignore[index]


def one(protocol: str, first: int | None, last: int | None, cidr: str | None = "0.0.0.0/0") -> dict[str, object]:
    return {"protocol": protocol, "from_port": first, "to_port": last, "cidr": cidr, "firewall": None}


# -- allow


@pytest.mark.parametrize(
    ("rule", "ports"),
    [
        (oc.allow("tcp", 443), (443, 443)),
        (oc.allow("udp", (0, 65535)), (0, 65535)),
        (oc.allow("tcp", (80, 80)), (80, 80)),
        (oc.allow("icmp"), (None, None)),
        (oc.allow("all"), (None, None)),
    ],
)
def test_a_port_is_a_range_of_one(rule: oc.Rule, ports: tuple[int | None, int | None]) -> None:
    assert (rule.from_port, rule.to_port) == ports
    assert (rule.cidr, rule.firewall) == ("0.0.0.0/0", None)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: oc.allow("tcp"), "allow('tcp') needs a port: allow('tcp', 443)"),
        (lambda: oc.allow("udp"), "allow('udp') needs a port: allow('udp', 443)"),
        (lambda: oc.allow("icmp", 8), "allow('icmp', 8): icmp has no ports: allow('icmp')"),
        (lambda: oc.allow("all", 8), "allow('all', 8): all has no ports: allow('all')"),
        (lambda: oc.allow("tcp", -1), "allow('tcp', -1): ports from 0 to 65535 are needed, the lower first"),
        (lambda: oc.allow("tcp", 65536), "allow('tcp', 65536): ports from 0 to 65535 are needed, the lower first"),
        (lambda: oc.allow("tcp", (2, 1)), "allow('tcp', (2, 1)): ports from 0 to 65535 are needed, the lower first"),
    ],
)
def test_ports_that_make_no_sense_are_refused(make: Any, fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        make()
    assert str(caught.value) == fault


def test_a_source_must_be_a_network() -> None:
    with pytest.raises(oc.DefinitionError, match=r"allow\('tcp', source='10.0.0.1/8'\): a network such as"):
        oc.allow("tcp", 80, source="10.0.0.1/8")


def test_a_source_may_be_a_firewall_a_reference_or_text_with_one() -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.inner = oc.Firewall(network=self.network)
            self.floating = oc.FloatingIp()
            self.firewall = oc.Firewall(
                network=self.network,
                ingress=[
                    oc.allow("tcp", 1, source=self.inner),
                    oc.allow("tcp", 2, source=self.floating.address),
                    oc.allow("tcp", 3, source=f"{self.floating.address}/32"),
                ],
            )

    declaration = collect(Holder())
    declared = declaration.resources["firewall"]  # type: ignore[index]
    assert declared.dependencies == ("floating", "inner", "network")
    outputs: dict[str, dict[str, Value]] = {"inner": {"id": "fw-1"}, "floating": {"address": "192.0.2.1"}}
    found = raw_inputs(declared, scope_of(declaration, outputs, {}))["ingress"]
    assert isinstance(found, list)
    assert {(rule["cidr"], rule["firewall"]) for rule in found} == {
        (None, "fw-1"),
        ("192.0.2.1", None),
        ("192.0.2.1/32", None),
    }


# -- rules as a set


def test_rules_are_sorted_by_number_and_each_is_there_once() -> None:
    found = rules(
        oc.allow("tcp", 1000), oc.allow("tcp", 80), oc.allow("icmp"), oc.allow("tcp", 80), oc.allow("tcp", 443)
    )
    assert found == [
        one("tcp", 80, 80),
        one("tcp", 443, 443),
        one("tcp", 1000, 1000),
        one("icmp", None, None),
    ]


def test_the_order_in_the_code_does_not_matter() -> None:
    given = [oc.allow("tcp", 80), oc.allow("udp", (1, 9)), oc.allow("icmp"), oc.allow("tcp", 80, source="10.0.0.0/8")]
    assert rules(*given) == rules(*given[::-1])
    assert len(rules(*given)) == 4  # type: ignore[arg-type]


def test_rules_are_left_as_they_are_while_a_part_is_unknown() -> None:
    found = rules(oc.allow("tcp", 80), also=lambda self: [oc.allow("tcp", 22, source=self.other)])
    assert isinstance(found, list)
    assert [rule["from_port"] for rule in found] == [80, 22]
    assert found[1]["firewall"] is UNKNOWN


def test_what_goes_out_is_everything_unless_said() -> None:
    firewall = oc.Firewall(network="net-1")
    assert list(firewall.egress) == [oc.allow("all")]
    assert list(firewall.ingress) == []
    assert list(oc.Firewall(network="net-1", egress=[]).egress) == []


def test_rules_are_made_by_allow() -> None:
    with pytest.raises(oc.DefinitionError, match="Sequence\\[Rule\\] is needed, not"):
        oc.Firewall(network="net-1", ingress=[{"protocol": "tcp"}])  # type: ignore[list-item]
    with pytest.raises(oc.DefinitionError, match="Sequence\\[Rule\\] is needed, not Rule"):
        oc.Firewall(network="net-1", ingress=oc.allow("tcp", 1))  # type: ignore[arg-type]


# -- checks


@pytest.mark.parametrize("cidr", ["10.0.0.0/33", "", "10.0.0.1/16", "net"])
def test_ranges_must_be_networks(cidr: str) -> None:
    for make in (lambda: oc.Network(cidr=cidr), lambda: oc.Subnet(network="n", cidr=cidr)):
        with pytest.raises(oc.DefinitionError, match=r"a network such as 10\.0\.0\.0/16 is needed"):
            make()


@pytest.mark.parametrize(
    ("description", "fits"),
    [
        ("x", True),
        ("Web (public): [443]", True),
        ("a" * 255, True),
        ("", False),
        ("a" * 256, False),
        ("é", False),
        ("a\n", False),
    ],
)
def test_descriptions_are_what_clouds_take(description: str, fits: bool) -> None:
    if fits:
        assert oc.Firewall(network="n", description=description).description == description
        return
    with pytest.raises(oc.DefinitionError, match="plain text of 1 to 255 characters is needed"):
        oc.Firewall(network="n", description=description)
