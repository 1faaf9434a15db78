"""What a family says of its driver: what it tells of things in words of ours, and how it is asked for more.

Each function gets an `Access` first, and may raise whatever the driver raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.rules import FirewallRule
from orchestra.clouds.sizing import GB_IN_GIB
from orchestra.contracts import Inputs, Ownership, Status
from orchestra.model.values import Plain

Whys: TypeAlias = Mapping[str, str]
"""What can't be had, and why: see `orchestra.contracts.Capabilities`."""
Fixed: TypeAlias = Mapping[str, tuple[Plain, str]]
"""What has but one value, and why."""


Access: TypeAlias = LibcloudDriver
"""One thread's driver; its setting ``region`` is the one that the cloud is for."""


def region(access: Access) -> str:
    """The region that ``access`` is for, or the place in it where things are made; '' if its driver goes by none."""
    return str(access.settings.get("region") or access.settings.get("location") or "")


@attrs.frozen(kw_only=True)
class Told:
    """What a driver tells of one thing, in words of ours; what it doesn't tell of, or the kind doesn't have, is None.

    ``state`` is the cloud's own word, ``size`` a server's and ``size_gib`` a disk's, ``servers`` those that a volume is
    attached to, ``source`` the volume or server that a copy was made of, ``firewalls`` the ids of those that a server
    has. ``comes_with`` is that of `Observation`, ``inputs`` too, for kinds whose calls add nothing to it.
    """

    id: str
    name: str
    state: str = ""
    region: str | None = None
    tags: Sequence[str] = ()
    image: str | None = None
    size: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    size_gib: int | None = None
    servers: Sequence[str] = ()
    source: str | None = None
    fingerprint: str | None = None
    cidr: str | None = None
    comes_with: str = ""
    firewalls: Sequence[str] | None = None
    ingress: Sequence[FirewallRule] = ()
    egress: Sequence[FirewallRule] = ()
    inputs: Mapping[str, Plain] = attrs.field(factory=dict)


Retag: TypeAlias = Callable[[Access, Told, Sequence[str]], object]
"""Sets the tags of a thing: all of them."""


@attrs.frozen(kw_only=True)
class Launch:
    """What a server is made with: the cloud's own ids, the tags that it must have from the first moment."""

    name: str
    tags: Sequence[str]
    image: str
    size: str
    key_pair: str | None
    subnet: str | None
    firewalls: Sequence[str]
    user_data: str | None = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Marks:
    """Where ownership goes: into tags of at most ``longest_tag`` characters, or if that is 0 into the name.

    ``longest_name`` is how long a name may be, where it carries the ownership or is just unique. ``whole``: whether it
    can carry all of that, which takes ':' and '_', or with ``dotted`` dots and '-' alone; names of hosts can't.
    """

    longest_tag: int = 0
    longest_name: int = 63
    whole: bool = True
    dotted: bool = False


@attrs.frozen(kw_only=True)
class Rest:
    """How a server is brought to rest and up again, where its size can be changed only then.

    ``running`` and ``stopped`` are the cloud's words for the two.
    """

    running: str
    stopped: str
    stop: Callable[[Access, Told], object]
    start: Callable[[Access, Told], object]


@attrs.frozen(kw_only=True)
class Offer:
    """One size that a cloud has, with its disk in GB.

    ``price`` is in whatever unit the cloud tells all of them in, None if it tells none.
    """

    id: str
    cpus: float
    memory_mib: float
    price: float | None
    disk_gb: float = 0.0
    gpus: float = 0.0

    @property
    def offered(self) -> dict[str, float]:
        """What it has, in the units of a demand."""
        return {
            "cpus": self.cpus,
            "memory_gib": self.memory_mib / 1024,
            "disk_gib": self.disk_gb * GB_IN_GIB,
            "gpus": self.gpus,
        }


