"""A plan as steps: what waits for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import orchestra as oc
from orchestra.model.address import Address
from orchestra.planning.change import Change
from orchestra.planning.decide import Action, Reason
from orchestra.planning.steps import Step, expand
from orchestra.state.journal import Operation


def change(
    address: str,
    action: Action,
    uses: Iterable[str] = (),
    *,
    used: Iterable[str] | None = None,
    new_first: bool = True,
    deposed: str = "",
) -> Change:
    """A change of something that uses ``uses`` and, by the state, ``used`` (the same if that isn't said)."""
    uses = tuple(map(Address, uses))
    was = () if action is Action.CREATE else uses if used is None else tuple(map(Address, used))
    return Change(
        address=Address(address),
        kind="test.Box",
        action=action,
        reason=Reason.CHANGED,
        cloud="cloud",
        dependencies=() if action in (Action.DELETE, Action.FORGET) else uses,
        previous_dependencies=was,
        create_before_delete=new_first,
        deposed=bool(deposed),
        token=deposed or f"token-{address}",
    )


def names(steps: Sequence[Step]) -> list[str]:
    return [name(step) for step in steps]


def name(step: Step) -> str:
    return f"{step.id.operation} {step.id.token or step.id.address}"


def waits(steps: Sequence[Step]) -> dict[str, set[str]]:
    by_id = {step.id: name(step) for step in steps}
    return {name(step): {by_id[need] for need in step.needs} for step in steps}


# -- one change by itself


@pytest.mark.parametrize(
    ("action", "operations"),
    [
        (Action.CREATE, ["create a"]),
        (Action.UPDATE, ["update a"]),
        (Action.DELETE, ["delete a"]),
        (Action.READ, ["record a"]),
        (Action.MOVE, ["record a"]),
        (Action.ADOPT, ["record a"]),
        (Action.FORGET, ["record a"]),
    ],
)
def test_each_action_has_its_steps(action: Action, operations: list[str]) -> None:
    assert names(expand([change("a", action)])) == operations


@pytest.mark.parametrize(
    ("new_first", "operations"), [(True, ["create a", "delete a"]), (False, ["delete a", "create a"])]
)
def test_a_replacement_is_two_steps(new_first: bool, operations: list[str]) -> None:
    steps = expand([change("a", Action.REPLACE, new_first=new_first)])
    assert names(steps) == operations
    assert waits(steps)[operations[1]] == {operations[0]}


def test_a_step_knows_its_change_and_its_operation() -> None:
    given = change("a", Action.REPLACE)
    steps = expand([given])
    assert [step.change for step in steps] == [given, given]
    assert [step.operation for step in steps] == [Operation.CREATE, Operation.DELETE]
    assert str(steps[0].id) == "a (create)"


@pytest.mark.parametrize(("action", "operation"), [(Action.DELETE, "delete old"), (Action.FORGET, "record old")])
def test_what_is_deposed_goes_under_its_token(action: Action, operation: str) -> None:
    steps = expand([change("a", action, deposed="old"), change("a", Action.UPDATE)])
    assert waits(steps) == {operation: set(), "update a": set()}


def test_no_change_needs_no_step() -> None:
    assert expand([]) == []


# -- chains


def test_what_is_made_waits_for_what_it_uses() -> None:
    steps = expand([change("b", Action.CREATE, ["a"]), change("a", Action.CREATE), change("c", Action.UPDATE, ["b"])])
    assert names(steps) == ["create a", "create b", "update c"]
    assert waits(steps)["update c"] == {"create b"}


@pytest.mark.parametrize("action", [Action.READ, Action.MOVE, Action.ADOPT])
def test_what_is_made_waits_for_what_is_written_down_of_what_it_uses(action: Action) -> None:
    steps = expand([change("a", action), change("b", Action.CREATE, ["a"]), change("c", Action.READ, ["a"])])
    assert waits(steps) == {"record a": set(), "create b": {"record a"}, "record c": set()}


def test_what_does_not_change_is_not_waited_for() -> None:
    assert waits(expand([change("b", Action.CREATE, ["a"])])) == {"create b": set()}


def test_deletion_goes_by_the_recorded_dependencies() -> None:
    changes = [
        change("a", Action.DELETE),
        change("b", Action.DELETE, used=["a"]),
        change("c", Action.DELETE, used=["b"]),
    ]
    assert names(expand(changes)) == ["delete c", "delete b", "delete a"]


def test_new_ones_first_in_a_chain() -> None:
    steps = expand([change("a", Action.REPLACE), change("b", Action.REPLACE, ["a"]), change("c", Action.UPDATE, ["b"])])
    assert names(steps) == ["create a", "create b", "update c", "delete b", "delete a"]


def test_old_ones_first_in_a_chain() -> None:
    steps = expand(
        [
            change("a", Action.REPLACE, new_first=False),
            change("b", Action.REPLACE, ["a"], new_first=False),
            change("c", Action.UPDATE, ["b"]),
        ]
    )
    assert names(steps) == ["delete b", "delete a", "create a", "create b", "update c"]


def test_a_user_replaced_old_first_leaves_the_one_replaced_new_first() -> None:
    steps = expand([change("a", Action.REPLACE), change("b", Action.REPLACE, ["a"], new_first=False)])
    assert names(steps) == ["create a", "delete b", "create b", "delete a"]


def test_what_goes_waits_until_its_users_have_left() -> None:
    steps = expand([change("a", Action.DELETE), change("b", Action.UPDATE, [], used=["a"])])
    assert names(steps) == ["update b", "delete a"]
    replaced = expand([change("a", Action.DELETE), change("b", Action.REPLACE, [], used=["a"], new_first=False)])
    assert waits(replaced)["delete a"] == {"delete b"}


def test_users_that_stay_as_they_are_are_not_waited_for() -> None:
    steps = expand([change("a", Action.REPLACE, new_first=False), change("b", Action.UPDATE, ["a"])])
    assert names(steps) == ["delete a", "create a", "update b"]


def test_a_floating_address_moves_late_where_it_can_not_move_first() -> None:
    """The old server must go before the subnet, the subnet before the new one, and the address needs that."""
    steps = expand(
        [
            change("subnet", Action.REPLACE, new_first=False),
            change("old", Action.DELETE, used=["subnet"]),
            change("new", Action.CREATE, ["subnet"]),
            change("address", Action.UPDATE, ["new"], used=["old"]),
        ]
    )
    assert names(steps) == ["delete old", "delete subnet", "create subnet", "create new", "update address"]


def test_what_was_replaced_before_goes_before_what_it_uses_and_after_its_users() -> None:
    steps = expand(
        [
            change("net", Action.DELETE, deposed="old net"),
            change("web", Action.DELETE, used=["net"], deposed="old web"),
            change("net", Action.REPLACE),
            change("web", Action.REPLACE, ["net"]),
            change("dns", Action.UPDATE, ["web"]),
        ]
    )
    found = waits(steps)
    assert found["delete old web"] >= {"update dns"}
    assert found["delete old net"] >= {"delete old web", "create web", "delete web"}
    assert found["delete net"] >= {"delete old web", "delete web"}


def test_what_was_replaced_before_makes_room_although_it_may_be_all_that_works() -> None:
    """The successor can't be made before the subnet is, nor the subnet before the old one in it is gone."""
    steps = expand(
        [
            change("subnet", Action.REPLACE, new_first=False),
            change("web", Action.REPLACE, ["subnet"], new_first=False),
            change("web", Action.DELETE, used=["subnet"], deposed="old web"),
            change("disk", Action.REPLACE, ["web"], new_first=False),
        ]
    )
    found = names(steps)
    assert found.index("delete old web") < found.index("delete subnet") < found.index("create web")


def test_everything_is_destroyed_in_order_with_what_was_replaced_before() -> None:
    steps = expand(
        [
            change("net", Action.DELETE),
            change("web", Action.DELETE, used=["net"]),
            change("web", Action.DELETE, used=["net"], deposed="old web"),
        ]
    )
    assert names(steps)[-1] == "delete net"
    assert waits(steps)["delete net"] == {"delete web", "delete old web"}


def test_changes_that_need_each_other_in_a_ring_are_refused_with_the_way_out() -> None:
    ring = [
        change("plot", Action.REPLACE, new_first=False),
        change("between", Action.UPDATE, ["plot"]),
        change("user", Action.REPLACE, ["between"], used=["plot"]),
    ]
    with pytest.raises(oc.PlanError) as caught:
        expand(ring)
    assert str(caught.value) == (
        "no order fits these changes: between (update) -> plot (create) -> plot (delete) -> user (delete) -> "
        "user (create)\n"
        "  to do: set Lifecycle(create_before_delete=…) alike on the resources named, or change them in two applies"
    )
    assert expand([*ring[:2], attrs.evolve(ring[2], create_before_delete=False)])


# -- any changes at all


KEEPING = (Action.UPDATE, Action.REPLACE, Action.READ, Action.MOVE)


@st.composite
def plans(draw: st.DrawFn, *, rewired: bool) -> list[Change]:
    """Changes of a graph in which every resource uses earlier ones only, now and by the state.

    Unless ``rewired``, what stays uses what it used; whatever uses something deleted is then deleted too.
    """
    found: list[Change] = []
    actions: list[Action] = []
    for index in range(draw(st.integers(1, 9))):
        earlier = st.sets(st.integers(0, index - 1), max_size=3) if index else st.just(set())
        now = draw(earlier)
        was = draw(earlier) if rewired else now
        choices = [*KEEPING, Action.CREATE, Action.DELETE, Action.FORGET]
        if not rewired and any(actions[one] is Action.DELETE for one in was):
            choices = [Action.DELETE]
        actions.append(draw(st.sampled_from(choices)))
        made = change(
            f"n[{index}]",
            actions[-1],
            [f"n[{one}]" for one in sorted(now) if actions[one] not in (Action.DELETE, Action.FORGET)],
            used=[f"n[{one}]" for one in sorted(was) if actions[one] is not Action.CREATE],
            new_first=draw(st.booleans()),
        )
        found.append(made)
        if draw(st.integers(0, 5)) == 0:
            left = draw(st.sampled_from([Action.DELETE, Action.FORGET]))
            found.append(attrs.evolve(made, action=left, dependencies=(), deposed=True, token=f"old-{index}"))
    return [settled(one, found) for one in draw(st.permutations(found))]


def settled(one: Change, every: list[Change]) -> Change:
    """Old first if anything it uses is replaced old first, as plans settle it."""
    if one.action is not Action.REPLACE or not one.create_before_delete or one.deposed:
        return one
    used = [settled(other, every) for other in every if other.address in one.dependencies and not other.deposed]
    old_first = any(other.action is Action.REPLACE and not other.create_before_delete for other in used)
    return attrs.evolve(one, create_before_delete=not old_first)


@attrs.frozen
class Order:
    """The steps of some changes, to be asked when each is done."""

    changes: list[Change]
    steps: Sequence[Step]

    @property
    def current(self) -> dict[str, Change]:
        return {one.address: one for one in self.changes if not one.deposed}

    @property
    def deposed(self) -> list[Change]:
        return [one for one in self.changes if one.deposed and one.action is Action.DELETE]

    def place(self, address: str, operation: str, token: str = "") -> int | None:
        found = [
            index
            for index, step in enumerate(self.steps)
            if (step.id.address, step.id.operation, step.id.token) == (address, operation, token)
        ]
        assert len(found) < 2, "a step twice"
        return found[0] if found else None

    def made(self, address: str) -> int | None:
        created, updated = self.place(address, "create"), self.place(address, "update")
        assert created is None or updated is None, "made and updated"
        return updated if created is None else created

    def dropped(self, address: str) -> int | None:
        return self.place(address, "delete")


def check_needs(order: Order) -> None:
    """Every step comes after what it needs, and every change has its steps."""
    place = {step.id: index for index, step in enumerate(order.steps)}
    for step in order.steps:
        assert all(place[need] < place[step.id] for need in step.needs), "a step before what it needs"
    for one in order.current.values():
        made, dropped = order.made(one.address), order.dropped(one.address)
        assert (made is not None) == (one.action in (Action.CREATE, Action.UPDATE, Action.REPLACE))
        assert (dropped is not None) == (one.action in (Action.DELETE, Action.REPLACE))
        if made is not None and dropped is not None:
            assert (made < dropped) is one.create_before_delete, "a replacement in the wrong order"


def check_making(order: Order) -> None:
    """What is made comes after what it uses."""
    for one in order.current.values():
        made = order.made(one.address)
        for used in one.dependencies if made is not None else ():
            for before in (order.made(used), order.place(used, "record")):
                assert before is None or before < (made or 0), "made before what it uses"


def check_deleting(order: Order) -> None:
    """What is deleted comes after the deletion of what used it."""
    for one in order.current.values():
        dropped = order.dropped(one.address)
        for used in one.previous_dependencies if dropped is not None else ():
            theirs = order.dropped(used)
            assert theirs is None or (dropped or 0) < theirs, "deleted before its user"


def check_leaving(order: Order) -> None:
    """What is deleted comes after those have left it who go on, and what was replaced before comes first of all."""
    for one in order.current.values():
        made, dropped = order.made(one.address), order.dropped(one.address)
        for used in one.previous_dependencies if made is not None and dropped is None else ():
            theirs = order.dropped(used)
            assert theirs is None or (made or 0) < theirs, "deleted before its user has left it"
    for one in order.deposed:
        mine = order.place(one.address, "delete", one.token)
        for used in one.previous_dependencies:
            theirs = order.dropped(used)
            assert theirs is None or (mine or 0) < theirs, "deleted before what was replaced and uses it"


@given(plans(rewired=False))
def test_any_plan_that_rewires_nothing_has_an_order(changes: list[Change]) -> None:
    order = Order(changes, expand(changes))
    for check in (check_needs, check_making, check_deleting):
        check(order)
    if not old_first(changes):
        check_leaving(order)


@given(plans(rewired=True))
def test_any_plan_that_only_replaces_new_first_has_an_order_that_keeps_every_rule(changes: list[Change]) -> None:
    changes = [attrs.evolve(one, create_before_delete=True) for one in changes]
    order = Order(changes, expand(changes))
    for check in (check_needs, check_making, check_deleting, check_leaving):
        check(order)


@given(plans(rewired=True))
def test_any_other_plan_has_an_order_or_is_refused_over_a_replacement_old_first(changes: list[Change]) -> None:
    steps = steps_or_refusal(changes)
    if isinstance(steps, str):
        assert old_first(changes), steps
        return
    order = Order(changes, steps)
    for check in (check_needs, check_making, check_deleting):
        check(order)


@given(plans(rewired=True))
def test_steps_are_the_same_however_the_changes_were_ordered(changes: list[Change]) -> None:
    one = steps_or_refusal(changes)
    other = steps_or_refusal(sorted(changes, key=lambda each: (each.address, each.token), reverse=True))
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
    else:
        assert [(step.id, step.needs) for step in one] == [(step.id, step.needs) for step in other]


def steps_or_refusal(changes: list[Change]) -> list[Step] | str:
    try:
        return expand(changes)
    except oc.PlanError as error:
        return str(error)


def old_first(changes: list[Change]) -> bool:
    return any(one.action is Action.REPLACE and not one.create_before_delete for one in changes)
