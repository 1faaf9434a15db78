"""What Compute Engine's collections take, what comes of it, and what can be done with what is in them.

The fields are those of https://cloud.google.com/compute/docs/reference/rest/v1, as far as they are sent here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from tests.clouds.families.imitation import RefusedError, Request, recorded

Thing = dict[str, Any]


class Refused(RefusedError):
    """A refusal with the API's reason."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, message)
        self.reason = reason


def _nothing(_: Any, __: Thing) -> None:
    """Do nothing."""


@attrs.frozen(kw_only=True)
class Collection:
    """Fields that a creation needs and may have, those that name other things, and what it brings with it.

    ``recorded`` is the file with one of them, of which ``left_out`` isn't told unless it was sent. ``users`` are the
    fields of other things by which this one is in use.
    """

    recorded: str
    needed: tuple[str, ...]
    possible: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    has_labels: bool = False
    then: Callable[[Any, Thing], None] = _nothing
    before_delete: Callable[[Any, Thing], None] = _nothing

    def is_in_use_by(self, other: Mapping[str, Any], url: str) -> bool:
        """Whether ``other`` keeps the thing at ``url`` from being deleted."""
        if other.get("_automatic"):
            return False
        values = [other.get(field) for field in self.users]
        return any(url == value or (isinstance(value, list) and url in value) for value in values)


def _network_made(cloud: Any, network: Thing) -> None:
    """Google makes the default route to the internet with each network."""
    route = {**recorded("gce", "routes")["items"][1], "network": network["selfLink"], "_automatic": True}
    name = f"default-route-{cloud.number()}"
    base, _, _ = route["selfLink"].rpartition("/")
    cloud.things[f"global/routes/{name}"] = {**route, "name": name, "selfLink": f"{base}/{name}"}


def _network_gone(cloud: Any, network: Thing) -> None:
    for place, thing in list(cloud.things.items()):
        if thing.get("_automatic") and thing["network"] == network["selfLink"]:
            del cloud.things[place]


def _instance_made(cloud: Any, instance: Thing) -> None:
    number = cloud.number()
    zone = instance["selfLink"].rpartition("/instances/")[0]
    sent = instance["disks"][0]["initializeParams"]
    disk = {
        "kind": "compute#disk",
        "name": instance["name"],
        "sizeGb": "10",
        "status": "READY",
        "type": f"{zone}/diskTypes/pd-standard",
        "selfLink": f"{zone}/disks/{instance['name']}",
        "sourceImage": sent["sourceImage"],
        "labels": sent.get("labels", {}),
        "users": [instance["selfLink"]],
    }
    cloud.things[cloud.place(disk["selfLink"])] = disk
    told = {"boot": True, "autoDelete": True, "deviceName": "persistent-disk-0", "source": disk["selfLink"]}
    for nic in instance["networkInterfaces"]:
        nic.update(name="nic0", networkIP=f"10.0.1.{number % 200 + 2}")
        nic["subnetwork"] = cloud.needed(nic["subnetwork"], "subnetwork")
        for access in nic.get("accessConfigs", ()):
            access.update(kind="compute#accessConfig", natIP=f"198.18.0.{number % 250 + 2}")
    instance["_subnetworks"] = [nic["subnetwork"] for nic in instance["networkInterfaces"]]
    instance.update(
        disks=[told],
        status="PROVISIONING",
        machineType=f"{zone.rpartition('/zones/')[0]}/{instance['machineType']}",
        tags={**instance.get("tags", {}), "fingerprint": f"tags-{number}"},
    )


def _instance_gone(cloud: Any, instance: Thing) -> None:
    for disk in instance["disks"]:
        place = cloud.place(disk["source"])
        if disk["autoDelete"]:
            del cloud.things[place]
        else:
            cloud.things[place]["users"] = []
    for thing in cloud.things.values():
        if "/addresses/" in thing["selfLink"] and instance["selfLink"] in thing.get("users", ()):
            thing.update(users=[], status="RESERVED")


def _disk_made(cloud: Any, disk: Thing) -> None:
    base = disk["selfLink"].rpartition("/zones/")[0]
    disk.update(status="CREATING", type=f"{base}/{disk['type']}", users=[])


def _snapshot_made(cloud: Any, snapshot: Thing) -> None:
    snapshot.update(diskSizeGb=cloud.things[cloud.place(snapshot["sourceDisk"])]["sizeGb"], status="CREATING")
    cloud.things[cloud.place(snapshot["selfLink"])] = snapshot


def _image_made(cloud: Any, image: Thing) -> None:
    image.update(diskSizeGb=cloud.things[cloud.place(image["sourceDisk"])]["sizeGb"], status="PENDING")


