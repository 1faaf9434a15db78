"""Parameters of a stack: every fault told at once."""

from __future__ import annotations

from typing import Literal

import pytest

import orchestra as oc
from tests.model.kinds import Thing, value_of


class Shop(oc.Stack):
    domain: str
    web_servers: int = oc.parameter(default=2, minimum=1, maximum=20, doc="how many servers answer")
    tier: str = oc.parameter(default="small", choices=("small", "large"))
    name: str = oc.parameter(pattern="[a-z]+", doc="what it is called")
    ratio: float = 0.5
    zones: list[str] = oc.parameter(default=["a"])
    mode: Literal["on", "off"] = "on"
    note: str | None = oc.parameter(default=None, pattern="[a-z]+")

    def build(self) -> None:
        pass


class Empty(oc.Stack):
    def build(self) -> None:
        pass


def faults(**values: object) -> tuple[str, ...]:
    with pytest.raises(oc.DefinitionError) as caught:
        Shop(**values)
    return caught.value.faults


def test_right_parameters_are_taken_and_defaults_filled_in() -> None:
    shop = Shop(domain="shop.example", name="shop", web_servers=20, ratio=1)
    assert (shop.domain, shop.web_servers, shop.tier, shop.ratio, shop.note) == ("shop.example", 20, "small", 1, None)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        Shop(web_server=3, web_servers="3", tier="medium", ratio=True, zones=("a",), mode="ON", note=4)
    assert str(caught.value) == (
        "Shop has wrong parameters:\n"
        "  - web_server=3: Shop has no such parameter; did you mean web_servers=3?\n"
        "  - web_servers='3': int is needed, not str\n"
        "  - tier='medium': one of 'small', 'large' is needed\n"
        "  - ratio=True: float is needed, not bool\n"
        "  - zones=('a',): list[str] is needed, not tuple\n"
        "  - mode='ON': 'on' or 'off' is needed, not str\n"
        "  - note=4: str | None is needed, not int\n"
        "  - domain: str is needed, nothing was given\n"
        "  - name: str is needed, nothing was given (what it is called)"
    )
    assert len(caught.value.faults) == 9


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (0, "web_servers=0: at least 1 is needed"),
        (-5, "web_servers=-5: at least 1 is needed"),
        (21, "web_servers=21: at most 20 is allowed"),
        (True, "web_servers=True: int is needed, not bool"),
        (2.0, "web_servers=2.0: int is needed, not float"),
        (None, "web_servers=None: int is needed, not NoneType"),
    ],
)
def test_numbers_are_kept_in_range(value: object, fault: str) -> None:
    assert faults(domain="d", name="n", web_servers=value) == (fault,)


@pytest.mark.parametrize("value", [1, 20])
def test_limits_are_inclusive(value: int) -> None:
    assert Shop(domain="d", name="n", web_servers=value).web_servers == value


@pytest.mark.parametrize("value", ["", "Shop", "shop1", "shop\n", "x shop"])
def test_a_pattern_must_match_the_whole_text(value: str) -> None:
    assert faults(domain="d", name=value) == (f"name={value!r}: text that matches '[a-z]+' is needed",)


def test_none_is_not_checked_further_where_it_is_allowed() -> None:
    assert Shop(domain="d", name="n", note=None).note is None
    assert faults(domain="d", name="n", note="1") == ("note='1': text that matches '[a-z]+' is needed",)


def test_a_stack_without_parameters_says_so() -> None:
    with pytest.raises(oc.DefinitionError, match=r"x=1: Empty has no such parameter; it has none"):
        Empty(x=1)


def test_an_unknown_parameter_like_no_other_lists_what_there_is() -> None:
    assert faults(domain="d", name="n", zzz=1) == (
        "zzz=1: Shop has no such parameter; it has domain, web_servers, tier, name, ratio, zones, mode, note",
    )


def test_parameters_are_by_name_only() -> None:
    with pytest.raises(TypeError):
        Shop("shop.example", name="n")  # type: ignore[misc]


def test_parameters_can_be_listed_in_order() -> None:
    listed = Shop.parameters()
    assert [(one.name, one.type, one.required, one.default) for one in listed] == [
        ("domain", "str", True, None),
        ("web_servers", "int", False, 2),
        ("tier", "str", False, "small"),
        ("name", "str", True, None),
        ("ratio", "float", False, 0.5),
        ("zones", "list[str]", False, ["a"]),
        ("mode", "'on' or 'off'", False, "on"),
        ("note", "str | None", False, None),
    ]
    assert listed[1].spec.doc == "how many servers answer"
    assert (listed[1].spec.minimum, listed[1].spec.maximum) == (1, 20)


def test_a_subclass_has_the_parameters_of_its_base_too() -> None:
    class Big(Shop):
        extra: int = 1

    assert [one.name for one in Big.parameters()][:2] == ["domain", "web_servers"]
    assert Big(domain="d", name="n", extra=2).extra == 2
    with pytest.raises(oc.DefinitionError, match="Big has wrong parameters"):
        Big(domain="d", name="n", extra="2", web_servers=0)


class Inner(oc.Stack):
    network: Thing
    domain: str = oc.parameter(default="x", pattern="[a-z]+", choices=("x", "y"))
    address: str | oc.Ref[str] = "x"
    port: int = 1

    def build(self) -> None:
        self.user = Thing(anything=[self.network, f"{self.domain}", self.address])


def test_references_are_passed_where_the_annotation_lets_them() -> None:
    class Outer(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.inner = Inner(network=self.thing, address=self.thing.name, domain=f"{self.thing.name}")

    outer = Outer()
    assert outer.inner.network is outer.thing
    assert value_of(outer, {"thing": {"id": "i", "name": "n"}}, address="inner.user") == ["i", "n", "n"]


def test_a_reference_where_a_value_is_needed_is_told_by_its_label() -> None:
    class Outer(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.inner = Inner(network=self.thing.name, port=self.thing.port, prot=self.thing.port)

    with pytest.raises(oc.DefinitionError) as caught:
        Outer()
    assert caught.value.faults == (
        "network=thing.name: Thing is needed, not a reference",
        "port=thing.port: int is needed, not a reference",
        "prot={thing.port}: Inner has no such parameter; did you mean port={thing.port}?",
    )


def test_annotations_of_classes_local_to_a_function_are_left_unchecked_and_no_others() -> None:
    class Local:
        pass

    class Holder(oc.Stack):
        local: Local
        size: int = oc.parameter(default=1, minimum=1)

        def build(self) -> None:
            pass

    assert Holder(local=3, size=2).size == 2
    with pytest.raises(oc.DefinitionError, match="size='x': int is needed, not str"):
        Holder(local=3, size="x")
