"""The decision table: what becomes of one resource, and why."""

from __future__ import annotations

import enum

import attrs


class Action(enum.Enum):
    """One resource's transition."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    FORGET = "forget"
    MOVE = "move"
    NO_OP = "no-op"


class Reason(enum.Enum):
    """Why: for people. No code branches on it."""

    NEW = "not made yet"
    GONE = "gone from the cloud"
    CHANGED = "its inputs changed"
    DRIFTED = "it was changed outside of orchestra"
    FORCED = "an input that can't be changed in place differs"
    DRIFT_FORCED = "an input that can't be changed in place was changed outside of orchestra"
    REQUESTED = "its replacement was asked for"
    TAINTED = "it never became ready"
    FAILED = "the cloud says that it failed"
    UNDECLARED = "no longer declared"
    DESTROYED = "the deployment is being destroyed"
    RETAINED = "its lifecycle says to leave it in the cloud"
    DEPOSED = "it was replaced and not yet deleted"
    MOVED = "it has a new address"
    REFRESHED = "the cloud tells something new of it"
    UNFINISHED = "its creation was not seen to the end"
    ADOPTED = "it exists already and is taken over"
    PUT_BACK = "it is still there from before it was replaced, and takes its place again"
    EXCLUDED = "not selected"
    UNCHANGED = "as declared"


class Mode(enum.Enum):
    """What a plan is for."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh-only"


class Desired(enum.Enum):
    """What the declaration asks of what is there."""

    UNDECLARED = "undeclared"
    SAME = "same"
    UPDATE = "update"
    REPLACE = "replace"


class Recorded(enum.Enum):
    """What the state knows."""

    ABSENT = "absent"
    READY = "ready"
    TAINTED = "tainted"
    CREATING = "creating"


class Observed(enum.Enum):
    """What the cloud says."""

    UNREAD = "unread"
    SAME = "same"
    DIFFERENT = "different"
    FAILED = "failed"
    GONE = "gone"


@attrs.frozen(kw_only=True)
class Circumstances:
    """What else bears on the decision."""

    mode: Mode = Mode.NORMAL
    selected: bool = True
    replace_requested: bool = False
    retain: bool = False
    moved: bool = False
    only_drift: bool = False
    """The declaration has not changed: what differs was changed in the cloud."""
    outdated: bool = False
    """The state keeps an older lifecycle rule or dependency than the declaration has."""


Decision = tuple[Action, Reason]


def decide(desired: Desired, recorded: Recorded, observed: Observed, given: Circumstances) -> Decision:
    """The one action for a resource. Total: every combination has an answer."""
    if not given.selected:
        return Action.NO_OP, Reason.EXCLUDED
    if given.mode is Mode.REFRESH_ONLY:
        return _refresh(recorded, observed)
    if given.mode is Mode.DESTROY or desired is Desired.UNDECLARED:
        return _remove(recorded, observed, given)
    if recorded is Recorded.ABSENT:
        return Action.CREATE, Reason.NEW
    if observed is Observed.GONE:
        return Action.CREATE, Reason.GONE
    return _keep(desired, recorded, observed, given)


def _refresh(recorded: Recorded, observed: Observed) -> Decision:
    if recorded is Recorded.ABSENT:
        return Action.NO_OP, Reason.UNCHANGED
    match observed:
        case Observed.GONE:
            return Action.FORGET, Reason.GONE
        case Observed.DIFFERENT:
            return Action.READ, Reason.REFRESHED
        case Observed.SAME | Observed.UNREAD | Observed.FAILED:
            return Action.NO_OP, Reason.UNCHANGED


def _remove(recorded: Recorded, observed: Observed, given: Circumstances) -> Decision:
    if recorded is Recorded.ABSENT:
        return Action.NO_OP, Reason.UNCHANGED
    if observed is Observed.GONE:
        return Action.FORGET, Reason.GONE
    if given.retain:
        return Action.FORGET, Reason.RETAINED
    return Action.DELETE, Reason.DESTROYED if given.mode is Mode.DESTROY else Reason.UNDECLARED


def _keep(desired: Desired, recorded: Recorded, observed: Observed, given: Circumstances) -> Decision:
    if given.replace_requested:
        return Action.REPLACE, Reason.REQUESTED
    if observed is Observed.FAILED:
        return Action.REPLACE, Reason.FAILED
    if recorded is Recorded.TAINTED and observed is Observed.UNREAD:
        return Action.REPLACE, Reason.TAINTED
    if desired is Desired.REPLACE:
        return Action.REPLACE, Reason.DRIFT_FORCED if given.only_drift else Reason.FORCED
    if desired is Desired.UPDATE:
        return Action.UPDATE, Reason.DRIFTED if given.only_drift else Reason.CHANGED
    if given.moved:
        return Action.MOVE, Reason.MOVED
    if recorded is not Recorded.READY:
        return Action.READ, Reason.UNFINISHED
    if observed is Observed.DIFFERENT or given.outdated:
        return Action.READ, Reason.REFRESHED
    return Action.NO_OP, Reason.UNCHANGED
