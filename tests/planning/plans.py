"""Plans made up by Hypothesis: anything that a plan can hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from orchestra.diff import PropertyChange
from orchestra.model.address import Address
from orchestra.model.values import ABSENT, UNKNOWN, Sealed, Value
from orchestra.planning.change import Change, Finding
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.planning.plan import Plan

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
NAMES = st.sampled_from(["name", "size", "$orchestra", "é", "a b", '"', ""])
ADDRESSES = st.sampled_from(["network", "web[0]", "web[10]", 'd["\\u00e9"].x']).map(Address)
ACTIONS = st.sampled_from([action for action in Action if action is not Action.NO_OP])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.builds(Sealed, TEXTS),
    st.just(UNKNOWN),
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=4
)
INPUTS = st.dictionaries(NAMES, VALUES, max_size=2)
PROPERTIES = st.builds(
    PropertyChange,
    path=st.lists(st.one_of(NAMES, st.integers(0, 5)), min_size=1, max_size=3).map(tuple),
    before=VALUES | st.just(ABSENT),
    after=VALUES | st.just(ABSENT),
    forces_replacement=st.booleans(),
)
CHANGES = st.builds(
    Change,
    address=ADDRESSES,
    kind=st.sampled_from(["compute.Server", "test.Box"]),
    action=ACTIONS,
    reason=st.sampled_from(Reason),
    cloud=TEXTS,
    properties=st.lists(PROPERTIES, max_size=2).map(tuple),
    before=INPUTS,
    after=INPUTS,
    outputs=INPUTS,
    external_id=TEXTS,
    token=TEXTS,
    dependencies=st.lists(ADDRESSES, max_size=2).map(tuple),
    previous_dependencies=st.lists(ADDRESSES, max_size=2).map(tuple),
    previous_cloud=TEXTS,
    create_before_delete=st.booleans(),
    moved_from=st.none() | ADDRESSES,
    deposed=st.booleans(),
)
FINDINGS = st.builds(Finding, rule=TEXTS, address=st.none() | ADDRESSES, message=TEXTS, refusal=st.booleans())
PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan,
    deployment=TEXTS,
    stack=TEXTS,
    mode=st.sampled_from(Mode),
    lineage=TEXTS,
    serial=st.integers(0, 2**40),
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    unchanged=st.integers(0, 100),
    outputs=st.dictionaries(ADDRESSES, VALUES, max_size=2),
    findings=st.lists(FINDINGS, max_size=2).map(tuple),
    partial=st.booleans(),
)


def small_plan(**changes: Any) -> Plan:
    """A plan with one change of each sort of value."""
    fields: dict[str, Any] = {
        "deployment": "production",
        "stack": "Shop",
        "mode": Mode.NORMAL,
        "lineage": "0123",
        "serial": 3,
        "changes": (
            Change(
                address=Address("web[0]"),
                kind="compute.Server",
                action=Action.REPLACE,
                reason=Reason.FORCED,
                cloud="aws",
                previous_cloud="aws",
                properties=(
                    PropertyChange(path=("subnet",), before="s-1", after=UNKNOWN, forces_replacement=True),
                    PropertyChange(path=("rules", 0, "cidr"), before=ABSENT, after="10.0.0.0/8"),
                    PropertyChange(path=("password",), before=Sealed("d1"), after=Sealed("d2")),
                ),
                before={"subnet": "s-1", "size": 1.5, "flag": True},
                after={"subnet": UNKNOWN, "password": Sealed("d2"), "list": [1, None, "x"]},
                outputs={"address": "10.0.0.1"},
                external_id="i-1",
                token="t1",
                dependencies=(Address("subnet"),),
                previous_dependencies=(Address("subnet"), Address("firewall")),
                create_before_delete=False,
                moved_from=Address("app"),
            ),
        ),
        "unchanged": 4,
        "outputs": {Address("url"): "https://shop.example"},
        "findings": (Finding(rule="baseline", address=Address("web[0]"), message="too open", refusal=True),),
        "partial": True,
        **changes,
    }
    return Plan(**fields)
