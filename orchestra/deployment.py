"""A deployment: the one object that a user holds. Joins stack, clouds, state and engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from orchestra import clouds as families
from orchestra import display, engine
from orchestra.contracts import Clock, Cloud, Families, Store
from orchestra.engine.clock import SystemClock
from orchestra.engine.discretion import discreet
from orchestra.engine.keyring import Keyring
from orchestra.engine.keys import Key, KeySource
from orchestra.engine.live import Live, secrets_to_come
from orchestra.engine.roots import opened_root
from orchestra.engine.support import name_clouds
from orchestra.engine.survey import Site, survey
from orchestra.errors import DefinitionError, LockedError, PlanError
from orchestra.garbage import seldom_collected
from orchestra.model.address import Address, is_address
from orchestra.model.concealing import Concealer
from orchestra.model.declaration import collect
from orchestra.model.expressions import Scope, evaluate, lower
from orchestra.model.refs import Ref
from orchestra.model.stack import Stack
from orchestra.model.values import Revealed, Value, is_known, leaves
from orchestra.planning.change import Finding
from orchestra.planning.decide import Action, Mode, Reason
from orchestra.planning.freshness import check_fresh
from orchestra.planning.inputs import sealed
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.planner import make_plan
from orchestra.state.journal import Holder
from orchestra.state.records import Record, Snapshot
from orchestra.stores import open_store

if TYPE_CHECKING:
    from orchestra import events

T = TypeVar("T")
Selector = str | Sequence[str]


class Deployment:
    """One stack, deployed under a name on a cloud, with a state.

    ``stack`` is an instance of your `Stack`; ``name`` tells deployments in one state apart. ``cloud`` is where
    resources go that don't say otherwise; by default a simulated cloud in the file ``orchestra-cloud.db``.
    ``state`` is ``sqlite:///file.db`` (the default is ``sqlite:///orchestra.db``). ``clouds`` names further
    clouds that recorded resources may still be on. ``key`` encrypts secret outputs and derives generated
    secrets: text of 16 characters at least, `Secret.env`, `Secret.file`, or a function that gets it, which is
    called once (default: the environment variable ``ORCHESTRA_KEY``, or the file that ``ORCHESTRA_KEY_FILE`` names).
    ``listeners`` are called with each `Event`. ``progress`` shows what happens: on a terminal in place (with
    rich, where it is installed), else line by line on standard error. ``width`` is how many calls are made at
    once at most. ``lock_timeout`` is for how many seconds to wait while another process holds the
    lease (0: not at all). Nothing is opened or called until it is needed. Raises `DefinitionError` for a faulty stack.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        name: str,
        cloud: Cloud | None = None,
        state: str | os.PathLike[str] = "sqlite:///orchestra.db",
        clouds: Iterable[Cloud] = (),
        key: KeySource | None = None,
        listeners: Sequence[events.Listener] = (),
        progress: bool = True,
        width: int = 16,
        lock_timeout: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(stack, Stack):
            raise DefinitionError(f"Deployment({stack!r}): an instance of a Stack is needed: Deployment(Shop(), …)")
        if not name or len(name) > 63 or not name.replace("-", "").replace("_", "").isalnum():
            raise DefinitionError(f"Deployment(name={name!r}): 1 to 63 letters, digits, '-' or '_' are needed")
        self.stack = stack
        self.name = name
        self._declaration = collect(stack)
        self._cloud = cloud
        self._clouds = tuple(clouds)
        self._state = Revealed(os.fspath(state))  # a URL may hold a password
        self._key = Key(key)
        self._concealer = Concealer()
        self._keyring: Keyring | None = None
        self._listeners = tuple(listeners)
        self._progress = progress
        self._width = _width(width)
        self._lock_timeout = _seconds(lock_timeout)
        self._clock = clock or SystemClock()
        self._store: Store | None = None
        self._known: Snapshot | None = None

    # -- planning

    @discreet
    def plan(
        self,
        *,
        destroy: bool = False,
        refresh: bool = True,
        refresh_only: bool = False,
        target: Selector = (),
        exclude: Selector = (),
        replace: Selector = (),
    ) -> Plan:
        """What apply would do. Reads the clouds and changes nothing in them.

        ``destroy``: a plan that deletes everything. ``refresh=False``: go by the state, without asking what is
        there. ``refresh_only``: a plan that only takes over what the clouds tell. ``target``: only these
        addresses and what they need; ``exclude``: not these and what needs them; ``replace``: make these anew.
        An address such as ``web`` covers ``web[0]`` and all inside it.

        Calls that an interrupted run left open are settled first, which may write to the state. While another
        process is at it, its calls are left alone: the plan is then made from what is recorded, says in its findings
        whose calls are open, and can't be applied.
        Raises `PlanError`, `DefinitionError`, `CloudError`, `StateError`, or an `ApplyError` of several.
        """
        if destroy and refresh_only:
            raise PlanError("a plan can't be both destroy and refresh_only")
        options = Options(
            mode=Mode.DESTROY if destroy else Mode.REFRESH_ONLY if refresh_only else Mode.NORMAL,
            target=_selectors(target),
            exclude=_selectors(exclude),
            replace=_selectors(replace),
        )
        snapshot, findings = self._looked_up()
        plan = self._planned(options, snapshot, refresh)
        return attrs.evolve(plan, findings=(*plan.findings, *findings)) if findings else plan

    @discreet
    def rollback(self, *, to: int) -> Plan:
        """A plan that makes everything again as it was at the serial ``to``: print it, then apply it.

        `Run.serial` and `PastRun.serial` tell the serial that each run led to. The plan is made from what the state
        recorded then, not from the stack, so put the code back as well, or the next plan goes forward again. Inputs
        that the stack still gives the same value are taken from there, with their secrets. What can't be undone is in
        the plan's findings: what is made anew has another id and nothing in it; what was made since is deleted;
        of secrets and of contents only digests are kept. What was replaced and not yet deleted is put back.

        Raises `StateError` for a serial of which nothing is known, `ProtectedError`, and as `plan` does.
        """
        snapshot, findings = self._looked_up()
        plan = self._planned_back(to, snapshot)
        return attrs.evolve(plan, findings=(*plan.findings, *findings)) if findings else plan

    @discreet
    def drift(self) -> Plan:
        """What was changed or deleted in the clouds behind the deployment's back.

        A plan of `Mode.REFRESH_ONLY`: empty if there is no drift; each change tells recorded and observed values.
        To put drift right apply a normal plan; to take it over into the state, apply this one.
        """
        plan = self.plan(refresh_only=True)
        drifted = [
            attrs.evolve(change, reason=Reason.DRIFTED if change.action is Action.READ else change.reason)
            for change in plan.changes
            if change.action is Action.FORGET or any(one.path[0] in change.before for one in change.properties)
        ]
        unchanged = plan.unchanged + len(plan.changes) - len(drifted)
        return attrs.evolve(plan, changes=tuple(drifted), unchanged=unchanged)

    # -- acting

    @discreet
    def apply(
        self, plan: Plan | None = None, *, on_failure: engine.OnFailure = "continue", width: int | None = None
    ) -> engine.Run:
        """Carry out ``plan``, or a new one if none is given, and return what was done.

        ``on_failure``: ``"continue"`` goes on with everything that doesn't hang on what failed, ``"stop"`` begins
        nothing new, ``"rollback"`` begins nothing new and goes back to how it was before, as `rollback` does; the
        error then tells what can't be undone. ``width``: calls at once at most, for this run. Raises `StalePlanError`
        if the state moved on since the plan was made, `LockedError` if another process is at it, and `ApplyError` with
        the root causes if steps failed. After Ctrl-C the calls under way are finished and recorded before
        `KeyboardInterrupt` is raised.
        """
        return self._carried_out(Options() if plan is None else plan, on_failure, width)

    @discreet
    def destroy(self, *, target: Selector = (), exclude: Selector = ()) -> engine.Run:
        """Delete everything that the state knows, users before what they use. Raises as `apply` does."""
        options = Options(mode=Mode.DESTROY, target=_selectors(target), exclude=_selectors(exclude))
        return self._carried_out(options, "continue")

    @discreet
    def approve(self, plan: Plan, *, by: str = "", note: str = "") -> None:
        """Write into the audit record that ``plan`` was looked at and may be carried out.

        ``by`` is who says so, if not the user of this process; ``note`` is free text, such as a ticket. Nothing is
        called, no lease is needed, and the plan stays fresh. Raises `StalePlanError` if it isn't fresh any more.
        """
        engine.approve(self._office(), plan, by, note)

    @discreet
    def break_lease(self) -> Holder | None:
        """Take the lease away from whoever holds it, and tell who that was; None if nobody did.

        Only for a process that is certain not to come back: one that is still running can write nothing more, and
        what its calls under way came to is settled by the next plan. The audit record says who took it from whom.
        """
        return self.store.break_lease(engine.this_process("break_lease", self._clock.now()))

    @discreet
    def recover(self) -> Sequence[engine.Settlement]:
        """Settle the calls that an interrupted run left open, as every plan does first."""
        return self._recovered(self.store.load(), self._office())

    def _recovered(self, snapshot: Snapshot, office: engine.Office) -> Sequence[engine.Settlement]:
        if not snapshot.pending:
            return ()
        return engine.recover(self._site(snapshot), office, snapshot)

    @discreet
    def rebuild(self) -> tuple[Record, ...]:
        """Write a lost state anew from the clouds: everything that carries this deployment's ownership.

        For an empty state only: move a damaged file away first. The clouds that the deployment is on must be
        given; the plan of the unchanged stack is then empty. Raises `PlanError` if the state isn't empty, and
        `CloudError` if a cloud can't be read: nothing is written then.
        """
        snapshot = self.store.load()
        return engine.rebuild(self._site(snapshot), self._office(), snapshot)

    @discreet
    def adopt(self, address: str, external_id: str) -> Record:
        """Take over what exists as ``external_id`` in the cloud, as the resource declared at ``address``.

        Nothing in the cloud is changed; the next plan shows what differs from the declaration. Raises
        `PlanError` if the address isn't declared or is recorded already, `NotFoundError` if there is no such
        thing.
        """
        (record,) = self.adopt_all({address: external_id})
        return record

    @discreet
    def adopt_all(self, adoptions: Mapping[str, str]) -> tuple[Record, ...]:
        """Take over many things at once: ``adoptions`` maps addresses to ids in the cloud, in any order.

        In one transaction, with a few calls for each kind: all of it or nothing. Raises as `adopt` does.
        """
        if not adoptions:
            return ()
        office = self._office()
        snapshot = self._settled(office)
        options = Options(target=tuple(adoptions))
        plan = self._planned(options, snapshot) if all(map(is_address, adoptions)) else None
        adoption = engine.Adoption(wanted=dict(adoptions), plan=plan)
        return engine.adopt(adoption, self._site(snapshot), office, snapshot)

    @discreet
    def rotate_key(self, new: KeySource, *, renew: bool = False) -> engine.Rotation:
        """Keep the state's secrets under the key ``new`` from now on; the key so far opens them no more.

        Keep the new key in a safe place first: it takes effect when this returns, in one transaction. Digests,
        generated secrets and encrypted outputs stay as they are, and the next plan is empty. That is not enough where
        the key so far is known to somebody who has, or had, the state as well: ``renew=True`` derives all of it from
        something new. Outputs are encrypted again and digests made anew where the value is known; generated secrets
        change, which the next plan shows. Change what else may be known too: passwords stay what they are.

        Raises `DefinitionError` for an unfit key, `StateError` if the key so far is wrong or calls are left open,
        `PlanError` without the extra ``crypto``, `LockedError` if another process is at it.
        """
        source = Key(new)
        self._settled()
        old, key = self._key.get(), source.get()
        if key is None:
            raise DefinitionError("rotate_key(None): the new key is needed")
        self._concealer.learn([old, key])
        rotating = engine.Rotating(
            declaration=self._declaration, concealer=self._concealer, old=old, new=key, renew=renew
        )
        rotation = engine.rotate(rotating, self._office())
        self._key = source
        return rotation

    # -- reading

    @discreet
    def value(self, ref: Ref[T]) -> T:
        """The value of an output of the stack, or of any reference in it. Raises `PlanError` if it isn't known yet."""
        snapshot = self.store.load()
        value = evaluate(lower(ref, self._declaration.placeholders), self._scope(snapshot))
        if not is_known(value):
            raise PlanError(f"the value of {ref._label()} is not known yet", remedy="apply first")
        found = list(leaves(value))
        if len(found) == 1 and isinstance(found[0], Revealed):
            return cast(T, found[0].value)
        return cast(T, value)

    @property
    @discreet
    def resources(self) -> Mapping[str, Record]:
        """What the state knows, by address."""
        return {str(address): record for address, record in self.store.load().records.items()}

    @discreet
    def history(self) -> tuple[engine.PastRun, ...]:
        """Every run so far, oldest first, with its journal."""
        return engine.past_runs(self.store)

    @property
    def audit(self) -> engine.Audit:
        """Who did what, when, and what it changed: every run, step, approval, recovery and broken lease."""
        return engine.Audit(self.store)

    def graph(self) -> dict[str, tuple[str, ...]]:
        """What each declared resource uses."""
        return {str(address): item.dependencies for address, item in self._declaration.resources.items()}

    @property
    def store(self) -> Store:
        """Where the state is; opened at the first use."""
        if self._store is None:
            self._store = open_store(str(self._state.value), deployment=self.name, clock=self._clock)
        return self._store

    @property
    def cloud(self) -> Cloud:
        """Where resources go that don't say otherwise."""
        if self._cloud is None:
            self._cloud = families.simulated()
        return self._cloud

    def close(self) -> None:
        """Let go of the state file."""
        if self._store is not None:
            self._store.close()
            self._store = self._known = None

    def __enter__(self) -> Deployment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Deployment {self.name!r} of {self.stack!r}>"

    # -- inside

    def _looked_up(self) -> tuple[Snapshot, tuple[Finding, ...]]:
        """The state to plan from, which needs no lease, and what there is to say of calls that others have open."""
        try:
            return self._settled(), ()
        except LockedError as error:
            snapshot = self._loaded()
            return snapshot, engine.open_calls(snapshot, error)

    def _settled(self, office: engine.Office | None = None) -> Snapshot:
        """The state, with nothing open in it. Raises `LockedError` if others hold the lease, and have calls open."""
        snapshot = self._loaded()
        if snapshot.pending:
            self._recovered(snapshot, office or self._office())
            snapshot = self._loaded()
        return snapshot

    def _loaded(self) -> Snapshot:
        """The state. What is still as it was when it was last read isn't read again."""
        known = self._known
        if known is None or not known.version or known.version != self.store.version():
            known = self._known = self.store.load()
        return known

    @seldom_collected()
    def _planned(self, options: Options, snapshot: Snapshot, refresh: bool = True) -> Plan:
        site = self._site(snapshot)
        return make_plan(survey(site, snapshot, options, refresh), options, type(self.stack).__name__)

    def _carried_out(
        self, wanted: Plan | Options, on_failure: engine.OnFailure, width: int | None = None
    ) -> engine.Run:
        """Carry out a plan, or one that is made of options once the lease is held: it can't become stale."""
        width = self._width if width is None else _width(width)
        with contextlib.ExitStack() as progress:

            def order(plan: Plan, snapshot: Snapshot) -> engine.Order:
                site = attrs.evolve(self._site_of(plan, snapshot), width=width)
                shown = progress.enter_context(display.progress_listener(plan, self._progress))
                return engine.Order(plan=plan, site=site, snapshot=snapshot, listeners=(*shown, *self._listeners))

            def prepare(office: engine.Office) -> engine.Order:
                if isinstance(wanted, Plan):
                    snapshot = self._loaded()
                    check_fresh(wanted, snapshot)
                    return order(wanted, snapshot)
                snapshot = self._settled(office)
                return order(self._planned(wanted, snapshot), snapshot)

            def undo(office: engine.Office, serial: int) -> engine.Order:
                snapshot = self._settled(office)
                return order(self._planned_back(serial, snapshot), snapshot)

            office = self._office()
            try:
                ended = engine.carry_out(engine.purpose_of(wanted), prepare, undo, office, on_failure)
            finally:
                self._known = None  # what it was before would only take up memory
        engine.raise_for(ended.run)
        return attrs.evolve(ended.run, outputs=self._output_values(ended.site.keyring, ended.records))

    def _planned_back(self, serial: int, now: Snapshot) -> Plan:
        return engine.plan_back(self._site(now), now, self.store.load_at(serial), type(self.stack).__name__)

    def _site_of(self, plan: Plan, snapshot: Snapshot) -> Site:
        """The stack that ``plan`` was made from, which for a rollback is an earlier one."""
        site = self._site(snapshot)
        if plan.rollback_to is None:
            return site
        past = self.store.load_at(plan.rollback_to)
        return attrs.evolve(site, declaration=engine.recalled(site, snapshot, past).declaration)

    def _site(self, snapshot: Snapshot) -> Site:
        key = self._key.get()
        self._concealer.learn(key)
        keyring = self._keyring = Keyring(opened_root(key, snapshot), snapshot.salt, self.name, self._concealer)
        self._concealer.expect(secrets_to_come(self._declaration, keyring, snapshot.records))
        return Site(
            deployment=self.name,
            declaration=self._declaration,
            clouds=name_clouds(self.cloud, self._clouds, self._declaration),
            default_cloud=self.cloud.name,
            families=_families,
            keyring=keyring,
            width=self._width,
            clock=self._clock,
        )

    def _office(self) -> engine.Office:
        return engine.Office(
            store=self.store, clock=self._clock, listeners=self._listeners, lock_timeout=self._lock_timeout
        )

    def _scope(self, snapshot: Snapshot) -> Scope:
        keyring = self._site(snapshot).keyring
        live = Live(self._declaration, keyring, snapshot.records)
        return live.scope

    def _output_values(self, keyring: Keyring, records: Mapping[Address, Record]) -> dict[str, Value]:
        """The stack's outputs, in the form in which the state would tell them."""
        scope = Live(self._declaration, keyring, records).scope
        outputs = self._declaration.outputs.items()
        return {address: sealed(evaluate(one, scope), keyring.seal) for address, one in outputs}


def _families() -> Families:
    """What each family of clouds can do; all of them are imported when this is called, and not before."""
    return families.capabilities()


def _width(given: int) -> int:
    if given < 1:
        raise DefinitionError(f"width={given}: at least 1 is needed")
    return given


def _seconds(given: float) -> float:
    if not given >= 0.0:  # NaN too
        raise DefinitionError(f"lock_timeout={given}: zero or more seconds are needed")
    return given


def _selectors(given: Selector) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
