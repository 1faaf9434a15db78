"""Many of a kind in one cloud: what tests of paging read. With those of the clouds that have regions and zones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from orchestra.clouds import FamilyCloud
from orchestra.contracts import Cloud, Provider
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import Scene, cloud_at
from tests.clouds.families import gce_scenery, test_cloudstack_contract
from tests.clouds.families.cloudstack import CloudStack
from tests.clouds.families.gce import Gce
from tests.clouds.families.imitation import Request
from tests.clouds.families.scenery import create, family_of, server_inputs

MANY: Final = 10_000
_PAGE: Final = 500


@attrs.frozen(kw_only=True)
class Estate:
    """Many servers of one family.

    ``held`` are the things of a kind that an imitation keeps, ``pages`` how many requests tell of `MANY` servers,
    ``second`` tells whether a request is for the second page of a list, and ``cut`` is an answer without its last half
    and without what leads to the next. ``counts``: whether an answer tells how many there are in all. ``planted``
    plants so many of a kind and tells their ids, where that takes more than copying what is held; ``kinds`` are the
    others that can be planted so.
    """

    name: str
    imitation: Callable[[], Any]
    cloud: Callable[[Any], Cloud]
    held: Callable[[Any, str], dict[str, dict[str, Any]]]
    pages: int
    second: Callable[[Request], bool]
    cut: Callable[[Any], Any]
    counts: bool = True
    kind: str = "compute.Server"
    planted: Callable[[Any, Cloud, str, int], list[str]] | None = None
    kinds: Sequence[str] = ()

    def provider(self, cloud: Cloud, kind: str = "") -> Provider:
        found = cloud.provider(kind or self.kind)
        assert found is not None
        return found

    def plant(self, server: Any, cloud: Cloud, count: int = MANY) -> list[str]:
        """The ids of ``count`` servers, of which the first is made as any is, where it can be."""
        if self.planted is not None:
            return self.planted(server, cloud, self.kind, count)
        if isinstance(cloud, FamilyCloud):
            create(cloud, "compute.Server", "web[0]", server_inputs(family_of(self.name), cloud))
        return list(server.plant(self.held(server, self.kind), count))

    def forget(self, server: Any, identity: str) -> None:
        """Take one away behind everybody's back."""
        held = self.held(server, self.kind)
        del held[identity if identity in held else identity.lower()]


