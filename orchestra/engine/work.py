"""What the threads of a run share, and what an attempt at a step can come to."""

from __future__ import annotations

import enum
import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping

import attrs

from orchestra.contracts import Clock, Cloud, Provider
from orchestra.engine.durations import Duration
from orchestra.engine.journal import Journal
from orchestra.engine.live import Live
from orchestra.engine.reading import provider_for
from orchestra.model.address import Address
from orchestra.model.concealing import Concealer
from orchestra.model.values import Values
from orchestra.planning.inputs import Final
from orchestra.planning.steps import Step
from orchestra.state.journal import Intent, Outcome, Phase
from orchestra.state.records import Record


@attrs.frozen(kw_only=True, eq=False)
class Workshop:
    """Everything that performing steps takes."""

    run: str
    deployment: str
    clouds: Mapping[str, Cloud]
    live: Live
    journal: Journal
    clock: Clock
    permit: Callable[[], None]
    """Raises unless a request that changes a cloud may leave now: see `orchestra.permit`."""
    records: Mapping[tuple[Address, str], Record]
    """The records as they were when the run began, by key; a deposed one by its token."""
    made: list[Record] = attrs.field(factory=list)
    """What was made since."""
    concealer: Concealer = attrs.field(factory=Concealer)
    new_token: Callable[[], str] = attrs.field(default=lambda: uuid.uuid4().hex)

    def provider(self, cloud: str, kind: str, address: Address) -> Provider:
        """See `provider_for`."""
        return provider_for(self.clouds, cloud, kind, address)

    def others(self) -> Iterator[Record]:
        """Every record there is: those of the state when the run began, and what was made since."""
        return itertools.chain(self.records.values(), tuple(self.made))

    def outcome(
        self,
        step: Step,
        phase: Phase,
        settles: Intent | None,
        *,
        write: tuple[Record, ...] = (),
        remove: tuple[tuple[Address, str], ...] = (),
        external_id: str = "",
    ) -> Outcome:
        """An `Outcome` of ``step``, now."""
        return Outcome(
            run=self.run,
            address=step.id.address,
            operation=step.operation,
            phase=phase,
            at=self.clock.now(),
            settles=settles,
            write=write,
            remove=remove,
            external_id=external_id,
        )


class Until(enum.Enum):
    """What a step waits for once its call was accepted."""

    READY = "ready"
    GONE = "gone"


@attrs.frozen(kw_only=True, eq=False)
class Accepted:
    """The cloud accepted the call: wait for it. ``record`` is what the state will say once it is ready."""

    cloud: str
    kind: str
    external_id: str
    until: Until
    record: Record | None


@attrs.frozen(kw_only=True, eq=False)
class Finished:
    """Nothing to wait for: the state already says so. ``outputs`` are in plain, None for what is gone."""

    external_id: str = ""
    outputs: Values | None = None


@attrs.define(kw_only=True, eq=False)
class Progress:
    """One step while it is carried out; touched by one thread at a time."""

    step: Step
    started: float
    attempt: int = 0
    intent: Intent | None = None
    inputs: Final | None = None
    accepted: Accepted | None = None
    accepted_at: float = 0.0
    deadline: float = 0.0
    expected: Duration | None = None
    """How long steps of its sort took so far, if any were done."""
    urgency: int = 0
    """The place in order of the first step that waits for it."""
    next_look: float = 0.0
    """When to look next whether it is ready."""
    leeway: float = 0.0
    """How much sooner it may be looked at together with others."""
    pending_at: float = 0.0
    """When it was last seen that it isn't ready; 0 if it never was."""
    unknown: bool = False
    """An attempt ended without an answer: it may have happened."""
    awaited: str = ""
    """What the cloud last said that it is at, and not done with: the call that is made next goes on from there."""
    awaited_since: float = 0.0
    """When it first said so."""
    held: bool = False
    """It was throttled, and keeps its place among the calls of its cloud until it is made again."""
