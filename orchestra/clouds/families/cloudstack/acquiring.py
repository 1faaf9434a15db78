"""Acquiring a public address for a VPC: the one thing that CloudStack makes without any mark of ours.

``associateIpAddress`` takes no name and no text, and an address whose answer was lost looks like any other. But it
takes which address is wanted. So that is written down first, as a tag of the VPC: the token, and the address chosen
among the free ones. Whoever goes on from there asks for that very address again, or finds that the account has it.

Two that choose one address see it, for each writes its own tag before it looks: they withdraw, and choose again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.translate import translate
from orchestra.contracts import Ownership
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError, QuotaError, TransientError

COMMAND: Final = "listPublicIpAddresses"
KEY: Final = "publicipaddress"
ROLE: Final = MappingProxyType({"orchestra:role": "balancer"})
"""What marks an address that was acquired for a balancer, and goes with it."""
_WISH: Final = "orchestra:address:"
"""Begins the key of the VPC's tag that says which address is being acquired, before the token."""
_NOT_FREE: Final = "InsufficientCapacity"
_SINCE: Final = (4, 13)
"""The version of CloudStack from which ``associateIpAddress`` takes which address is wanted. Others ignore that."""
_CHOICES: Final = 4
"""How often another address is chosen because somebody chose the same at the same moment."""
_SOON: Final = 2.0
"""Seconds after which a small job is done."""


def vpc_of(drivers: Drivers, network: str) -> Item:
    """The VPC that the tier ``network`` is in. Raises `InvalidRequestError` if it is in none."""
    for tier in drivers.items("listNetworks", "network", id=network):
        for vpc in drivers.items("listVPCs", "vpc", id=str(tier.get("vpcid"))) if tier.get("vpcid") else ():
            return vpc
    raise InvalidRequestError(f"network {network} is no tier of a VPC: only such a one gets addresses here", sent=False)


def acquired(drivers: Drivers, vpc: Item, owner: Ownership) -> Item | None:
    """The address that was acquired in ``vpc`` for ``owner``, with its mark or on the way to it; None if none was."""
    address = _wished(vpc).get(owner.token)
    for item in addresses(drivers):
        told = tags_of(item)
        found = Ownership.from_tags(told)
        if found is not None and found.token == owner.token:
            return item
        is_unmarked = found is None and not item.get("issourcenat") and item.get("vpcid") == vpc["id"]
        if is_unmarked and item["ipaddress"] == address:
            return item
    return None


def addresses(drivers: Drivers) -> Iterator[Item]:
    """Every address that the account has in the zone."""
    return drivers.items(COMMAND, KEY, zoneid=drivers.zone_id)


def address_of(drivers: Drivers, external_id: str) -> Item:
    """One address; raises `NotFoundError` if the account doesn't have it."""
    for item in drivers.items(COMMAND, KEY, id=external_id):
        return item
    raise NotFoundError(f"address {external_id} isn't there")


def is_of_balancer(address: Item) -> bool:
    """Whether an address was acquired for a balancer."""
    return ROLE.items() <= tags_of(address).items()


def acquire(drivers: Drivers, vpc: Item, owner: Ownership, **more: str) -> Item:
    """An address in ``vpc`` with the mark of ``owner`` and ``more`` tags: what was begun is finished.

    Raises `InProgressError` while CloudStack is at it: the same call then goes on from there.
    """
    item = acquired(drivers, vpc, owner)
    if item is None:
        item = _associated(drivers, vpc, owner)
    if item["state"] != "Allocated":
        raise InProgressError(f"address {item['ipaddress']} is {item['state']}", retry_after=_SOON)
    if Ownership.from_tags(tags_of(item)) is None:
        tags = {**owner.tags(), **more}
        fields = {
            f"tags[{number}].{part}": text
            for number, tag in enumerate(sorted(tags.items()))
            for part, text in zip(("key", "value"), tag, strict=True)
        }
        content = drivers.do("createTags", resourceids=item["id"], resourcetype="PublicIpAddress", **fields)
        drivers.finished(content, f"address {item['ipaddress']} is being marked", _SOON)
    if owner.token in _wished(_again(drivers, vpc)):
        _withdraw(drivers, vpc, owner)
    return item


