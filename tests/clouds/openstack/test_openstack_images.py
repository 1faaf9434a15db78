"""Images of servers on glance: the contract, and what nova's habit of passing properties on must not lead to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds.families.openstack import OpenStackCloud
from orchestra.clouds.families.openstack.identity import Identity
from orchestra.contracts import Inputs, Provider, Status
from orchestra.errors import NotFoundError, TransientError
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from orchestra.testing.rules import RULES
from tests.clouds.openstack.glance import Glance
from tests.clouds.openstack.scenarios import LABELS, Scene, cloud_at, owner

KIND = "compute.CustomImage"
DEBIAN = {"os": "debian", "version": "12"}


@pytest.fixture
def glance() -> Iterator[Glance]:
    made = Glance()
    with made.running():
        yield made


@pytest.fixture
def cloud(glance: Glance, monkeypatch: pytest.MonkeyPatch) -> OpenStackCloud:
    monkeypatch.setattr(Identity, "_signed_in", lambda _: glance.token())
    return cloud_at(f"{glance.endpoint}/v3")


@pytest.fixture
def images(cloud: OpenStackCloud) -> Provider:
    found = cloud.provider(KIND)
    assert found is not None
    return found


@pytest.fixture
def debian(glance: Glance) -> str:
    return next(iter(glance.images))


def wishes(server: str, **other: Any) -> dict[str, Any]:
    return {"server": server, "name": None, "description": "", "labels": LABELS, **other}


def test_it_keeps_the_contract(glance: Glance, images: Provider, debian: str) -> None:
    server = glance.serve(debian)
    case = ProviderCase(
        make=lambda _: oc.CustomImage(server=server, description="kept", labels=LABELS),
        changes={"labels": {"env": "prod", "new~/": "x"}},
    )
    named = ProviderCase(make=lambda number: oc.CustomImage(server=server, name=f"golden-{number}"))
    checked = check_provider(lambda: images, [case, named], clock=VirtualClock())
    assert checked.rules == tuple(rule.name for rule in RULES if not rule.needs)
    assert not glance.own()


def test_whose_it_is_goes_into_the_creating_request(glance: Glance, images: Provider, debian: str) -> None:
    server = glance.serve(debian)
    made = images.create(Inputs(wishes(server)), owner("golden"))
    assert (made.status, made.ownership) == (Status.PENDING, owner("golden"))
    [sent] = glance.sent("POST")
    metadata = sent.body["createImage"]["metadata"]
    assert metadata.items() >= owner("golden").tags().items()
    assert sent.body["createImage"]["name"] == owner("golden").name(255)
    assert glance.images[made.external_id]["owner"] == "p-1", "a label called owner is no owner of glance's"
    told = images.observe([made.external_id]).found[made.external_id]
    assert told.inputs == {"server": server, "name": owner("golden").name(255), "description": "", "labels": LABELS}
    assert told.outputs == {"size_gib": 5}


def test_a_lost_reply_is_found_on_whichever_page_it_is(glance: Glance, images: Provider, debian: str) -> None:
    server = glance.serve(debian)
    for number in range(7):
        images.create(Inputs(wishes(server)), owner(f"other[{number}]"))
    glance.lost.append(("POST", "/servers/.*"))
    with pytest.raises(TransientError):
        images.create(Inputs(wishes(server)), owner("golden"))
    found = images.find(owner("golden"), Inputs(wishes(server)))
    assert found is not None
    assert images.create(Inputs(wishes(server)), owner("golden")).external_id == found.external_id
    assert len(glance.own()) == 8
    assert len(list(images.list())) == 8
    assert images.observe([*glance.own()]).gone == frozenset()


def test_what_nova_passes_on_is_not_taken_for_ours(glance: Glance, images: Provider, debian: str) -> None:
    golden = images.create(Inputs(wishes(glance.serve(debian))), owner("golden")).external_id
    web = glance.serve(golden)
    by_hand = glance.add(**{**glance.images[golden], "name": "by hand", "instance_uuid": web})
    later = images.create(Inputs(wishes(web, labels={"env": "prod"})), owner("later")).external_id
    told = images.observe([golden, by_hand, later]).found
    assert [told[one].ownership for one in (golden, by_hand, later)] == [owner("golden"), None, owner("later")]
    assert told[by_hand].inputs["server"] == web
    assert told[later].inputs["labels"] == {"env": "prod"}, "labels of the image before it aren't its own"
    found = images.find(owner("golden"), Inputs(wishes("x")))
    assert found is not None
    assert found.external_id == golden


def test_no_image_of_a_server_is_chosen_for_a_system(
    glance: Glance, cloud: OpenStackCloud, images: Provider, debian: str
) -> None:
    made = images.create(Inputs(wishes(glance.serve(debian))), owner("golden")).external_id
    assert (glance.images[made]["os_distro"], glance.images[made]["os_version"]) == ("debian", "12")
    servers = cloud.provider("compute.Server")
    assert servers is not None
    assert servers.choose("image", DEBIAN) == debian
    assert servers.choose("image", {"id": made}) == made


def test_it_is_waited_for(glance: Glance, cloud: OpenStackCloud, debian: str) -> None:
    glance.states = ["queued", "saving"]
    scene = Scene(cloud, VirtualClock())
    made = scene.create(KIND, "golden", **wishes(glance.serve(debian)))
    assert scene.ready(KIND, made).status is Status.READY


def test_one_that_nova_began_and_left_is_made_anew(glance: Glance, images: Provider, debian: str) -> None:
    server, glance.races = glance.serve(debian), 1
    with pytest.raises(TransientError):
        images.create(Inputs(wishes(server)), owner("golden"))
    [left] = glance.own()
    told = images.observe([left]).found[left]
    assert (told.status, told.detail) == (Status.FAILED, "its server isn't at it")
    made = images.create(Inputs(wishes(server)), owner("golden"))
    assert [*glance.own()] == [made.external_id] != [left]
    assert images.observe([made.external_id]).found[made.external_id].status is Status.READY


def test_while_another_image_is_made_of_the_server_it_cannot_be_told(
    glance: Glance, images: Provider, debian: str
) -> None:
    server, glance.states = glance.serve(debian), ["queued", "saving"]
    other = images.create(Inputs(wishes(server)), owner("other")).external_id
    glance.races = 1
    for _ in range(2):
        with pytest.raises(TransientError):
            images.create(Inputs(wishes(server)), owner("golden"))
    assert len(glance.own()) == 2
    for _ in range(3):
        told = images.observe([other]).found[other]
    assert told.status is Status.READY
    made = images.create(Inputs(wishes(server)), owner("golden")).external_id
    assert set(glance.own()) == {other, made}


def test_one_whose_server_is_gone_before_it_was_made_has_failed(glance: Glance, images: Provider, debian: str) -> None:
    server, glance.states = glance.serve(debian), ["queued"]
    made = images.create(Inputs(wishes(server)), owner("golden")).external_id
    del glance.servers[server]
    glance.left.add(made)
    assert images.observe([made]).found[made].status is Status.FAILED


def test_one_under_way_is_taken_for_that(glance: Glance, images: Provider, debian: str) -> None:
    server, glance.states = glance.serve(debian), ["queued", "saving", "importing"]
    made = images.create(Inputs(wishes(server)), owner("golden")).external_id
    assert images.create(Inputs(wishes(server)), owner("golden")).external_id == made
    assert len(glance.own()) == 1


@pytest.mark.parametrize(
    ("state", "status"),
    [("deactivated", Status.READY), ("killed", Status.FAILED), ("importing", Status.PENDING)],
)
def test_states_are_told(glance: Glance, images: Provider, debian: str, state: str, status: Status) -> None:
    made = images.create(Inputs(wishes(glance.serve(debian))), owner("golden")).external_id
    glance.images[made]["status"] = state
    told = images.observe([made]).found[made]
    assert (told.status, told.detail) == (status, state)


def test_one_that_is_being_deleted_is_gone(glance: Glance, images: Provider, debian: str) -> None:
    made = images.create(Inputs(wishes(glance.serve(debian))), owner("golden")).external_id
    glance.images[made]["status"] = "pending_delete"
    assert images.observe([made]).gone == {made}


def test_the_snapshots_of_one_made_up_of_disks_go_first(glance: Glance, images: Provider, debian: str) -> None:
    made = images.create(Inputs(wishes(glance.serve(debian))), owner("golden")).external_id
    disks = [
        {"boot_index": 0, "snapshot_id": "snap-1", "volume_size": 7},
        {"boot_index": None, "snapshot_id": "snap-2", "volume_size": 9},
        {"boot_index": None, "no_device": True},
    ]
    glance.images[made].update(block_device_mapping=json.dumps(disks), min_disk=0)
    glance.snapshots = {"snap-2"}  # the other went in an earlier attempt
    assert images.observe([made]).found[made].outputs == {"size_gib": 7}
    images.delete(made)
    assert (glance.snapshots, dict(glance.own())) == (set(), {})
    assert [one.path for one in glance.sent("DELETE")] == [
        "/snapshots/snap-1",
        "/snapshots/snap-2",
        f"/v2/images/{made}",
    ]


def test_a_refusal_is_told(images: Provider) -> None:
    with pytest.raises(NotFoundError, match="Instance could not be found"):
        images.create(Inputs(wishes("nowhere")), owner("golden"))


def test_a_list_that_fails_is_no_sign_that_anything_is_gone(glance: Glance, images: Provider, debian: str) -> None:
    made = [images.create(Inputs(wishes(glance.serve(debian))), owner(f"g[{n}]")).external_id for n in range(5)]
    glance.failing.append(("GET", "/v2/images", 503))
    reading = images.observe(made)
    assert (set(reading.unread), reading.gone) == (set(made), frozenset())
