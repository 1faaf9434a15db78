"""What a compute driver's base API doesn't tell of it: what is said of each in the table of those served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs
from libcloud.compute.types import NodeState

from orchestra.clouds.base.compute.objects import a_location
from orchestra.clouds.base.compute.traits import Access, Fixed, Launch, Marks, Told, Whys
from orchestra.contracts import Ownership, Status

_STATUSES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        NodeState.RUNNING.value: Status.READY,
        NodeState.STOPPED.value: Status.READY,  # whoever stopped it did so on purpose
        NodeState.SUSPENDED.value: Status.READY,
        NodeState.PAUSED.value: Status.READY,
        NodeState.ERROR.value: Status.FAILED,
    }
)


@attrs.frozen(kw_only=True)
class Disks:
    """What a driver's base API doesn't tell of its volumes.

    ``volume`` and ``snapshot`` are the methods that ask for one directly, ``snapshots`` lists all there are.
    ``servers`` are the ids of those that a volume is attached to, ``place`` is where it is; ``grow`` makes it larger,
    in GiB.
    """

    marks: Marks
    statuses: Mapping[str, Status]
    servers: Callable[[Any], Sequence[str]]
    place: Callable[[Any], str | None]
    grow: Callable[[Access, Told, int], object]
    snapshots: Callable[[Access], Iterable[Any]]
    volume: str
    snapshot: str
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Plain:
    """What a driver's base API doesn't tell of it.

    ``arguments`` are those of its ``create_node`` that carry whose the server is and what Libcloud has no common
    argument for; ``takes`` are the inputs among them. ``project`` is what the driver calls the project that servers are
    in, '' if it has none. ``place`` makes Libcloud's object for a location. ``look_up`` is
    the method that asks for one server directly; without one, one that two lists in a row don't have is gone. ``full``
    is how long a list gets at most: so long a one may have been cut short, and tells nothing.
    """

    name: str
    marks: Marks
    arguments: Callable[[Launch], Mapping[str, Any]]
    takes: frozenset[str] = frozenset()
    place: Callable[[Any, str], Any] = a_location
    needs_place: bool = False
    project: str = ""
    look_up: str = ""
    full: int | None = None
    tags: Callable[[Any], Sequence[str]] = lambda _: ()
    where: Callable[[Any], str | None] = lambda _: None
    state: Callable[[Any], str] = lambda node: str(getattr(node.state, "value", node.state))
    statuses: Mapping[str, Status] = _STATUSES
    gone: frozenset[str] = frozenset({NodeState.TERMINATED.value})
    image: Callable[[Any], str | None] = lambda node: node.image and str(node.image.id)
    size: Callable[[Any], str | None] = lambda node: node.size and str(node.size.id)
    pictures: Callable[[Access], Iterable[Any]] = lambda access: access.driver.list_images()
    sizes: Callable[[Access], Iterable[Any]] = lambda access: access.driver.list_sizes()
    some: Callable[[Access, Sequence[str]], Iterable[Any]] | None = None
    mine: Callable[[Access, Ownership], Iterable[Any]] | None = None
    import_key: Callable[[Access, str, str], Any] | None = None
    disks: Disks | None = None
    fixed: Fixed = attrs.field(factory=dict)
    driver: type | None = None
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    settling: float = 0.0
    unsupported: Whys = attrs.field(factory=dict)
