"""The provider that every family of drivers shares: bulk reads, what counts as gone, one place for errors.

A family writes a `Calls` class for each kind: how to say it to that driver, and how to read the answer.
`DriverProvider` makes a `Provider` of it.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from orchestra.clouds.session import Session
from orchestra.contracts import Capabilities, FoundBy, Inputs, Observation, Ownership, Reading, Refusal, Update
from orchestra.errors import ChoiceError, CloudError, NotFoundError, OrchestraError, TransientError
from orchestra.model.values import Plain

D = TypeVar("D")

LATE: Final = 20
"""How many things that a list left out may turn out to be there: so many may be new. With more the list was cut short,
and what else it left out isn't looked up one by one."""


class Calls(abc.ABC, Generic[D]):
    """The calls of one kind on one family of drivers. Stateless; may raise whatever the driver raises."""

    kind: ClassVar[str]
    unsupported: Mapping[str, str] = {}
    required: Mapping[str, str] = {}
    fixed: Mapping[str, tuple[Plain, str]] = {}
    refuse: Callable[[Mapping[str, object]], Iterable[Refusal]] | None = None
    found_by: FoundBy
    """How what `create` made is found again when its answer was lost; see `search`."""
    found_key: str = ""
    """What precisely that is: the request's parameter, the tag, the inputs."""
    page: ClassVar[int | None] = 200
    """How many ids one `read` asks for: best so many as one request tells of. None: all, where `read` goes through a
    list of its own however few are wanted."""

    @abc.abstractmethod
    def create(self, driver: D, inputs: Inputs, owner: Ownership) -> Observation:
        """Send the creation, with ``owner`` in the same request; or finish what the same token began."""

    @abc.abstractmethod
    def read(self, driver: D, ids: Sequence[str]) -> Iterator[Observation]:
        """Those of ``ids`` that the cloud lists, all pages; an id that it doesn't know is left out."""

    @abc.abstractmethod
    def look_up(self, driver: D, external_id: str) -> Observation:
        """One, asked for directly; a not-found error of the driver if it is gone."""

    @abc.abstractmethod
    def search(self, driver: D, owner: Ownership, inputs: Inputs) -> Observation | None:
        """What was created under the token of ``owner``, or under the natural key in ``inputs``."""

    @abc.abstractmethod
    def update(self, driver: D, external_id: str, update: Update) -> Observation:
        """Bring it to ``update.after``; safe to repeat."""

    @abc.abstractmethod
    def delete(self, driver: D, external_id: str) -> None:
        """Delete it; a not-found error of the driver counts as success."""

    @abc.abstractmethod
    def everything(self, driver: D) -> Iterator[Observation]:
        """All of this kind, all pages."""

    def choose(self, driver: D, name: str, wanted: Mapping[str, Plain]) -> str:
        """The id for the portable choice ``wanted``; raises `ChoiceError`."""
        raise ChoiceError(f"{self.kind} has no portable choice for {name!r}")


def capabilities_of(
    calls: Calls[Any] | type[Calls[Any]], settling: float = 0.0, page: int | None = None
) -> Capabilities:
    """What the provider of ``calls`` can do. ``settling`` and ``page`` are those of `DriverProvider`."""
    return Capabilities(
        unsupported=calls.unsupported,
        required=calls.required,
        fixed=calls.fixed,
        refuse=calls.refuse,
        settling=settling,
        found_by=calls.found_by,
        found_key=calls.found_key,
        batch=calls.page and min(calls.page, page or calls.page),
    )


def translated(error: Exception, session: Session[D], translate: Callable[[Exception], CloudError]) -> CloudError:
    """``error`` of a driver as a `CloudError`; the credentials of ``session`` are taken out of both."""
    told = translate(error)
    session.concealer.clean(error)
    session.concealer.clean(told)
    return told


