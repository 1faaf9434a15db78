"""Whatever goes wrong: nothing is lost, nothing doubled, nothing else touched, and the next plan is empty.

A few lives are drawn in every run, the same ones each time. ``FUZZ_EXAMPLES=10000 pytest <this file>`` draws that many,
and others each time. A failure prints the life, and a script of what went wrong in it.
"""

from __future__ import annotations

import os

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.testing import FaultModel, Part, Uniform, strategies
from tests.testing.lifecycles import Life, Operation, live

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    deadline=None,
    phases=[hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if EXAMPLES else [])],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    before = draw(strategies.parts())
    operation = draw(st.sampled_from(Operation))
    return Life(
        before=before,
        after=draw(strategies.changed(before)) if operation in (Operation.CHANGE, Operation.BACK) else before,
        operation=operation,
        behaviour=draw(strategies.behaviours()),
        faults=draw(strategies.fault_models()),
        faulty=draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
        tries=draw(st.integers(1, 2)),
        width=draw(st.sampled_from((1, 4, 16))),
        pick=draw(st.integers(0, 20)),
        undoing=draw(st.booleans()),
        ahead=draw(st.sampled_from((0.0, 0.0, 45.0, -45.0))),
    )


@pytest.mark.timeout(0 if EXAMPLES else 120)
@SETTINGS
@hypothesis.given(lives())
def test_any_life_ends_well(life: Life) -> None:
    live(life)


NETWORK = Part(kind="Network", number=0, choice=0, flag=True, uses=(0,))
ROOM = (
    Part(kind="Network", number=0, choice=0, flag=False, uses=(0,)),
    Part(kind="Subnet", number=0, choice=0, flag=False, uses=(0,)),
    Part(kind="Server", number=0, choice=0, flag=False, uses=(0,)),
    Part(kind="Volume", number=0, choice=0, flag=False, uses=(0,)),
)

ONCE_ENDED_BADLY = {
    "a network was made long after that was begun, and not shown yet when it was looked for": Life(
        before=(NETWORK,),
        after=(NETWORK,),
        operation=Operation.DRIFT,
        behaviour=Behaviour(consistency_seconds=3.0, page_size=1),
        faults=FaultModel(latency=Uniform(0.05, 2.0), seed=2, unavailable=0.02, denied=0.05),
        faulty=(False, True, False),
        tries=2,
        width=1,
    ),
    "a deposed server stood in a subnet that had to make room for its successor": Life(
        before=ROOM,
        after=ROOM,
        operation=Operation.REPLACE,
        behaviour=Behaviour(page_size=1),
        faults=FaultModel(
            seed=501, throttled=0.02, unavailable=0.08, lost=0.08, repeated=0.08, failed=0.08, stuck=0.02
        ),
        faulty=(False, True, False),
        tries=2,
        width=1,
        undoing=True,
    ),
}


@pytest.mark.parametrize("life", ONCE_ENDED_BADLY.values(), ids=ONCE_ENDED_BADLY.keys())
def test_lives_that_once_ended_badly(life: Life) -> None:
    live(life)
