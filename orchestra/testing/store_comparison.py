"""Stores driven through the same operations must tell the same: a state machine that Hypothesis draws.

Needs Hypothesis; nothing else in `orchestra.testing` imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from orchestra.contracts import Store
from orchestra.errors import LockedError, OrchestraError
from orchestra.model.address import Address
from orchestra.model.values import UNKNOWN, Revealed, Sealed, Value
from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.state.journal import Holder, Intent, Lease, Operation, Outcome, Phase, RunRecord, RunStatus
from orchestra.state.records import Condition, Record
from orchestra.stores.memory import MemoryStore
from orchestra.testing.clock import VirtualClock
from orchestra.testing.samples import ELSEWHERE, key_rotated, this_process, without_identity

try:
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
except ImportError as error:  # pragma: no cover
    raise ImportError("orchestra.testing.store_comparison needs Hypothesis: pip install hypothesis") from error

DEPLOYMENT = "production"
"""What the stores are to be opened for."""
LEASE_SECONDS = 60.0
"""How long their leases are to last."""

ADDRESSES = st.sampled_from([Address("network"), Address("web[0]"), Address("web[10]"), Address('shards["eu"].db')])
TOKENS = st.sampled_from(["a" * 32, "b" * 32])
RUNS = st.sampled_from(["run-1", "run-2", "run-3"])
TEXTS = st.text(max_size=5) | st.sampled_from(["$orchestra", "sealed", "digest", "value"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.builds(Sealed, TEXTS)
    | st.just(UNKNOWN)
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.dictionaries(st.sampled_from(["cidr", "labels", "user_data"]), VALUES, max_size=2)
TIMES = st.floats(min_value=0, max_value=2e9)

RECORDS = st.builds(
    Record,
    address=ADDRESSES,
    kind=st.just("compute.Server"),
    cloud=st.just("simulated"),
    external_id=TEXTS,
    token=TOKENS,
    condition=st.sampled_from(Condition),
    inputs=INPUTS,
    outputs=INPUTS,
    dependencies=st.lists(ADDRESSES, max_size=2).map(tuple),
    triggers=VALUES,
    protect=st.booleans(),
    retain=st.booleans(),
    create_before_delete=st.none() | st.booleans(),
    delete_timeout=st.none() | TIMES,
)
INTENTS = st.builds(
    Intent,
    run=RUNS,
    address=ADDRESSES,
    operation=st.sampled_from(Operation),
    kind=st.just("compute.Server"),
    cloud=st.just("simulated"),
    token=TOKENS,
    at=TIMES,
    external_id=TEXTS,
    inputs=INPUTS,
    dependencies=st.lists(ADDRESSES, max_size=2).map(tuple),
)
OUTCOMES = st.builds(
    Outcome,
    run=RUNS,
    address=ADDRESSES,
    operation=st.sampled_from(Operation),
    phase=st.sampled_from(Phase),
    at=TIMES,
    settles=st.none() | INTENTS,
    write=st.lists(RECORDS, max_size=2).map(tuple),
    remove=st.lists(st.tuples(ADDRESSES, st.just("") | TOKENS), max_size=2).map(tuple),
    external_id=TEXTS,
    detail=TEXTS,
)
RUN_RECORDS = st.builds(
    RunRecord,
    id=RUNS,
    purpose=st.sampled_from(["apply", "destroy"]),
    started=TIMES,
    by=TEXTS,
    plan_digest=TEXTS,
    ended=st.none() | TIMES,
    status=st.sampled_from(RunStatus),
    counts=st.dictionaries(TEXTS, st.integers(), max_size=2),
    durations=st.dictionaries(TEXTS, st.lists(TIMES, max_size=3), max_size=2),
)
HOLDERS = st.sampled_from([ELSEWHERE, attrs.evolve(ELSEWHERE, user="bob", process=12, purpose=""), this_process()])


class StoreComparison(RuleBasedStateMachine):
    """Drives stores through writes, leases and waiting as Hypothesis draws them; each must answer as the reference.

    Subclass it and say in `open_others` which stores to compare; they are closed and opened again now and then. All
    go by ``clock``. Run it with ``hypothesis.stateful.run_state_machine_as_test``, or give its ``TestCase`` to pytest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.reference = self.open_reference()
        self.others = self.open_others()
        self.leases: list[Lease] = []

    def open_reference(self) -> Store:
        """The store whose answers are right, with nothing in it: a store in memory, unless it is overridden."""
        return MemoryStore(deployment=DEPLOYMENT, clock=self.clock, lease_seconds=LEASE_SECONDS)

    def open_others(self) -> Sequence[Store]:
        """The stores to compare with it, of states with nothing in them; the same states at every later call.

        They are for the deployment ``production``, go by ``self.clock``, and their leases last 60 seconds.
        """
        raise NotImplementedError

    def all(self, call: Callable[[Store], object]) -> object:
        """What every store answers to ``call``, an error included; raises `AssertionError` if one differs."""
        answer = _answer(call, self.reference)
        for store in self.others:
            found = _answer(call, store)
            if found != answer:
                raise AssertionError(f"{type(store).__name__} answers {found!r}, the reference {answer!r}")
        return answer

    def lease(self, back: int) -> Lease | None:
        """A lease that was once given out, the last one most of the time."""
        return self.leases[-1 - back % len(self.leases)] if self.leases else None

    @initialize(holder=HOLDERS)
    def first(self, holder: Holder) -> None:
        """Take the lease: little can be done without."""
        self.acquire(holder)

    @rule(holder=HOLDERS)
    def acquire(self, holder: Holder) -> None:
        """Take the lease; its fence must be the next one."""
        answer = self.all(lambda store: store.acquire(holder))
        if isinstance(answer, Lease):
            if answer.fence != max((lease.fence for lease in self.leases), default=0) + 1:
                raise AssertionError(f"the fence {answer.fence} is not the next one")
            self.leases.append(answer)

    @rule(back=st.sampled_from([0, 0, 0, 1, 2]))
    def renew(self, back: int) -> None:
        """Prolong a lease."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.renew(lease))

    @rule(back=st.sampled_from([0, 1, 2]))
    def release(self, back: int) -> None:
        """Give a lease back."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.release(lease))

    @rule()
    def break_lease(self) -> None:
        """Take the lease away."""
        self.all(lambda store: store.break_lease(ELSEWHERE))

    @rule(seconds=st.sampled_from([1.0, 29.5, 30.0, 60.0, 61.0]))
    def wait(self, seconds: float) -> None:
        """Let some time pass."""
        self.clock.sleep(seconds)

    @rule(back=st.sampled_from([0, 0, 0, 0, 1]), run=RUN_RECORDS)
    def start_run(self, back: int, run: RunRecord) -> None:
        """Begin a run, perhaps once more."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.start_run(lease, run))

    @rule(back=st.sampled_from([0, 0, 0, 0, 1]), run=RUN_RECORDS)
    def finish_run(self, back: int, run: RunRecord) -> None:
        """End a run, perhaps one that never began."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.finish_run(lease, run))

    @rule(back=st.sampled_from([0, 0, 0, 0, 1]), intents=st.lists(INTENTS, max_size=3))
    def begin(self, back: int, intents: Sequence[Intent]) -> None:
        """Write intents."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.begin(lease, intents))

    @rule(back=st.sampled_from([0, 0, 0, 0, 1]), outcomes=st.lists(OUTCOMES, max_size=3))
    def commit(self, back: int, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.commit(lease, outcomes))

    @rule(
        back=st.sampled_from([0, 0, 0, 0, 1]),
        outcomes=st.lists(OUTCOMES, min_size=1, max_size=2),
        intents=st.lists(INTENTS, min_size=1, max_size=2),
    )
    def enter(self, back: int, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> None:
        """Write outcomes and intents at once."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.enter(lease, outcomes, intents))

    @rule(back=st.sampled_from([0, 0, 0, 0, 1]), choose=st.integers(0, 9), phase=st.sampled_from(Phase))
    def settle(self, back: int, choose: int, phase: Phase) -> None:
        """Settle one of the calls that are pending."""
        lease, pending = self.lease(back), self.reference.load().pending
        if lease and pending:
            chosen = pending[choose % len(pending)]
            outcome = Outcome(
                run=chosen.run,
                address=chosen.address,
                operation=chosen.operation,
                phase=phase,
                at=self.clock.now(),
                settles=chosen,
            )
            self.all(lambda store: store.commit(lease, [outcome]))

    @rule(back=st.sampled_from([0, 0, 1]), outcomes=st.lists(OUTCOMES, max_size=2), leaking=RECORDS)
    def leak(self, back: int, outcomes: Sequence[Outcome], leaking: Record) -> None:
        """Write a batch whose last record has a secret in plain: it changes nothing at all."""
        lease = self.lease(back)
        if lease:
            leaking = attrs.evolve(leaking, outputs={"password": [Revealed("hunter2")]})
            last = Outcome(
                run="run-1",
                address=leaking.address,
                operation=Operation.CREATE,
                phase=Phase.DONE,
                at=1.0,
                write=(leaking,),
            )
            self.all(lambda store: store.commit(lease, [*outcomes, last]))

    @rule(serial=st.integers(-1, 20))
    def look_back(self, serial: int) -> None:
        """Ask for the state as it was."""
        self.all(lambda store: without_identity(store.load_at(serial)))

    @rule(detail=TEXTS, at=TIMES)
    def note(self, detail: str, at: float) -> None:
        """Add a line to the audit record."""
        self.all(lambda store: store.note(AuditEntry(event=AuditEvent.APPROVED, at=at, by="bob", detail=detail)))

    @rule(back=st.sampled_from([0, 0, 0, 1]), root=TEXTS, outcomes=st.lists(OUTCOMES, max_size=2))
    def rekey(self, back: int, root: str, outcomes: Sequence[Outcome]) -> None:
        """Change what secrets are kept under."""
        lease = self.lease(back)
        if lease:
            self.all(lambda store: store.rekey(lease, root, outcomes, key_rotated()))
            self.all(lambda store: store.load().wrapped_root)

    @rule()
    def reopen(self) -> None:
        """Close and open all but the reference."""
        for store in self.others:
            store.close()
        self.others = self.open_others()

    @invariant()
    def tell_the_same(self) -> None:
        """All that a store tells must be the same."""
        self.all(lambda store: without_identity(store.load()))
        self.all(lambda store: repr(without_identity(store.load())))  # tells 1, 1.0 and True apart
        self.all(lambda store: list(store.journal()))
        self.all(lambda store: list(store.journal("run-2")))
        self.all(lambda store: list(store.runs()))
        self.all(lambda store: store.last_run())
        self.all(lambda store: list(store.audit()))

    def teardown(self) -> None:
        """Close them all."""
        for store in (self.reference, *self.others):
            store.close()


def _answer(call: Callable[[Store], object], store: Store) -> object:
    try:
        return call(store)
    except LockedError as error:
        return LockedError, error.holder, error.since, error.remedy
    except OrchestraError as error:
        return type(error), error.address, error.message
