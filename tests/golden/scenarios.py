"""Plans by name, each of a situation that users meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

import orchestra as oc
from orchestra.contracts import Status
from orchestra.model.address import Address
from orchestra.planning.choices import Wanted
from orchestra.planning.decide import Mode
from orchestra.state.records import Condition
from tests.planning.worlds import Box, Elsewhere, Plot, Situation, applied, empty, fresh, one_box, stack_of

IMAGE: Final = '{"architecture":"x86_64","os":"debian","version":"%s"}'
SIZE: Final = '{"cpus":%d,"memory_gib":4}'


class Shop(oc.Stack):
    """Servers behind a balancer, with what a cloud needs for that."""

    servers: int = 2
    subnet_range: str = "10.0.1.0/24"
    version: str = "12"
    cpus: int = 2
    ports: tuple[int, ...] = (443,)
    greeting: str = "hello"
    labels: dict[str, str] = {}  # noqa: RUF012
    servers_rules: oc.Lifecycle = oc.Lifecycle()
    bucket_rules: oc.Lifecycle = oc.Lifecycle()
    with_bucket: bool = True

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr=self.subnet_range)
        self.firewall = oc.Firewall(network=self.network, ingress=[oc.allow("tcp", port) for port in self.ports])
        self.web = [
            oc.Server(
                image=oc.Image(os="debian", version=self.version),
                size=oc.Size(cpus=self.cpus, memory_gib=4),
                subnet=self.subnet,
                firewalls=[self.firewall],
                user_data=f"#!/bin/sh\necho '{self.greeting}' # {self.network.id}",
                labels=self.labels,
                lifecycle=self.servers_rules,
            )
            for _ in range(self.servers)
        ]
        self.balancer = oc.LoadBalancer(port=443, subnets=[self.subnet], members=self.web)
        self.zone = oc.Zone(domain="shop.example")
        self.record = oc.Record(zone=self.zone, name="www", type="CNAME", values=[self.balancer.address])
        if self.with_bucket:
            self.bucket = oc.Bucket(lifecycle=self.bucket_rules)
        self.url = oc.Output(f"https://{self.record.id}")
        self.addresses = oc.Output([server.private_ip for server in self.web])


def chosen(situation: Situation) -> Situation:
    """With what the cloud chooses for each wish."""
    for version in ("12", "13"):
        situation.choices[Wanted("cloud", "compute.Server", "image", IMAGE % version)] = f"img-debian-{version}"
    for cpus in (2, 4):
        situation.choices[Wanted("cloud", "compute.Server", "size", SIZE % cpus)] = f"s-{cpus}"
    return situation


def deployed(**parameters: Any) -> Situation:
    """The shop as it was applied, and as the cloud still tells it."""
    return chosen(applied(Shop(**parameters))).tell_all()


def first_plan() -> oc.Plan:
    return chosen(fresh(Shop())).plan()


def nothing_to_do() -> oc.Plan:
    return deployed().plan()


def nothing_to_do_partial() -> oc.Plan:
    return deployed().plan(target=("subnet",))


def empty_stack() -> oc.Plan:
    return fresh(empty()).plan()


def one_server_more() -> oc.Plan:
    return deployed().now(Shop(servers=3)).plan()


def one_server_less() -> oc.Plan:
    return deployed().now(Shop(servers=1)).plan()


def changed_in_place() -> oc.Plan:
    return deployed().now(Shop(cpus=4, ports=(443, 80), labels={"team": "web"})).plan()


def replaced_new_first() -> oc.Plan:
    return deployed().now(Shop(greeting="good day")).plan()


def replaced_old_first() -> oc.Plan:
    return deployed().now(Shop(subnet_range="10.0.2.0/24")).plan()


def newer_image() -> oc.Plan:
    return deployed().now(Shop(version="13")).plan()


def replacement_asked_for() -> oc.Plan:
    return deployed().plan(replace=("web[1]",))


def drift_put_right() -> oc.Plan:
    situation = deployed(labels={"team": "web"})
    situation.tell("web[0]", labels={"team": "nobody", "extra": "x"})
    situation.tell("bucket", public=True)
    return situation.plan()


def drift_that_replaces() -> oc.Plan:
    situation = deployed()
    situation.tell("zone", domain="other.example")
    return situation.plan()


def gone_from_the_cloud() -> oc.Plan:
    situation = deployed()
    situation.gone("web[0]", "bucket")
    return situation.now(Shop(with_bucket=False)).plan()


def failed_and_tainted() -> oc.Plan:
    situation = deployed()
    situation.record("web[1]", condition=Condition.TAINTED)
    situation.tell("web[0]", status=Status.FAILED)
    return situation.plan()


def still_being_made() -> oc.Plan:
    situation = deployed()
    situation.record("web[0]", condition=Condition.CREATING)
    situation.tell("web[0]", status=Status.PENDING, outputs={"private_ip": None, "public_ip": None})
    situation.forget("balancer")
    return situation.plan()


def no_longer_declared() -> oc.Plan:
    return deployed().now(empty()).plan()


def retained() -> oc.Plan:
    return deployed(bucket_rules=oc.Lifecycle(retain=True)).now(Shop(with_bucket=False)).plan()


def destroyed() -> oc.Plan:
    return deployed(bucket_rules=oc.Lifecycle(retain=True)).plan(mode=Mode.DESTROY)


def destroyed_in_part() -> oc.Plan:
    return deployed().plan(mode=Mode.DESTROY, target=("web[0]",))


def read_alone() -> oc.Plan:
    situation = deployed()
    situation.tell("web[0]", outputs={"public_ip": "192.0.2.7"}, labels={"extra": "x"})
    situation.gone("bucket")
    return situation.plan(mode=Mode.REFRESH_ONLY)


def new_address_reaches_its_users() -> oc.Plan:
    situation = deployed()
    situation.tell("balancer", outputs={"address": "lb-2.example"})
    return situation.plan()


def replaced_before_and_not_deleted() -> oc.Plan:
    situation = deployed()
    situation.depose("web[0]")
    return situation.tell_all().plan()


def moved() -> oc.Plan:
    def before(self: Any) -> None:
        self.old = Box(loose="a")
        self.user = Box(fixed=self.old)

    def after(self: Any) -> None:
        self.shelf = [Box(loose="a", lifecycle=oc.Lifecycle(moved_from=["old"]))]
        self.user = Box(fixed=self.shelf[0])

    return applied(stack_of(before)).tell_all().now(stack_of(after)).plan()


def another_kind() -> oc.Plan:
    return applied(one_box(loose="x")).tell_all().now(stack_of(lambda self: setattr(self, "box", Plot()))).plan()


def another_cloud() -> oc.Plan:
    return applied(one_box(loose="x")).tell_all().now(one_box(loose="x", cloud=Elsewhere())).plan()


def replaced_on_a_value() -> oc.Plan:
    def box(value: str) -> oc.Stack:
        return one_box(lifecycle=oc.Lifecycle(replace_on=[value]))

    return applied(box("v1")).tell_all().now(box("v2")).plan()


def secrets() -> oc.Plan:
    def build(self: Any) -> None:
        self.database = Box(password=oc.Secret.env("PASSWORD"), content=oc.Secret.env("PASSWORD"))
        self.web = Box(loose={"url": f"db://{self.database.token}", "plain": "x"}, fixed=oc.Secret.env("PASSWORD"))
        self.token = oc.Output(self.database.token)

    situation = applied(stack_of(build)).tell_all()
    situation.secrets["PASSWORD"] = "rotated"
    situation.forget("web")
    return situation.plan()


def odd_values() -> oc.Plan:
    before = {"text": "é\n\t\"'<b>&", "long": "x" * 200, "list": [1, 2.5, True, None], "empty": {}, "none": 1}
    after = {"text": "è\x1b[31m", "long": "y" * 200, "list": [True, {"a": [1]}], "empty": [], "none": None, "new": ""}
    return applied(one_box(loose=before)).tell_all().now(one_box(loose=after)).plan()


def targeted() -> oc.Plan:
    return chosen(fresh(Shop())).plan(target=("firewall",))


def excluded() -> oc.Plan:
    return deployed().now(Shop(servers=3, cpus=4)).plan(exclude=("web[0]",))


def ignored_until_made_anew() -> oc.Plan:
    rules = oc.Lifecycle(ignore_changes=["user_data"])
    situation = deployed(servers_rules=rules)
    situation.gone("web[1]")
    return situation.now(Shop(servers_rules=rules, greeting="good day")).plan()


def with_findings() -> oc.Plan:
    findings = (
        oc.Finding(rule="no-public-bucket", address=Address("bucket"), message="it is open to everyone", refusal=True),
        oc.Finding(rule="cost", address=None, message="about 40 EUR more a month"),
    )
    return attrs.evolve(one_server_more(), findings=findings)


SCENARIOS: Final[dict[str, Callable[[], oc.Plan]]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        first_plan,
        nothing_to_do,
        nothing_to_do_partial,
        empty_stack,
        one_server_more,
        one_server_less,
        changed_in_place,
        replaced_new_first,
        replaced_old_first,
        newer_image,
        replacement_asked_for,
        drift_put_right,
        drift_that_replaces,
        gone_from_the_cloud,
        failed_and_tainted,
        still_being_made,
        no_longer_declared,
        retained,
        destroyed,
        destroyed_in_part,
        read_alone,
        new_address_reaches_its_users,
        replaced_before_and_not_deleted,
        moved,
        another_kind,
        another_cloud,
        replaced_on_a_value,
        secrets,
        odd_values,
        targeted,
        excluded,
        ignored_until_made_anew,
        with_findings,
    )
}
