"""Which compute drivers are served, what their base API doesn't tell of them, and why others aren't."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from libcloud.compute.base import NodeLocation

from orchestra.clouds.base.compute.cloud import compute_calls
from orchestra.clouds.base.compute.objects import a_location
from orchestra.clouds.base.compute.traits import Access, Launch, Marks, Told, region
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.families.libcloud.compute.ovh import OvhDriver
from orchestra.clouds.families.libcloud.compute.particulars import Disks, Plain
from orchestra.clouds.families.libcloud.compute.plain import list_all, traits_of
from orchestra.clouds.provider import Calls
from orchestra.contracts import Ownership, Status
from orchestra.errors import ChoiceError

# -- EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html


def _ec2_arguments(launch: Launch) -> dict[str, Any]:
    """The tags and the token go into the request that makes the server."""
    marks = dict(one.rsplit(":", 1) for one in launch.tags)
    return {
        "ex_metadata": marks,
        "ex_clienttoken": marks["orchestra:token"],
        "ex_keyname": launch.key_pair,
        "ex_userdata": launch.user_data,
    }


def _ec2_tags(node: Any) -> list[str]:
    return [f"{key}:{value}" for key, value in node.extra["tags"].items() if key.startswith("orchestra:")]


def _ec2_zone(driver: Any, name: str) -> Any:
    """A zone by its name, as Libcloud's method looks at it."""
    location: Any = NodeLocation(name, name, "", driver)
    location.availability_zone = _Zone(name, driver.region_name)
    return location


class _Zone:
    def __init__(self, name: str, region_name: str) -> None:
        self.name = name
        self.region_name = region_name


def _ec2_pictures(_: Access) -> Iterable[Any]:
    raise ChoiceError(
        "anybody may publish images on EC2 under any name, and Libcloud's base API doesn't tell whose one is",
        remedy="give the id of an image, or use oc.clouds.aws, which knows the publishers",
    )


def _ec2_some(access: Access, ids: Sequence[str]) -> Iterable[Any]:
    """A filter isn't refused for an id that isn't there."""
    return _ec2_where(access, {"instance-id": list(ids)})


def _ec2_mine(access: Access, owner: Ownership) -> Iterable[Any]:
    return _ec2_where(access, {"tag:orchestra:token": owner.token})


def _ec2_where(access: Access, filters: Mapping[str, Any]) -> Iterable[Any]:
    found: Iterable[Any] = access.driver.list_nodes(ex_filters=dict(filters))
    return found


# -- Equinix Metal: https://deploy.equinix.com/developers/api/metal


def _equinix_arguments(launch: Launch) -> dict[str, Any]:
    keys = {"user_ssh_keys": [launch.key_pair]} if launch.key_pair else {}
    return {"description": " ".join(launch.tags), "cloud_init": launch.user_data, **keys}


def _equinix_tags(node: Any) -> list[str]:
    return [one for one in str(node.extra.get("description") or "").split() if one.startswith("orchestra:")]


def _equinix_metro(driver: Any, code: str) -> Any:
    return NodeLocation(code, "", "", driver, extra={"code": code})


# -- OVH: https://api.ovh.com/console/#/cloud


def _ovh_image(node: Any) -> str | None:
    return node.extra.get("imageId") or (node.extra.get("image") or {}).get("id")


def _ovh_size(node: Any) -> str | None:
    return node.extra.get("flavorId") or (node.extra.get("flavor") or {}).get("id")


def _ovh_grow(access: Access, told: Told, size: int) -> None:
    driver = access.driver
    path = driver._get_project_action(f"volume/{told.id}/upsize")
    driver.connection.request(path, data={"size": size}, method="POST")


_OVH: Final = Plain(
    name="OVH",
    marks=Marks(longest_name=255),
    arguments=lambda launch: {"ex_keyname": launch.key_pair},
    takes=frozenset({"key_pair"}),
    needs_place=True,
    driver=OvhDriver,
    look_up="ex_get_node",
    where=lambda node: node.extra["region"],
    image=_ovh_image,
    size=_ovh_size,
    pictures=lambda access: access.driver.list_images(a_location(access.driver, region(access))),
    sizes=lambda access: access.driver.list_sizes(a_location(access.driver, region(access))),
    import_key=lambda access, name, key: access.driver.import_key_pair_from_string(
        name, key, a_location(access.driver, region(access))
    ),
    disks=Disks(
        marks=Marks(longest_name=255),
        statuses={"available": Status.READY, "in-use": Status.READY, "error": Status.FAILED},
        servers=lambda volume: volume.extra["attachedTo"],
        place=lambda volume: volume.extra["region"],
        grow=_ovh_grow,
        snapshots=lambda access: access.driver.ex_list_snapshots(),
        volume="ex_get_volume",
        snapshot="ex_get_volume_snapshot",
        unsupported={"snapshot": "Libcloud's driver leaves the snapshot out of its request"},
        fixed={"encrypted": (False, "OVH doesn't say that its volumes are")},
    ),
    fixed={"public_address": (True, "every server has a public address")},
)

