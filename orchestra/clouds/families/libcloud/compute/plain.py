"""What Libcloud's base API is for every compute driver alike, as the `Traits` of one.

Which methods a driver has is seen on its class, without making one: a method that isn't the base class's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final

from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

from orchestra.clouds.base.compute.objects import a_node, a_size, a_snapshot, a_volume, an_image
from orchestra.clouds.base.compute.traits import (
    Access,
    KeyPairs,
    Launch,
    Marks,
    Offer,
    Servers,
    Snapshots,
    Told,
    Traits,
    Volumes,
    region,
)
from orchestra.clouds.families.libcloud.compute.particulars import Disks, Plain
from orchestra.errors import CloudError, InvalidRequestError, NotFoundError

_CPUS: Final = ("vcpus", "vcpu_count", "vcpu", "cpus", "cores")
"""What drivers call the processors of a size."""
_WITHOUT: Final = MappingProxyType(
    {
        "subnet": "Libcloud's base API has no networks",
        "firewalls": "Libcloud's base API has no firewalls",
        "labels": "Libcloud's base API has no tags",
    }
)


def has(driver: type, *methods: str) -> bool:
    """Whether a class of drivers has all of ``methods`` itself, and not from Libcloud's base class."""
    return all(getattr(driver, one, None) not in (None, getattr(NodeDriver, one, None)) for one in methods)


def traits_of(provider: str, plain: Plain) -> Traits:
    """What the driver ``provider`` can do by the base API; its class is loaded for that, and no driver made."""
    driver: type = plain.driver or get_driver(provider)
    disks = plain.disks
    return Traits(
        family=plain.name,
        provider=provider,
        servers=_servers(plain),
        key_pairs=_key_pairs(plain) if has(driver, "list_key_pairs", "delete_key_pair") and plain.import_key else None,
        volumes=_volumes(plain, disks) if disks and has(driver, "create_volume", "list_volumes") else None,
        snapshots=_snapshots(disks) if disks and has(driver, "create_volume_snapshot") else None,
        regions=lambda access: [one.id for one in access.driver.list_locations()],
    )


# -- servers


def _servers(plain: Plain) -> Servers:
    told = _teller(plain)
    some, mine = plain.some, plain.mine
    without = {**_WITHOUT, **plain.unsupported}
    for name in ("key_pair", "user_data"):
        if name not in plain.takes:
            without[name] = "Libcloud's driver doesn't take it"
    return Servers(
        marks=plain.marks,
        all=lambda access: map(told, list_all(access, plain)),
        one=lambda access, identity: told(_one(access, identity, plain)),
        some=some and (lambda access, ids: map(told, some(access, ids))),
        mine=mine and (lambda access, owner: map(told, mine(access, owner))),
        launch=lambda access, launch: told(access.driver.create_node(**_creation(access, launch, plain))),
        destroy=lambda access, one: access.driver.destroy_node(a_node(access.driver, one.id)),
        offers=lambda access: _offers(access, plain),
        image=lambda access, *wanted: _image(access, plain, *wanted),
        statuses=plain.statuses,
        gone=plain.gone,
        unsupported=without,
        fixed=plain.fixed,
    )


def _teller(plain: Plain) -> Callable[[Any], Told]:
    def told(node: Any) -> Told:
        return Told(
            id=str(node.id),
            name=str(node.name),
            state=plain.state(node),
            region=plain.where(node),
            tags=plain.tags(node),
            image=plain.image(node),
            size=plain.size(node),
            private_ip=next(_v4(node.private_ips), None),
            public_ip=next(_v4(node.public_ips), None),
        )

    return told


def _v4(addresses: Iterable[Any] | None) -> Iterator[str]:
    return (str(one) for one in addresses or () if one and ":" not in str(one))


def _one(access: Access, identity: str, plain: Plain) -> Any:
    if plain.look_up:
        return getattr(access.driver, plain.look_up)(identity)
    if plain.some is not None:
        found = next(iter(plain.some(access, [identity])), None)
    else:
        found = _listed(access, identity, plain) or _listed(access, identity, plain)
    if found is None:
        raise NotFoundError(f"{plain.name} has no server {identity}")
    return found


def _listed(access: Access, identity: str, plain: Plain) -> Any:
    return next((one for one in list_all(access, plain) if str(one.id) == identity), None)


def in_project(access: Access, plain: Plain) -> dict[str, str]:
    """The argument that names the project; none where there are no projects. Raises `InvalidRequestError`."""
    if not plain.project:
        return {}
    if "project" not in access.settings:
        raise InvalidRequestError(
            f"{plain.name} must be told which project servers are in",
            sent=False,
            remedy="give options={'project': …}, its id",
        )
    return {plain.project: str(access.settings["project"])}


def list_all(access: Access, plain: Plain) -> Sequence[Any]:
    """All servers that the driver lists. Raises `CloudError` for a list that may have been cut short."""
    nodes: Sequence[Any] = access.driver.list_nodes(**in_project(access, plain))
    if plain.full is not None and len(nodes) >= plain.full:
        raise CloudError(
            f"the driver for {plain.name} reads one page of {plain.full} servers, and that is full: there may be more",
            remedy="use an account or a project with fewer servers",
        )
    return nodes


