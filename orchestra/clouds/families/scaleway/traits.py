"""What Scaleway tells of servers in words of ours, and how it is asked for more.

Its API: https://www.scaleway.com/en/developers/api/instances/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.marking import MARK
from orchestra.clouds.base.compute.traits import Access, Launch, Marks, Offer, Rest, Servers, Told, Traits, region
from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.scaleway import disks, keys
from orchestra.clouds.families.scaleway.images import images
from orchestra.clouds.families.scaleway.volumes import detach, snapshots, volumes
from orchestra.contracts import Status
from orchestra.errors import InProgressError, NotFoundError

STARTING: Final = f"{MARK}:starting:1"
"""The tag of a server that was made and not started yet: Scaleway makes them stopped, so that a crash in between leaves
one that nobody stopped on purpose."""

_MADE: Final = "made"
"""Our word for one with that tag."""
_LEFT: Final = "its disk is left"
"""Our word for one that is deleted but for the disk that it was made with."""
_STATUSES: Final = MappingProxyType(
    {
        "running": Status.READY,
        "stopped": Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
        "stopped in place": Status.READY,
        "locked": Status.FAILED,
        _LEFT: Status.FAILED,
    }
)
_SOON: Final = 10.0
"""Seconds after which a server that is on its way up or down is looked at again."""

_ZONES: Final = tuple(f"{place}-{number}" for place in ("fr-par", "nl-ams", "pl-waw") for number in (1, 2, 3))
_CODENAMES: Final = MappingProxyType({"10": "Buster", "11": "Bullseye", "12": "Bookworm", "13": "Trixie"})
_NAMES: Final = MappingProxyType({"alma": "AlmaLinux", "fedora": "Fedora", "rocky": "Rocky Linux", "ubuntu": "Ubuntu"})


def _server(server: Mapping[str, Any]) -> Told:
    public, image = server["public_ip"], server["image"]
    is_made = server["state"] == "stopped" and STARTING in server["tags"]
    return Told(
        id=server["id"],
        name=server["name"],
        state=_MADE if is_made else server["state"],
        region=server["zone"],
        tags=server["tags"],
        image=image["id"] if image else None,
        size=server["commercial_type"],
        private_ip=server["private_ip"],
        public_ip=public["address"] if public else None,
    )


def _one(access: Access, identity: str) -> Told:
    """One, which isn't gone while a disk of its own is left."""
    found = if_there(lambda: access.driver.send("GET", f"servers/{identity}")["server"])
    if found is not None:
        return _server(found)
    if next(disks.left_by(access, identity), None) is not None:
        return Told(id=identity, name="", state=_LEFT, region=region(access))
    raise NotFoundError(f"server {identity} isn't there")


def _launch(access: Access, launch: Launch) -> Told:
    if launch.key_pair:
        keys.check(access, launch.key_pair)
    body = {
        "name": launch.name,
        "commercial_type": launch.size,
        "image": launch.image,
        "project": access.driver.project,
        "tags": [*launch.tags, STARTING],
        "dynamic_ip_required": True,
    }
    return _server(access.driver.send("POST", "servers", body)["server"])


def _finish(access: Access, told: Told, launch: Launch) -> Told:
    """Give it its user data and start it, unless that was done before."""
    if STARTING not in told.tags:
        return told
    if told.state == _MADE:
        if launch.user_data:
            access.driver.send_text("PATCH", f"servers/{told.id}/user_data/cloud-init", launch.user_data)
        _act(access, told, "poweron")
    _retag(access, told, [tag for tag in told.tags if tag != STARTING])
    return _one(access, told.id)


def _act(access: Access, told: Told, action: str) -> None:
    access.driver.send("POST", f"servers/{told.id}/action", {"action": action})


def _retag(access: Access, told: Told, tags: Sequence[str]) -> None:
    access.driver.send("PATCH", f"servers/{told.id}", {"tags": list(tags)})


def _resize(access: Access, told: Told, size: str) -> None:
    access.driver.send("PATCH", f"servers/{told.id}", {"commercial_type": size})


def _destroy(access: Access, told: Told) -> None:
    """The server, and then the disks that it was made with and leaves. `InProgressError` says when to call again.

    One that runs takes its local disks along. What is attached to it stays: Scaleway once deleted that with the server.
    """
    if told.state in ("running", "stopped", _MADE):
        server = _kept_apart(access, told)
        disks.name_server(access, server)
        if told.state == "running":
            _act(access, told, "terminate")
        else:
            access.driver.send("DELETE", f"servers/{told.id}")
    elif told.state != _LEFT:
        raise InProgressError(f"server {told.id} is {told.state}: it can be deleted after that", retry_after=_SOON)
    disks.drop_left(access, told.id)


def _kept_apart(access: Access, told: Told) -> Mapping[str, Any]:
    """The server without the volumes that are attached to it."""
    server: Mapping[str, Any] = access.driver.send("GET", f"servers/{told.id}")["server"]
    for volume in disks.attached(server):
        server = detach(access, volume, told.id)
    if disks.attached(server):
        raise InProgressError(f"server {told.id} has volumes that are being detached", retry_after=_SOON)
    return server


def _image(access: Access, system: str, version: str, architecture: str) -> str | None:
    if system == "debian":
        name = f"Debian {_CODENAMES.get(version, version)}"
    else:
        name = f"{_NAMES.get(system, system)} {version}"
    listed = access.driver.rows(f"images?public=true&arch={architecture}", "images")
    found = [
        (one["creation_date"], one["id"])
        for one in listed
        if f"{one['name']} ".startswith(f"{name} ") and one["arch"] == architecture
    ]
    return str(max(found)[1]) if found else None


def _offers(access: Access) -> Iterator[Offer]:
    scarce = {
        name
        for name, told in access.driver.rows("products/servers/availability", "servers")
        if told["availability"] == "shortage"
    }
    for name, one in access.driver.rows("products/servers", "servers"):
        if name not in scarce and one["arch"] == "x86_64" and not one["baremetal"]:
            disk = (one["volumes_constraint"] or {}).get("max_size") or 0
            yield Offer(
                id=name,
                cpus=one["ncpus"],
                memory_mib=one["ram"] / 2**20,
                price=one["hourly_price"],
                disk_gb=disk / 10**9,
                gpus=one.get("gpu") or 0,
            )


def _regions(access: Access) -> Iterable[str]:
    """The zones; no call tells them, so one is made to this one if there can be such."""
    if region(access) in _ZONES:
        access.driver.send("GET", "servers?per_page=1&page=1")
    return _ZONES


_MARKS: Final = Marks(longest_tag=128, longest_name=63)

TRAITS: Final = Traits(
    family="Scaleway",
    provider="scaleway",
    regions=_regions,
    servers=Servers(
        marks=_MARKS,
        all=lambda access: map(_server, access.driver.rows("servers", "servers")),
        one=_one,
        launch=_launch,
        finish=_finish,
        destroy=_destroy,
        offers=_offers,
        image=_image,
        statuses=_STATUSES,
        retag=_retag,
        resize=_resize,
        rest=Rest(
            running="running",
            stopped="stopped",
            stop=lambda access, told: _act(access, told, "poweroff"),
            start=lambda access, told: _act(access, told, "poweron"),
        ),
        unsupported={
            "subnet": "Libcloud's driver has no private networks",
            "firewalls": "Libcloud's driver has no firewalls",
        },
        fixed={"public_address": (True, "it is asked for with every server")},
    ),
    key_pairs=keys.KEY_PAIRS,
    volumes=volumes(_MARKS),
    snapshots=snapshots(_MARKS),
    images=images(_MARKS),
)