def tags_of(item: Item) -> dict[str, str]:
    """The tags of ``item``."""
    return {str(tag["key"]): str(tag.get("value") or "") for tag in item.get("tags") or ()}


def _wished(vpc: Item) -> Mapping[str, str]:
    """The addresses that are being acquired in ``vpc``, by token."""
    told = tags_of(vpc).items()
    return {key.removeprefix(_WISH): value for key, value in told if key.startswith(_WISH)}


def _chosen(drivers: Drivers, vpc: Item, owner: Ownership) -> str:
    """The address that is written down for ``owner`` and for nobody else: chosen now, unless that was done before."""
    now = vpc
    for attempt in range(_CHOICES):
        address = _wished(now).get(owner.token) or _wish(drivers, now, owner, attempt)
        now = _again(drivers, vpc)
        if not _is_contested(now, owner, address):
            return address
        drivers.finished(_withdraw(drivers, vpc, owner), f"address {address} was chosen twice", _SOON)
        now = _again(drivers, vpc)
    raise TransientError(f"others choose the same addresses in {vpc['id']}", retry_after=_SOON)


def _wish(drivers: Drivers, vpc: Item, owner: Ownership, attempt: int) -> str:
    """Choose one of the free addresses that nobody else has chosen, and write down which."""
    _check_version(drivers)
    offered = drivers.items(COMMAND, KEY, zoneid=drivers.zone_id, state="Free", forvirtualnetwork=True)
    free = sorted({str(one["ipaddress"]) for one in offered} - set(_wished(vpc).values()))
    if not free:
        raise QuotaError(f"there is no free public address in {drivers.zone_name}")
    address = free[(int(owner.token, 16) >> 8 * attempt) % len(free)]
    fields = {"tags[0].key": f"{_WISH}{owner.token}", "tags[0].value": address}
    content = drivers.do("createTags", resourceids=vpc["id"], resourcetype="Vpc", **fields)
    drivers.finished(content, f"address {address} is being chosen", _SOON)
    return address


def _again(drivers: Drivers, vpc: Item) -> Item:
    """The VPC as it is now."""
    return next(drivers.items("listVPCs", "vpc", id=str(vpc["id"])))


def _is_contested(vpc: Item, owner: Ownership, address: str) -> bool:
    return any(token != owner.token and one == address for token, one in _wished(vpc).items())


def _associated(drivers: Drivers, vpc: Item, owner: Ownership) -> Item:
    """An address, acquired: another one where somebody else was faster."""
    now = vpc
    for _ in range(_CHOICES):
        address = _chosen(drivers, now, owner)
        item = _associate(drivers, vpc, owner, address)
        if item is not None:
            return item
        drivers.finished(_withdraw(drivers, vpc, owner), f"address {address} isn't free any more", _SOON)
        now = _again(drivers, vpc)
    raise TransientError(f"others acquire the same addresses in {drivers.zone_name}", retry_after=_SOON)


def _associate(drivers: Drivers, vpc: Item, owner: Ownership, address: str) -> Item | None:
    """``address``, acquired; None if it isn't free any more."""
    try:
        content = drivers.do("associateIpAddress", vpcid=vpc["id"], ipaddress=address, projectid=drivers.project)
    except Exception as error:
        told = translate(error)
        if told.code == _NOT_FREE:
            return None
        if isinstance(told, InvalidRequestError):
            _withdraw(drivers, vpc, owner)
        raise
    drivers.finished(content, f"address {address} is being acquired", _SOON)
    return address_of(drivers, str(content["id"]))


def _withdraw(drivers: Drivers, vpc: Item, owner: Ownership) -> Any:
    """Take back the choice; the answer has a job."""
    key = {"tags[0].key": f"{_WISH}{owner.token}"}
    return drivers.do("deleteTags", resourceids=vpc["id"], resourcetype="Vpc", **key)


def _check_version(drivers: Drivers) -> None:
    told = str(drivers.capabilities.get("cloudstackversion") or "")
    found = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
    if found < _SINCE:
        raise InvalidRequestError(
            f"CloudStack {told or 'of an unknown version'} can't be asked for a certain public address, "
            "so one whose answer is lost couldn't be told from others",
            sent=False,
            remedy="acquire the address by hand and adopt it; CloudStack can be asked from 4.13 on",
        )
