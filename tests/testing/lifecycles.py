"""The life of a deployment under faults, and what must hold whatever happened to it."""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.contracts import Inputs, Observation, Ownership, Provider
from orchestra.model.resource import Resource
from orchestra.planning.decide import Action
from orchestra.testing import FaultModel, Part, PartsStack, Script, SkewedClock, VirtualClock
from orchestra.testing.parts import complete, count_of

DAY = 86_400.0
FOLDER = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)  # state files need no disk here


class Operation(enum.Enum):
    """What is done between the first apply and the destruction."""

    CHANGE = "change"
    DRIFT = "drift"
    REPLACE = "replace"
    DESTROY = "destroy"
    BACK = "back"
    """Changed as well, and then back to the serial before that."""

    def __repr__(self) -> str:
        return f"Operation.{self.name}"


@attrs.frozen(kw_only=True)
class Life:
    """One life: ``before`` is deployed, ``operation`` is done, ``after`` is deployed, everything is destroyed.

    ``faulty`` says in which of the three phases things go wrong, ``tries`` how often each is tried before the faults
    are lifted. ``undoing``: a faulty apply is to be undone by itself. ``ahead`` is how many seconds the cloud's clock
    is fast.
    """

    before: tuple[Part, ...]
    after: tuple[Part, ...]
    operation: Operation
    behaviour: oc.clouds.Behaviour
    faults: FaultModel | Script
    faulty: tuple[bool, bool, bool] = (True, True, True)
    tries: int = 1
    width: int = 4
    pick: int = 0
    undoing: bool = False
    ahead: float = 0.0


@attrs.frozen
class Bystander:
    """Something in the cloud that is none of the deployment's business."""

    provider: Provider
    seen: Observation


class LifeEndedBadly(Exception):
    """Something did not hold; says how to replay it."""


