"""Records: what the state remembers of each resource."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import attrs

from orchestra.model.address import Address
from orchestra.model.values import Value
from orchestra.state.journal import Intent


class Condition(enum.Enum):
    """What state a recorded resource was left in."""

    READY = "ready"
    """Made and ready."""
    TAINTED = "tainted"
    """Made, but it never became ready or an update of it failed half-way; the next plan replaces or finishes it."""
    CREATING = "creating"
    """The cloud accepted the creation; whether it became ready was not yet known when this was written."""
    DEPOSED = "deposed"
    """Replaced by a newer one and not yet deleted."""


@attrs.frozen(kw_only=True)
class Record:
    """One resource as the state knows it.

    ``inputs`` are the inputs as last applied, ``outputs`` what the cloud last told; secrets in both are sealed.
    ``dependencies`` are the addresses that it used when it was last applied: deletion is ordered by them.
    ``token`` is the idempotency token of its creation, and tells apart a deposed one from its successor.
    """

    address: Address
    kind: str
    cloud: str
    external_id: str
    token: str
    condition: Condition
    inputs: Mapping[str, Value] = attrs.field(factory=dict)
    outputs: Mapping[str, Value] = attrs.field(factory=dict)
    dependencies: tuple[Address, ...] = ()
    triggers: Value = None
    """The values of ``Lifecycle(replace_on=…)`` when it was made."""
    protect: bool = False
    retain: bool = False
    create_before_delete: bool | None = None
    delete_timeout: float | None = None
    made_at: float = 0.0
    """When its creation was answered, in seconds since 1970-01-01 UTC; 0 if it was made otherwise."""

    @property
    def key(self) -> tuple[Address, str]:
        """Identifies the record in the store: the token is '' unless it is deposed."""
        return self.address, self.token if self.condition is Condition.DEPOSED else ""


@attrs.frozen(kw_only=True)
class Snapshot:
    """The state of a deployment at one serial."""

    deployment: str
    lineage: str
    """The identity of this state: a state made anew has another."""
    serial: int
    """Grows with every write."""
    salt: bytes
    """What the digests of secrets are keyed with, together with the deployment's key if it has one."""
    records: Mapping[Address, Record] = attrs.field(factory=dict)
    deposed: tuple[Record, ...] = ()
    pending: tuple[Intent, ...] = ()
    """Calls that were begun and whose outcome was never written: a process died."""
    wrapped_root: str = ""
    """What secrets are kept under, encrypted with the deployment's key; '' while that is the key itself."""
    version: str = attrs.field(default="", eq=False)
    """What `orchestra.contracts.Store.version` tells for as long as nothing of it changes; '' if that isn't known."""

    @staticmethod
    def parted(records: Iterable[Record]) -> tuple[dict[Address, Record], tuple[Record, ...]]:
        """``records`` in order of their keys: those in use by address, and the deposed ones."""
        ordered = sorted(records, key=lambda one: one.key)
        deposed = tuple(one for one in ordered if one.condition is Condition.DEPOSED)
        return {one.address: one for one in ordered if one.condition is not Condition.DEPOSED}, deposed
