"""Every error that orchestra raises on purpose.

::

    OrchestraError
    ├── DefinitionError (ValueError)     the stack or its parameters are declared wrongly; all faults at once
    │   ├── MisuseError (TypeError)      a reference used as if it had a value while declaring
    │   └── CycleError                   resources that need each other
    ├── PlanError                        no plan can be made, or this plan can't be applied
    │   ├── UnsupportedError             the cloud has no such kind or input
    │   ├── ChoiceError                  no image or size of the cloud fits what was asked for
    │   ├── ProtectedError               the plan would delete what lifecycle protects
    │   ├── StalePlanError               the state moved on after the plan was made
    │   └── PlanFileError                a plan file that is damaged, edited or of another format
    ├── CloudError                       a cloud refused or could not be reached
    │   ├── NotFoundError                the thing asked for isn't there
    │   ├── ConflictError                the name or address range is taken
    │   ├── InUseError                   something else still uses it
    │   ├── QuotaError                   the account's limit is reached
    │   ├── CredentialsError             who we say we are, or what we may do, was refused
    │   ├── InvalidRequestError          the cloud calls the request wrong; repeating it can't help
    │   ├── ThrottledError               too many calls; retryable
    │   ├── TransientError               the outcome is unknown or the failure passing; retryable
    │   │   └── InProgressError          the cloud is at it and not done: asked again until the step's timeout
    │   └── NotReadyError                accepted, but it failed or took too long to become ready
    ├── StateError
    │   ├── LockedError                  another process holds the lease
    │   ├── LeaseLostError               this process held the lease and no longer does
    │   ├── CorruptStateError            the state file is damaged
    │   └── StateVersionError            the state was written by a newer orchestra
    ├── ApplyError (ExceptionGroup)      the root causes of a run that did not finish
    └── InternalError                    a fault of orchestra's own: please report it

Each says what was expected, what was found (never a secret), at which address, and what to do next.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

if sys.version_info >= (3, 11):
    from builtins import ExceptionGroup
else:  # pragma: no cover
    from exceptiongroup import ExceptionGroup


class OrchestraError(Exception):
    """The root of the tree.

    ``address`` is where in the deployment it happened (None: not at one resource), ``remedy`` the next
    thing to do.
    """

    def __init__(self, message: str, *, address: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.address = address
        self.remedy = remedy

    def __str__(self) -> str:
        where = f"{self.address}: " if self.address else ""
        return f"{where}{self.message}" + (f"\n  to do: {self.remedy}" if self.remedy else "")


class DefinitionError(OrchestraError, ValueError):
    """The stack is declared wrongly. ``faults`` holds every fault found, a sentence each."""

    def __init__(
        self,
        message: str,
        *,
        faults: Sequence[str] = (),
        address: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, address=address, remedy=remedy)
        self.faults = tuple(faults) or (message,)


class MisuseError(DefinitionError, TypeError):
    """A reference was used as if it already had a value. ``typed`` and ``meant`` are lines of code."""

    def __init__(self, message: str, *, typed: str, meant: str, address: str | None = None) -> None:
        super().__init__(message, address=address)
        self.typed = typed
        self.meant = meant

    def __str__(self) -> str:
        typed = f"\n  typed: {self.typed}" if self.typed else ""
        return f"{super().__str__()}{typed}\n  meant: {self.meant}"


class CycleError(DefinitionError):
    """Resources that need each other, in order, starting from the first by address."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(
            "these resources need each other: " + " -> ".join([*cycle, cycle[0]]),
            address=cycle[0],
            remedy="take out one of the references, or put what both need into a resource of its own",
        )


class PlanError(OrchestraError):
    """No plan can be made, or the plan can't be applied."""


class UnsupportedError(PlanError):
    """The cloud can't do this kind, or one of the inputs set on it."""


class ChoiceError(PlanError):
    """No image or size that the cloud has fits the one asked for."""


class ProtectedError(PlanError):
    """The plan would delete or replace a resource that ``Lifecycle(protect=True)`` protects."""


