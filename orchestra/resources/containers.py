"""Containers, and the images that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.model.values import Value
from orchestra.resources import checks


@attrs.frozen(kw_only=True)
class Port:
    """A port of a container that can be reached from outside of it.

    ``container`` is the port that it listens on, ``host`` the one of the machine that leads there. ``address`` is the
    one of the machine's IPv4 addresses that it is open on, by default all of them; ``127.0.0.1`` keeps it inside.
    """

    container: int
    host: int
    protocol: Literal["tcp", "udp"] = "tcp"
    address: str = "0.0.0.0"  # noqa: S104 - where containers' ports are open unless they say otherwise

    def __attrs_post_init__(self) -> None:
        faults = [
            f"{name}={value}: 1 to 65535 is needed"
            for name, value in (("container", self.container), ("host", self.host))
            if not 1 <= value <= 65535
        ]
        if fault := checks.cidr(f"{self.address}/32"):
            faults.append(f"address={self.address!r}: an IPv4 address is needed ({fault})")
        if faults:
            raise DefinitionError("Port: " + "; ".join(faults), faults=faults)


@attrs.frozen(kw_only=True)
class Mount:
    """A folder or a named volume of the machine that is seen inside a container.

    ``source`` is an absolute path, or the name of a volume, which is made where it is missing and kept when the
    container goes. ``target`` is the absolute path inside.
    """

    source: str
    target: str
    read_only: bool = False

    def __attrs_post_init__(self) -> None:
        faults = []
        if not self.source or ":" in self.source:
            faults.append(f"source={self.source!r}: a path or the name of a volume, without ':', is needed")
        if not self.target.startswith("/") or ":" in self.target:
            faults.append(f"target={self.target!r}: a path that starts with /, without ':', is needed")
        if faults:
            raise DefinitionError("Mount: " + "; ".join(faults), faults=faults)


def _taken_away(before: Value, after: Value) -> bool:
    """Whether a limit is lifted: engines raise and lower limits in place, and lift none."""
    return before is not None and after is None


class Cluster(Resource, kind="containers.Cluster", unique_by=("name",)):
    """What containers run in. On ECS: a cluster. On Kubernetes: a namespace, which is how Libcloud has it there.

    It is deleted only when no containers are in it.
    """

    name: str | None = input_field(
        default=None,
        replace=True,
        check=checks.matches(
            r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "1 to 63 lower-case letters, digits or '-', none of these at an end"
        ),
        doc="Its name in the cloud. Default: made from the deployment and the address.",
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )


class ContainerImage(Resource, kind="containers.ContainerImage", create_timeout=1800.0):
    """An image on the machine that runs containers: the one that is there under this name, or else pulled.

    It stays the one that it was when it was made: a name that has come to mean another image, by a build or a pull,
    is told as drift, and the plan replaces it and the containers made of it.
    """

    name: str = input_field(
        replace=True,
        check=checks.matches(
            r"[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
            "the name of an image such as registry.example/team/app:1.2",
        ),
        doc="Its name, as for ``docker pull``, with a tag or a digest. Without one the tag is ``latest``. On LXD: the "
        "name of one that is there, ``server/name``, or a URL.",
    )

    digest = output_field(str, doc="The image's own id: ``sha256:`` and the digest of its configuration.")


class Container(Resource, kind="containers.Container", create_before_delete=False, unique_by=("name",)):
    """A container that runs, or that runs to its end once.

    It is ready when it has run for a second, and is well if its image says how to tell that. One that ends sooner,
    or with an error, has failed.
    """

    image: ContainerImage | Ref[str] | str = input_field(
        replace=True, doc="What it is made of: a `ContainerImage`, or the name of an image that is there."
    )
    cluster: Cluster | Ref[str] | str | None = input_field(
        default=None, replace=True, doc="The cluster that it is in. Default: the cloud's own default, if it has any."
    )
    command: Sequence[str | Ref[str]] = input_field(
        default=(), replace=True, doc="The program and its arguments. Default: the image's own."
    )
    environment: Mapping[str, str | Ref[str]] = input_field(
        factory=dict,
        replace=True,
        doc="Its environment variables, beside the image's own. A `Secret` in it is seen by whoever may look at the "
        "container on its machine.",
    )
    ports: Sequence[Port] = input_field(
        default=(), replace=True, doc="Its ports that can be reached from outside. Default: none."
    )
    mounts: Sequence[Mount] = input_field(
        default=(), replace=True, doc="Folders and volumes that it sees. Default: none."
    )
    network: str | None = input_field(
        default=None,
        replace=True,
        check=checks.matches(r"[A-Za-z0-9][A-Za-z0-9_.:-]*", "the name of a network, such as bridge, host or none"),
        doc="The network that it is in: ``bridge``, ``host``, ``none`` or one that was made. Default: the machine's "
        "default.",
    )
    restart: Literal["no", "on-failure", "always", "unless-stopped"] = input_field(
        default="no", doc="When it is started again by its machine after it ended. Default: never."
    )
    memory_mib: int | None = input_field(
        default=None,
        replace=_taken_away,
        check=checks.between(6, 16777216, "MiB"),
        doc="The memory that it may use in MiB. Default: no limit. Changed in place; lifting it replaces.",
    )
    cpus: float | None = input_field(
        default=None,
        replace=_taken_away,
        check=checks.between(0.01, 1024),
        doc="How many processors it may use. Default: no limit. Changed in place; lifting it replaces.",
    )
    stop_seconds: int = input_field(
        default=10,
        replace=True,
        check=checks.between(0, 100, "seconds"),
        doc="Seconds that it is given to end by itself before it is killed. Default: 10.",
    )
    once: bool = input_field(
        default=False,
        replace=True,
        doc="Whether it runs to its end once: it is then ready when it has ended with code 0.",
    )
    running: bool = input_field(
        default=True, doc="Whether it is started. One that was stopped is started again by the next apply."
    )
    name: str | None = input_field(
        default=None,
        replace=True,
        check=checks.matches(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", "1 to 128 letters, digits, '_', '.' or '-'"),
        doc="Its name on its machine. Default: made from the deployment and the address.",
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, replace=True, check=checks.labels, doc="Your own labels on it: keys and values."
    )

    ip = output_field(
        str,
        doc="Its IPv4 address in its network; None without one of its own, and while stopped.",
        changed_by=("running",),
    )
    state = output_field(
        str, doc="What it does, in its machine's word: ``running``, ``exited`` and so on.", changed_by=("running",)
    )
