"""Which resources a plan is for: targets, exclusions, what is no longer declared, what was replaced, reading alone."""

from __future__ import annotations

import pytest

import orchestra as oc
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.planning.steps import expand
from tests.planning.worlds import EVERYTHING, Box, applied, chain, empty, encrypted, fresh, one_box, stack_of


def net_alone() -> oc.Stack:
    return stack_of(lambda self: setattr(self, "net", Box()))


# -- targets and exclusions


def test_a_target_brings_what_it_needs_and_nothing_else() -> None:
    plan = fresh(stack_of(chain)).plan(target=("web[1]",))
    assert [change.address for change in plan.changes] == ["net", "sub", "web[1]"]
    assert plan.partial


def test_what_is_excluded_takes_along_what_needs_it() -> None:
    plan = fresh(stack_of(chain)).plan(exclude=("web[1]",))
    assert [change.address for change in plan.changes] == ["alone", "net", "sub", "web[0]"]
    assert plan.partial


def test_a_plan_to_destroy_takes_users_along() -> None:
    situation = applied(stack_of(chain)).tell_all()
    assert tuple(situation.changes(mode=Mode.DESTROY)) == EVERYTHING
    assert list(situation.changes(mode=Mode.DESTROY, target=("web[1]",))) == ["dns", "web[1]"]
    assert list(situation.changes(mode=Mode.DESTROY, exclude=("web[1]",))) == ["alone", "dns", "web[0]"]


def test_targets_and_exclusions_together() -> None:
    plan = fresh(stack_of(chain)).plan(target=("dns",), exclude=("web",))
    assert [change.address for change in plan.changes] == ["net", "sub"]


def test_a_selector_covers_all_inside_it() -> None:
    plan = fresh(stack_of(chain)).plan(target=("web",))
    assert [change.address for change in plan.changes] == ["net", "sub", "web[0]", "web[1]"]


@pytest.mark.parametrize("name", ["target", "exclude", "replace"])
def test_a_selector_that_names_nothing_is_refused(name: str) -> None:
    with pytest.raises(oc.PlanError) as caught:
        fresh(stack_of(chain)).plan(**{name: ("dnss",)})
    assert str(caught.value) == f"{name}='dnss' names nothing in this deployment\n  to do: did you mean 'dns'?"
    with pytest.raises(oc.PlanError, match=r"to do: see deployment\.resources for the addresses"):
        fresh(stack_of(chain)).plan(**{name: ("zzzzzz",)})


def test_what_is_not_selected_is_not_called_unchanged() -> None:
    plan = applied(stack_of(chain)).tell_all().plan(target=("sub",))
    assert plan.changes == ()
    assert plan.unchanged == 2


def test_what_is_no_longer_declared_can_be_selected() -> None:
    situation = applied(stack_of(chain)).tell_all().now(net_alone())
    assert set(situation.actions()) == {"alone", "dns", "sub", "web[0]", "web[1]"}
    assert situation.actions(target=("alone",)) == {"alone": "delete"}
    assert set(situation.actions(exclude=("alone",))) == {"dns", "sub", "web[0]", "web[1]"}


# -- no longer declared, and deposed


def test_what_is_no_longer_declared_is_deleted_users_first() -> None:
    changes = applied(stack_of(chain)).tell_all().now(empty()).changes()
    assert {change.reason for change in changes.values()} == {Reason.UNDECLARED}
    ordered = [str(step.id.address) for step in expand(changes.values())]
    assert ordered.index("dns") < ordered.index("web[0]") < ordered.index("sub") < ordered.index("net")


def test_reading_alone_keeps_what_is_no_longer_declared() -> None:
    situation = applied(one_box(loose="a")).tell_all()
    situation.tell("box", loose="b", outputs={"token": "told in plain"})
    change = situation.now(empty()).changes(mode=Mode.REFRESH_ONLY)["box"]
    assert change.action is Action.READ
    assert change.after == {**change.before, "loose": "b"}
    assert change.after["size"] == 1
    assert [(one.name, one.before, one.after) for one in change.properties] == [("loose", "a", "b")]
    assert change.outputs["token"] == encrypted("token of box")
    assert change.cloud == "cloud"


def test_an_older_one_is_deleted_in_every_plan_but_one_that_only_reads() -> None:
    situation = applied(one_box())
    situation.depose("box")
    situation.tell_all()
    change = situation.changes()["older"]
    assert (change.action, change.reason, change.deposed) == (Action.DELETE, Reason.DEPOSED, True)
    assert (change.external_id, change.address) == ("older-box", "box")
    assert set(situation.actions(mode=Mode.DESTROY)) == {"box", "older"}
    assert situation.actions(mode=Mode.REFRESH_ONLY) == {}


def test_an_older_one_that_is_gone_is_forgotten() -> None:
    situation = applied(one_box())
    record = situation.depose("box")
    situation.tell_all()
    situation.told[record.key] = None
    for mode in (Mode.NORMAL, Mode.REFRESH_ONLY):
        change = situation.changes(mode=mode)["older"]
        assert (change.action, change.reason) == (Action.FORGET, Reason.GONE)


def test_an_older_one_that_was_not_read_is_deleted() -> None:
    situation = applied(one_box())
    situation.depose("box")
    assert situation.actions() == {"older": "delete"}


def test_an_older_one_is_selected_by_its_address_also_alone() -> None:
    situation = applied(stack_of(chain))
    situation.depose("web[0]")
    situation.tell_all()
    assert situation.actions(target=("web[0]",)) == {"older": "delete"}
    assert situation.actions(target=("net",)) == {}
    situation.forget("web[0]")
    assert situation.now(net_alone()).actions(target=("web[0]",)) == {"older": "delete"}


def test_several_older_ones_come_after_the_current_one_in_order() -> None:
    situation = applied(one_box(loose="a"))
    situation.depose("box", "two")
    situation.depose("box", "one")
    plan = situation.tell_all().now(one_box(loose="b")).plan()
    assert [(change.action.value, change.token) for change in plan.changes] == [
        ("update", "token-box"),
        ("delete", "one"),
        ("delete", "two"),
    ]


# -- plans to refresh


def test_reading_alone_takes_over_what_the_cloud_tells() -> None:
    situation = applied(one_box(loose="a", size=1)).tell_all()
    situation.tell("box", loose="b", outputs={"address": "elsewhere"})
    plan = situation.now(one_box(loose="c", size=5)).plan(mode=Mode.REFRESH_ONLY)
    change = plan.changes[0]
    assert (change.action, change.reason) == (Action.READ, Reason.REFRESHED)
    assert (change.after["loose"], change.after["size"]) == ("b", 1)
    assert {one.name: (one.before, one.after) for one in change.properties} == {
        "loose": ("a", "b"),
        "address": ("address of box", "elsewhere"),
    }
    assert plan.outputs == {}


def test_reading_alone_makes_nothing() -> None:
    assert fresh(stack_of(chain)).plan(mode=Mode.REFRESH_ONLY).changes == ()


def test_reading_alone_forgets_what_is_gone() -> None:
    situation = applied(stack_of(chain)).tell_all()
    situation.gone("sub")
    assert situation.actions(mode=Mode.REFRESH_ONLY) == {"sub": "forget"}
