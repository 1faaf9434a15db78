"""A store that keeps the contract, opened again included, and for each rule stores that break it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from orchestra.contracts import Clock
from orchestra.errors import InternalError, LeaseLostError, LockedError
from orchestra.model.values import Revealed
from orchestra.state.audit import AuditEntry, encode_audit
from orchestra.state.codec import digest
from orchestra.state.journal import Entry, Holder, Intent, Lease, Outcome, Phase, RunRecord
from orchestra.state.records import Condition, Record, Snapshot
from orchestra.stores import MemoryStore
from orchestra.stores.leases import Tenure

C = TypeVar("C", bound="Cellar")


class Cellar(MemoryStore):
    """What was put into it is there for whoever opens it again: all openings share one memory."""

    def again(self: C) -> C:
        """Another opening."""
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__
        return other


def copied(store: C) -> C:
    """Another opening that has all there is now, and shares nothing that comes."""
    other = object.__new__(type(store))
    other.__dict__.update(store.__dict__)
    return other


# -- and now the wrong ones, under the rule that they break

WRONG: dict[str, list[type[Cellar]]] = {}
"""By rule: stores that break it."""


def breaks(rule: str) -> Callable[[type[Cellar]], type[Cellar]]:
    def put(cls: type[Cellar]) -> type[Cellar]:
        WRONG.setdefault(rule, []).append(cls)
        return cls

    return put


@breaks("empty at first")
class BeginsAtOne(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        return attrs.evolve(found, serial=found.serial + 1)


@breaks("empty at first")
class CannotBeClosed(Cellar):
    def close(self) -> None:
        raise OSError("busy")


@breaks("identity")
class HasOneSalt(Cellar):
    def load(self) -> Snapshot:
        return attrs.evolve(super().load(), salt=bytes(32))


@breaks("identity")
class IsAnotherEachTime(Cellar):
    numbers = itertools.count()

    def load(self) -> Snapshot:
        return attrs.evolve(super().load(), lineage=f"lineage-{next(self.numbers)}")


@breaks("identity")
class SaltsTooLittle(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        return attrs.evolve(found, salt=found.salt[:8])


def changing(change: Callable[[Record], Record]) -> Callable[[Cellar, Lease, Sequence[Outcome]], int]:
    """A `Cellar.commit` that writes other records than it was given."""

    def commit(self: Cellar, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        changed = [attrs.evolve(one, write=tuple(map(change, one.write))) for one in outcomes]
        return Cellar.commit(self, lease, changed)

    return commit


@breaks("records")
class LosesAWrite(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        there = {record.key for record in self._state.records}
        kept = [attrs.evolve(one, write=tuple(new for new in one.write if new.key not in there)) for one in outcomes]
        return super().commit(lease, kept)


@breaks("records")
class ForgetsProtection(Cellar):
    commit = changing(lambda one: attrs.evolve(one, protect=False))  # type: ignore[assignment]


@breaks("records")
class EndsTextAtNull(Cellar):
    commit = changing(  # type: ignore[assignment]
        lambda one: attrs.evolve(
            one, inputs={name: x.split("\0")[0] if isinstance(x, str) else x for name, x in one.inputs.items()}
        )
    )


@breaks("order")
class TellsInReverse(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        return attrs.evolve(found, records=dict(reversed(found.records.items())))


@breaks("deposed")
class HasOneOfEachAddress(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        return attrs.evolve(found, deposed=tuple(one for one in found.deposed if one.address not in found.records))


@breaks("records")
class TellsTruthAsNumbers(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        plain = {key: attrs.evolve(one, inputs=numbers(one.inputs)) for key, one in found.records.items()}
        return attrs.evolve(found, records=plain)


def numbers(value: Any) -> Any:
    """``value`` with 1 for True."""
    if isinstance(value, dict):
        return {name: numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return int(value) if isinstance(value, bool) else value


@breaks("removal first")
class RemovesAtLast(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        left = [[new for new in one.write if new.key not in one.remove] for one in outcomes]
        changed = [attrs.evolve(one, write=tuple(kept)) for one, kept in zip(outcomes, left, strict=True)]
        return super().commit(lease, changed)


def settling(*phases: Phase) -> Callable[[Cellar, Lease, Sequence[Outcome]], int]:
    """A `Cellar.commit` that takes just these phases for the end of a call."""

    def commit(self: Cellar, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        with self._lock:
            before = self._state.pending
            serial = Cellar.commit(self, lease, outcomes)
            settled = {one.settles.key for one in outcomes if one.settles and one.phase in phases}
            self._state = attrs.evolve(self._state, pending=tuple(one for one in before if one.key not in settled))
        return serial

    return commit


@breaks("pending")
class ForgetsFailures(Cellar):
    commit = settling(Phase.DONE, Phase.ACCEPTED)  # type: ignore[assignment]


@breaks("pending")
class WaitsUntilReady(Cellar):
    commit = settling(Phase.DONE, Phase.FAILED)  # type: ignore[assignment]


@breaks("pending")
class LosesIntents(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        super().begin(lease, intents[-1:])


@breaks("unknown stays pending")
class SettlesTheUnknown(Cellar):
    commit = settling(*Phase)  # type: ignore[assignment]


@breaks("begun again")
class BeginsTwice(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        before = self._state.pending
        super().begin(lease, intents)
        self._state = attrs.evolve(self._state, pending=(*before, *intents))


@breaks("begun again")
class KeepsTheFirst(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        known = {one.key: one for one in self._state.pending}
        super().begin(lease, [known.get(one.key, one) for one in intents])


@breaks("one serial")
class CountsOutcomes(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        serial = super().commit(lease, outcomes)
        self._state = attrs.evolve(self._state, serial=serial + max(0, len(outcomes) - 1))
        return self._state.serial


@breaks("one serial")
class CountsRenewals(Cellar):
    def renew(self, lease: Lease) -> None:
        super().renew(lease)
        self._state = attrs.evolve(self._state, serial=self._state.serial + 1)


def uncovered(one: Record) -> Record:
    """The record with every secret in plain as text."""

    def text(value: Any) -> Any:
        if isinstance(value, Revealed):
            return value.value
        if isinstance(value, dict):
            return {name: text(item) for name, item in value.items()}
        return [text(item) for item in value] if isinstance(value, list) else value

    return attrs.evolve(one, inputs=text(one.inputs), outputs=text(one.outputs))


@breaks("secrets")
class KeepsPlainSecrets(Cellar):
    commit = changing(uncovered)  # type: ignore[assignment]


@breaks("secrets")
class QuotesSecrets(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        try:
            return super().commit(lease, outcomes)
        except InternalError as error:
            written = [uncovered(new) for one in outcomes for new in one.write]
            raise InternalError(f"refused: {written}", address=error.address) from error


@breaks("secrets")
class CommitsInParts(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        for one in outcomes:
            super().commit(lease, [one])
        return self._state.serial


@breaks("secrets")
class RaisesWhatItLikes(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        try:
            super().begin(lease, intents)
        except InternalError as error:
            raise TypeError("not JSON serializable") from error


@breaks("journal")
class TellsTheNewestFirst(Cellar):
    def journal(self, run: str | None = None) -> Sequence[Entry]:
        return super().journal(run)[::-1]


@breaks("journal")
class TellsOfEveryRun(Cellar):
    def journal(self, run: str | None = None) -> Sequence[Entry]:
        return super().journal()


@breaks("journal")
class DoesNotSayWhy(Cellar):
    def journal(self, run: str | None = None) -> Sequence[Entry]:
        return [attrs.evolve(one, detail="") for one in super().journal(run)]


@breaks("runs")
class SortsRuns(Cellar):
    def runs(self) -> Sequence[RunRecord]:
        return sorted(super().runs(), key=lambda one: one.id)


@breaks("runs")
class TakesTheFirstForTheLast(Cellar):
    def last_run(self) -> RunRecord | None:
        return next(iter(super().runs()), None)


@breaks("runs")
class StartsRunsAgain(Cellar):
    def start_run(self, lease: Lease, run: RunRecord) -> None:
        self._state = attrs.evolve(self._state, runs=tuple(one for one in self._state.runs if one.id != run.id))
        super().start_run(lease, run)


@breaks("audit")
class LeavesOutRuns(Cellar):
    def audit(self) -> Sequence[AuditEntry]:
        return [one for one in super().audit() if one.step is not None]


@breaks("audit")
class TellsTheSerialBefore(Cellar):
    def audit(self) -> Sequence[AuditEntry]:
        return [attrs.evolve(one, serial=one.serial - 1) for one in super().audit()]


@breaks("audit")
class NumbersTheJournal(Cellar):
    def journal(self, run: str | None = None) -> Sequence[Entry]:
        return [attrs.evolve(one, sequence=number) for number, one in enumerate(super().journal(run), 1)]


@breaks("audit chain")
class DigestsLinesAlone(Cellar):
    def audit(self) -> Sequence[AuditEntry]:
        return [attrs.evolve(one, digest=digest(f"{one.sequence} {encode_audit(one)}")) for one in super().audit()]


@breaks("audit chain")
class DigestsNothing(Cellar):
    def audit(self) -> Sequence[AuditEntry]:
        return [attrs.evolve(one, digest="") for one in super().audit()]


@breaks("audit chain")
class ChainsBackwards(Cellar):
    def audit(self) -> Sequence[AuditEntry]:
        lines = super().audit()
        return [attrs.evolve(one, digest=digest(f"{one.sequence} {lines[-1].digest}")) for one in lines]


@breaks("notes")
class CountsNotes(Cellar):
    def note(self, entry: AuditEntry) -> None:
        super().note(entry)
        self._state = attrs.evolve(self._state, serial=self._state.serial + 1)


@breaks("notes")
class BreaksLeasesUnseen(Cellar):
    def break_lease(self, by: Holder) -> Holder | None:
        holder, self._tenure = self._tenure.holder, self._tenure.free
        return holder


@breaks("notes")
class DoesNotSayWhoBrokeIt(Cellar):
    def break_lease(self, by: Holder) -> Holder | None:
        return super().break_lease(attrs.evolve(by, user="somebody"))


@breaks("past serials")
class LooksBackInVain(Cellar):
    def load_at(self, serial: int) -> Snapshot:
        return attrs.evolve(self.load(), serial=serial, pending=())


@breaks("past serials")
class TellsWhatWasPending(Cellar):
    def load_at(self, serial: int) -> Snapshot:
        return attrs.evolve(super().load_at(serial), pending=self._state.pending)


@breaks("past serials")
class KnowsTheFuture(Cellar):
    def load_at(self, serial: int) -> Snapshot:
        return super().load_at(min(serial, self._state.serial))


@breaks("rekey")
class ForgetsTheRoot(Cellar):
    def load(self) -> Snapshot:
        return attrs.evolve(super().load(), wrapped_root="")


@breaks("rekey")
class RekeysInParts(Cellar):
    def rekey(self, lease: Lease, wrapped_root: str, outcomes: Sequence[Outcome], entry: AuditEntry) -> int:
        super().rekey(lease, wrapped_root, [], entry)
        return super().commit(lease, outcomes)


@breaks("version")
class IsTheSameForEver(Cellar):
    def _version(self, state: object) -> str:
        return self._lineage


@breaks("version")
class CountsWritesAlone(Cellar):
    def _version(self, state: object) -> str:
        return str(self._state.serial)


@breaks("version")
class LoadsWithoutAVersion(Cellar):
    def load(self) -> Snapshot:
        return attrs.evolve(super().load(), version="")


@breaks("nobody else's")
class HandsOutItsOwn(Cellar):
    last: Snapshot | None = None

    def load(self) -> Snapshot:
        if self.last is None or self.last.serial != self._state.serial:
            self.last = super().load()
        return self.last


@breaks("nobody else's")
class KeepsWhatItGot(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        super().begin(lease, intents)
        self.mine = tuple(intents)

    def load(self) -> Snapshot:
        return attrs.evolve(super().load(), pending=self.mine)


@breaks("many threads")
class BelongsToOneThread(Cellar):
    def __init__(self, *, deployment: str, clock: Clock, lease_seconds: float) -> None:
        super().__init__(deployment=deployment, clock=clock, lease_seconds=lease_seconds)
        self.thread = threading.get_ident()

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        if threading.get_ident() != self.thread:
            raise RuntimeError("opened in another thread")
        super().begin(lease, intents)


@breaks("many threads")
class TellsHalfOfACommit(Cellar):
    def load(self) -> Snapshot:
        found = super().load()
        if len(found.records) < 20:
            return found
        return attrs.evolve(found, records=dict(list(found.records.items())[:-1]))


@breaks("lease")
class LetsEverybodyIn(Cellar):
    def acquire(self, holder: Holder) -> Lease:
        self._tenure = self._tenure.free
        return super().acquire(holder)


class SaysLess(Cellar):
    """Who holds the lease is told otherwise."""

    holder: str | None = None
    since: str | None = None
    message: str | None = None

    def acquire(self, holder: Holder) -> Lease:
        try:
            return super().acquire(holder)
        except LockedError as error:
            raise LockedError(
                self.message or error.message, holder=self.holder or error.holder, since=self.since or error.since
            ) from error


@breaks("lease")
class DoesNotSayWho(SaysLess):
    holder = "somebody"


@breaks("lease")
class DoesNotSayWhen(SaysLess):
    since = "yesterday"


@breaks("lease")
class SaysWhenItExpires(SaysLess):
    since = "2023-11-14T22:14:20Z"


@breaks("lease")
class DoesNotSayWhat(SaysLess):
    message = "locked"


@breaks("lease")
class RaisesTimeouts(Cellar):
    def acquire(self, holder: Holder) -> Lease:
        try:
            return super().acquire(holder)
        except LockedError as error:
            raise TimeoutError("busy") from error


@breaks("lease")
class LastsTooShort(Cellar):
    def acquire(self, holder: Holder) -> Lease:
        lease = super().acquire(holder)
        return attrs.evolve(lease, expires=lease.expires - 1.0)


@breaks("own lease")
class KnowsItsOwnProcess(Cellar):
    def acquire(self, holder: Holder) -> Lease:
        held = self._tenure.holder
        if held and (held.host, held.process) == (holder.host, holder.process):
            self._tenure = self._tenure.free
        return super().acquire(holder)


@breaks("fence")
class ChecksNoFence(Cellar):
    def _renewed(self, lease: Lease) -> Tenure:
        if self._tenure.holder is None:
            return super()._renewed(lease)
        return super()._renewed(attrs.evolve(lease, fence=self._tenure.fence))


@breaks("fence")
class CommitsWithoutLooking(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        return super().commit(attrs.evolve(lease, fence=self._tenure.fence), outcomes)


@breaks("fence")
class ReleasesForOthers(Cellar):
    def release(self, lease: Lease) -> None:
        self._tenure = self._tenure.free


@breaks("fence")
class WritesAndThenLooks(Cellar):
    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        mine = attrs.evolve(lease, fence=self._tenure.fence)
        serial = super().commit(mine, outcomes) if self._tenure.holder else 0
        super()._renewed(lease)
        return serial


@breaks("expired is held")
class GoesByTheClockAlone(Cellar):
    def _renewed(self, lease: Lease) -> Tenure:
        if self._clock.now() >= self._tenure.expires:
            raise LeaseLostError("expired")
        return super()._renewed(lease)


@breaks("writes prolong")
class ProlongsByHeartbeatAlone(Cellar):
    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        expires = self._tenure.expires
        super().begin(lease, intents)
        self._tenure = attrs.evolve(self._tenure, expires=expires)


@breaks("writes prolong")
class ProlongsForNothing(Cellar):
    def start_run(self, lease: Lease, run: RunRecord) -> None:
        self._tenure = self._renewed(lease)
        super().start_run(lease, run)


@breaks("renewed")
class DoesNotRenew(Cellar):
    def renew(self, lease: Lease) -> None:
        self._renewed(lease)


@breaks("released")
class KeepsItsLease(Cellar):
    def release(self, lease: Lease) -> None:
        pass


@breaks("released")
class CountsFencesAnew(Cellar):
    def release(self, lease: Lease) -> None:
        super().release(lease)
        if self._tenure.holder is None:
            self._tenure = Tenure()


@breaks("lease broken")
class DoesNotSayWhoHadIt(Cellar):
    def break_lease(self, by: Holder) -> Holder | None:
        super().break_lease(by)
        return None


@breaks("lease broken")
class BreaksNothing(Cellar):
    def break_lease(self, by: Holder) -> Holder | None:
        return self._tenure.holder


@breaks("durable")
class WritesOnceItIsClosed(Cellar):
    saved: WritesOnceItIsClosed | None = None

    def again(self: WritesOnceItIsClosed) -> WritesOnceItIsClosed:  # type: ignore[override]
        if self.saved:
            return copied(self.saved)
        other = copied(self)
        other._state = attrs.evolve(self._state, serial=0, records=(), pending=(), lines=(), runs=())
        return other

    def close(self) -> None:
        self.saved = copied(self)


class ForgetsSome(Cellar):
    """What is opened again lacks something."""

    def again(self: ForgetsSome) -> ForgetsSome:  # type: ignore[override]
        other = copied(self)
        other.forget()
        return other

    def forget(self) -> None:
        """Forget it."""


@breaks("closed")
class ForgetsDeposed(ForgetsSome):
    def forget(self) -> None:
        left = tuple(one for one in self._state.records if one.condition is not Condition.DEPOSED)
        self._state = attrs.evolve(self._state, records=left)


@breaks("closed")
class ForgetsWhatIsPending(ForgetsSome):
    def forget(self) -> None:
        self._state = attrs.evolve(self._state, pending=())


@breaks("closed")
class ForgetsItsSalt(ForgetsSome):
    def forget(self) -> None:
        self._salt = bytes(32)


@breaks("lease stays")
class ForgetsTheLease(ForgetsSome):
    def forget(self) -> None:
        self._tenure = self._tenure.free


@breaks("lease stays")
class ForgetsTheFence(ForgetsSome):
    def forget(self) -> None:
        if self._tenure.holder is None:
            self._tenure = Tenure()


@breaks("two openings")
class LoadsOnce(ForgetsSome):
    """Each opening knows only what was there when it was opened, and what it wrote itself."""


@breaks("one of many")
class HasALeaseForEachOpening(ForgetsSome):
    def forget(self) -> None:
        self._lock = threading.RLock()