@attrs.frozen(kw_only=True)
class Servers:
    """The servers of a cloud.

    ``all`` lists them, ``one`` asks for one directly, ``launch`` sends the one request that makes it. ``finish`` sends
    what must follow upon that, for a server that needs it still, and tells what it then is. ``retag`` sets the tags,
    all of them; ``guard`` the firewalls; ``resize`` the size, at rest where there is a ``rest``. ``image`` finds the id
    for an operating system, version and architecture. What is in a state of ``gone`` is gone; one that ``statuses``
    doesn't have is pending. ``some`` asks for those of certain ids, ``mine`` for what somebody owns, where the cloud
    can be asked for less than everything.
    """

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    some: Callable[[Access, Sequence[str]], Iterable[Told]] | None = None
    mine: Callable[[Access, Ownership], Iterable[Told]] | None = None
    launch: Callable[[Access, Launch], Told]
    destroy: Callable[[Access, Told], object]
    offers: Callable[[Access], Iterable[Offer]]
    image: Callable[[Access, str, str, str], str | None]
    statuses: Mapping[str, Status]
    gone: frozenset[str] = frozenset()
    finish: Callable[[Access, Told, Launch], Told] | None = None
    retag: Retag | None = None
    guard: Callable[[Access, Told, Sequence[str]], object] | None = None
    resize: Callable[[Access, Told, str], object] | None = None
    rest: Rest | None = None
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Volumes:
    """The volumes of a cloud, and how they are attached; see `Servers`.

    ``create`` gets the name, the tags, the size in GiB and the snapshot; ``grow`` the new size in GiB, ``attach`` and
    ``detach`` the id of the server.
    """

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, Sequence[str], int, str | None], Told]
    destroy: Callable[[Access, Told], object]
    attach: Callable[[Access, Told, str], object]
    detach: Callable[[Access, Told, str], object]
    grow: Callable[[Access, Told, int], object]
    retag: Retag | None = None
    statuses: Mapping[str, Status] = attrs.field(factory=dict)
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Copies:
    """What a cloud copies as it is at one moment; see `Servers`.

    ``create`` gets the id of what is copied, the name and the tags. What is in a state of ``gone`` is gone.
    """

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, str, Sequence[str]], Told]
    destroy: Callable[[Access, Told], object]
    retag: Retag | None = None
    statuses: Mapping[str, Status] = attrs.field(factory=dict)
    gone: frozenset[str] = frozenset()
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Snapshots(Copies):
    """The snapshots of a cloud's volumes."""


@attrs.frozen(kw_only=True)
class Images(Copies):
    """The images of a cloud that its users make of their servers, and no others.

    Where ownership goes into the name, neither a name nor labels can be had. ``settled`` raises `InProgressError` while
    something is done to a server of which an image may come that isn't listed yet. ``half`` is our word for one of
    which only a part is there: ``create`` goes on from that, and what is recorded as such is replaced.
    """

    settled: Callable[[Access, str], object] | None = None
    half: str = ""


@attrs.frozen(kw_only=True)
class KeyPairs:
    """The SSH keys of a cloud; see `Servers`. They have no tags; ``create`` gets the name and the public key."""

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, str], Told]
    destroy: Callable[[Access, Told], object]
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Networks:
    """The networks of a cloud that have no subnets; see `Servers`. ``create`` gets the name and the range."""

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, str], Told]
    destroy: Callable[[Access, Told], object]
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


Rules: TypeAlias = Iterable[FirewallRule]


@attrs.frozen(kw_only=True)
class Firewalls:
    """The firewalls of a cloud; see `Servers`. ``create`` and ``change`` get what may come in and what may go out."""

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, Rules, Rules], Told]
    change: Callable[[Access, Told, Rules, Rules], object]
    destroy: Callable[[Access, Told], object]
    statuses: Mapping[str, Status]
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Balancers:
    """The load balancers of a cloud; see `Servers`. ``create`` and ``change`` get the inputs of the kind.

    ``finish`` is for one that takes several requests to make: it sees a balancer through, wherever that was broken off,
    and tells what it then is. What is in a state of ``half`` is unfinished: creating it again goes on from there.
    """

    marks: Marks
    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str, Inputs], Told]
    change: Callable[[Access, Told, Inputs], object]
    destroy: Callable[[Access, Told], object]
    statuses: Mapping[str, Status]
    gone: frozenset[str] = frozenset()
    half: frozenset[str] = frozenset()
    finish: Callable[[Access, Told, Inputs], Told] | None = None
    required: Whys = attrs.field(factory=dict)
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Addresses:
    """The floating addresses of a cloud on which they carry nothing that says whose one is; see `Servers`.

    ``create`` gets the id of the server that it leads to, ``lead`` that or None. ``busy`` is the state in which
    something is being done to one.
    """

    all: Callable[[Access], Iterable[Told]]
    one: Callable[[Access, str], Told]
    create: Callable[[Access, str], Told]
    lead: Callable[[Access, Told, str | None], object]
    destroy: Callable[[Access, Told], object]
    busy: str
    marks: Marks = attrs.field(factory=Marks)
    unsupported: Whys = attrs.field(factory=dict)
    fixed: Fixed = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Traits:
    """What a family says of its driver. A kind that is None isn't offered.

    ``family`` is the cloud's name as people write it, ``provider`` Libcloud's constant for it. ``regions`` makes one
    cheap call that wrong credentials fail, and tells which regions there are. ``lacking`` tells of kinds that aren't
    offered why that is.
    """

    family: str
    provider: str
    servers: Servers
    key_pairs: KeyPairs | None = None
    volumes: Volumes | None = None
    snapshots: Snapshots | None = None
    images: Images | None = None
    networks: Networks | None = None
    firewalls: Firewalls | None = None
    balancers: Balancers | None = None
    addresses: Addresses | None = None
    regions: Callable[[Access], Iterable[str]]
    lacking: Whys = attrs.field(factory=dict)
