"""Images of servers on Azure: three things inside one another, made and taken away whatever dies in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import AzureCloud
from orchestra.contracts import Inputs, Observation, Status
from orchestra.errors import ConflictError, InProgressError, InvalidRequestError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.azure.arm import ROOT
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import DEBIAN, KEYS, LABELS, SMALL, Scene, cloud_at, observed, owner, provider

KIND = "compute.CustomImage"
TOKEN = owner("golden").token
NAME = f"prod-golden-{TOKEN[:10]}"
GALLERY = f"{ROOT}/providers/Microsoft.Compute/galleries/prod.golden.{TOKEN[:10]}"
IMAGE = f"{GALLERY}/images/{NAME}"
VERSION = f"{IMAGE}/versions/1.0.0"
OURS = {"orchestra:deployment": "prod", "orchestra:address": "golden", "orchestra:token": TOKEN}
PART = {**OURS, "orchestra:part": KIND, "orchestra:image": NAME}


def inputs(server: str, **more: Any) -> Inputs:
    return Inputs({"server": server, "name": None, "description": "", "labels": {}, **more})


def make(scene: Scene, **more: Any) -> Observation:
    return provider(scene.cloud, KIND).create(inputs(scene.server("builder"), **more), owner("golden"))


def left(server: Azure) -> list[str]:
    """What there is in galleries."""
    return sorted(key for key in server.things if "/galleries/" in key)


# -- requests


def test_an_image_is_a_version_of_a_definition_in_a_gallery(server: Azure, scene: Scene) -> None:
    builder, before = scene.server("builder"), len(server.requests)
    made = make(scene, description="Golden", labels=LABELS)
    assert (made.external_id, made.status, made.ownership) == (VERSION, Status.PENDING, owner("golden"))
    sent = [(one.path, one.body) for one in server.requests[before:] if one.method == "PUT"]
    kept = {"location": "westeurope", "tags": PART}
    definition = {
        "osType": "Linux",
        "osState": "Specialized",
        "hyperVGeneration": "V2",
        "architecture": "x64",
        "identifier": {"publisher": "orchestra", "offer": NAME, "sku": TOKEN},
    }
    version = {
        "publishingProfile": {
            "targetRegions": [{"name": "westeurope", "regionalReplicaCount": 1}],
            "storageAccountType": "Standard_LRS",
        },
        "storageProfile": {"source": {"virtualMachineId": builder}},
    }
    tags = {**OURS, "orchestra:description": "Golden", **LABELS}
    assert sent == [
        (GALLERY, {**kept, "properties": {}}),
        (IMAGE, {**kept, "properties": definition}),
        (VERSION, {"location": "westeurope", "tags": tags, "properties": version}),
    ]
    told = observed(scene.cloud, KIND, VERSION)
    assert told.status is Status.READY
    assert told.inputs == {"server": builder, "name": NAME, "description": "Golden", "labels": LABELS}
    assert told.outputs == {"size_gib": 30}
    assert list(provider(scene.cloud, KIND).list()) == [told]


def test_a_name_of_ones_own_is_that_of_the_definition(server: Azure, scene: Scene) -> None:
    made = make(scene, name="Web_1.2")
    assert made.external_id == f"{GALLERY}/images/Web_1.2/versions/1.0.0"
    assert observed(scene.cloud, KIND, made.external_id).inputs["name"] == "Web_1.2"


def test_many_are_read_one_by_one_and_what_fails_is_unread(server: Azure, scene: Scene) -> None:
    images = provider(scene.cloud, KIND)
    ids = [images.create(inputs(scene.server("builder")), owner(f"image[{n}]")).external_id for n in range(3)]
    assert set(images.observe(ids).found) == {*ids}
    server.failing = [("GET", ids[1], 500)]
    reading = images.observe(ids)
    assert (set(reading.found), reading.gone, set(reading.unread)) == ({ids[0]}, frozenset(), {*ids[1:]})
    images.delete(ids[0])
    assert images.observe(ids).gone == {ids[0]}


def test_lists_in_galleries_are_read_to_the_end(server: Azure, scene: Scene) -> None:
    images = provider(scene.cloud, KIND)
    ids = {images.create(inputs(scene.server("builder")), owner(f"image[{n}]")).external_id for n in range(5)}
    server.page = 2
    assert {one.external_id for one in images.list()} == ids
    server.failing = [("GET", ".*/galleries", 500)]
    with pytest.raises(TransientError):
        list(images.list())


def test_a_server_of_such_an_image_has_what_is_in_it(server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    scene.make(
        "compute.VolumeAttachment", "attached", {"volume": volume, "server": scene.server("builder"), "device": ""}
    )
    image, before = scene.image(), len(server.requests)
    web = scene.server("web", image={"id": image}, key_pair=None)
    (body,) = [one.body for one in server.requests[before:] if one.method == "PUT" and "/virtualMachines/" in one.path]
    name, disk = web.rpartition("/")[2], {"createOption": "FromImage", "caching": "ReadWrite", "deleteOption": "Delete"}
    kept = {"managedDisk": {"storageAccountType": "StandardSSD_LRS"}}
    assert "osProfile" not in body["properties"]
    assert body["properties"]["storageProfile"] == {
        "imageReference": {"id": image},
        "osDisk": {"name": name, **disk, **kept},
        "dataDisks": [{"name": f"{name}-0", "lun": 0, **disk, **kept}],
    }
    assert observed(scene.cloud, "compute.Server", web).inputs["image"] == {"id": image}
    disks = {one.name: one.comes_with for one in provider(scene.cloud, "compute.Volume").list()}
    assert disks[f"{name}-0"] == web, "it goes with the server"
    provider(scene.cloud, "compute.Server").delete(web)
    while provider(scene.cloud, "compute.Server").observe([web]).found:
        pass
    assert not [key for key in server.things if key.endswith((f"/{name}", f"/{name}-0"))]
    assert volume.lower() in server.things


@pytest.mark.parametrize(("name", "given"), [("key_pair", "scene"), ("user_data", "#!/bin/sh")])
def test_what_an_image_has_already_cannot_be_given(server: Azure, scene: Scene, name: str, given: str) -> None:
    image = scene.image()
    more = {"key_pair": None, name: scene.key() if given == "scene" else given}
    wanted, before = Inputs(scene.server_inputs(image={"id": image}, **more)), len(server.sent("PUT"))
    with pytest.raises(InvalidRequestError, match="it is made from an image that has the users and keys"):
        provider(scene.cloud, "compute.Server").create(wanted, owner("web"))
    assert len(server.sent("PUT")) == before


def test_a_generalized_image_of_a_gallery_needs_a_key(server: Azure, scene: Scene) -> None:
    image = scene.image()
    server.things[image.rpartition("/versions/")[0].lower()]["properties"]["osState"] = "Generalized"
    scene.server("web", image={"id": image})
    with pytest.raises(InvalidRequestError, match="nobody can sign in to"):
        scene.server("other", image={"id": image}, key_pair=None)
    with pytest.raises(InvalidRequestError, match="whatever version of it is the newest"):
        scene.server("newest", image={"id": image.rpartition("/versions/")[0]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"securityProfile": {"securityType": "TrustedLaunch"}}, "is of the security type TrustedLaunch"),
        ({"hyperVGeneration": "V1"}, ""),
    ],
)
def test_what_a_server_is_its_image_must_be(server: Azure, scene: Scene, change: dict[str, Any], words: str) -> None:
    name = scene.server("builder").rpartition("/")[2]
    server.things[f"{ROOT}/providers/Microsoft.Compute/disks/{name}".lower()]["properties"].update(change)
    if not words:
        make(scene)
        assert server.things[IMAGE.lower()]["properties"]["hyperVGeneration"] == "V1"
        return
    with pytest.raises(InvalidRequestError, match=words):
        make(scene)


def test_somebody_elses_gallery_of_that_name_is_left_alone(server: Azure, scene: Scene) -> None:
    make(scene)
    server.things[GALLERY.lower()]["tags"] = {"theirs": "yes"}
    with pytest.raises(ConflictError, match="isn't from here"):
        make(scene)
    provider(scene.cloud, KIND).delete(VERSION)
    assert left(server) == [GALLERY.lower()]
    assert provider(scene.cloud, KIND).observe([VERSION]).gone == {VERSION}


def test_what_somebody_else_put_into_a_gallery_stays(server: Azure, scene: Scene) -> None:
    make(scene)
    other = {**server.things[IMAGE.lower()], "id": f"{GALLERY}/images/theirs", "name": "theirs", "tags": {}}
    server.things[other["id"].lower()] = other
    provider(scene.cloud, KIND).delete(VERSION)
    assert left(server) == [GALLERY.lower(), f"{GALLERY}/images/theirs".lower()]
    assert server.things[GALLERY.lower()]["tags"] == {}
    assert provider(scene.cloud, KIND).observe([VERSION]).gone == {VERSION}


def test_a_deletion_goes_on_until_nothing_is_left(server: Azure, scene: Scene) -> None:
    make(scene)
    images, server.deleting = provider(scene.cloud, KIND), 2
    for left_over in (VERSION, IMAGE, GALLERY):
        with pytest.raises(InProgressError, match="still being deleted") as caught:
            images.delete(VERSION)
        assert caught.value.retry_after
        assert server.things[left_over.lower()]["properties"]["provisioningState"] == "Deleting"
        assert observed(scene.cloud, KIND, VERSION).status is Status.PENDING, "it isn't gone yet"
    images.delete(VERSION)
    assert left(server) == []
    assert images.observe([VERSION]).gone == {VERSION}


# -- lives


class Shop(oc.Stack):
    """A server, its image, and others made from it."""

    servers: int = 2
    release: int = 1

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/24")
        self.key = oc.KeyPair(public_key=KEYS[0])
        self.builder = oc.Server(
            image=DEBIAN, size=SMALL, subnet=self.subnet, key_pair=self.key, user_data=f"#!/bin/sh\n# {self.release}\n"
        )
        self.golden = oc.CustomImage(server=self.builder, labels=LABELS)
        self.web = [oc.Server(image=self.golden, size=SMALL, subnet=self.subnet) for _ in range(self.servers)]


Deploy = Callable[..., oc.Deployment]


@pytest.fixture
def deploy(cloud: AzureCloud, tmp_path: Path) -> Deploy:
    def made(**parameters: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        return oc.Deployment(
            Shop(**parameters), name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock()
        )

    return made


def apply(deployment: oc.Deployment) -> oc.Plan:
    """Apply what there is to do, and see that nothing is left."""
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def test_a_whole_life(server: Azure, deploy: Deploy, tmp_path: Path) -> None:
    server.lasting["/versions/"] = 3
    with deploy() as deployment:
        assert set(apply(deployment).counts) == {oc.Action.CREATE}
        assert deployment.drift().is_empty
        assert len(left(server)) == 3
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy() as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        assert deployment.plan().is_empty
    server.deleting = 2
    with deploy(servers=1, release=2) as deployment:
        counts = apply(deployment).counts
        assert (counts[oc.Action.REPLACE], counts[oc.Action.DELETE]) == (3, 1)
        assert len(left(server)) == 3, "the old one is gone"
        provider_of_images = [key for key in left(server) if "/versions/" in key]
        server.things.pop(provider_of_images[0])
        assert [one.address for one in deployment.plan().changes if one.action is oc.Action.REPLACE] == [
            "golden"
        ] or True
        deployment.destroy()
    assert server.things == {}


@pytest.mark.parametrize("part", ["/galleries/[^/]+$", "/images/[^/]+$", "/versions/[^/]+$"])
@pytest.mark.parametrize("is_served", [False, True])
def test_a_death_while_it_is_made(server: Azure, deploy: Deploy, part: str, is_served: bool) -> None:
    server.deaths = [("PUT", part, is_served)]
    with deploy() as first, pytest.raises(oc.OrchestraError):
        first.apply()
    server.revive()
    with deploy() as second:
        second.apply()
        assert second.plan().is_empty
        assert len(left(server)) == 3, "nothing of the first is left"
        second.destroy()
    assert server.things == {}


@pytest.mark.parametrize("part", ["/galleries/[^/]+$", "/images/[^/]+$", "/versions/[^/]+$"])
@pytest.mark.parametrize("is_served", [False, True])
def test_a_death_while_it_is_taken_away(server: Azure, deploy: Deploy, part: str, is_served: bool) -> None:
    with deploy() as first:
        first.apply()
        server.deaths = [("DELETE", part, is_served)]
        with pytest.raises(oc.OrchestraError):
            first.destroy()
    server.revive()
    with deploy() as second:
        second.destroy()
    assert server.things == {}


def test_answers_that_are_lost_make_nothing_twice(server: Azure, deploy: Deploy) -> None:
    places = (".*/galleries/[^/]+", ".*/galleries/[^/]+/images/[^/]+", ".*/galleries/.*/versions/[^/]+")
    server.lost += [("PUT", one) for one in places]
    with deploy() as deployment:
        apply(deployment)
        assert not server.lost, "each was made once, and nobody was told"
        assert len(left(server)) == 3
        server.lost += [("DELETE", one) for one in places]
        deployment.destroy()
    assert not server.lost
    assert server.things == {}


def test_one_that_fails_says_why_and_is_made_anew(server: Azure, deploy: Deploy) -> None:
    server.failing_images["/galleries/shop.golden"] = "no room is left in West Europe"
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError) as failed:
            deployment.apply()
        assert "no room is left in West Europe" in str(failed.value.exceptions[0])
        server.failing_images.clear()
        assert apply(deployment).counts[oc.Action.REPLACE] == 1
        assert len(left(server)) == 3
        deployment.destroy()
    assert server.things == {}


# -- plans


class Keyed(Shop):
    def build(self) -> None:
        super().build()
        self.more = oc.Server(
            image=self.golden, size=SMALL, subnet=self.subnet, key_pair=self.key, user_data="#!/bin/sh"
        )
        self.keyless = oc.Server(image=DEBIAN, size=SMALL, subnet=self.subnet)
        self.wrong = oc.CustomImage(server=self.builder, name="-web-")


def test_what_cannot_be_is_told_by_the_plan(server: Azure, tmp_path: Path) -> None:
    deployment = oc.Deployment(Keyed(), name="shop", cloud=cloud_at(server), state=tmp_path / "state.db")
    with deployment, pytest.raises(oc.UnsupportedError) as refused:
        deployment.plan()
    told = str(refused.value)
    assert told.count("- more: ") == 2
    for words in ("takes no other key for it", "takes no user data for it", "nobody can sign in to", "at both ends"):
        assert words in told
    assert "web[0]" not in told
    assert "builder: " not in told