class DriverProvider(Generic[D]):
    """A `Provider` over the `Calls` of one kind.

    ``settling`` is that of `Capabilities`, in seconds. ``page`` is how many things a page of the cloud holds, where
    that may be fewer than `Calls.page`.
    """

    def __init__(
        self,
        calls: Calls[D],
        session: Session[D],
        translate: Callable[[Exception], CloudError],
        *,
        settling: float = 0.0,
        page: int | None = None,
    ) -> None:
        self._calls = calls
        self._session = session
        self._translate = translate
        self.kind = calls.kind
        self.capabilities = capabilities_of(calls, settling, page)

    @contextlib.contextmanager
    def _driver(self) -> Iterator[D]:
        """This thread's driver; whatever it raises inside comes out as a `CloudError`."""
        try:
            yield self._session.driver()
        except OrchestraError:
            raise
        except Exception as error:
            raise translated(error, self._session, self._translate) from error

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Provider.create`."""
        with self._driver() as driver:
            return self._calls.create(driver, inputs, owner)

    def observe(self, ids: Sequence[str]) -> Reading:
        """See `Provider.observe`: what a list leaves out is looked up directly before it counts as gone.

        Where a list breaks off, what its pages told until then is found: whoever asks for the rest again goes on from
        there. So it is where more than ``LATE`` are there that the list left out: it was cut short.
        """
        found: dict[str, Observation] = {}
        gone: set[str] = set()
        unread: dict[str, CloudError] = {}
        wanted = list(dict.fromkeys(ids))
        step = self.capabilities.batch or max(1, len(wanted))
        for start in range(0, len(wanted), step):
            chunk = wanted[start : start + step]
            listed, broken = self._listed(chunk)
            found.update((external_id, listed[external_id]) for external_id in chunk if external_id in listed)
            late = 0
            for external_id in chunk:
                if external_id in listed:
                    continue
                if broken is None:
                    self._confirm(external_id, found, gone, unread)
                    late += external_id in found
                    broken = self._cut_short(len(listed)) if late > LATE else None
                else:
                    unread[external_id] = broken
        return Reading(found=found, gone=frozenset(gone), unread=unread)

    def _listed(self, ids: Sequence[str]) -> tuple[dict[str, Observation], CloudError | None]:
        """What the cloud lists of ``ids``, and the error that ended the list early, None if it came to its end."""
        listed: dict[str, Observation] = {}
        try:
            with self._driver() as driver:
                for one in self._calls.read(driver, ids):
                    listed[one.external_id] = one
        except CloudError as error:
            return listed, error
        return listed, None

    def _cut_short(self, told: int) -> TransientError:
        return TransientError(
            f"the list of {self.kind} was cut short: it told {told}, and more than {LATE} that are there were left out"
        )

    def _confirm(
        self, external_id: str, found: dict[str, Observation], gone: set[str], unread: dict[str, CloudError]
    ) -> None:
        try:
            with self._driver() as driver:
                found[external_id] = self._calls.look_up(driver, external_id)
        except NotFoundError:
            gone.add(external_id)
        except CloudError as error:
            unread[external_id] = error

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Provider.find`."""
        with self._driver() as driver:
            try:
                return self._calls.search(driver, owner, inputs)
            except Exception as error:
                if isinstance(self._as_cloud_error(error), NotFoundError):
                    return None
                raise

    def update(self, external_id: str, update: Update) -> Observation:
        """See `Provider.update`."""
        with self._driver() as driver:
            return self._calls.update(driver, external_id, update)

    def delete(self, external_id: str) -> None:
        """See `Provider.delete`."""
        with contextlib.suppress(NotFoundError), self._driver() as driver:
            self._calls.delete(driver, external_id)

    def list(self) -> Iterator[Observation]:
        """See `Provider.list`."""
        with self._driver() as driver:
            yield from self._calls.everything(driver)

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Provider.choose`."""
        with self._driver() as driver:
            return self._calls.choose(driver, name, wanted)

    def _as_cloud_error(self, error: Exception) -> Exception:
        return error if isinstance(error, OrchestraError) else self._translate(error)