class StalePlanError(PlanError):
    """The state has moved on since the plan was made, or the stack isn't the one it was made from."""


class PlanFileError(PlanError):
    """A plan file that is damaged, was edited, or has another format."""


class CloudError(OrchestraError):
    """A cloud refused a call or could not be reached.

    ``retryable``: the same call may succeed later. ``sent``: False only when it is certain that the request
    never reached the cloud. ``code`` is the cloud's own error code, if it gave one.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        address: str | None = None,
        remedy: str | None = None,
        code: str = "",
        sent: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, address=address, remedy=remedy)
        self.code = code
        self.sent = sent
        self.retry_after = retry_after

    def at(self, address: str) -> CloudError:
        """The same error, told at ``address`` unless it already names one."""
        if self.address is None:
            self.address = address
        return self


class NotFoundError(CloudError):
    """The thing asked for isn't there."""


class ConflictError(CloudError):
    """The name, address range or key is already taken."""


class InUseError(CloudError):
    """Something else still uses it. Retryable on deletion: users of it may be on their way out."""

    retryable = True


class QuotaError(CloudError):
    """The account's limit is reached."""


class CredentialsError(CloudError):
    """The cloud refused the credentials, or they don't permit this call."""


class InvalidRequestError(CloudError):
    """The cloud calls the request wrong; repeating it can't help."""


class ThrottledError(CloudError):
    """Too many calls at once. ``retry_after`` is in seconds where the cloud said so."""

    retryable = True


class TransientError(CloudError):
    """A failure that may pass. Unless ``sent`` is False the call may have happened."""

    retryable = True


class InProgressError(TransientError):
    """The cloud is at work on it and not done: the same call, made again, goes on from there.

    It is made again until the step's timeout, and that is no failure: it neither counts as an attempt nor costs
    anything of what a cloud's failures may. ``retry_after`` is in how many seconds it is worth asking, at the earliest.
    """


class NotReadyError(CloudError):
    """The cloud accepted it, but it failed afterwards or did not become ready in time."""


class StateError(OrchestraError):
    """The state can't be read or written."""


class LockedError(StateError):
    """Another process holds the lease. ``holder`` says who, ``since`` when it was taken (UTC, ISO 8601)."""

    def __init__(self, message: str, *, holder: str, since: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.holder = holder
        self.since = since


class LeaseLostError(StateError):
    """This process held the lease, let it expire, and may not write any more."""


class CorruptStateError(StateError):
    """The state file is damaged: what it holds isn't what was written."""


class StateVersionError(StateError):
    """The state was written by a newer orchestra than this one."""


class ApplyError(OrchestraError, ExceptionGroup[Exception]):
    """A run that did not finish. Its exceptions are the root causes; what depended on them was skipped."""

    def __new__(cls, message: str, causes: Sequence[Exception], remedy: str | None = None) -> ApplyError:
        """A group of ``causes``, as every exception group is made."""
        return super().__new__(cls, message, causes)

    def __init__(self, message: str, causes: Sequence[Exception], remedy: str | None = None) -> None:
        # ExceptionGroup.__new__ has taken the message already, and its attribute can't be set again
        self.address = None
        self.remedy = remedy

    def __str__(self) -> str:
        causes = "".join(f"\n  - {str(cause).splitlines()[0]}" for cause in self.exceptions)
        return f"{self.message}{causes}" + (f"\n  to do: {self.remedy}" if self.remedy else "")

    def derive(self, causes: Sequence[Exception]) -> ApplyError:  # type: ignore[override]
        """The same failure with some of its causes: what ``except*`` and ``split`` make."""
        return ApplyError(self.message, causes, self.remedy)


class InternalError(OrchestraError):
    """A fault of orchestra's own. Please report it with the traceback."""

    def __init__(self, message: str, *, address: str | None = None) -> None:
        super().__init__(
            message, address=address, remedy="this is a fault of orchestra: please report it with the traceback"
        )
