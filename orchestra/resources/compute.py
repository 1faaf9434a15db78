"""Servers and images of them, key pairs, volumes and snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.resources import checks
from orchestra.resources.network import AvailabilityZone, Firewall, Subnet


@attrs.frozen(kw_only=True)
class Image:
    """An operating system that each cloud has under an id of its own: the newest image that fits, then kept.

    ``os`` and ``version`` are lower-case, such as ``debian`` and ``12``, ``ubuntu`` and ``24.04``;
    ``architecture`` is ``x86_64`` or ``arm64``.
    """

    os: str
    version: str
    architecture: str = "x86_64"

    def __attrs_post_init__(self) -> None:
        if not self.os or self.os != self.os.lower() or not self.version:
            raise DefinitionError(f"Image(os={self.os!r}, version={self.version!r}): lower-case names are needed")
        if self.architecture not in ("x86_64", "arm64"):
            raise DefinitionError(f"Image(architecture={self.architecture!r}): x86_64 or arm64 is needed")


@attrs.frozen(kw_only=True)
class Size:
    """How big a server must be at least: each cloud takes the cheapest of its own sizes that fits.

    ``cpus`` are virtual processors, ``memory_gib`` is memory in GiB (2**30 bytes). ``disk_gib`` is disk that comes with
    the size, in GiB (None: none is needed; on AWS that is instance storage, the root volume is no part of a size).
    ``gpu`` is how many graphics processors it must have (None: none are needed).
    """

    cpus: int
    memory_gib: float
    disk_gib: float | None = None
    gpu: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.cpus < 1 or self.memory_gib <= 0:
            raise DefinitionError(f"Size(cpus={self.cpus}, memory_gib={self.memory_gib}): both must be above zero")
        if (self.disk_gib is not None and self.disk_gib <= 0) or (self.gpu is not None and self.gpu < 1):
            raise DefinitionError(
                f"Size(disk_gib={self.disk_gib}, gpu={self.gpu}): more than zero is needed",
                remedy="leave out what the server doesn't need",
            )


class KeyPair(Resource, kind="compute.KeyPair", unique_by=("name",)):
    """A public SSH key that servers can be made with."""

    public_key: str | Ref[str] = input_field(
        replace=True,
        check=checks.matches(r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+( .*)?", "an OpenSSH public key"),
        doc="The key in OpenSSH's form: type, base64, comment.",
    )
    name: str | None = input_field(
        default=None,
        replace=True,
        identifies=True,
        check=checks.matches(r"[A-Za-z0-9._-]{1,255}", "1 to 255 letters, digits, '.', '_' or '-'"),
        doc="Its name in the cloud. Default: made from the deployment and the address.",
    )

    fingerprint = output_field(str, doc="The fingerprint that the cloud computed.")


class Server(Resource, kind="compute.Server", create_seconds=40.0, create_timeout=900.0):
    """A virtual machine. On AWS: an instance."""

    image: Image | CustomImage | Ref[str] | str = input_field(
        replace=True, choice=True, doc="A portable `Image`, a `CustomImage`, or the id of one of the cloud's own."
    )
    size: Size | str | Ref[str] = input_field(
        choice=True, doc="A portable `Size`, or the name of one of the cloud's own. A change stops and starts it."
    )
    subnet: Subnet | Ref[str] | str | None = input_field(
        default=None,
        replace=True,
        doc="The subnet that it is in; needed where the cloud has subnets. Default: none.",
    )
    refresh_image: bool = input_field(
        default=False,
        refreshes="image",
        doc="Whether a newer image that fits replaces it, as soon as a plan sees one. Default: it keeps its image.",
    )
    firewalls: Sequence[Firewall | Ref[str] | str] = input_field(
        default=(), normalize=checks.sorted_texts, doc="What guards it. Default: the network's own default."
    )
    key_pair: KeyPair | Ref[str] | str | None = input_field(
        default=None, replace=True, doc="The SSH key for its first user. Default: none."
    )
    user_data: str | Ref[str] | Secret | None = input_field(
        default=None, replace=True, doc="A cloud-init script or document, at most 16 KiB. Default: none."
    )
    public_address: bool | None = input_field(
        default=None, replace=True, doc="Whether it gets a public IPv4 address. Default: as the subnet says."
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    private_ip = output_field(str, doc="Its IPv4 address inside the network.")
    public_ip = output_field(str, doc="Its public IPv4 address; None without one.", changed_by=("size",))
    zone = output_field(str, doc="The availability zone that it runs in.")


class CustomImage(
    Resource, kind="compute.CustomImage", unique_by=("name",), create_seconds=300.0, create_timeout=7200.0
):
    """An image of a server with what is on its disk at that moment, to make servers from.

    What is changed on the server later isn't in it: ``Lifecycle(replace_on=…)`` says what makes it anew, as does a
    server that is replaced. It stays when the server is gone.
    """

    server: Server | Ref[str] | str = input_field(
        replace=True, doc="The server that it is made of, once that is ready."
    )
    name: str | None = input_field(
        default=None,
        replace=True,
        check=checks.matches(r"[A-Za-z0-9._-]{3,128}", "3 to 128 letters, digits, '.', '_' or '-'"),
        doc="Its name in the cloud. Default: made from the deployment and the address.",
    )
    description: str = input_field(default="", replace=True, doc="What it is for; at most 255 characters.")
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    size_gib = output_field(
        int, doc="The size in GiB of the disk that a server made from it needs at least; None if the cloud can't tell."
    )


class Volume(Resource, kind="compute.Volume", create_seconds=8.0):
    """A disk that outlives the server it is attached to."""

    size_gib: int = input_field(
        replace=checks.is_smaller,
        check=checks.between(1, 65536, "GiB"),
        doc="Its size in GiB. Growing is done in place; shrinking replaces it, and its content is lost.",
    )
    zone: AvailabilityZone | str | Ref[str] = input_field(
        replace=True, wish=True, doc="The availability zone, such as ``server.zone``, or a portable `AvailabilityZone`."
    )
    type: str | None = input_field(
        default=None,
        check=checks.matches(r"ssd|hdd", "ssd or hdd"),
        doc="'ssd' or 'hdd'. Default: ssd (AWS: gp3 and st1). Changed in place.",
    )
    encrypted: bool = input_field(default=True, replace=True, doc="Whether it is encrypted at rest.")
    snapshot: Snapshot | Ref[str] | str | None = input_field(
        default=None, replace=True, doc="The snapshot that its content is taken from. Default: empty."
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )


class VolumeAttachment(Resource, kind="compute.VolumeAttachment", create_before_delete=False, create_seconds=6.0):
    """A volume attached to a server."""

    volume: Volume | Ref[str] | str = input_field(replace=True, identifies=True, doc="What is attached.")
    server: Server | Ref[str] | str = input_field(
        replace=True, identifies=True, doc="What it is attached to, in the same zone."
    )
    device: str = input_field(
        default="/dev/sdf",
        replace=True,
        check=checks.matches(r"/dev/[a-z0-9]+", "a device such as /dev/sdf"),
        doc="The device name that the cloud is told; the operating system may use another.",
    )


class Snapshot(Resource, kind="compute.Snapshot", create_seconds=120.0, create_timeout=3600.0):
    """A copy of a volume at one moment."""

    volume: Volume | Ref[str] | str = input_field(replace=True, doc="The volume that is copied.")
    description: str = input_field(default="", replace=True, doc="What it is for; at most 255 characters.")
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    size_gib = output_field(int, doc="The size of the volume in GiB when it was taken.")


class FloatingIp(Resource, kind="compute.FloatingIp"):
    """A public IPv4 address that stays when the server behind it is replaced. On AWS: an elastic IP."""

    server: Server | Ref[str] | str | None = input_field(
        default=None, doc="The server that it leads to. Default: none."
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    address = output_field(str, doc="The IPv4 address.")
