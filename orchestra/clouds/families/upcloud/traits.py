"""What UpCloud tells of servers in words of ours, and how it is asked for more.

Its API: https://developers.upcloud.com/1.3/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from libcloud.compute.base import NodeAuthSSHKey

from orchestra.clouds.base.compute.objects import a_location, an_image
from orchestra.clouds.base.compute.traits import Access, Launch, Marks, Offer, Servers, Told, Traits, region
from orchestra.clouds.families.upcloud.copies import images, snapshots
from orchestra.clouds.families.upcloud.volumes import volumes
from orchestra.contracts import Status
from orchestra.errors import CloudError, InvalidRequestError

_STATUSES: Final = MappingProxyType(
    {
        "started": Status.READY,
        "stopped": Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
        "error": Status.FAILED,
    }
)
_NAMES: Final = MappingProxyType(
    {
        "alma": "AlmaLinux",
        "centos-stream": "CentOS Stream",
        "debian": "Debian GNU/Linux",
        "rocky": "Rocky Linux",
        "ubuntu": "Ubuntu Server",
    }
)


def _server(server: Mapping[str, Any]) -> Told:
    addresses = [one for one in server["ip_addresses"]["ip_address"] if one["family"] == "IPv4"]
    by_access = {one["access"]: str(one["address"]) for one in reversed(addresses)}
    return Told(
        id=server["uuid"],
        name=server["title"],
        state=server["state"],
        region=server["zone"],
        image=_image_of(server),
        size=server["plan"],
        private_ip=by_access.get("private"),
        public_ip=by_access.get("public"),
    )


def _image_of(server: Mapping[str, Any]) -> str | None:
    """The image that it was made from: UpCloud doesn't tell, so the title of its disk was made to."""
    titles = [str(one["storage_title"]) for one in server["storage_devices"]["storage_device"]]
    stem = f"{server['title']} "
    return next((title.removeprefix(stem) for title in titles if title.startswith(stem)), None)


def _launch(access: Access, launch: Launch) -> Told:
    """Its disk is as large as its plan includes, and its title tells whose it is too, and of which image."""
    driver = access.driver
    place = a_location(driver, region(access))
    size = next((one for one in driver.list_sizes(location=place) if one.id == launch.size), None)
    if size is None:
        raise InvalidRequestError(f"{launch.size!r} is no plan of UpCloud", remedy="give one such as '1xCPU-1GB'")
    image = an_image(driver, launch.image, type="template")
    image.name = f"{launch.name} {launch.image}"
    node = driver.create_node(
        name=launch.name,
        size=size,
        image=image,
        location=place,
        auth=NodeAuthSSHKey(launch.key_pair) if launch.key_pair else None,
        ex_hostname=re.sub(r"[^a-z0-9]+", "-", launch.name)[:63].strip("-"),
    )
    return _server(node.extra["server"])


def _destroy(access: Access, told: Told) -> None:
    if not access.driver.destroy_with_disks(told.id):
        raise CloudError(
            f"server {told.id} is in the state {told.state}, in which UpCloud can't delete it",
            remedy="let UpCloud's support bring it out of that state, then run again",
        )


def _image(access: Access, system: str, version: str, architecture: str) -> str | None:
    title = re.compile(rf"{re.escape(_NAMES.get(system, system))} ({re.escape(version)}[.\d]*)( LTS)?( \(.*\))?")
    found = [
        ([int(part) for part in named[1].split(".")], one.id)
        for one in access.driver.list_images()
        if one.extra["type"] == "template" and (named := title.fullmatch(one.name))
    ]
    return str(max(found)[1]) if found and architecture == "x86_64" else None


def _offers(access: Access) -> Iterator[Offer]:
    for one in access.driver.list_sizes(location=a_location(access.driver, region(access))):
        cpus = float(one.extra["core_number"])
        yield Offer(id=one.id, cpus=cpus, memory_mib=one.ram, price=one.price, disk_gb=one.disk)


def _regions(access: Access) -> Iterable[str]:
    return (one.id for one in access.driver.list_locations())


_MARKS: Final = Marks(longest_name=255)

TRAITS: Final = Traits(
    family="UpCloud",
    provider="upcloud",
    regions=_regions,
    lacking={
        "compute.KeyPair": 'UpCloud keeps no keys: a server takes the text of a public key, key_pair="ssh-ed25519 …"',
    },
    servers=Servers(
        marks=_MARKS,
        all=lambda access: map(_server, access.driver.servers(region(access))),
        one=lambda access, identity: _server(access.driver.server(identity)),
        launch=_launch,
        destroy=_destroy,
        offers=_offers,
        image=_image,
        statuses=_STATUSES,
        unsupported={
            "subnet": "Libcloud's driver has no private networks",
            "firewalls": "Libcloud's driver has no firewalls",
            "labels": "whose a server is takes the only place that there is, its title",
            "user_data": "Libcloud's driver can't send it",
        },
        fixed={"public_address": (True, "every server has a public address")},
    ),
    volumes=volumes(_MARKS),
    snapshots=snapshots(_MARKS),
    images=images(),
)
