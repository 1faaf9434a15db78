"""Compute Engine in Terraform's provider for Google Cloud, in the form of orchestra's kinds. Pure.

Things go by their place below the project, as `clouds.gce` has them. What that ties together by a mark of its own, as
the rules of a firewall and the parts of a balancer, can't be taken over.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from orchestra.errors import DefinitionError
from orchestra.migrate.mapping import Left, Mapped, Part, Table, Told, alone, first
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

_NETWORK: Final = "google_compute_network"
_INSTANCE: Final = "google_compute_instance"
_ROUTE: Final = "google_compute_route"
_TYPES: Final = MappingProxyType({"pd-balanced": "ssd", "pd-standard": "hdd"})
_EVERYWHERE: Final = "0.0.0.0/0"
_BALANCER: Final = Left(
    why="orchestra knows the parts of a balancer by a mark that they are made with: declare an oc.LoadBalancer in its "
    "place, and take this one away then"
)
_FIREWALL: Final = Left(
    why="a Firewall is a tag with all that it allows, and this is one rule by itself: declare an oc.Firewall in its "
    "place, put it on the servers, and take this one away then"
)


def _placed(one: Instance, told: str) -> str:
    """The place of what is told by its URL, or by a part of that: below the project, where that is one's own."""
    path = told.partition("/projects/")[2] or told.removeprefix("projects/")
    if path == told:
        return told
    project = one.text("project") or one.text("self_link").partition("/projects/")[2].partition("/")[0]
    return path.removeprefix(f"{project}/") if path.startswith(f"{project}/") else f"projects/{path}"


def _named(one: Instance, told: str, collection: str) -> str:
    """The place of what may be told by its name alone: it is in the same zone then."""
    if "/" in told or not told:
        return _placed(one, told)
    return f"zones/{one.text('zone').rpartition('/')[2]}/{collection}/{told}"


def _of(name: str) -> Told:
    """The place of what the attribute ``name`` tells."""
    return alone(lambda one: _placed(one, one.text(name)) or None)


_ID: Final = _of("self_link")


def _labels(one: Instance) -> Plain:
    """Its labels, with those of the provider; our own are no labels."""
    told = one.get("effective_labels") or one.get("labels") or {}
    return {key: str(value) for key, value in sorted(told.items()) if not key.startswith("orchestra-")}


def _routes_out(network: Instance, world: World) -> list[Instance]:
    """The routes to the internet that Terraform made for a network."""
    return [
        one
        for one in world.of(_ROUTE, dest_range=_EVERYWHERE)
        if "default-internet-gateway" in one.text("next_hop_gateway")
        and _placed(one, one.text("network")).rpartition("/")[2] == network.text("name")
    ]


def _has_internet(one: Instance, world: World) -> Plain:
    return not one.get("delete_default_routes_on_create") or bool(_routes_out(one, world))


def _is_way_out(one: Instance, world: World) -> bool:
    return any(one in _routes_out(network, world) for network in world.of(_NETWORK) if not network.is_read)


def _image(one: Instance) -> Plain:
    disk = first(one.blocks("boot_disk"))
    told = str(first(disk.get("initialize_params") or ()).get("image") or "")
    return _placed(one, told) if "/images/" in told else None


def _subnet(one: Instance) -> Plain:
    interfaces = one.blocks("network_interface")
    if len(interfaces) > 1:
        raise DefinitionError(f"it has {len(interfaces)} network interfaces, and a Server has one")
    return _placed(one, str(first(interfaces).get("subnetwork") or "")) or None


def _keys(one: Instance) -> Plain:
    return (one.get("metadata") or {}).get("ssh-keys") or None


def _script(one: Instance) -> Plain:
    given = {"startup-script", "user-data"} & (one.get("metadata") or {}).keys()
    return "given" if given or one.has("metadata_startup_script") else None


def _tags(one: Instance) -> Plain:
    """What a firewall is put on a server by."""
    return [f"global/firewalls/{tag}" for tag in sorted(one.texts("tags"))]


