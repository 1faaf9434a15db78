"""A provider on the bench: calls that must go well, waiting, and cleaning up."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import attrs

from orchestra.contracts import Clock, Observation, Ownership, Provider, Reading, Status, Update
from orchestra.errors import ChoiceError, CloudError, ConflictError, InProgressError
from orchestra.testing.cases import ProviderCase, Subject, subject
from orchestra.testing.contract import FoundWrongError

T = TypeVar("T")

DEPLOYMENT: Final = "check-provider"
ADDRESS: Final = 'shards["eu"].subject[{number}]'
"""As awkward as addresses get: a provider must bring it back to the letter."""

FIRST_PAUSE: Final = 0.1
"""Seconds until it is looked again whether something has come."""
LONGEST_PAUSE: Final = 2.0
"""Seconds between looks at most."""


@attrs.define(eq=False)
class Bench:
    """One provider with one case. Remembers what it makes, and takes it away again."""

    provider: Provider
    factory: Callable[[], Provider]
    unreachable: Callable[[], Provider] | None
    case: ProviderCase
    clock: Clock
    threads: int
    _made: dict[str, None] = attrs.field(factory=dict)

    # -- declaring

    def subject(self, number: int, changes: Mapping[str, object] | None = None) -> Subject:
        """The ``number``-th resource, with changes."""
        try:
            return subject(self.case, number, self.provider, changes)
        except (ChoiceError, CloudError) as error:
            raise FoundWrongError(f"choose() raised {type(error).__name__}: {error.message}") from error

    def owner(self, number: int) -> Ownership:
        """An ownership with a token of its own."""
        return Ownership(DEPLOYMENT, ADDRESS.format(number=number), uuid.uuid4().hex)

    # -- calls that must go well

    @contextlib.contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """A call that the contract wants to succeed."""
        try:
            yield
        except CloudError as error:
            raise FoundWrongError(f"{what} raised {type(error).__name__}: {error.message}") from error
        except Exception as error:
            raise FoundWrongError(f"{what} raised {type(error).__name__}, which is no CloudError: {error}") from error

    def create(self, made: Subject, owner: Ownership) -> Observation:
        """Create it, and remember it for the cleaning up."""
        with self.calling("create()"):
            observation = self.seen_through(lambda: self.provider.create(made.inputs, owner))
        if not getattr(observation, "external_id", ""):
            raise FoundWrongError(f"create() returned {observation!r}: an Observation with an external_id is needed")
        self._made[observation.external_id] = None
        return observation

    def create_again(self, made: Subject, owner: Ownership) -> str | None:
        """Create it once more under the same token, and tell the id; None if a kind that isn't owned is refused."""
        try:
            again = self.seen_through(lambda: self.provider.create(made.inputs, owner))
        except ConflictError as error:
            if not self.case.owned:
                return None
            raise FoundWrongError(f"create() under the same token raised ConflictError: {error.message}") from error
        except Exception as error:
            raise FoundWrongError(f"create() under the same token raised {type(error).__name__}: {error}") from error
        self._made[again.external_id] = None
        return again.external_id

    def ready(self, number: int) -> tuple[Subject, Ownership, Observation]:
        """Create the ``number``-th and wait until it is ready."""
        made, owner = self.subject(number), self.owner(number)
        created = self.create(made, owner)
        return made, owner, self.settled(created.external_id)

    def observe(self, *ids: str) -> Reading:
        """What the provider tells of ``ids``."""
        with self.calling(f"observe({list(ids)})"):
            return self.provider.observe(list(ids))

    def find(self, made: Subject, owner: Ownership) -> Observation | None:
        """What the provider finds."""
        with self.calling("find()"):
            return self.provider.find(owner, made.inputs)

    def everything(self) -> dict[str, Observation]:
        """What the provider lists, by id."""
        with self.calling("list()"):
            listed = list(self.provider.list())
        found = {one.external_id: one for one in listed}
        if len(found) < len(listed):
            raise FoundWrongError(f"list() tells {len(listed) - len(found)} of {len(listed)} things more than once")
        return found

    def delete(self, external_id: str) -> None:
        """Delete it, and wait until it is gone."""
        with self.calling(f"delete({external_id!r})"):
            self.seen_through(lambda: self.provider.delete(external_id))
        self.until(lambda: external_id in self.observe(external_id).gone, f"observe() told that {external_id} is gone")
        self._made.pop(external_id, None)

    def update(self, external_id: str, update: Update) -> Observation:
        """Bring it to what ``update`` wants."""
        return self.seen_through(lambda: self.provider.update(external_id, update))

    def seen_through(self, call: Callable[[], T]) -> T:
        """What ``call`` returns, made again while the cloud says that it is at it, as the engine does."""
        deadline, pause = self.clock.monotonic() + self.case.timeout, FIRST_PAUSE
        while True:
            try:
                return call()
            except InProgressError as error:
                if self.clock.monotonic() >= deadline:
                    raise
                wait = max(pause, error.retry_after or 0.0)
            self.clock.sleep(wait)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    # -- waiting

    def settled(self, external_id: str) -> Observation:
        """What is observed of it once it is ready."""
        seen: list[Observation] = []

        def has_settled() -> bool:
            seen[:] = [one for key, one in self.observe(external_id).found.items() if key == external_id]
            return bool(seen) and seen[0].status is not Status.PENDING

        self.until(has_settled, f"observe() told that {external_id} is ready")
        if seen[0].status is Status.FAILED:
            raise FoundWrongError(f"{external_id} failed: {seen[0].detail or 'no detail is told'}")
        return seen[0]

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Ask again and again until ``holds``; it is broken if the case's timeout comes first."""

        def check() -> None:
            if not holds():
                raise FoundWrongError(f"{self.case.timeout:g} s went by before {what}")

        self._retried(check, self.case.timeout)

    def soon(self, check: Callable[[], None]) -> None:
        """Make a check that reads, until it passes or the time is over for which the case lets reads lag behind."""
        self._retried(check, self.case.lag)

    def _retried(self, check: Callable[[], None], seconds: float) -> None:
        deadline, pause = self.clock.monotonic() + seconds, FIRST_PAUSE
        while True:
            try:
                return check()
            except FoundWrongError:
                if self.clock.monotonic() >= deadline:
                    raise
            self.clock.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    # -- cleaning up

    def clear(self) -> None:
        """Delete all that was made here and is left, whatever the provider makes of it."""
        left = [external_id for external_id in reversed(self._made) if self._deleted(external_id)]
        self._made.clear()
        for external_id in left:
            with contextlib.suppress(FoundWrongError):
                self.until(lambda gone=external_id: gone in self.observe(gone).gone, "it was gone")  # type: ignore[misc]

    def _deleted(self, external_id: str) -> bool:
        with contextlib.suppress(Exception):  # a broken provider may raise anything: its rule has said so
            self.seen_through(lambda: self.provider.delete(external_id))
            return True
        return False
