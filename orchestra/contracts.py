"""The contracts between the engine and what acts: clouds, providers, stores, the clock.

The engine sees only these. `orchestra.testing` has them as tests.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import attrs

from orchestra.errors import CloudError, InternalError
from orchestra.model.values import Plain, Revealed, Value, Values

if TYPE_CHECKING:
    from orchestra.state.audit import AuditEntry
    from orchestra.state.journal import Entry, Holder, Intent, Lease, Outcome, RunRecord
    from orchestra.state.records import Snapshot


class Clock(Protocol):
    """Time, so that tests can make it pass."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...


class Status(enum.Enum):
    """How far a resource is, as its cloud tells."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@attrs.frozen
class Ownership:
    """Whose resource this is: goes to the cloud as tags in the creating request, and is how it is found again."""

    deployment: str
    address: str
    token: str
    """The idempotency token of this creation: 32 hexadecimal digits."""

    def name(self, limit: int = 63) -> str:
        """A name that is unique to this creation: lower-case letters, digits, '-'; at most ``limit`` characters."""
        slug = re.sub(r"[^a-z0-9]+", "-", f"{self.deployment}-{self.address}".lower()).strip("-")
        return f"{slug[: limit - 11].rstrip('-')}-{self.token[:10]}"

    def tags(self) -> dict[str, str]:
        """The tags that carry it."""
        return {
            "orchestra:deployment": self.deployment,
            "orchestra:address": self.address,
            "orchestra:token": self.token,
        }

    @staticmethod
    def from_tags(tags: Mapping[str, str]) -> Ownership | None:
        """The ownership that ``tags`` tell of, or None."""
        if "orchestra:token" not in tags:
            return None
        return Ownership(
            tags.get("orchestra:deployment", ""), tags.get("orchestra:address", ""), tags["orchestra:token"]
        )


def is_ownership_tag(key: str) -> bool:
    """Whether a tag is orchestra's own, not one of the user's labels."""
    return key.startswith("orchestra:")


def fresh_token(seed: str) -> str:
    """The idempotency token that belongs to ``seed``."""
    return hashlib.blake2b(seed.encode(), digest_size=16).hexdigest()


@attrs.frozen(repr=False)
class Inputs:
    """The resolved inputs of one resource, with typed access for providers. Secrets are in plain here."""

    values: Values

    def _get(self, name: str) -> Plain:
        return _plain(self.values.get(name), name)

    def text(self, name: str, default: str | None = None) -> str:
        """The text ``name``, or the id that was chosen for it; ``default`` if it is None.

        Raises `InternalError` if it isn't text.
        """
        value = self._get(name)
        if isinstance(value, Mapping) and "id" in value:
            value = value["id"]
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise InternalError(f"input {name!r}: text expected, {type(value).__name__} found")
        return value

    def optional_text(self, name: str) -> str | None:
        """The text ``name``, or None."""
        return None if self._get(name) is None else self.text(name)

    def integer(self, name: str, default: int | None = None) -> int:
        """The whole number ``name``; ``default`` if it is None."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise InternalError(f"input {name!r}: whole number expected, {type(value).__name__} found")
        return value

    def flag(self, name: str) -> bool:
        """The truth value ``name``."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise InternalError(f"input {name!r}: True or False expected, {type(value).__name__} found")
        return value

    def texts(self, name: str) -> list[str]:
        """The list of texts ``name``; None counts as empty."""
        value = self._get(name)
        if value is None:
            return []
        if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
            raise InternalError(f"input {name!r}: list expected, {type(value).__name__} found")
        return [str(item) for item in value]

    def mappings(self, name: str) -> list[Mapping[str, Plain]]:
        """The list of mappings ``name``; None counts as empty."""
        value = self._get(name)
        if value is None:
            return []
        if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
            raise InternalError(f"input {name!r}: list expected, {type(value).__name__} found")
        return [item for item in value if isinstance(item, Mapping)]

    def mapping(self, name: str) -> Mapping[str, Plain]:
        """The mapping ``name``; None counts as empty."""
        value = self._get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise InternalError(f"input {name!r}: mapping expected, {type(value).__name__} found")
        return value

    def labels(self) -> dict[str, str]:
        """The user's labels."""
        return {key: str(value) for key, value in self.mapping("labels").items()}

    def choice(self, name: str) -> str:
        """The cloud's own id that was chosen for the portable choice ``name``."""
        value = self.mapping(name).get("id")
        if not isinstance(value, str):
            raise InternalError(f"input {name!r}: nothing was chosen for it")
        return value

    def __repr__(self) -> str:
        return f"Inputs({', '.join(sorted(self.values))})"


