"""Servers: EC2 instances."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import choosing, query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing
from orchestra.clouds.families.aws.firewall import default_group
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, NotFoundError, NotReadyError
from orchestra.model.values import Plain
from orchestra.resources.compute import Server

_GOING: Final = ("shutting-down", "terminated")
_STOPPED: Final = ("stopping", "stopped")
_STATUSES: Final = MappingProxyType(
    {
        "pending": Status.PENDING,
        "running": Status.READY,
        "stopping": Status.PENDING,
        "stopped": Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
    }
)
_RESIZING: Final = "orchestra:resizing"
"""The tag of an instance that is stopped for another size: if that is broken off, it isn't taken for one that somebody
stopped on purpose, and is started again."""

_STOP_POLL: Final = 20.0
"""Seconds after which it is worth looking whether an instance has stopped; most take 10 to 60."""


class ServerCalls(Described):
    """An instance.

    User data and whether it was given a public address aren't told: the one takes a call for each instance, the
    other can't be told from an address that was added or taken away later.
    """

    kind = "compute.Server"
    resource = Server
    found_by = FoundBy.CLIENT_TOKEN
    found_key = "ClientToken, and the tag orchestra:token"
    required = MappingProxyType({"subnet": "AWS puts each instance into a subnet of a network"})
    listing: ClassVar[Listing] = Listing(
        action="DescribeInstances", container="reservationSet", id_filter="instance-id", id_parameter="InstanceId"
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: one request, with tags and the client token in it."""
        answer = query.ec2(driver.ec2, "RunInstances", _launch(inputs, owner))
        for found in self.observations(driver, iter([answer])):
            return found
        item = query.child(answer, "instancesSet/item")
        raise NotReadyError(
            f"server {query.text(item, 'instanceId')} was made and is gone again: "
            f"{query.text(item, 'stateReason/message') or 'AWS gives no reason'}",
            code=query.text(item, "stateReason/code"),
        )

    def observations(self, drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
        """See `Described.observations`: EC2 lists reservations, each with its instances."""
        return super().observations(drivers, (item for some in items for item in some.findall("instancesSet/item")))

    def observe(self, item: Element) -> Observation | None:
        """See `Described.observe`."""
        state = query.text(item, "instanceState/name")
        if state in _GOING:
            return None
        tags = tags_in(item)
        is_broken_off = _RESIZING in tags and state in _STOPPED
        return Observation(
            external_id=query.text(item, "instanceId"),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                "image": {"id": query.text(item, "imageId")},
                # an instance that doesn't run has no size yet: so the update that stopped it is sent again
                **({} if is_broken_off else {"size": {"id": query.text(item, "instanceType")}}),
                "subnet": query.text(item, "subnetId"),
                "firewalls": _firewalls(item),
                "key_pair": query.text(item, "keyName") or None,
                "labels": labels_of(tags),
            },
            outputs={
                "private_ip": query.text(item, "privateIpAddress") or None,
                "public_ip": query.text(item, "ipAddress") or None,
                "zone": query.text(item, "placement/availabilityZone") or None,
            },
            detail=state,
            ownership=Ownership.from_tags(tags),
            name=name_in(tags),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. A new size stops it first and starts it last, with a mark on it in between.

        While it is stopping, `InProgressError` says when to call again: the same call then goes on from there.
        """
        item = self._item(driver, external_id)
        relabel(driver, external_id, tags_in(item), update.after)
        wanted = update.after.texts("firewalls")
        if sorted(wanted) != _firewalls(item):
            groups = wanted or [default_group(driver, query.text(item, "vpcId"))]
            query.ec2(
                driver.ec2,
                "ModifyInstanceAttribute",
                {"InstanceId": external_id},
                query.numbered("GroupId", groups),
            )
        if "size" in update.changed:
            self._resize(driver, item, _chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "TerminateInstances", query.numbered("InstanceId", [external_id]))

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of AWS's own is taken as it is, for an image can be in use and not listed."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, wanted)
        if name == "size":
            return choosing.size(driver, wanted)
        return super().choose(driver, name, wanted)

    def _item(self, drivers: Drivers, external_id: str) -> Element:
        asked = query.numbered("InstanceId", [external_id])
        for some in query.ec2_items(drivers.ec2, "DescribeInstances", "reservationSet", asked):
            for item in some.findall("instancesSet/item"):
                if query.text(item, "instanceState/name") not in _GOING:
                    return item
        raise NotFoundError(f"server {external_id} isn't there any more")

    def _resize(self, drivers: Drivers, item: Element, size: str) -> None:
        external_id = query.text(item, "instanceId")
        instance = query.numbered("InstanceId", [external_id])
        state = query.text(item, "instanceState/name")
        if query.text(item, "instanceType") != size:
            if state in ("pending", "running"):
                mark = query.pairs("Tag", {_RESIZING: size})
                query.ec2(drivers.ec2, "CreateTags", query.numbered("ResourceId", [external_id]), mark)
                query.ec2(drivers.ec2, "StopInstances", instance)
                state = query.text(self._item(drivers, external_id), "instanceState/name")
            if state != "stopped":
                raise InProgressError(
                    f"server {external_id} is {state}: its size can be changed when it has stopped",
                    code="IncorrectInstanceState",
                    retry_after=_STOP_POLL,
                )
            try:
                query.ec2(
                    drivers.ec2,
                    "ModifyInstanceAttribute",
                    {"InstanceId": external_id, "InstanceType.Value": size},
                )
            except Exception:
                _start(drivers, external_id)  # a size that can't be had must not leave it stopped
                raise
        if state in _STOPPED:
            _start(drivers, external_id)
        elif _RESIZING in tags_in(item):
            _unmark(drivers, external_id)


def _start(drivers: Drivers, external_id: str) -> None:
    """Start it, and take the mark away only then."""
    query.ec2(drivers.ec2, "StartInstances", query.numbered("InstanceId", [external_id]))
    _unmark(drivers, external_id)


def _unmark(drivers: Drivers, external_id: str) -> None:
    mark = query.numbered_keys("Tag", [_RESIZING])
    query.ec2(drivers.ec2, "DeleteTags", query.numbered("ResourceId", [external_id]), mark)


def _launch(inputs: Inputs, owner: Ownership) -> dict[str, str]:
    """The parameters of RunInstances."""
    fields = {
        "ImageId": _chosen(inputs, "image"),
        "InstanceType": _chosen(inputs, "size"),
        "MinCount": "1",
        "MaxCount": "1",
        "ClientToken": owner.token,
        **query.tagged("instance", tags_of(owner, inputs)),
    }
    if key := inputs.optional_text("key_pair"):
        fields["KeyName"] = key
    if script := inputs.optional_text("user_data"):
        fields["UserData"] = base64.b64encode(script.encode()).decode()
    stem = ""
    if inputs.values.get("public_address") is not None:
        stem = "NetworkInterface.1."
        fields[f"{stem}DeviceIndex"] = "0"
        fields[f"{stem}AssociatePublicIpAddress"] = str(inputs.flag("public_address")).lower()
    fields[f"{stem}SubnetId"] = inputs.text("subnet")
    fields.update(query.numbered(f"{stem}SecurityGroupId", inputs.texts("firewalls")))
    return fields


def _chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)


def _firewalls(item: Element) -> Sequence[str]:
    """The security groups; none if there is but the network's default one, which AWS puts on what is given none."""
    groups = {query.text(group, "groupId"): query.text(group, "groupName") for group in item.findall("groupSet/item")}
    return [] if list(groups.values()) == ["default"] else sorted(groups)
