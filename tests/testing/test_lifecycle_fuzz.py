"""Whatever goes wrong: nothing is lost, nothing doubled, nothing else touched, and the next plan is empty.

A few lives are drawn in every run, the same ones each time. ``FUZZ_EXAMPLES=10000 pytest <this file>`` draws that many,
and others each time. A failure prints the life, and a script of what went wrong in it.
"""

from __future__ import annotations

import os

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.testing import strategies
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