def _plain(value: Value, name: str) -> Plain:
    if isinstance(value, Revealed):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(item, name) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item, name) for item in value]
    raise InternalError(f"input {name!r} reached a provider without a value")


@attrs.frozen(kw_only=True)
class Update:
    """One update in place, from ``before`` to ``after``; ``changed`` names the inputs that differ."""

    before: Inputs
    after: Inputs
    changed: frozenset[str]


@attrs.frozen(kw_only=True)
class Observation:
    """What a cloud tells of one resource.

    ``inputs`` holds only what the cloud tells, in the form of the kind's inputs: an input left out is not
    compared. A portable choice is told as ``{"id": …}``. ``outputs`` holds every output of the kind but ``id``;
    None where the cloud doesn't know it yet. ``detail`` is the cloud's own word for a status that isn't ready.
    ``name`` is what people call it in the cloud, '' if they don't; nothing is compared with it. ``comes_with`` is set
    for what nobody asked for: the id of what the cloud made it with, such as the server of a disk that goes with it.
    """

    external_id: str
    status: Status = Status.READY
    inputs: Mapping[str, Plain] = attrs.field(factory=dict, repr=False)  # may hold what came from a secret
    outputs: Mapping[str, Plain] = attrs.field(factory=dict, repr=False)
    detail: str = ""
    ownership: Ownership | None = None
    name: str = ""
    comes_with: str = ""


@attrs.frozen(kw_only=True)
class Reading:
    """The answer to `Provider.observe`: each id asked for is in exactly one of the three.

    ``gone`` are confirmed by a direct look-up; ``unread`` could not be told (a page failed, a list was cut
    short) and are never taken for gone.
    """

    found: Mapping[str, Observation] = attrs.field(factory=dict)
    gone: frozenset[str] = frozenset()
    unread: Mapping[str, CloudError] = attrs.field(factory=dict)


class FoundBy(enum.Enum):
    """How what a creation made is found again when its answer was lost: what the creating request carries."""

    CLIENT_TOKEN = "client token"  # noqa: S105 (no password, for all its name)
    """A token of the request, by which the cloud knows a second one of the same creation."""
    TAG = "tag in the creating request"
    """A tag or metadata with the token, which is looked for before the creation is sent again."""
    NAME = "name made from the token"
    """A name that no other creation has."""
    NATURAL_KEY = "natural key"
    """What makes it the only one of its kind, such as zone, type and name of a record. Somebody else's has it too."""


@attrs.frozen(kw_only=True)
class Refusal:
    """Something declared that a cloud can't do: ``why``, a sentence, and the ``remedy``."""

    why: str
    remedy: str


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a provider can do. ``unsupported`` maps an input to what isn't possible with it, a sentence.

    ``required`` maps an input that other clouds can do without to why it is needed here, a sentence. ``fixed`` maps an
    input to the one value that it has here, and why.
    """

    unsupported: Mapping[str, str] = attrs.field(factory=dict)
    required: Mapping[str, str] = attrs.field(factory=dict)
    fixed: Mapping[str, tuple[Plain, str]] = attrs.field(factory=dict)
    refuse: Callable[[Mapping[str, object]], Iterable[Refusal]] | None = None
    """What it refuses of the inputs of a resource as they are declared, where no table says it; references are in them
    as they are. None: nothing."""
    settling: float = 0.0
    """Seconds after a creation for which the cloud may still say that there is no such thing."""
    found_by: FoundBy | None = None
    """How `Provider.find` finds what a creation made. None: not told."""
    found_key: str = ""
    """What precisely that is, such as ``ClientToken`` or ``zone, type and name``."""
    batch: int | None = None
    """How many ids are observed together at best; more are asked for in parts, side by side. None: any number."""


Families: TypeAlias = Mapping[str, Mapping[str, Capabilities]]
"""What families of clouds can do: the name of each → kind → `Capabilities`. A kind that isn't there can't be had."""


class Provider(Protocol):
    """Creates, observes, updates and deletes one kind on one family of drivers.

    Called from several threads at once. Raises only `CloudError` and its kinds; never repeats a mutation
    by itself. Where a call takes several requests and the cloud isn't done with one, it raises `InProgressError`: the
    same call is made again until the step's timeout, and goes on from there.
    """

    @property
    def kind(self) -> str:
        """The kind's name, such as ``compute.Server``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        """Create it, or finish what an earlier call with the same token began. Returns without waiting for ready."""
        ...

    def observe(self, ids: Sequence[str]) -> Reading:
        """Read many at once: list calls with pages, not a call for each."""
        ...

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        """What was created under this token, or (where a kind can carry no token) under its natural key."""
        ...

    def update(self, external_id: str, update: Update) -> Observation:
        """Change it in place. Safe to repeat."""
        ...

    def delete(self, external_id: str) -> None:
        """Delete it; already gone counts as success. Returns once the cloud has accepted it."""
        ...

    def list(self) -> Iterator[Observation]:
        """Everything of this kind that the cloud has, for adoption and rebuilding."""
        ...

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        """The cloud's own id for the portable choice ``wanted`` of input ``name``; raises `ChoiceError`."""
        ...