PLAIN: Final[Mapping[str, Plain]] = MappingProxyType(
    {
        "cloudscale": Plain(
            name="cloudscale.ch",
            marks=Marks(longest_name=63, whole=False),
            arguments=lambda launch: {
                "ex_create_attr": {
                    **({"ssh_keys": [launch.key_pair]} if launch.key_pair else {}),
                    **({"user_data": launch.user_data} if launch.user_data else {}),
                }
            },
            takes=frozenset({"key_pair", "user_data"}),
            look_up="ex_node_by_uuid",
            fixed={"public_address": (True, "every server has a public address")},
        ),
        "ec2": Plain(
            name="EC2",
            marks=Marks(longest_tag=256, longest_name=255),
            arguments=_ec2_arguments,
            takes=frozenset({"key_pair", "user_data"}),
            place=_ec2_zone,
            tags=_ec2_tags,
            pictures=_ec2_pictures,
            state=lambda node: node.extra["status"],
            statuses={"running": Status.READY, "stopping": Status.READY, "stopped": Status.READY},
            gone=frozenset({"shutting-down", "terminated"}),
            image=lambda node: node.extra["image_id"],
            size=lambda node: node.extra["instance_type"],
            some=_ec2_some,
            mine=_ec2_mine,
            import_key=lambda access, name, key: access.driver.import_key_pair_from_string(name, key),
            fixed={"public_address": (True, "the subnet that EC2 chooses gives every server one")},
            defaults={"signature_version": "4"},
            settling=30.0,
        ),
        "equinixmetal": Plain(
            name="Equinix Metal",
            marks=Marks(longest_tag=1000, longest_name=63),
            arguments=_equinix_arguments,
            takes=frozenset({"key_pair", "user_data"}),
            place=_equinix_metro,
            needs_place=True,
            full=1000,
            tags=_equinix_tags,
            where=lambda node: node.extra["metro"]["code"] if node.extra.get("metro") else None,
            project="ex_project_id",
            sizes=lambda access: access.driver.list_sizes(ex_project_id=access.settings.get("project")),
            fixed={"public_address": (True, "every server has a public address")},
        ),
        "ovh": _OVH,
    }
)
"""What is served, by Libcloud's constant."""

_TWO_CALLS: Final = (
    "its create_node sends several requests, and what the first ones made carries nothing that tells whose it is"
)
_OWN_FAMILY: Final = "it has a family of its own, which can do more"
_CLOUDSTACK: Final = "it speaks CloudStack's API, which has a family of its own"
_NO_SIZE: Final = "its create_node takes other arguments than those of the base API"
_ONE_PAGE: Final = "whether its list of servers is whole can't be told, and there is no asking for a single one"

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "abiquo": _TWO_CALLS,
        "aliyun_ecs": "its create_node makes, starts and waits in one call, and what is broken off stays stopped",
        "aurora_compute": _CLOUDSTACK,
        "azure": "Azure has shut down the API that it speaks",
        "azure_arm": _OWN_FAMILY,
        "brightbox": "it fails at the log-in: it takes the answer from a method that returns none",
        "cloudsigma": _TWO_CALLS,
        "cloudstack": _OWN_FAMILY,
        "digitalocean": _OWN_FAMILY,
        "dimensiondata": _NO_SIZE,
        "dummy": "it forgets everything with its process",
        "eucalyptus": "whether it takes tags in the request that makes a server isn't known",
        "exoscale": _CLOUDSTACK,
        "gandi": "its create_node makes a disk too, which deleting the server leaves behind",
        "gce": _TWO_CALLS,
        "gig_g8": _NO_SIZE,
        "gridscale": _TWO_CALLS,
        "ikoula": _CLOUDSTACK,
        "internetsolutions": _NO_SIZE,
        "kamatera": "it waits minutes for a server before it tells the id, and can't be asked to tell it at once",
        "ktucloud": "its create_node takes what a size is from the image",
        "kubevirt": _NO_SIZE,
        "libvirt": "it can't create servers",
        "linode": _OWN_FAMILY,
        "maxihost": _ONE_PAGE,
        "nimbus": "whether it takes tags in the request that makes a server isn't known",
        "ntta": _NO_SIZE,
        "nttcis": _NO_SIZE,
        "onapp": _NO_SIZE,
        "opennebula": "OpenNebula has taken out the API that it speaks",
        "openstack": _OWN_FAMILY,
        "outscale": "its lists tell an error of the cloud's as if it were an answer",
        "outscale_inc": "whether it takes tags in the request that makes a server isn't known",
        "outscale_sas": "whether it takes tags in the request that makes a server isn't known",
        "rackspace": "it speaks OpenStack's API, which has a family of its own",
        "rackspace_first_gen": "Rackspace has shut down the API that it speaks",
        "rimuhosting": _ONE_PAGE,
        "scaleway": _OWN_FAMILY,
        "terremark": _TWO_CALLS,
        "upcloud": _OWN_FAMILY,
        "vcl": "its create_node takes no name",
        "vcloud": _TWO_CALLS,
        "vpsnet": _ONE_PAGE,
        "vsphere": "it needs a package that Libcloud doesn't come with, and creates in several requests",
        "vultr": _OWN_FAMILY,
    }
)
"""Why others aren't: nothing may be lost or made twice, and with these something could be."""


def calls_of(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the compute driver ``provider`` can serve."""
    return tuple(compute_calls(traits_of(provider, PLAIN[provider]))) if provider in PLAIN else ()


def terms_of(provider: str) -> Terms:
    """What the calls for ``provider`` take beside its driver."""
    if provider not in PLAIN:
        return Terms()
    plain = PLAIN[provider]
    project = ("project",) if plain.project else ()
    return Terms(settings=("location", "create_node", *project), defaults=plain.defaults, settling=plain.settling)


def ask(access: Access) -> object:
    """One call that wrong credentials fail."""
    return list_all(access, PLAIN[access.provider])
