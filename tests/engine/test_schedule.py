"""Which step goes next: the longest chain first, lane by lane, with work that grows with the steps alone."""

from __future__ import annotations

from steps import step

from orchestra.engine.schedule import Schedule
from orchestra.model.address import Address
from orchestra.planning.steps import Step, StepId


def schedule(*steps: Step) -> Schedule:
    return Schedule(steps, lambda one: 1.0, lambda one: one.change.cloud)


def taken(plan: Schedule, room: dict[str, int]) -> list[str]:
    """What begins while each lane has ``room``."""
    begun = []

    def has_room(lane: str) -> bool:
        return room[lane] > 0

    for one in plan.take(has_room):
        room[one.change.cloud] -= 1
        begun.append(str(one.id.address))
    return begun


def test_the_longest_chain_goes_first_and_ties_go_by_address() -> None:
    plan = schedule(step("a[10]"), step("a[9]"), step("c"), step("d", ["c"]), step("e", ["d"]))
    assert taken(plan, {"one": 2}) == ["c", "a[9]"]
    plan.done(StepId(Address("c"), "create"))
    assert taken(plan, {"one": 9}) == ["d", "a[10]"]


def test_a_chain_is_as_long_as_its_steps_take() -> None:
    steps = (step("a"), step("b", ["a"]), step("c", ["b"]), step("slow"))
    seconds = {"slow": 10.0}
    plan = Schedule(steps, lambda one: seconds.get(str(one.id.address), 1.0), lambda one: one.change.cloud)
    assert taken(plan, {"one": 1}) == ["slow"], "one of ten seconds before three of one each"


def test_a_cloud_without_room_holds_up_no_other() -> None:
    plan = schedule(step("a"), step("b"), step("c", cloud="two"), step("d", cloud="two"))
    assert taken(plan, {"one": 0, "two": 1}) == ["c"]
    assert taken(plan, {"one": 1, "two": 0}) == ["a"]
    assert taken(plan, {"one": 9, "two": 9}) == ["b", "d"]
    assert plan.unbegun == 0


def test_what_waits_for_a_step_is_told_beside_what_could_begin() -> None:
    plan = schedule(step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["c"]), step("e"), step("f"))
    first, last = StepId(Address("a"), "create"), StepId(Address("f"), "create")
    assert taken(plan, {"one": 1}) == ["a"]
    assert plan.urgency(first) < plan.first_ready, "c, on which d hangs, goes before e and f"
    assert plan.urgency(last) > plan.first_ready, "nothing waits for it"
    assert taken(plan, {"one": 9}) == ["e", "f"]
    assert plan.urgency(first) < plan.first_ready, "nothing could begin"


def test_what_hangs_on_a_failure_is_given_up_once() -> None:
    plan = schedule(step("a"), step("b", ["a"]), step("c", ["b"]), step("d", ["c", "e"]), step("e"))
    taken(plan, {"one": 9})
    assert [str(one.address) for one in plan.failed(StepId(Address("a"), "create"))] == ["b", "c", "d"]
    assert plan.failed(StepId(Address("e"), "create")) == []
    assert plan.unbegun == 0


def test_ten_thousand_steps_at_once_are_asked_about_once_each() -> None:
    count = 10_000
    plan = schedule(*(step(f"a[{number}]") for number in range(count)))
    asked = 0
    room = 16

    def has_room(lane: str) -> bool:
        nonlocal asked
        asked += 1
        return room > 0

    for _ in range(count):
        for _one in plan.take(has_room):
            room -= 1
        room += 1
    assert plan.unbegun == 0
    assert asked < 4 * count


def test_failures_before_a_long_chain_walk_it_once() -> None:
    count = 3_000
    first = [step(f"a[{number}]") for number in range(count)]
    chain = [step("b[0]", [f"a[{number}]" for number in range(count)])]
    chain += [step(f"b[{number}]", [f"b[{number - 1}]"]) for number in range(1, count)]
    plan = schedule(*first, *chain)
    lost = [plan.failed(one.id) for one in first]  # quadratic work would take a minute
    assert [len(one) for one in lost] == [count] + [0] * (count - 1)
