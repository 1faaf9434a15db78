"""How much work planning is, counted and not timed: it grows as the stack does, and calls to a cloud do not."""

from __future__ import annotations

import collections
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import orchestra as oc
from orchestra import graph
from orchestra.engine.clock import SystemClock
from orchestra.model.address import sort_key
from orchestra.model.declaration import collect
from orchestra.planning.steps import expand
from orchestra.stores.sql import SqlStore
from orchestra.stores.sqlite import SqliteDialect
from tests.memory_cloud import MemoryCloud
from tests.planning.worlds import Box, Situation, applied, fresh, stack_of

PACKAGE = str(Path(oc.__file__).parent)
SIZES = (60, 120, 180)
MANY = SIZES[-1]


def counted(work: Callable[[], object]) -> collections.Counter[str]:
    """How often each function of orchestra is called by ``work``."""
    calls: collections.Counter[str] = collections.Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls[frame.f_code.co_qualname if sys.version_info >= (3, 11) else frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def groups(index: int) -> Sequence[int]:
    return [index - index % 10] if index % 10 else []


def chained(index: int) -> Sequence[int]:
    return [index - 1] if index else []


def layered(index: int) -> Sequence[int]:
    return [index - step for step in range(20, 25) if index >= step]


def boxes(count: int, uses: Callable[[int], Sequence[int]]) -> Callable[[], oc.Stack]:
    """Boxes that use each other through a reference, a text and a list."""

    def build(self: Any) -> None:
        made: list[Box] = []
        for index in range(count):
            used = [made[other] for other in uses(index)]
            text = " ".join(f"{box.address}" for box in used)
            made.append(Box(fixed=used[0].id if used else None, loose={"text": text, "n": index}, members=used))
        self.boxes = made

    return lambda: stack_of(build)


def build(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    return collect(stack())


def first_plan(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    return fresh(situation.stack, {}).plan()


def no_op_plan(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    plan = situation.plan()
    assert plan.is_empty
    return plan


def destroy_plan(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    return expand(situation.plan(mode=oc.Mode.DESTROY).changes)


def first_text(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    return str(fresh(situation.stack, {}).plan())


def partial_plan(situation: Situation, stack: Callable[[], oc.Stack]) -> object:
    return situation.plan(target=(f"boxes[{len(situation.records) - 1}]",))


WORK = (build, first_plan, no_op_plan, destroy_plan, first_text, partial_plan)


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
@pytest.mark.parametrize("uses", [groups, chained, layered], ids=lambda uses: uses.__name__)
def test_work_grows_no_faster_than_the_stack(
    work: Callable[[Situation, Callable[[], oc.Stack]], object], uses: Callable[[int], Sequence[int]]
) -> None:
    spent = []
    for count in SIZES:
        stack = boxes(count, uses)
        situation = applied(stack()).tell_all()
        spent.append(counted(lambda situation=situation, stack=stack: work(situation, stack)))
    few, more, many = spent
    for name in many:
        # 60 more cost as much whatever is there already; of a quadratic step, 5 / 3 of it
        added, then_added = more[name] - few[name], many[name] - more[name]
        assert then_added <= 1.25 * added + 10, f"{name}: {few[name]}, {more[name]} and {many[name]} calls"


def test_what_changes_nothing_is_neither_sorted_nor_described() -> None:
    calls = counted(applied(boxes(MANY, groups)()).tell_all().plan)
    assert calls.keys().isdisjoint({"sort_key", "order", "change_of", "PropertyChange.__init__", "compare"})


def test_what_changes_nothing_is_compared_a_fixed_number_of_times() -> None:
    plain = len(Box.kind.inputs) + len(Box.kind.outputs)
    calls = counted(applied(boxes(MANY, groups)()).tell_all().plan)
    assert calls["same"] <= 5 * plain * MANY


def test_an_order_looks_at_each_need_once() -> None:
    class Needs(collections.UserDict[int, Sequence[int]]):
        looks = 0

        def __getitem__(self, key: int) -> Sequence[int]:
            type(self).looks += 1
            return super().__getitem__(key)

    needs = Needs({index: range(max(0, index - 5), index) for index in range(1000)})
    assert graph.in_turn(needs, key=sort_key) == list(range(1000))
    assert needs.looks == 1000


class Counting(SqliteDialect):
    """Counts the statements that SQLite executes."""

    def __init__(self) -> None:
        super().__init__(None)
        self.statements: list[str] = []

    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.set_trace_callback(self.statements.append)
        return connection


def servers(count: int) -> oc.Stack:
    def build(self: Any) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.servers = [oc.Server(image=image, size=size, subnet=self.subnet) for _ in range(count)]

    return stack_of(build)


@pytest.mark.parametrize("what", [{}, {"destroy": True}, {"refresh_only": True}], ids=["normal", "destroy", "refresh"])
def test_a_plan_asks_cloud_and_state_as_often_for_many_as_for_few(what: dict[str, bool]) -> None:
    asked = {}
    for count in (2, 50):
        dialect, cloud = Counting(), MemoryCloud()
        store = SqlStore(dialect, deployment="shop", clock=SystemClock(), lease_seconds=60.0)
        deployment = oc.Deployment(servers(count), name="shop", cloud=cloud, progress=False)
        deployment._store = store
        deployment.apply()
        cloud.calls.clear()
        dialect.statements.clear()
        plan = deployment.plan(**what)
        assert len(plan.changes) == (count + 2 if what.get("destroy") else 0)
        asked[count] = sorted((operation, kind) for operation, kind, _ in cloud.calls), list(dialect.statements)
        deployment.close()
    assert asked[2] == asked[50]
    assert [call for call in asked[2][0] if call[0] == "observe"] == [
        ("observe", "compute.Server"),
        ("observe", "network.Network"),
        ("observe", "network.Subnet"),
    ]