def _creation(access: Access, launch: Launch, plain: Plain) -> dict[str, Any]:
    driver = access.driver
    where = region(access)
    if plain.needs_place and not where:
        raise InvalidRequestError(
            f"{plain.name} must be told where a server is to be made",
            sent=False,
            remedy="give options={'location': …}",
        )
    located = {"location": plain.place(driver, where)} if where else {}
    return {
        "name": launch.name,
        "size": a_size(driver, launch.size),
        "image": an_image(driver, launch.image),
        **located,
        **in_project(access, plain),
        **plain.arguments(launch),
        **access.settings.get("create_node", {}),
    }


def _image(access: Access, plain: Plain, system: str, version: str, architecture: str) -> str | None:
    """The last by name of the images that are called after system and version."""
    if architecture != "x86_64":
        return None
    name = re.compile(rf"{re.escape(system)}[ -]?{re.escape(version)}(\D.*)?", re.IGNORECASE)
    found = [one for one in plain.pictures(access) if name.fullmatch(str(one.name))]
    return str(max(found, key=lambda one: (one.name, one.id)).id) if found else None


def _offers(access: Access, plain: Plain) -> Iterator[Offer]:
    for one in plain.sizes(access):
        cpus = next((one.extra[name] for name in _CPUS if (one.extra or {}).get(name)), 0)
        yield Offer(
            id=str(one.id), cpus=float(cpus), memory_mib=one.ram or 0, price=one.price or None, disk_gb=one.disk or 0
        )


# -- keys


def _key_pairs(plain: Plain) -> KeyPairs:
    """Keys are known by their names: servers are made with those."""
    make = plain.import_key
    assert make is not None  # noqa: S101 - else there are no key pairs

    def found(access: Access, name: str) -> Any:
        for one in access.driver.list_key_pairs():
            if one.name == name:
                return one
        raise NotFoundError(f"{plain.name} has no key pair {name}")

    return KeyPairs(
        marks=Marks(longest_name=plain.marks.longest_name, whole=False),
        all=lambda access: map(_key, access.driver.list_key_pairs()),
        one=lambda access, name: _key(found(access, name)),
        create=lambda access, name, key: _key(make(access, name, key)),
        destroy=lambda access, told: access.driver.delete_key_pair(found(access, told.id)),
    )


def _key(key: Any) -> Told:
    return Told(id=key.name, name=key.name, fingerprint=key.fingerprint)


# -- volumes and snapshots


def _volumes(plain: Plain, disks: Disks) -> Volumes:
    def told(volume: Any) -> Told:
        return Told(
            id=str(volume.id),
            name=str(volume.name),
            state=str(volume.extra.get("status") or volume.state),
            region=disks.place(volume),
            size_gib=int(volume.size),
            servers=disks.servers(volume),
        )

    def create(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
        del tags, snapshot
        where = plain.place(access.driver, region(access))
        return told(access.driver.create_volume(size=size, name=name, location=where))

    return Volumes(
        marks=disks.marks,
        all=lambda access: map(told, access.driver.list_volumes()),
        one=lambda access, identity: told(getattr(access.driver, disks.volume)(identity)),
        create=create,
        destroy=lambda access, one: access.driver.destroy_volume(a_volume(access.driver, one.id)),
        attach=lambda access, one, server: access.driver.attach_volume(
            node=a_node(access.driver, server), volume=a_volume(access.driver, one.id)
        ),
        detach=lambda access, one, server: access.driver.detach_volume(
            volume=a_volume(access.driver, one.id), ex_node=a_node(access.driver, server)
        ),
        grow=disks.grow,
        statuses=disks.statuses,
        unsupported={
            "labels": _WITHOUT["labels"],
            "type": "Libcloud's base API has no types of volumes",
            **disks.unsupported,
        },
        fixed=disks.fixed,
    )


def _snapshots(disks: Disks) -> Snapshots:
    def told(snapshot: Any) -> Told:
        return Told(
            id=str(snapshot.id),
            name=str(snapshot.name),
            state=str(snapshot.extra.get("status") or snapshot.state),
            source=snapshot.extra.get("volume_id"),
            size_gib=int(snapshot.size),
        )

    return Snapshots(
        marks=disks.marks,
        all=lambda access: map(told, disks.snapshots(access)),
        one=lambda access, identity: told(getattr(access.driver, disks.snapshot)(identity)),
        create=lambda access, volume, name, _: told(
            access.driver.create_volume_snapshot(a_volume(access.driver, volume), name=name)
        ),
        destroy=lambda access, one: access.driver.destroy_volume_snapshot(a_snapshot(access.driver, one.id)),
        statuses=disks.statuses,
        unsupported={
            "labels": _WITHOUT["labels"],
            "description": "a snapshot has but a name, which says whose it is",
        },
    )
