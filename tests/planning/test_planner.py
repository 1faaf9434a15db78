"""Plans from worlds made by hand: what is to be done, and why."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.contracts import Status
from orchestra.errors import InternalError
from orchestra.model.address import Address
from orchestra.model.values import ABSENT, UNKNOWN, Revealed
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.planning.options import Options
from orchestra.planning.planner import make_plan
from orchestra.planning.steps import expand
from orchestra.state.records import Condition
from tests.planning.worlds import (
    EVERYTHING,
    Box,
    Elsewhere,
    Plot,
    Situation,
    applied,
    chain,
    empty,
    fresh,
    one_box,
    path_names,
    seal,
    stack_of,
)


def waits(changes: dict[str, oc.Change]) -> dict[str, set[str]]:
    """Each step of a plan, with what it waits for."""
    return {str(step.id): {str(need) for need in step.needs} for step in expand(changes.values())}


# -- nothing to do, and the first plan


def test_a_stack_as_recorded_and_told_needs_nothing() -> None:
    plan = applied(stack_of(chain)).tell_all().plan()
    assert plan.changes == ()
    assert plan.is_empty
    assert plan.unchanged == 6
    assert plan.counts == {Action.NO_OP: 6}
    assert plan.outputs == {"url": "http://address of dns"}
    assert (plan.deployment, plan.stack, plan.lineage, plan.serial) == ("test", "Shop", "lineage-1", 7)
    assert not plan.partial


def test_without_reading_the_state_alone_counts() -> None:
    assert applied(stack_of(chain)).plan().is_empty


def test_the_first_plan_makes_everything_and_knows_no_output() -> None:
    plan = fresh(stack_of(chain)).plan()
    assert tuple(change.address for change in plan.changes) == EVERYTHING
    assert {change.reason for change in plan.changes} == {Reason.NEW}
    assert plan.counts == {Action.CREATE: 6}
    assert plan.outputs == {"url": UNKNOWN}
    sub = {change.address: change for change in plan.changes}[Address("sub")]
    assert sub.after["fixed"] is UNKNOWN
    assert sub.dependencies == ("net",)
    assert (sub.external_id, sub.token, sub.previous_dependencies, sub.before) == ("", "", (), {})


def test_an_empty_stack_has_an_empty_plan() -> None:
    plan = fresh(empty()).plan()
    assert (plan.changes, plan.unchanged, plan.counts, plan.is_empty) == ((), 0, {}, True)


def test_what_is_made_shows_every_input_that_is_set() -> None:
    change = fresh(one_box(loose=[1], fixed="f", password=oc.Secret.env("P"), content="c")).changes()["box"]
    assert {one.name: one.after for one in change.properties} == {
        "content": "1 bytes, md5 4a8a08f09d37b73795649038408b5f33",
        "fixed": "f",
        "image": {"id": "image-1"},
        "loose": [1],
        "members": [],
        "password": seal(Revealed("value of P")),
        "size": 1,
    }
    assert {one.before for one in change.properties} == {ABSENT}
    assert path_names(change.properties) == sorted(path_names(change.properties))


def test_the_address_sorts_the_changes_as_people_do() -> None:
    def build(self: Any) -> None:
        self.web = [Box() for _ in range(12)]
        self.app = Box()

    plan = fresh(stack_of(build)).plan()
    assert [change.address for change in plan.changes] == ["app", *(f"web[{number}]" for number in range(12))]


# -- update and replacement


def test_a_changed_input_is_updated_in_place() -> None:
    situation = applied(one_box(loose="a")).tell_all().now(one_box(loose="b"))
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.UPDATE, Reason.CHANGED)
    assert [(one.name, one.before, one.after, one.forces_replacement) for one in change.properties] == [
        ("loose", "a", "b", False)
    ]
    assert (change.external_id, change.token) == ("id-box", "token-box")
    assert change.before["loose"] == "a"
    assert change.after["loose"] == "b"


def test_a_changed_input_that_can_not_be_changed_in_place_replaces() -> None:
    situation = applied(one_box(loose="a", fixed="a")).tell_all().now(one_box(loose="b", fixed="b"))
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.FORCED)
    assert [(one.name, one.forces_replacement) for one in change.properties] == [("fixed", True), ("loose", False)]


@pytest.mark.parametrize(("size", "action"), [(3, Action.UPDATE), (1, Action.REPLACE)])
def test_a_kind_may_say_which_changes_force_replacement(size: int, action: Action) -> None:
    situation = applied(one_box(size=2)).tell_all().now(one_box(size=size))
    assert situation.changes()["box"].action is action


def test_a_replacement_makes_its_users_unknown_and_replaces_where_that_forces() -> None:
    def build(fixed: str) -> oc.Stack:
        def inner(self: Any) -> None:
            self.a = Box(fixed=fixed)
            self.b = Box(fixed=self.a.address)
            self.c = Box(fixed=self.b)
            self.d = Box(loose=self.c.address)
            self.e = Box(loose=self.d.address)

        return stack_of(inner)

    situation = applied(build("x")).tell_all().now(build("y"))
    changes = situation.changes()
    assert {name: change.action.value for name, change in changes.items()} == {
        "a": "replace",
        "b": "replace",
        "c": "replace",
        "d": "update",
    }
    assert changes["b"].properties[0].after is UNKNOWN
    assert changes["b"].properties[0].before == "address of a"
    assert changes["d"].after["loose"] is UNKNOWN


def test_outputs_that_survive_an_update_stay_known() -> None:
    def build(size: int, loose: str) -> oc.Stack:
        def inner(self: Any) -> None:
            self.a = Box(size=size, loose=loose)
            self.on_address = Box(fixed=self.a.address)
            self.on_id = Box(fixed=self.a)
            self.on_zone = Box(fixed=self.a.zone)

        return stack_of(inner)

    situation = applied(build(1, "x")).tell_all()
    assert situation.now(build(1, "y")).actions() == {"a": "update"}
    assert situation.now(build(2, "x")).actions() == {"a": "update", "on_zone": "replace"}


def test_new_values_that_the_cloud_tells_reach_the_users() -> None:
    def build(self: Any) -> None:
        self.a = Box()
        self.b = Box(loose=self.a.address)

    situation = applied(stack_of(build)).tell_all()
    situation.tell("a", outputs={"address": "elsewhere"})
    changes = situation.changes()
    assert (changes["a"].action, changes["a"].reason) == (Action.READ, Reason.REFRESHED)
    assert changes["b"].after["loose"] == "elsewhere"
    assert path_names(changes["a"].properties) == ["address"]
    assert waits(changes) == {"a (record)": set(), "b (update)": {"a (record)"}}


def test_a_plan_that_only_reads_is_empty_unless_reading_is_what_it_is_for() -> None:
    situation = applied(one_box()).tell_all()
    situation.tell("box", outputs={"address": "elsewhere"})
    assert situation.plan().is_empty
    assert situation.plan().changes
    assert not situation.plan(mode=Mode.REFRESH_ONLY).is_empty


def test_a_request_replaces_what_needs_no_change() -> None:
    situation = applied(stack_of(chain)).tell_all()
    changes = situation.changes(replace=("web",))
    assert {name: (one.action, one.reason) for name, one in changes.items()} == {
        "web[0]": (Action.REPLACE, Reason.REQUESTED),
        "web[1]": (Action.REPLACE, Reason.REQUESTED),
        "dns": (Action.UPDATE, Reason.CHANGED),
    }


def test_text_and_list_of_the_same_are_a_change() -> None:
    situation = applied(one_box(loose=["a"])).tell_all().now(one_box(loose="a"))
    assert situation.actions() == {"box": "update"}


# -- another kind, another cloud


def test_another_kind_at_the_same_address_replaces() -> None:
    situation = applied(one_box(loose="x", name="n")).tell_all()
    plot = situation.now(stack_of(lambda self: setattr(self, "box", Plot(note="x"))))
    change = plot.changes()["box"]
    assert (change.action, change.kind) == (Action.REPLACE, "test.Plot")
    assert change.properties[0] == oc.PropertyChange(
        path=("kind",), before="test.Box", after="test.Plot", forces_replacement=True
    )
    assert {one.name: one.after for one in change.properties[1:]} == {"note": "x", "range": "a"}
    assert change.after == {"note": "x", "range": "a", "within": None}


def test_another_cloud_replaces() -> None:
    situation = applied(one_box()).tell_all().now(one_box(cloud=Elsewhere()))
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.FORCED)
    assert change.properties[0] == oc.PropertyChange(
        path=("cloud",), before="cloud", after="elsewhere", forces_replacement=True
    )
    assert (change.cloud, change.previous_cloud) == ("elsewhere", "cloud")


def test_what_is_deleted_is_deleted_where_it_is() -> None:
    situation = applied(one_box(cloud=Elsewhere())).tell_all().now(empty())
    change = situation.changes()["box"]
    assert (change.action, change.cloud) == (Action.DELETE, "elsewhere")


# -- drift


def test_what_was_changed_in_the_cloud_is_put_right() -> None:
    situation = applied(one_box(loose="a")).tell_all()
    situation.tell("box", loose="b")
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.UPDATE, Reason.DRIFTED)
    assert [(one.name, one.before, one.after) for one in change.properties] == [("loose", "b", "a")]
    assert change.before["loose"] == "b"


def test_drift_that_can_not_be_put_right_in_place_replaces() -> None:
    situation = applied(one_box(fixed="a")).tell_all()
    situation.tell("box", fixed="b")
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.DRIFT_FORCED)


def test_drift_beside_a_change_of_the_code_is_a_change() -> None:
    situation = applied(one_box(loose="a", size=1)).tell_all()
    situation.tell("box", loose="b")
    change = situation.now(one_box(loose="a", size=2)).changes()["box"]
    assert change.reason is Reason.CHANGED
    assert path_names(change.properties) == ["loose", "size"]


def test_drift_that_meets_the_code_is_only_read() -> None:
    situation = applied(one_box(loose="a")).tell_all()
    situation.tell("box", loose="b")
    change = situation.now(one_box(loose="b")).changes()["box"]
    assert (change.action, change.reason) == (Action.READ, Reason.REFRESHED)
    assert change.after["loose"] == "b"


def test_an_input_left_to_the_cloud_is_not_compared() -> None:
    situation = applied(one_box(name=None)).tell_all()
    situation.tell("box", name="made up by the cloud")
    assert situation.plan().changes == ()


def test_an_input_that_the_cloud_does_not_tell_is_taken_as_recorded() -> None:
    situation = applied(one_box(loose="a", fixed="f")).tell_all()
    key = situation.records[Address("box")].key
    told = situation.told[key]
    assert told is not None
    situation.told[key] = attrs.evolve(told, inputs={})
    assert situation.plan().changes == ()


# -- gone, failed, tainted, creating


def test_what_is_gone_is_made_anew_and_its_users_follow() -> None:
    situation = applied(stack_of(chain)).tell_all()
    situation.gone("sub")
    changes = situation.changes()
    assert (changes["sub"].action, changes["sub"].reason) == (Action.CREATE, Reason.GONE)
    assert {name: one.action.value for name, one in changes.items()} == {
        "sub": "create",
        "web[0]": "replace",
        "web[1]": "replace",
        "dns": "update",
    }


def test_what_is_gone_and_not_declared_is_forgotten() -> None:
    situation = applied(one_box()).tell_all()
    situation.gone("box")
    change = situation.now(empty()).changes()["box"]
    assert (change.action, change.reason) == (Action.FORGET, Reason.GONE)


def test_what_failed_is_replaced() -> None:
    situation = applied(one_box()).tell_all()
    situation.tell("box", status=Status.FAILED)
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.FAILED)


@pytest.mark.parametrize(
    ("read", "expected"), [(True, (Action.READ, Reason.UNFINISHED)), (False, (Action.REPLACE, Reason.TAINTED))]
)
def test_what_is_tainted_is_looked_at_again(read: bool, expected: object) -> None:
    situation = applied(one_box())
    situation.record("box", condition=Condition.TAINTED)
    if read:
        situation.tell_all()
    change = situation.changes()["box"]
    assert (change.action, change.reason) == expected


def test_what_was_still_being_made_is_waited_for_and_its_values_are_unknown_until_then() -> None:
    def build(self: Any) -> None:
        self.a = Box()
        self.b = Box(loose=f"http://{self.a.address}", fixed=self.a)

    situation = applied(stack_of(build))
    situation.forget("b")
    situation.record("a", condition=Condition.CREATING)
    situation.tell("a", status=Status.PENDING, outputs={"address": None})
    changes = situation.changes()
    assert (changes["a"].action, changes["a"].reason) == (Action.READ, Reason.UNFINISHED)
    assert changes["b"].after["loose"] is UNKNOWN
    assert changes["b"].after["fixed"] == "id-a"
    assert waits(changes)["b (create)"] == {"a (record)"}


def test_an_output_that_is_none_once_ready_is_none() -> None:
    def build(self: Any) -> None:
        self.a = Box()
        self.b = Box(loose=[self.a.address])

    situation = applied(stack_of(build)).tell_all()
    situation.tell("a", outputs={"address": None})
    assert situation.changes()["b"].after["loose"] == [None]


def test_a_deposed_record_can_not_be_the_current_one() -> None:
    situation = applied(one_box())
    situation.record("box", condition=Condition.DEPOSED)
    with pytest.raises(InternalError, match="box: a deposed record can't be current"):
        situation.plan()


# -- faults while planning


def after_a(build: Any) -> Situation:
    """``a`` is applied and the rest of ``build`` is new."""
    return applied(stack_of(lambda self: setattr(self, "a", Box()))).tell_all().now(stack_of(build))


def test_a_function_that_fails_is_told_at_its_address() -> None:
    def build(self: Any) -> None:
        self.a = Box()
        self.b = Box(loose=self.a.address.map(int))

    with pytest.raises(oc.DefinitionError) as caught:
        after_a(build).plan()
    assert str(caught.value) == (
        "b: input loose: the function given to a.address.map raised ValueError: invalid literal for int() with base "
        "10: 'address of a'"
    )


def test_an_output_of_the_stack_that_fails_is_told_by_its_name() -> None:
    def build(self: Any) -> None:
        self.a = Box()
        self.out = oc.Output(self.a.address.map(int))

    with pytest.raises(oc.DefinitionError, match=r"out: output: the function given to a\.address\.map raised Val"):
        after_a(build).plan()


def test_a_missing_secret_is_told_at_its_address() -> None:
    def reveal(secret: oc.Secret) -> Any:
        raise oc.DefinitionError("not set", remedy="set it")

    world = attrs.evolve(fresh(one_box(password=oc.Secret.env("P"))).world(), reveal=reveal)
    with pytest.raises(oc.DefinitionError, match="box: input password: not set\n  to do: set it"):
        make_plan(world, Options(), "Shop")


def test_a_secret_input_must_be_text_or_a_number() -> None:
    class Odd(oc.Resource, kind="test.Odd"):
        keys: Any = oc.input_field(default=None, secret=True)

    with pytest.raises(InternalError, match="odd: secret input 'keys' is a list"):
        fresh(stack_of(lambda self: setattr(self, "odd", Odd(keys=["a"])))).plan()


def test_resources_that_need_each_other_are_told_as_a_cycle() -> None:
    def build(self: Any) -> None:
        later: list[Box] = []
        self.a = Box(depends_on=later)
        self.b = Box(loose=self.a)
        self.c = Box(loose=self.b)
        later.append(self.c)

    with pytest.raises(oc.CycleError) as caught:
        fresh(stack_of(build)).plan()
    assert caught.value.cycle == ("a", "c", "b")
    assert str(caught.value) == (
        "a: these resources need each other: a -> c -> b -> a\n"
        "  to do: take out one of the references, or put what both need into a resource of its own"
    )


def test_changes_that_no_order_fits_are_told_while_they_are_only_a_plan() -> None:
    def build(place: str, moved: bool, rules: oc.Lifecycle) -> oc.Stack:
        def inner(self: Any) -> None:
            self.plot = Plot(range=place)
            self.between = Box(loose=self.plot)
            self.user = Box(fixed=self.between.address if moved else self.plot, lifecycle=rules)

        return stack_of(inner)

    situation = applied(build("a", False, oc.Lifecycle())).tell_all()
    with pytest.raises(oc.PlanError) as caught:
        situation.now(build("b", True, oc.Lifecycle())).plan()
    assert str(caught.value) == (
        "no order fits these changes: between (update) -> plot (create) -> plot (delete) -> user (delete) -> "
        "user (create)\n"
        "  to do: set Lifecycle(create_before_delete=…) alike on the resources named, or change them in two applies"
    )
    alike = situation.now(build("b", True, oc.Lifecycle(create_before_delete=False)))
    assert [str(step.id) for step in expand(alike.plan().changes)] == [
        "user (delete)",
        "plot (delete)",
        "plot (create)",
        "between (update)",
        "user (create)",
    ]
