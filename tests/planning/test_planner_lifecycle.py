"""Plans under the rules that a user gives: ignore, replace on, moved, protect, retain."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.values import Revealed
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.planning.steps import expand
from tests.planning.worlds import Box, applied, empty, one_box, path_names, seal, stack_of


def ignoring(*names: str, **inputs: Any) -> oc.Stack:
    return one_box(lifecycle=oc.Lifecycle(ignore_changes=names), **inputs)


def test_ignored_inputs_are_left_as_they_are_in_code_and_cloud() -> None:
    situation = applied(ignoring("loose", loose="a", size=1)).tell_all()
    assert situation.now(ignoring("loose", loose="b")).plan().is_empty
    situation.tell("box", loose="c")
    assert situation.plan().is_empty
    changed = situation.now(ignoring("loose", loose="d", size=2)).changes()["box"]
    assert path_names(changed.properties) == ["size"]
    assert changed.after["loose"] == "c"


def test_an_ignored_input_is_made_as_declared_where_it_is_made_anew() -> None:
    secret = oc.Secret.env("P")
    situation = applied(ignoring("password", "content", password=secret, content="a", fixed="a"))
    situation.tell_all().secrets["P"] = "rotated"
    replaced = situation.now(ignoring("password", "content", password=secret, content="b", fixed="b")).changes()["box"]
    assert replaced.action is Action.REPLACE
    assert replaced.after["password"] == seal(Revealed("rotated"))
    assert str(replaced.after["content"]).startswith("1 bytes, md5 92eb")
    assert {one.name: one.forces_replacement for one in replaced.properties} == {
        "fixed": True,
        "password": False,
        "content": False,
    }
    situation.gone("box")
    made = situation.changes()["box"]
    assert made.action is Action.CREATE
    assert made.after["password"] == seal(Revealed("rotated"))


def triggered(*values: Any) -> oc.Stack:
    return one_box(lifecycle=oc.Lifecycle(replace_on=values))


def test_a_changed_value_to_replace_on_replaces() -> None:
    situation = applied(triggered("v1")).tell_all()
    change = situation.now(triggered("v2")).changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.FORCED)
    assert change.properties == (
        oc.PropertyChange(path=("replace_on",), before=["v1"], after=["v2"], forces_replacement=True),
    )
    assert situation.plan().is_empty


def test_values_to_replace_on_given_first_or_taken_away_are_only_written_down() -> None:
    given = applied(one_box()).tell_all().now(triggered("v1")).changes()["box"]
    assert (given.action, given.properties[0].forces_replacement) == (Action.UPDATE, False)
    taken = applied(triggered("v1")).tell_all().now(one_box()).changes()["box"]
    assert (taken.action, taken.properties[0].forces_replacement) == (Action.UPDATE, False)


def test_a_replaced_resource_replaces_what_is_replaced_on_it() -> None:
    def build(fixed: str) -> oc.Stack:
        def inner(self: Any) -> None:
            self.a = Box(fixed=fixed)
            self.b = Box(lifecycle=oc.Lifecycle(replace_on=[self.a]))

        return stack_of(inner)

    situation = applied(build("x")).tell_all()
    assert situation.now(build("x")).plan().is_empty
    assert situation.now(build("y")).actions() == {"a": "replace", "b": "replace"}


def renamed(old: str = "", *, loose: str = "a") -> oc.Stack:
    """Two boxes, one using the other, which has the address ``new`` now if it is said where it was."""

    def inner(self: Any) -> None:
        if old:
            self.new = Box(loose=loose, lifecycle=oc.Lifecycle(moved_from=[old]))
            self.user = Box(fixed=self.new)
        else:
            self.old = Box(loose=loose)
            self.user = Box(fixed=self.old)

    return stack_of(inner)


def test_a_moved_resource_is_kept() -> None:
    changes = applied(renamed()).tell_all().now(renamed("old")).changes()
    moved = changes.pop("new")
    assert (moved.action, moved.reason, moved.moved_from) == (Action.MOVE, Reason.MOVED, "old")
    assert (moved.external_id, moved.token) == ("id-old", "token-old")
    user = changes.pop("user")
    assert (user.action, user.dependencies, user.previous_dependencies) == (Action.READ, ("new",), ("new",))
    assert changes == {}


def test_a_moved_resource_may_be_changed_at_once() -> None:
    change = applied(renamed()).tell_all().now(renamed("old", loose="b")).changes()["new"]
    assert (change.action, change.moved_from) == (Action.UPDATE, "old")


def test_what_never_was_is_no_move() -> None:
    situation = applied(renamed()).tell_all()
    assert situation.now(renamed("nowhere")).actions() == {"new": "create", "old": "delete", "user": "replace"}


def test_a_move_that_is_done_does_nothing_any_more() -> None:
    assert applied(renamed("old")).tell_all().plan().is_empty


def test_only_one_takes_over_what_has_moved() -> None:
    def build(self: Any) -> None:
        self.a = Box(lifecycle=oc.Lifecycle(moved_from=["old"]))
        self.b = Box(lifecycle=oc.Lifecycle(moved_from=["old", "older"]))

    situation = applied(stack_of(lambda self: setattr(self, "old", Box()))).tell_all()
    assert situation.now(stack_of(build)).actions() == {"a": "move", "b": "create"}


def test_a_moved_resource_is_deleted_after_those_that_use_it_by_its_old_address() -> None:
    situation = applied(renamed()).tell_all().now(renamed("old"))
    changes = situation.changes(mode=Mode.DESTROY)
    assert changes["user"].previous_dependencies == ("new",)
    assert [str(step.id) for step in expand(changes.values())] == ["user (delete)", "new (delete)"]
    assert set(situation.actions(mode=Mode.DESTROY, target=("new",))) == {"new", "user"}


def test_what_was_replaced_before_a_move_uses_it_by_its_old_address_too() -> None:
    situation = applied(renamed())
    situation.depose("user")
    changes = situation.tell_all().now(renamed("old")).changes(mode=Mode.DESTROY)
    assert changes["older"].previous_dependencies == ("new",)
    assert str(expand(changes.values())[-1].id) == "new (delete)"


def test_an_address_that_was_moved_away_can_not_be_selected() -> None:
    situation = applied(renamed()).tell_all().now(renamed("old"))
    with pytest.raises(oc.PlanError, match="target='old' names nothing in this deployment"):
        situation.plan(target=("old",))


def test_what_uses_a_moved_resource_waits_until_its_new_address_is_written_down() -> None:
    def build(self: Any) -> None:
        self.new = Box(loose="a", lifecycle=oc.Lifecycle(moved_from=["old"]))
        self.user = Box(fixed=self.new)
        self.second = Box(fixed=self.new)

    changes = applied(renamed()).tell_all().now(stack_of(build)).changes()
    steps = {str(step.id): {str(need) for need in step.needs} for step in expand(changes.values())}
    assert steps["second (create)"] == {"new (record)"}


def test_protected_resources_refuse_the_plan_and_all_are_named() -> None:
    def build(fixed: str, third: bool = True) -> oc.Stack:
        def inner(self: Any) -> None:
            rules = oc.Lifecycle(protect=True)
            self.a = Box(fixed=fixed, lifecycle=rules)
            self.b = Box(fixed=self.a, lifecycle=rules)
            self.free = Box(fixed=fixed)
            if third:
                self.c = Box(lifecycle=rules)

        return stack_of(inner)

    situation = applied(build("x")).tell_all()
    with pytest.raises(oc.ProtectedError) as caught:
        situation.now(build("y", third=False)).plan()
    assert str(caught.value) == (
        "a: lifecycle protects what this plan would delete or replace: "
        "a (replace: an input that can't be changed in place differs), "
        "b (replace: an input that can't be changed in place differs), c (delete: no longer declared)\n"
        "  to do: take protect=True off and apply that first, or leave it out with exclude="
    )
    with pytest.raises(oc.ProtectedError, match=r"a \(delete: the deployment is being destroyed\), b .*, c "):
        situation.plan(mode=Mode.DESTROY)


def test_protection_lets_everything_else_through() -> None:
    def build(loose: str) -> oc.Stack:
        return one_box(loose=loose, lifecycle=oc.Lifecycle(protect=True))

    situation = applied(build("a")).tell_all()
    assert situation.now(build("b")).actions() == {"box": "update"}
    assert situation.actions(mode=Mode.DESTROY, exclude=("box",)) == {}
    situation.gone("box")
    assert situation.actions() == {"box": "create"}
    assert situation.now(empty()).actions() == {"box": "forget"}


def test_an_older_one_of_a_protected_resource_may_go() -> None:
    situation = applied(one_box(lifecycle=oc.Lifecycle(protect=True)))
    situation.depose("box")
    assert situation.tell_all().actions() == {"older": "delete"}


def test_taking_protection_off_is_only_written_down() -> None:
    situation = applied(one_box(lifecycle=oc.Lifecycle(protect=True))).tell_all()
    change = situation.now(one_box()).changes()["box"]
    assert (change.action, change.reason, change.properties) == (Action.READ, Reason.REFRESHED, ())


@pytest.mark.parametrize(
    "rules",
    [
        oc.Lifecycle(protect=True),
        oc.Lifecycle(retain=True),
        oc.Lifecycle(create_before_delete=False),
        oc.Lifecycle(delete_timeout=5.0),
    ],
    ids=["protect", "retain", "create_before_delete", "delete_timeout"],
)
def test_rules_that_matter_once_it_is_undeclared_are_brought_up_to_date(rules: oc.Lifecycle) -> None:
    situation = applied(one_box()).tell_all().now(one_box(lifecycle=rules))
    assert situation.actions() == {"box": "read"}


def test_retained_resources_are_forgotten() -> None:
    situation = applied(one_box(lifecycle=oc.Lifecycle(retain=True))).tell_all()
    assert situation.changes(mode=Mode.DESTROY)["box"].reason is Reason.RETAINED
    assert situation.now(empty()).changes()["box"].action is Action.FORGET


def test_a_dependency_alone_is_brought_up_to_date() -> None:
    def build(depends: bool) -> oc.Stack:
        def inner(self: Any) -> None:
            self.a = Box()
            self.b = Box(depends_on=[self.a] if depends else [])

        return stack_of(inner)

    change = applied(build(False)).tell_all().now(build(True)).changes()["b"]
    assert (change.action, change.dependencies, change.previous_dependencies) == (Action.READ, ("a",), ())
