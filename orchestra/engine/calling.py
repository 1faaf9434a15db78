"""What the threads of a run do: attempts, polls, looking into failures. Each comes to one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from orchestra.contracts import Observation, Reading
from orchestra.engine import outcomes
from orchestra.engine.actions import attempt
from orchestra.engine.probing import checked
from orchestra.engine.waiting import Group, verdicts
from orchestra.engine.work import Accepted, Finished, Progress, Workshop
from orchestra.errors import CloudError, InternalError, OrchestraError, StateError
from orchestra.state.journal import Outcome


@attrs.frozen(eq=False)
class Begun:
    """The intent is written down, and the call is being made."""

    progress: Progress
    attempt: int


@attrs.frozen(eq=False)
class Answered:
    """The call was answered."""

    progress: Progress
    result: Accepted | Finished


@attrs.frozen(eq=False)
class Raised:
    """The attempt failed; nothing is written of that yet."""

    progress: Progress
    error: Exception


@attrs.frozen(eq=False)
class GaveUp:
    """The step failed for good, and that is written down unless ``error`` is the store's."""

    progress: Progress
    error: Exception


@attrs.frozen(eq=False)
class Looked:
    """Those in ``ends`` need no more waiting; the others of ``asked`` do."""

    group: Group
    asked: Sequence[Progress]
    ends: Sequence[tuple[Progress, Finished | Exception]]


@attrs.frozen(eq=False)
class Ended:
    """Something that is no `Exception` ended the work: it means to end the program."""

    error: BaseException


Report: TypeAlias = "Begun | Answered | Raised | GaveUp | Looked | Ended"


def _nothing() -> None:
    return None


class Caller:
    """Makes the calls of a run, in whichever thread asks. ``report`` takes what is to be told ahead of the answer."""

    def __init__(self, shop: Workshop, report: Callable[[Report], None]) -> None:
        self._shop = shop
        self._report = report

    def attempt(self, progress: Progress) -> Report:
        """Try the step once. Going on with what the cloud is at is no new attempt, so nothing begins then."""
        number = progress.attempt
        began = _nothing if progress.awaited else lambda: self._report(Begun(progress, number))
        try:
            result = attempt(self._shop, progress, began)
        except Exception as error:
            return Raised(progress, self._told(progress, error))
        return Answered(progress, result)

    def give_up(self, progress: Progress, error: Exception) -> Report:
        """Write down that the step failed, and what it left behind."""
        return GaveUp(progress, self._written(progress, error))

    def poll(self, group: Group, asked: Sequence[Progress]) -> Report:
        """Look at ``asked``, all with one call, and write down what became of them."""
        ids = [progress.accepted.external_id for progress in asked if progress.accepted is not None]
        try:
            provider = self._shop.provider(group.cloud, group.kind, asked[0].step.id.address)
            try:
                reading = provider.observe(ids)
            except CloudError as error:
                reading = Reading(unread=dict.fromkeys(ids, error))
        except Exception as error:
            return Looked(group, asked, [(one, self._written(one, self._told(one, error))) for one in asked])
        reading = checked(asked, reading, self._shop.live)
        found = verdicts(asked, reading, self._shop.clock.monotonic(), provider.capabilities.settling)
        return Looked(group, asked, self._settled(found))

    def _settled(
        self, found: Sequence[tuple[Progress, Observation | None | CloudError]]
    ) -> list[tuple[Progress, Finished | Exception]]:
        """Write down what is over: all that is well in one go, each failure by itself."""
        ends: list[tuple[Progress, Finished | Exception]] = []
        well: list[Outcome] = []
        for progress, verdict in found:
            if isinstance(verdict, CloudError):
                ends.append((progress, self._told(progress, verdict)))
                continue
            try:
                outcome, finished = outcomes.settled(self._shop, progress, verdict)
            except Exception as error:
                ends.append((progress, self._told(progress, error)))
            else:
                well.append(outcome)
                ends.append((progress, finished))
        try:
            self._shop.journal.commit(well)
        except Exception as error:
            ends = [(progress, self._told(progress, error)) for progress, _ in ends]
        return [
            (progress, self._written(progress, end) if isinstance(end, Exception) else end) for progress, end in ends
        ]

    def _written(self, progress: Progress, error: Exception) -> Exception:
        """``error``, once that is written down; the store's own error if it can't be."""
        if isinstance(error, StateError):
            return error  # nothing can be written any more; the pending intent tells the next run
        try:
            outcomes.failed(self._shop, progress, error)
        except StateError as broken:
            broken.__cause__ = error
            return broken
        except Exception as fault:
            self._shop.concealer.clean(fault)
            wrapped = InternalError(
                f"{type(fault).__name__} kept its failure from being written down: {fault}",
                address=progress.step.id.address,
            )
            wrapped.__cause__ = error
            self._shop.concealer.clean(wrapped)
            return wrapped
        return error

    def _told(self, progress: Progress, error: Exception) -> Exception:
        """``error`` without secrets, and with the address where it happened; one that isn't ours is put into ours."""
        self._shop.concealer.clean(error)
        if isinstance(error, OrchestraError):
            if error.address is None and not isinstance(error, StateError):
                error.address = progress.step.id.address
            return error
        said = f": {error}" if str(error) else ""
        wrapped = InternalError(
            f"the provider of {progress.step.change.kind} raised {type(error).__name__}{said}",
            address=progress.step.id.address,
        )
        wrapped.__cause__ = error
        self._shop.concealer.clean(wrapped)  # some say more than can be taken out of them
        return wrapped
