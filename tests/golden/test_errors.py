"""The text of every error that a wrong declaration or a plan can raise, to the character."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.expressions import lower
from orchestra.model.values import Revealed
from orchestra.planning.decide import Mode
from orchestra.planning.freshness import check_fresh
from orchestra.state.records import Condition, Snapshot
from tests.golden import kept
from tests.planning.plans import small_plan
from tests.planning.worlds import Box, Plot, Situation, applied, fresh, one_box, stack_of

Act = Callable[[Path], object]


def declaring(build: Callable[[Any], None]) -> Act:
    return lambda folder: collect(stack_of(build))


def planning(make: Callable[[], Situation], **options: Any) -> Act:
    return lambda folder: make().plan(**options)


class Shop(oc.Stack):
    """Has parameters."""

    servers: int = oc.parameter(default=2, minimum=1, maximum=20)
    tier: str = oc.parameter(default="small", choices=("small", "large"))
    domain: str = oc.parameter(pattern=r"[a-z.]+", doc="where it answers")

    def build(self) -> None:
        self.zone = oc.Zone(domain=self.domain)


class Inner(oc.Stack):
    """Takes a resource."""

    box: Box
    size: int = 1

    def build(self) -> None:
        self.own = Box(loose=self.box)


def misused(act: Callable[[Any], object]) -> Act:
    def build(self: Any) -> None:
        self.database = Box()
        act(self.database.address)

    return lambda folder: stack_of(build)


def many_faults(self: Any) -> None:
    self.one = Box()
    self.two = self.one
    Box()
    self.three = Box(loose={1: 2}, fixed=f"{self.one.address}".replace(".", "-"), depends_on=[Box()])
    self.four = Box(lifecycle=oc.Lifecycle(ignore_changes=["lose"], moved_from=["one", "a b"], replace_on=[1.5]))


def other_stack(self: Any) -> None:
    self.mine = Box(loose=one_box().box.address)  # type: ignore[attr-defined]


def nested_wrongly(self: Any) -> None:
    self.box = Box()
    self.inner = Inner(box=self.box.address, size=self.box.address, seize=3)


def ring(self: Any) -> None:
    later: list[Any] = []
    self.a = Box(depends_on=later)
    self.b = Box(loose=self.a)
    later.append(self.b)


def inside_itself(self: Any) -> None:
    self.me = {"again": self}


def protected() -> Situation:
    def build(self: Any) -> None:
        self.a = Box(lifecycle=oc.Lifecycle(protect=True))
        self.b = Box(lifecycle=oc.Lifecycle(protect=True))

    return applied(stack_of(build))


def no_order() -> Situation:
    def build(place: str, *, moved: bool) -> oc.Stack:
        def inner(self: Any) -> None:
            self.plot = Plot(range=place)
            self.between = Box(loose=self.plot)
            self.user = Box(fixed=self.between.address if moved else self.plot)

        return stack_of(inner)

    return applied(build("a", moved=False)).now(build("b", moved=True))


def after_a(make: Callable[[Any], Any], **more: Any) -> Callable[[], Situation]:
    """``a`` is applied, and ``b`` is what ``make`` makes of it."""

    def build(self: Any) -> None:
        self.a = Box()
        self.b = make(self.a)

    return lambda: applied(stack_of(lambda self: setattr(self, "a", Box())), **more).now(stack_of(build))


def plan_file(text: str | None) -> Act:
    def act(folder: Path) -> object:
        path = folder / "shop.plan"
        if text is None:
            small_plan().save(path)
            path.write_text(path.read_text(encoding="utf-8").replace("web[0]", "web[1]"), encoding="utf-8")
        elif text:
            path.write_text(text, encoding="utf-8")
        return oc.Plan.load(path)

    return act


def stale(**changes: Any) -> Act:
    state = {"deployment": "production", "lineage": "0123", "serial": 3, "salt": b"", **changes}
    return lambda folder: check_fresh(small_plan(), Snapshot(**state))


def deposed_as_current() -> Situation:
    situation = applied(one_box())
    situation.record("box", condition=Condition.DEPOSED)
    return situation


def kind(name: str) -> Act:
    return lambda folder: type("Wrong", (oc.Resource,), {}, kind=name)


ERRORS: dict[str, Act] = {
    "parameters, all faults at once": lambda folder: Shop(servers=0, tier="medium", sever=1),
    "a parameter of the wrong type": lambda folder: Shop(servers="2", domain="a.example"),  # type: ignore[arg-type]
    "a parameter that is a reference": lambda folder: stack_of(nested_wrongly),
    "Stack by itself": lambda folder: oc.Stack(),
    "inputs, all faults at once": lambda folder: oc.Network(
        cidr="10.0.0.0/33",
        internet="yes",  # type: ignore[arg-type]
        labels={"Name": "x"},
    ),
    "a kind without a service": kind("Server"),
    "a resource that is no kind": lambda folder: type("Base", (oc.Resource,), {})(),
    "a key that is no address": declaring(lambda self: setattr(self, "boxes", {None: Box()})),
    "a stack inside itself": declaring(inside_itself),
    "a stack with many faults": declaring(many_faults),
    "a resource of another stack": declaring(other_stack),
    "an input that is no value": lambda folder: lower({1, 2}, {}),
    "a secret outside of build": lambda folder: f"{oc.Secret.env('PASSWORD')}",
    "a secret that is too short": lambda folder: oc.Secret.generate("x", length=4),
    "a timeout of nothing": lambda folder: oc.Lifecycle(update_timeout=0),
    "a reference tested for truth": misused(lambda address: 1 if address else 2),
    "a reference compared": misused(lambda address: address == "x"),
    "a reference looped over": misused(lambda address: [*address]),
    "a reference added": misused(lambda address: "x" + address),
    "a reference indexed": misused(lambda address: address[0]),
    "a secret tested for truth": lambda folder: bool(oc.Secret.env("PASSWORD")),
    "a cycle": planning(lambda: fresh(stack_of(ring))),
    "a function that fails": planning(after_a(lambda a: Box(loose=a.address.map(int)))),
    "a function that fails over a secret": planning(after_a(lambda a: Box(loose=a.token.map(int)))),
    "a function that returns a reference": planning(after_a(lambda a: Box(loose=a.address.map(lambda value: a.zone)))),
    "a format that does not fit": planning(after_a(lambda a: Box(loose=f"{a.address:d}"))),
    "a format that does not fit a secret": planning(after_a(lambda a: Box(loose=f"{a.token:d}"))),
    "a target that is not there": planning(lambda: applied(one_box()), target=("bax",)),
    "a target like nothing": planning(lambda: applied(one_box()), target=("zzzzzz",)),
    "protected resources": planning(protected, mode=Mode.DESTROY),
    "changes that no order fits": planning(no_order),
    "a record that can not be current": planning(deposed_as_current),
    "a plan file that is not there": plan_file(""),
    "a plan file that is not JSON": plan_file("{"),
    "a plan file of another format": plan_file("{}"),
    "a plan file of another version": plan_file('{"format": "orchestra-plan", "version": 2}'),
    "a plan file that was edited": plan_file(None),
    "a plan that can not be written": lambda folder: small_plan().save(folder / "missing" / "shop.plan"),
    "a plan with a secret in plain": lambda folder: small_plan(outputs={"x": Revealed("hunter2")}).to_json(),
    "a plan of another deployment": stale(deployment="test"),
    "a plan of another state": stale(lineage="4567"),
    "a plan that is too old": stale(serial=4),
}


def told(folder: Path) -> Iterator[tuple[str, Exception]]:
    for name, act in ERRORS.items():
        with pytest.raises(oc.OrchestraError) as caught:
            act(folder)
        yield name, caught.value


def test_the_text_of_every_error_is_as_it_was_agreed(tmp_path: Path) -> None:
    sections = [
        f"# {name}: {type(error).__name__}\n{str(error).replace(str(tmp_path), '<folder>')}\n"
        for name, error in told(tmp_path)
    ]
    kept.check("errors.txt", "\n".join(sections))


def test_every_error_of_declaring_and_planning_is_among_them(tmp_path: Path) -> None:
    found = {type(error) for _, error in told(tmp_path)}
    elsewhere = {oc.UnsupportedError, oc.ChoiceError}
    declared = {oc.DefinitionError, *oc.DefinitionError.__subclasses__()}
    planned = {oc.PlanError, *oc.PlanError.__subclasses__()} - elsewhere
    assert found == declared | planned | {oc.InternalError}


def test_no_error_tells_a_secret_or_a_token(tmp_path: Path) -> None:
    for name, error in told(tmp_path):
        for word in ("hunter2", "token of a", "<<orchestra"):
            assert word not in f"{error} {error!r}", name