def _disk_type(one: Instance) -> Plain:
    told = one.text("type").rpartition("/")[2]
    return _TYPES.get(told, told) or None


def _attachment(one: Instance) -> tuple[str, str]:
    return _named(one, one.text("disk"), "disks"), _named(one, one.text("instance"), "instances")


def _device(one: Instance) -> Plain:
    return f"/dev/{one.text('device_name')}" if one.has("device_name") else None


def _imaged(one: Instance, world: World) -> Plain:
    """The instance that starts from the disk of an image."""
    disk = _placed(one, one.text("source_disk"))
    for instance in world.of(_INSTANCE):
        booted = str(first(instance.blocks("boot_disk")).get("source") or "")
        if disk and _placed(instance, booted) == disk:
            return _placed(instance, instance.text("self_link"))
    raise DefinitionError("no server that starts from the disk that it was made of is in the state")


def _address(one: Instance) -> Plain:
    if one.text("address_type") not in ("", "EXTERNAL"):
        raise DefinitionError("it is an address inside a network, and a FloatingIp is none")
    return _placed(one, one.text("self_link")) or None


def _leads_to(one: Instance) -> Plain:
    users = (_placed(one, user) for user in one.texts("users"))
    return next((user for user in users if "/instances/" in user), None)


COMPUTE: Final[Table] = MappingProxyType(
    {
        _NETWORK: Mapped(kind="network.Network", external_id=_ID, inputs={"internet": _has_internet}),
        _ROUTE: Part(belongs=_is_way_out),
        "google_compute_subnetwork": Mapped(
            kind="network.Subnet",
            external_id=_ID,
            inputs={
                "network": _of("network"),
                "cidr": "ip_cidr_range",
                "public": alone(lambda one: not one.get("private_ip_google_access")),
            },
        ),
        "google_compute_firewall": _FIREWALL,
        _INSTANCE: Mapped(
            kind="compute.Server",
            external_id=_ID,
            inputs={
                "image": alone(_image),
                "size": alone(lambda one: one.text("machine_type").rpartition("/")[2] or None),
                "subnet": alone(_subnet),
                "firewalls": alone(_tags),
                "key_pair": alone(_keys),
                "user_data": alone(_script),
                "labels": alone(_labels),
            },
        ),
        "google_compute_image": Mapped(
            kind="compute.CustomImage",
            external_id=_ID,
            inputs={"server": _imaged, "name": "name", "description": "description", "labels": alone(_labels)},
        ),
        "google_compute_disk": Mapped(
            kind="compute.Volume",
            external_id=_ID,
            inputs={
                "size_gib": "size",
                "zone": alone(lambda one: one.text("zone").rpartition("/")[2] or None),
                "type": alone(_disk_type),
                "snapshot": _of("snapshot"),
                "labels": alone(_labels),
            },
        ),
        "google_compute_attached_disk": Mapped(
            kind="compute.VolumeAttachment",
            external_id=alone(lambda one: ":".join(_attachment(one))),
            inputs={
                "volume": alone(lambda one: _attachment(one)[0]),
                "server": alone(lambda one: _attachment(one)[1]),
                "device": alone(_device),
            },
        ),
        "google_compute_snapshot": Mapped(
            kind="compute.Snapshot",
            external_id=_ID,
            inputs={
                "volume": alone(lambda one: _named(one, one.text("source_disk"), "disks") or None),
                "description": "description",
                "labels": alone(_labels),
            },
        ),
        "google_compute_address": Mapped(
            kind="compute.FloatingIp",
            external_id=alone(_address),
            inputs={"server": alone(_leads_to), "labels": alone(_labels)},
        ),
        "google_compute_forwarding_rule": _BALANCER,
        "google_compute_target_pool": _BALANCER,
        "google_compute_http_health_check": _BALANCER,
    }
)
"""Each type of Compute Engine's that orchestra has a kind for."""
