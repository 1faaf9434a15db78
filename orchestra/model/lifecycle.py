"""How a resource may be changed, replaced and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from orchestra.errors import DefinitionError

if TYPE_CHECKING:
    from orchestra.model.refs import Ref
    from orchestra.model.resource import Resource


def _positive(_instance: object, attribute: attrs.Attribute[float | None], seconds: float | None) -> None:
    if seconds is not None and seconds <= 0:
        raise DefinitionError(f"Lifecycle({attribute.name}={seconds}): more than 0 seconds are needed")


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    """One text is one item, not the sequence of its characters."""
    return (given,) if isinstance(given, str) else tuple(given)


def _triggers(given: Sequence[Ref[object] | Resource | str | int]) -> tuple[Ref[object] | Resource | str | int, ...]:
    """As with `_texts`."""
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen(kw_only=True, eq=False)
class Lifecycle:
    """Rules for one resource, given as ``lifecycle=oc.Lifecycle(…)``."""

    protect: bool = False
    """Refuse every plan that would delete or replace it (`ProtectedError`)."""
    retain: bool = False
    """When it is no longer declared, or the deployment is destroyed: forget it and leave it in the cloud."""
    ignore_changes: Sequence[str] = attrs.field(default=(), converter=_texts)
    """Inputs whose later changes, in code or in the cloud, are left as they are."""
    replace_on: Sequence[Ref[object] | Resource | str | int] = attrs.field(default=(), converter=_triggers)
    """Values that replace it when they change: a reference, a resource (its id) or plain text and numbers."""
    moved_from: Sequence[str] = attrs.field(default=(), converter=_texts)
    """Addresses that it had before: the recorded resource is kept and takes the new address."""
    create_before_delete: bool | None = None
    """When it is replaced: make the new one first (True), delete the old one first (False), as the kind says (None)."""
    create_timeout: float | None = attrs.field(default=None, validator=_positive)
    """Seconds from the start of its creation until it must be ready. None: as the kind says."""
    update_timeout: float | None = attrs.field(default=None, validator=_positive)
    """Seconds until it must be ready again after an update. None: as the kind says."""
    delete_timeout: float | None = attrs.field(default=None, validator=_positive)
    """Seconds until it must be gone. None: as the kind says."""