def _address_made(cloud: Any, address: Thing) -> None:
    address.update(status="RESERVING", address=f"198.18.1.{cloud.number() % 250 + 2}", users=[])


def _rule_made(cloud: Any, rule: Thing) -> None:
    rule.update(IPAddress=f"198.18.2.{cloud.number() % 250 + 2}", portRange=f"{rule['portRange']}-{rule['portRange']}")


COLLECTIONS: Final = MappingProxyType(
    {
        "networks": Collection(
            recorded="network",
            needed=("autoCreateSubnetworks", "description", "routingConfig"),
            left_out=("subnetworks",),
            users=("network",),
            then=_network_made,
            before_delete=_network_gone,
        ),
        "subnetworks": Collection(
            recorded="subnetwork",
            needed=("description", "ipCidrRange", "network", "privateIpGoogleAccess"),
            references=("network",),
            users=("_subnetworks",),
        ),
        "routes": Collection(
            recorded="",
            needed=("description", "destRange", "network", "nextHopGateway", "priority"),
            references=("network",),
        ),
        "firewalls": Collection(
            recorded="firewall",
            needed=("description", "direction", "network", "priority", "targetTags"),
            possible=("allowed", "denied", "destinationRanges", "disabled", "sourceRanges", "sourceTags"),
            references=("network",),
            left_out=("allowed", "denied", "destinationRanges", "sourceRanges", "targetServiceAccounts"),
        ),
        "instances": Collection(
            recorded="instance",
            needed=("description", "disks", "labels", "machineType", "networkInterfaces", "tags"),
            possible=("metadata",),
            left_out=("metadata",),
            has_labels=True,
            then=_instance_made,
            before_delete=_instance_gone,
        ),
        "disks": Collection(
            recorded="disk",
            needed=("description", "labels", "sizeGb", "type"),
            possible=("sourceSnapshot",),
            references=("sourceSnapshot",),
            users=("_attached",),
            has_labels=True,
            then=_disk_made,
        ),
        "snapshots": Collection(
            recorded="snapshot",
            needed=("description", "labels", "sourceDisk"),
            references=("sourceDisk",),
            has_labels=True,
            then=_snapshot_made,
        ),
        "images": Collection(
            recorded="",
            needed=("description", "labels", "sourceDisk"),
            references=("sourceDisk",),
            has_labels=True,
            then=_image_made,
        ),
        "addresses": Collection(
            recorded="address", needed=("addressType", "description"), has_labels=True, then=_address_made
        ),
        "httpHealthChecks": Collection(
            recorded="health_check",
            needed=(
                "checkIntervalSec",
                "description",
                "healthyThreshold",
                "port",
                "requestPath",
                "timeoutSec",
                "unhealthyThreshold",
            ),
            left_out=("host",),
            users=("healthChecks",),
        ),
        "targetPools": Collection(
            recorded="target_pool",
            needed=("description", "healthChecks", "instances"),
            references=("healthChecks", "instances"),
            users=("target",),
        ),
        "forwardingRules": Collection(
            recorded="forwarding_rule",
            needed=("IPProtocol", "description", "loadBalancingScheme", "portRange", "target"),
            references=("target",),
            has_labels=True,
            then=_rule_made,
        ),
    }
)


# -- what can be done


def _body(cloud: Any, request: Request, *needed: str, possible: tuple[str, ...] = ()) -> Thing:
    found: Thing = cloud.check_body(request, needed=needed, possible=possible)
    return found