def live(life: Life) -> None:
    """Live it, and check what must hold."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        living = _Living(life, Path(folder))
        try:
            living.run()
        except Exception as error:
            script = living.faults.script()
            raise LifeEndedBadly(
                f"in phase {living.phase}: {error}\n\nto replay it:\n  live({life!r})\n\n"
                f"what went wrong, for a smaller one: faults={script!r}"
            ) from error


class _Living:
    def __init__(self, life: Life, folder: Path) -> None:
        self.life = life
        self.clock = VirtualClock()
        self.phase = 0
        self.faults = life.faults.fresh()
        self.faults.lift()
        behaviour = attrs.evolve(life.behaviour, faults=self.faults)
        clock = SkewedClock(self.clock, ahead=life.ahead)
        self.cloud: SimulatedCloud = oc.clouds.simulated(":memory:", behaviour=behaviour, clock=clock)
        self.state = folder / "state.db"
        self.bystanders = [self._bystander(kind, inputs) for kind, inputs in BYSTANDERS]
        self.around = self.cloud.inventory()
        self.clock.advance(DAY)

    def run(self) -> None:
        first, second, third = self.life.faulty
        self._phase(self.life.before, first, self._apply)
        if self.life.operation is not Operation.DESTROY:
            if self.life.operation is Operation.DRIFT:
                self._drift()
            serial = self._serial()
            self._phase(self.life.after, second, self._apply)
            if self.life.operation is Operation.BACK:
                self._phase(self.life.before, second, lambda deployment: self._go_back(deployment, serial))
        self._phase((), third, self._destroy)
        self.cloud.close()

    def _phase(self, parts: tuple[Part, ...], faulty: bool, act: Callable[[oc.Deployment], None]) -> None:
        """Try it under faults, then without: then everything is as declared."""
        self.phase += 1
        if faulty:
            self.faults.resume()
            for _ in range(self.life.tries):
                with self._deployment(parts) as deployment:
                    _tolerant(lambda: act(deployment))
            self.faults.lift()
            self.clock.advance(2 * DAY)  # what is stuck is stuck for a day
        with self._deployment(parts) as deployment:
            try:
                act(deployment)
            except oc.PlanError as error:
                if "no order fits" not in error.message:
                    raise
                return  # refused while it is only a plan: this change takes two applies
            self.clock.advance(60.0)
            self._check(parts, deployment)

    @contextmanager
    def _deployment(self, parts: tuple[Part, ...]) -> Iterator[oc.Deployment]:
        stack = PartsStack(parts=parts)
        with oc.Deployment(
            stack,
            name="fuzz",
            cloud=self.cloud,
            state=self.state,
            clock=self.clock,
            progress=False,
            width=self.life.width,
        ) as deployment:
            yield deployment

    def _apply(self, deployment: oc.Deployment) -> None:
        replace = []
        if self.life.operation is Operation.REPLACE and self.life.before == self.life.after and deployment.resources:
            known = sorted(deployment.resources)
            replace = [known[self.life.pick % len(known)]]
        plan = deployment.plan(replace=replace)
        before = {address: record.external_id for address, record in deployment.resources.items()}
        gone = {change.address for change in plan.changes if change.action in GOING}
        made = {change.address for change in plan.changes if change.action in COMING}
        try:
            deployment.apply(plan, on_failure="rollback" if self.life.undoing else "continue")
        finally:
            after = {address: record.external_id for address, record in deployment.resources.items()}
            for address, external_id in before.items():
                assert address in gone or after.get(address) == external_id, f"{address} was not in the plan:\n{plan}"
            assert after.keys() - before.keys() <= made | gone, f"made without being in the plan:\n{plan}"

    def _serial(self) -> int:
        with self._deployment(self.life.before) as deployment:
            return deployment.store.load().serial

    def _go_back(self, deployment: oc.Deployment, serial: int) -> None:
        """Go back, and then do what only the stack can: contents of which a digest is kept are only there."""
        plan = deployment.rollback(to=serial)
        deployment.apply(plan)
        self._apply(deployment)

    def _destroy(self, deployment: oc.Deployment) -> None:
        deployment.destroy()

    def _drift(self) -> None:
        """Delete something behind the deployment's back, if the cloud lets us."""
        with self._deployment(self.life.before) as deployment:
            records = sorted(deployment.resources.values(), key=lambda one: one.address)
        if records:
            record = records[self.life.pick % len(records)]
            self.clock.advance(60.0)
            _tolerant(lambda: served(self.cloud, record.kind).delete(record.external_id))
        self.clock.advance(DAY)

    def _check(self, parts: tuple[Part, ...], deployment: oc.Deployment) -> None:
        plan = deployment.plan()
        assert plan.is_empty, f"the plan after it is not empty:\n{plan}"
        expected = dict(self.around)
        for kind, count in count_of(parts).items() if parts else ():
            expected[kind] = expected.get(kind, 0) + count
        there = self.cloud.inventory()
        assert there == expected, f"there is {there}, expected is {expected}"
        snapshot = deployment.store.load()
        stack = PartsStack(parts=parts) if parts else None
        declared = {one.name for one in complete(parts) if isinstance(getattr(stack, one.name, None), Resource)}
        assert set(snapshot.records) == declared, f"recorded is {sorted(snapshot.records)}, declared {sorted(declared)}"
        assert not snapshot.deposed, f"left over: {snapshot.deposed}"
        assert not snapshot.pending, f"still open: {snapshot.pending}"
        for record in snapshot.records.values():
            self.clock.advance(60.0)  # a cloud that throttles takes so much at once
            reading = served(self.cloud, record.kind).observe([record.external_id])
            assert set(reading.found) == {record.external_id}, f"{record.address} isn't there"
        for bystander in self.bystanders:
            self.clock.advance(60.0)
            external_id = bystander.seen.external_id
            found = bystander.provider.observe([external_id]).found.get(external_id)
            assert found == bystander.seen, f"touched: {bystander.seen}, now {found}"

    def _bystander(self, kind: str, inputs: Inputs) -> Bystander:
        provider = served(self.cloud, kind)
        made = provider.create(inputs, Ownership("elsewhere", "network_0", "e" * 32))
        return Bystander(provider, made)


GOING = (Action.DELETE, Action.REPLACE, Action.FORGET, Action.CREATE)
COMING = (Action.CREATE, Action.REPLACE, Action.ADOPT, Action.MOVE)

BYSTANDERS = (
    ("network.Network", Inputs({"cidr": "10.0.0.0/16", "internet": True, "labels": {"whose": "others"}})),
    ("storage.Bucket", Inputs({"name": "others", "encrypted": True, "public": False, "versioned": False})),
    ("dns.Zone", Inputs({"domain": "d0-0.example"})),
)


def served(cloud: SimulatedCloud, kind: str) -> Provider:
    provider = cloud.provider(kind)
    assert provider is not None
    return provider


def _tolerant(act: Callable[[], None]) -> None:
    """Do it; a typed error is fine, unless it is a fault of orchestra's own."""
    try:
        act()
    except oc.OrchestraError as error:
        for cause in error.exceptions if isinstance(error, oc.ApplyError) else (error,):
            if not isinstance(cause, oc.OrchestraError) or isinstance(cause, oc.InternalError):
                raise
