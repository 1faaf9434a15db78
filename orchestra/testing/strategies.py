"""Hypothesis strategies: stacks, changes of them, faults and behaviours.

Needs Hypothesis; nothing else in `orchestra.testing` does, and nothing there imports this module.
"""

from __future__ import annotations

from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.testing.faults import Fault, FaultModel, Trouble
from orchestra.testing.latency import LongTail, Uniform
from orchestra.testing.parts import CHOICES, NEEDS, Part, complete

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover
    raise ImportError("orchestra.testing.strategies needs Hypothesis: pip install hypothesis") from error

KINDS = tuple(NEEDS)
"""The kinds that are drawn."""


def part() -> st.SearchStrategy[Part]:
    """One part, of any kind."""
    return st.builds(
        Part,
        kind=st.sampled_from(KINDS),
        number=st.integers(0, 2),
        choice=st.integers(0, CHOICES - 1),
        flag=st.booleans(),
        uses=st.lists(st.integers(0, 2), min_size=1, max_size=3).map(tuple),
    )


def parts(max_size: int = 8) -> st.SearchStrategy[tuple[Part, ...]]:
    """The parts of a stack: at most ``max_size``, with what they need. Pass them to `PartsStack`."""
    return st.lists(part(), min_size=1, max_size=max_size, unique_by=lambda one: one.name).map(complete)


@st.composite
def changed(draw: st.DrawFn, before: tuple[Part, ...]) -> tuple[Part, ...]:
    """``before`` after a change: each part is kept, redrawn or dropped, and a few may come."""
    after = {one.name: one for one in before}
    for one in before:
        what = draw(st.sampled_from(("keep", "keep", "keep", "redraw", "drop")))
        if what == "drop":
            del after[one.name]
        elif what == "redraw":
            other = draw(part())
            after[one.name] = Part(one.kind, one.number, other.choice, other.flag, other.uses)
    for new in draw(st.lists(part(), max_size=3)):
        after.setdefault(new.name, new)
    return complete(after.values())


def outages() -> st.SearchStrategy[Fault]:
    """One service is out for a while, and the others aren't."""
    return st.builds(
        Fault,
        st.just(Trouble.UNAVAILABLE),
        service=st.sampled_from(("network", "compute", "balancing", "dns", "storage")),
        nth=st.integers(1, 20),
        calls=st.integers(1, 30),
    )


def fault_models() -> st.SearchStrategy[FaultModel]:
    """Faults by chance: every trouble that the simulated cloud knows, in rates that an apply may or may not survive.

    With an outage of one service now and then, and calls that take long now and then.
    """
    rate = st.sampled_from((0.0, 0.0, 0.02, 0.08))
    return st.builds(
        FaultModel,
        seed=st.integers(0, 10_000),
        unsent=rate,
        error=rate,
        throttled=rate,
        unavailable=rate,
        denied=st.sampled_from((0.0, 0.0, 0.0, 0.05)),
        lost=rate,
        repeated=rate,
        failed=rate,
        stuck=rate,
        short=rate,
        also=st.lists(outages(), max_size=1),
        latency=st.sampled_from((None, None, Uniform(0.05, 2.0), LongTail(0.2))),
    )


def behaviours() -> st.SearchStrategy[Behaviour]:
    """Behaviours without faults: brisk or slow, consistent or not, pages of any size, throttling or not.

    What is permitted at once is enough for one list: where it isn't, no list would ever come to its end on a clock that
    stands still meanwhile.
    """
    return st.builds(
        Behaviour,
        latency=st.sampled_from((0.0, 0.2)),
        boot_seconds=st.sampled_from((0.0, 30.0)),
        shutdown_seconds=st.sampled_from((0.0, 20.0)),
        consistency_seconds=st.sampled_from((0.0, 3.0)),
        page_size=st.sampled_from((1, 2, 500)),
        requests_per_second=st.sampled_from((None, None, 25.0)),
    )
