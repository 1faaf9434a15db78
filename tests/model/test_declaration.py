"""Collecting a stack: addresses, dependencies, and every fault at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.expressions import Scope, evaluate
from orchestra.model.values import Revealed
from tests.model.kinds import Thing, scope_of, used_by


def faults(build: Callable[[Any], None]) -> tuple[str, ...]:
    """The faults of a stack with this build()."""
    shop = type("Shop", (oc.Stack,), {"build": build, "__module__": __name__})
    with pytest.raises(oc.DefinitionError) as caught:
        collect(shop())
    assert str(caught.value).splitlines()[0] == "Shop is declared wrongly:"
    assert str(caught.value).count("\n  - ") == len(caught.value.faults)
    return caught.value.faults


class Shop(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [
            oc.Server(image=oc.Image(os="debian", version="12"), size="small", subnet=self.subnet) for _ in range(11)
        ]
        self.balancer = oc.LoadBalancer(port=80, subnets=[self.subnet], members=self.web)
        self.url = oc.Output(f"http://{self.balancer.address}")
        self.zone = oc.Zone(domain="shop.example", depends_on=[self.balancer, self.network])


def test_resources_are_collected_in_the_order_declared() -> None:
    declaration = collect(Shop())
    assert list(declaration.resources) == [
        "network",
        "subnet",
        *[f"web[{number}]" for number in range(11)],
        "balancer",
        "zone",
    ]
    assert list(declaration.outputs) == ["url"]


def test_dependencies_are_sorted_as_people_sort() -> None:
    declaration = collect(Shop())
    assert declaration.resources["network"].dependencies == ()
    assert declaration.resources["balancer"].dependencies == ("subnet", *[f"web[{number}]" for number in range(11)])
    assert declaration.resources["zone"].dependencies == ("balancer", "network")


def test_choices_are_mappings_with_or_without_an_id() -> None:
    declaration = collect(Shop())
    inputs = declaration.resources["web[0]"].inputs
    assert inputs["image"] == {"os": "debian", "version": "12", "architecture": "x86_64"}
    assert inputs["size"] == {"id": "small"}


def test_a_reference_may_be_a_choice() -> None:
    class Chosen(oc.Stack):
        def build(self) -> None:
            self.other = Thing()
            self.server = oc.Server(image=self.other.name, size="small", subnet="s-1")

    declaration = collect(Chosen())
    server = declaration.resources["server"]
    assert server.dependencies == ("other",)
    scope = scope_of(declaration, {"other": {"name": "ami-1"}}, {})
    assert evaluate(server.inputs["image"], scope) == {"id": "ami-1"}


def test_addresses_are_found_by_resource() -> None:
    shop = Shop()
    declaration = collect(shop)
    assert declaration.address_of(shop.web[3]) == "web[3]"
    with pytest.raises(oc.DefinitionError, match="is not part of this stack"):
        declaration.address_of(Thing())


def test_secrets_of_a_resource_are_listed_once_each() -> None:
    secret = oc.Secret.env("A")
    stack = used_by(lambda source: [secret, f"{secret}{oc.Secret.file('f')}", source.name])
    declared = collect(stack).resources["user"]
    assert declared.secrets == (secret, oc.Secret.file("f"))
    assert declared.dependencies == ("source",)


def test_only_what_holds_neither_reference_nor_secret_is_static() -> None:
    assert collect(used_by(lambda source: ["plain", {"a": 1}])).resources["user"].is_static
    assert not collect(used_by(lambda source: [source.name])).resources["user"].is_static
    assert not collect(used_by(lambda source: oc.Secret.env("A"))).resources["user"].is_static


def test_a_resource_may_be_passed_into_a_nested_stack_and_used_there() -> None:
    class Inner(oc.Stack):
        network: oc.Network

        def build(self) -> None:
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/24")

    class Outer(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.inners = {"a": Inner(network=self.network), "b": Inner(network=self.network)}

    resources = collect(Outer()).resources
    assert list(resources) == ["network", 'inners["a"].subnet', 'inners["b"].subnet']
    assert resources['inners["b"].subnet'].dependencies == ("network",)


def test_a_stack_can_be_collected_again_and_in_a_bigger_one() -> None:
    class Inner(oc.Stack):
        def build(self) -> None:
            self.one = Thing()
            self.two = Thing(other=self.one)

    inner = Inner()
    assert list(collect(inner).resources) == ["one", "two"]
    assert list(collect(inner).resources) == ["one", "two"]

    class Outer(oc.Stack):
        def build(self) -> None:
            self.inner = inner

    assert collect(Outer()).resources["inner.two"].dependencies == ("inner.one",)


def test_what_is_assigned_after_build_counts_too() -> None:
    shop = Shop()
    shop.bucket = oc.Bucket()  # type: ignore[attr-defined]
    assert "bucket" in collect(shop).resources


# -- faults


def test_every_fault_is_told_at_once() -> None:
    def build(self: Any) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.again = self.network
        oc.Zone(domain="a.example")
        self.user = Thing(anything={1: "x"}, text=f"{self.network.id}".upper())
        self.output = oc.Output([{2}])

    assert faults(build) == (
        "again: this Network is assigned to network already; it can have one address only (make a second one, or take "
        "it from self.network where you need it)",
        "a Zone was made in build() and assigned to no attribute, so that it has no address (meant: self.zone = "
        "oc.Zone(…))",
        "user: input text: a reference was put into this text and the text was then changed, or the reference belongs "
        "to a stack that is not part of this one (change the value instead: ref.map(str.upper), and put that into the "
        "text)",
        "user: input anything: the key 1: text is needed, not int",
        "output: {2}: a set can't be an input",
    )


def test_a_resource_assigned_twice_names_both_addresses() -> None:
    def build(self: Any) -> None:
        self.web = [Thing()]
        self.first = self.web[0]

    assert faults(build) == (
        "first: this Thing is assigned to web[0] already; it can have one address only (make a second one, or take it "
        "from self.web[0] where you need it)",
    )


def test_a_nested_stack_assigned_twice_names_both_addresses() -> None:
    class Inner(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()

    def build(self: Any) -> None:
        self.one = Inner()
        self.two = [self.one]

    assert faults(build) == (
        "two[0]: this Inner is assigned to one already; it can have one address only (make a second one, or take it "
        "from self.one where you need it)",
    )


def test_a_resource_made_and_dropped_is_told() -> None:
    def build(self: Any) -> None:
        self.thing = Thing()
        self.thing = Thing()
        self.things = {Thing()}

    assert (
        faults(build)
        == (
            "a Thing was made in build() and assigned to no attribute, so that it has no address (meant: self.thing = "
            "Thing(…))",
        )
        * 2
    )


def test_a_nested_stack_made_and_dropped_is_told_with_all_it_holds() -> None:
    class Inner(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()

    def build(self: Any) -> None:
        Inner()

    assert faults(build) == (
        "a Inner was made in build() and assigned to no attribute, so that it has no address (meant: self.inner = "
        "Inner(…))",
    )


def test_a_resource_of_another_stack_is_told() -> None:
    other = Shop()

    def build(self: Any) -> None:
        self.subnet = oc.Subnet(network=other.network, cidr="10.0.0.0/24")
        self.mapped = Thing(anything=other.balancer.address.map(str.upper))
        self.out = oc.Output(f"{other.balancer.address}")

    assert faults(build) == (
        "subnet: input network uses a Network that is in no attribute of this stack (assign it: self.network = …)",
        "mapped: input anything uses a LoadBalancer that is in no attribute of this stack (assign it: "
        "self.loadbalancer = …)",
        "out uses a LoadBalancer that is in no attribute of this stack (assign it: self.loadbalancer = …)",
    )


def test_a_dependency_that_is_nowhere_is_told() -> None:
    def build(self: Any) -> None:
        self.thing = Thing(depends_on=[Thing()])

    assert faults(build) == (
        "a Thing was made in build() and assigned to no attribute, so that it has no address (meant: self.thing = "
        "Thing(…))",
        "thing: depends_on names <Thing not assigned yet>, which is in no attribute of this stack",
    )


# -- lifecycle


def test_ignored_inputs_must_be_inputs() -> None:
    def build(self: Any) -> None:
        self.one = Thing(lifecycle=oc.Lifecycle(ignore_changes=["numbr", "text", "zzz"]))

    assert faults(build) == (
        "one: ignore_changes names 'numbr', which is no input of test.Thing (did you mean 'number'?)",
        "one: ignore_changes names 'zzz', which is no input of test.Thing",
    )


def test_old_addresses_must_be_addresses_that_are_free() -> None:
    def build(self: Any) -> None:
        self.one = Thing(lifecycle=oc.Lifecycle(moved_from=["web[", "two", "gone[0]"]))
        self.two = Thing()

    assert faults(build) == (
        "one: moved_from='web[' is no address such as web[0]",
        "one: moved_from='two' is still declared",
    )


def test_values_to_replace_on_make_edges() -> None:
    class Triggered(oc.Stack):
        def build(self) -> None:
            self.one = Thing()
            self.two = Thing()
            self.three = Thing(
                lifecycle=oc.Lifecycle(
                    replace_on=[self.one, self.two.port, "v1", 2, f"{self.two.name}/{self.one.name}"]
                )
            )

    declaration = collect(Triggered())
    declared = declaration.resources["three"]
    assert declared.dependencies == ("one", "two")
    scope = scope_of(declaration, {"one": {"id": "i-1", "name": "a"}, "two": {"port": 80, "name": "b"}}, {})
    assert evaluate(declared.triggers, scope) == ["i-1", 80, "v1", 2, "b/a"]
    assert declaration.resources["one"].triggers is None


@pytest.mark.parametrize("trigger", [None, 1.5, ["a"], oc.Secret.env("A")])
def test_other_values_to_replace_on_are_refused(trigger: object) -> None:
    def build(self: Any) -> None:
        self.one = Thing(lifecycle=oc.Lifecycle(replace_on=[trigger]))  # type: ignore[list-item]

    assert faults(build) == (f"one: replace_on: {trigger!r}: a reference, a resource, text or a number is needed",)


def test_a_value_to_replace_on_from_elsewhere_is_told() -> None:
    other = Shop()

    def build(self: Any) -> None:
        self.one = Thing(lifecycle=oc.Lifecycle(replace_on=[other.network]))

    assert faults(build) == (
        "one: replace_on uses a Network that is in no attribute of this stack (assign it: self.network = …)",
    )


def test_a_secret_output_of_the_stack_stays_secret() -> None:
    class Told(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.out = oc.Output(f"{self.thing.password}!")

    declaration = collect(Told())
    scope: Scope = scope_of(declaration, {"thing": {"password": Revealed("p")}}, {})
    assert evaluate(declaration.outputs["out"], scope) == Revealed("p!")