def _set_labels(cloud: Any, thing: Thing, request: Request) -> None:
    body = _body(cloud, request, "labels", "labelFingerprint")
    cloud.check_labels(body["labels"])
    if body["labelFingerprint"] != thing["labelFingerprint"]:
        raise Refused(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")
    thing.update(labels=body["labels"], labelFingerprint=f"labels-{cloud.number()}")


def _set_tags(cloud: Any, instance: Thing, request: Request) -> None:
    body = _body(cloud, request, "items", "fingerprint")
    if body["fingerprint"] != instance["tags"]["fingerprint"]:
        raise Refused(412, "conditionNotMet", "Supplied fingerprint does not match current tags fingerprint.")
    instance["tags"] = {"items": body["items"], "fingerprint": f"tags-{cloud.number()}"}


def _stop(_: Any, instance: Thing, __: Request) -> None:
    instance["status"] = "TERMINATED"


def _start(_: Any, instance: Thing, __: Request) -> None:
    if instance["status"] != "TERMINATED":
        raise Refused(400, "resourceNotReady", "The instance must be stopped")
    instance["status"] = "RUNNING"


def _set_machine_type(cloud: Any, instance: Thing, request: Request) -> None:
    wanted = _body(cloud, request, "machineType")["machineType"]
    if instance["status"] != "TERMINATED":
        raise Refused(400, "resourceNotReady", "The instance must be stopped to change its machine type")
    if wanted.endswith("/e2-nowhere"):
        raise Refused(400, "invalid", f"Invalid value for field 'machineType': '{wanted}'")
    instance["machineType"] = f"{instance['selfLink'].rpartition('/zones/')[0]}/{wanted}"


def _attach(cloud: Any, instance: Thing, request: Request) -> None:
    body = _body(cloud, request, "source", "deviceName", "autoDelete", "mode")
    disk = cloud.things[cloud.place(cloud.needed(body["source"], "source"))]
    if disk["users"]:
        raise Refused(400, "resourceInUseByAnotherResource", "The disk resource is already being used")
    if body["deviceName"] in [one["deviceName"] for one in instance["disks"]]:
        raise Refused(400, "invalid", "The device name is already in use")
    disk.update(users=[instance["selfLink"]])
    instance["disks"].append({**body, "boot": False, "source": disk["selfLink"]})
    instance["_attached"] = [one["source"] for one in instance["disks"]]


def _detach(cloud: Any, instance: Thing, request: Request) -> None:
    for one in instance["disks"]:
        if one["deviceName"] == request.query["deviceName"]:
            instance["disks"].remove(one)
            cloud.things[cloud.place(one["source"])]["users"] = []
            instance["_attached"] = [each["source"] for each in instance["disks"]]
            return
    raise Refused(400, "invalid", "No attached disk found with that device name")


def _resize(cloud: Any, disk: Thing, request: Request) -> None:
    size = _body(cloud, request, "sizeGb")["sizeGb"]
    if int(size) < int(disk["sizeGb"]):
        raise Refused(400, "invalid", "Disks can only grow")
    disk["sizeGb"] = size


def _set_google_access(cloud: Any, subnet: Thing, request: Request) -> None:
    subnet.update(_body(cloud, request, "privateIpGoogleAccess"))


def _add_access(cloud: Any, instance: Thing, request: Request) -> None:
    body = _body(cloud, request, "type", "name", "natIP")
    nic = instance["networkInterfaces"][0]
    if request.query["networkInterface"] != nic["name"] or nic.get("accessConfigs"):
        raise Refused(400, "invalid", "At most one access config currently supported.")
    for thing in cloud.things.values():
        if thing.get("address") == body["natIP"]:
            if thing["users"]:
                raise Refused(400, "resourceInUseByAnotherResource", "External IP address is already in-use.")
            thing.update(users=[instance["selfLink"]], status="IN_USE")
    nic["accessConfigs"] = [body]


def _drop_access(cloud: Any, instance: Thing, request: Request) -> None:
    nic = instance["networkInterfaces"][0]
    (found,) = nic.pop("accessConfigs")
    assert request.query == {"accessConfig": found["name"], "networkInterface": nic["name"]}
    for thing in cloud.things.values():
        if thing.get("address") == found["natIP"]:
            thing.update(users=[], status="RESERVED")


def _instances(cloud: Any, request: Request) -> list[str]:
    return [cloud.needed(one["instance"], "instance") for one in _body(cloud, request, "instances")["instances"]]


def _add_members(cloud: Any, pool: Thing, request: Request) -> None:
    pool["instances"] = [*pool.get("instances", ()), *_instances(cloud, request)]


def _drop_members(cloud: Any, pool: Thing, request: Request) -> None:
    """A pool keeps naming an instance that is gone, until that is taken out."""
    gone = [cloud.place(one["instance"]) for one in _body(cloud, request, "instances")["instances"]]
    pool["instances"] = [one for one in pool["instances"] if cloud.place(one) not in gone]


ACTIONS: Final[Mapping[str, Callable[[Any, Thing, Request], None]]] = MappingProxyType(
    {
        "instances.setLabels": _set_labels,
        "disks.setLabels": _set_labels,
        "snapshots.setLabels": _set_labels,
        "images.setLabels": _set_labels,
        "addresses.setLabels": _set_labels,
        "forwardingRules.setLabels": _set_labels,
        "instances.setTags": _set_tags,
        "instances.stop": _stop,
        "instances.start": _start,
        "instances.setMachineType": _set_machine_type,
        "instances.attachDisk": _attach,
        "instances.detachDisk": _detach,
        "instances.addAccessConfig": _add_access,
        "instances.deleteAccessConfig": _drop_access,
        "disks.resize": _resize,
        "subnetworks.setPrivateIpGoogleAccess": _set_google_access,
        "targetPools.addInstance": _add_members,
        "targetPools.removeInstance": _drop_members,
    }
)