def halved(answer: Any, name: str, **more: Any) -> Any:
    """``answer`` with the first half of its rows only."""
    return {**answer, name: answer[name][: len(answer[name]) // 2], **more}


def copies(things: dict[str, dict[str, Any]], key: str, name: str, count: int) -> list[str]:
    """Have ``count`` of what is at ``key`` and called ``name``: copies with names of their own. Their keys."""
    text, found = json.dumps(things[key]), [key]
    for number in range(1_000_000, 1_000_000 + count - 1):
        other = f"{name[:-7]}{number}"
        found.append(key.replace(name, other))
        things[found[-1]] = json.loads(text.replace(name, other))
    return found


# -- Compute Engine


def _gce_made(cloud: Any, kind: str) -> str:
    """One of a kind."""
    if kind == "compute.Volume":
        return gce_scenery.disk(cloud, "disk")
    if kind == "compute.Snapshot":
        return gce_scenery.make(cloud, kind, "copy", volume=gce_scenery.disk(cloud, "disk"), description="")
    if kind == "compute.FloatingIp":
        return gce_scenery.make(cloud, kind, "address", server=None)
    if kind == "network.Network":
        return gce_scenery.network(cloud)
    return gce_scenery.machine(cloud, "machine", gce_scenery.subnet(cloud))


def _in_gce(server: Gce, cloud: Cloud, kind: str, count: int) -> list[str]:
    made = _gce_made(cloud, kind)
    return copies(server.things, made, made.rpartition("/")[2], count)


def _cut_in_gce(answer: Any) -> Any:
    """A page with half of what it has, be it told for each zone or not, and without what leads to the next."""
    left = {key: value for key, value in answer.items() if key != "nextPageToken"}
    if isinstance(left["items"], list):
        return halved(left, "items")
    zones = {
        scope: {name: rows[: len(rows) // 2] if isinstance(rows, list) else rows for name, rows in part.items()}
        for scope, part in left["items"].items()
    }
    return {**left, "items": zones}


# -- Azure


def _azure_made(scene: Scene, kind: str) -> str:
    if kind == "compute.Volume":
        return scene.volume()
    if kind == "compute.KeyPair":
        return scene.key()
    if kind == "compute.Snapshot":
        return scene.make(kind, "copy", {"volume": scene.volume(), "description": "", "labels": {}})
    if kind == "compute.FloatingIp":
        return scene.make(kind, "address", {"server": None, "labels": {}})
    if kind == "network.Network":
        return scene.network()
    return scene.server()


def _in_azure(server: Azure, cloud: Any, kind: str, count: int) -> list[str]:
    """What belongs to machines, too: an interface and an address each."""
    made = _azure_made(Scene(cloud), kind)
    name, key = made.rpartition("/")[2], made.lower()
    for part in ("networkInterfaces", "publicIPAddresses"):
        (part_key,) = [one for one in server.things if one.endswith(f"/{part.lower()}/{name}")] or [""]
        if kind == "compute.Server":
            copies(server.things, part_key, name, count)
    copies(server.things, key, name, count)
    return [made, *(made.replace(name, f"{name[:-7]}{number}") for number in range(1_000_000, 1_000_000 + count - 1))]


# -- CloudStack

_HELD: Final[Mapping[str, str]] = {
    "compute.Server": "machines",
    "compute.Volume": "volumes",
    "compute.Snapshot": "snapshots",
    "network.Network": "vpcs",
}


def _in_cloudstack(server: CloudStack, cloud: Any, kind: str, count: int) -> list[str]:
    made = test_cloudstack_contract.Made(cloud)
    if kind == "compute.Volume":
        made.volume(0)
    elif kind == "compute.Snapshot":
        made.make(kind, "copy", volume=made.volume(0), description="")
    elif kind == "network.Network":
        made.make(kind, "network", cidr="10.0.0.0/16", internet=True)
    else:
        made.server(made.subnet())
    held = vars(server)[_HELD[kind]]
    server.tick()
    (key,) = held
    return copies(held, key, key, count)


REGIONAL: Final = (
    Estate(
        name="gce",
        imitation=Gce,
        cloud=gce_scenery.connect,
        held=lambda server, _: server.things,
        pages=MANY // _PAGE,
        second=lambda request: request.query.get("pageToken") == str(_PAGE),
        cut=_cut_in_gce,
        counts=False,
        planted=_in_gce,
        kinds=("compute.Volume", "compute.Snapshot", "compute.FloatingIp", "network.Network"),
    ),
    Estate(
        name="azure",
        imitation=lambda: Azure(page=_PAGE),
        cloud=cloud_at,
        held=lambda server, _: server.things,
        pages=3 * MANY // _PAGE,  # the machines, their interfaces, their addresses
        second=lambda request: request.query.get("$skiptoken") == str(_PAGE),
        cut=lambda answer: {"value": answer["value"][: len(answer["value"]) // 2]},
        counts=False,
        planted=_in_azure,
        kinds=("compute.KeyPair", "compute.Volume", "compute.Snapshot", "compute.FloatingIp", "network.Network"),
    ),
    Estate(
        name="cloudstack",
        imitation=CloudStack,
        cloud=test_cloudstack_contract.cloud_at,
        held=lambda server, _: server.machines,
        pages=MANY // _PAGE + 1,  # the job that made the first is asked for, too
        second=lambda request: request.query.get("page") == "2",
        cut=lambda answer: {
            name: halved(content, next(key for key, rows in content.items() if isinstance(rows, list)))
            for name, content in answer.items()
        },
        planted=_in_cloudstack,
        kinds=("compute.Volume", "compute.Snapshot", "network.Network"),
    ),
)