@runtime_checkable
class Cloud(Protocol):
    """A configured set of drivers, as the engine sees it."""

    @property
    def name(self) -> str:
        """Stands in the state for this cloud: the same cloud must keep the same name."""
        ...

    def provider(self, kind: str) -> Provider | None:
        """The provider for ``kind``, or None if this cloud can't do it."""
        ...

    def verify(self) -> None:
        """One cheap call that shows that credentials, region and network are right; raises `CloudError`."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """A `Cloud` that tells why it can't do a kind."""

    def lacks(self, kind: str) -> str:
        """Why there is no provider for ``kind``, a sentence; '' if there is one, or it can't tell."""
        ...


class Store(Protocol):
    """Where the state of one deployment lives. Safe to use from several threads.

    Every write is durable when it returns and is refused with `LeaseLostError` unless ``lease`` is the
    current one. One with a secret in plain in it is refused with `InternalError`, and nothing of it is kept.
    `orchestra.testing.check_store` checks all of it.
    """

    def load(self) -> Snapshot:
        """Everything recorded, in one consistent read; raises `CorruptStateError` or `StateVersionError`."""
        ...

    def version(self) -> str:
        """What tells this state from every other, at a small cost: a `Snapshot` that has it is what `load` would give.

        Every write changes it, whoever makes it; raises as `load` does, though it need not see damage to records.
        """
        ...

    def acquire(self, holder: Holder) -> Lease:
        """Take the lease, or raise `LockedError` with who holds it and since when."""
        ...

    def renew(self, lease: Lease) -> None:
        """Prolong the lease."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that is already lost is no error."""
        ...

    def break_lease(self, by: Holder) -> Holder | None:
        """Take the lease away from whoever holds it, and tell who that was; the audit record says that ``by`` did."""
        ...

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """Write down that a run has begun; raises `InternalError` if it has already."""
        ...

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Write down what is about to be called, before it is."""
        ...

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """Write the outcomes of steps, with the records that they change, in one transaction. Returns the serial."""
        ...

    def enter(self, lease: Lease, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> int:
        """`commit` and then `begin`, in one transaction: many threads' writes cost one. Returns the serial."""
        ...

    def rekey(self, lease: Lease, wrapped_root: str, outcomes: Sequence[Outcome], entry: AuditEntry) -> int:
        """Change what secrets are kept under, with the records and the line that go with it. Returns the serial."""
        ...

    def finish_run(self, lease: Lease, run: RunRecord) -> int:
        """Write down how a run ended; raises `InternalError` if it never began. Returns the serial."""
        ...

    def runs(self) -> Sequence[RunRecord]:
        """Every run, oldest first."""
        ...

    def last_run(self) -> RunRecord | None:
        """The run that was started last, as it stands; None if there was none. As fast however many there were."""
        ...

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """The journal, oldest first, of one run or of all: the steps in the audit record."""
        ...

    def audit(self) -> Sequence[AuditEntry]:
        """The audit record, oldest line first; raises `CorruptStateError` for the first that isn't as it was written.

        Every write but that of the lease leaves its lines in the same transaction.
        """
        ...

    def note(self, entry: AuditEntry) -> None:
        """Add a line that changes nothing else: it needs no lease, and leaves the serial as it is."""
        ...

    def load_at(self, serial: int) -> Snapshot:
        """The records as they were at an earlier serial, without the calls that were pending then.

        Raises `StateError` for a serial of which nothing is known.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
