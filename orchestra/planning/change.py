"""Changes and findings: what a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from orchestra.diff import PropertyChange
from orchestra.model.address import Address
from orchestra.model.values import Value
from orchestra.planning.decide import Action, Reason


@attrs.frozen(kw_only=True)
class Change:
    """One resource's transition.

    ``before`` are its inputs as recorded and observed, ``after`` as they are expected after apply; secrets in
    both are sealed. ``dependencies`` are what it will use, ``previous_dependencies`` what it uses by the state.
    ``external_id`` and ``token`` are those of what exists now ('' if nothing does).
    """

    address: Address
    kind: str
    action: Action
    reason: Reason
    cloud: str
    properties: tuple[PropertyChange, ...] = ()
    before: Mapping[str, Value] = attrs.field(factory=dict)
    after: Mapping[str, Value] = attrs.field(factory=dict)
    outputs: Mapping[str, Value] = attrs.field(factory=dict)
    """The outputs as the cloud last told them."""
    external_id: str = ""
    token: str = ""
    dependencies: tuple[Address, ...] = ()
    previous_dependencies: tuple[Address, ...] = ()
    previous_cloud: str = ""
    create_before_delete: bool = True
    moved_from: Address | None = None
    deposed: bool = False


@attrs.frozen(kw_only=True)
class Finding:
    """A verdict on the plan. A ``refusal`` keeps it from being applied."""

    rule: str
    address: Address | None
    message: str
    refusal: bool = False
