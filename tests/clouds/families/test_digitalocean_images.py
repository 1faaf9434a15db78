"""Images of droplets: an action makes one and tells nothing of it, so none is made twice and none is missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Inputs, Status
from orchestra.errors import InProgressError, InvalidRequestError
from orchestra.testing import VirtualClock
from tests.clouds.families.digitalocean import REGION, DigitalOcean
from tests.clouds.families.scenery import Family, create, family_of, owner, provider, server_inputs
from tests.clouds.families.test_life import Golden

KIND = "compute.CustomImage"
FAMILY = family_of("digitalocean")


@pytest.fixture
def family() -> Family:
    return family_of("digitalocean")


@pytest.fixture
def droplet(cloud: FamilyCloud) -> str:
    return create(cloud, "compute.Server", "builder", server_inputs(FAMILY, cloud))


def wanted(droplet: str) -> Inputs:
    return Inputs({"server": droplet, "name": None, "description": "", "labels": {}})


def copies(server: DigitalOcean) -> list[Any]:
    return [one.body for one in server.sent("POST", "/v2/droplets/[^/]+/actions")]


def test_its_name_is_in_the_request(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    made = provider(cloud, KIND).create(wanted(droplet), owner("golden"))
    assert copies(server) == [{"type": "snapshot", "name": f"prod:golden:{owner('golden').token}"}]
    assert (made.status, made.ownership, made.outputs) == (Status.READY, owner("golden"), {"size_gib": 20})
    assert [one.external_id for one in provider(cloud, KIND).list()] == [made.external_id]


def test_while_it_is_being_made_nobody_says_that_there_is_none(
    cloud: FamilyCloud, server: DigitalOcean, droplet: str
) -> None:
    images, server.copies_for = provider(cloud, KIND), 2
    with pytest.raises(InProgressError, match=f"droplet {droplet} has an action under way: snapshot") as early:
        images.create(wanted(droplet), owner("golden"))
    assert early.value.retry_after == 30.0
    with pytest.raises(InProgressError):
        images.find(owner("golden"), wanted(droplet))
    made = images.create(wanted(droplet), owner("golden"))
    assert len(copies(server)) == 1
    assert images.find(owner("golden"), wanted(droplet)) == made


def test_one_thing_is_done_to_a_droplet_at_a_time(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    images, server.copies_for = provider(cloud, KIND), 5
    with pytest.raises(InProgressError):
        images.create(wanted(droplet), owner("golden"))
    server.failing.append(("GET", f"/v2/droplets/{droplet}/actions", 404))  # as if it had begun right after the look
    with pytest.raises(InProgressError):
        images.create(wanted(droplet), owner("silver"))
    assert [one["name"].split(":")[1] for one in copies(server)] == ["golden", "silver"]
    assert len(server.actions[droplet]) == 1


def test_what_digitalocean_calls_wrong_is_told_so(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    server.failing.append(("POST", f"/v2/droplets/{droplet}/actions", 422))
    with pytest.raises(InvalidRequestError, match="refused for a test"):
        provider(cloud, KIND).create(wanted(droplet), owner("golden"))


def test_it_is_found_when_its_droplet_is_gone(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    made = provider(cloud, KIND).create(wanted(droplet), owner("golden"))
    provider(cloud, "compute.Server").delete(droplet)
    found = provider(cloud, KIND).find(owner("golden"), wanted(droplet))
    assert found is not None
    assert found.external_id == made.external_id


def test_backups_uploads_and_images_elsewhere_are_none(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    made = provider(cloud, KIND).create(wanted(droplet), owner("golden"))
    form = server.images[made.external_id]
    server.images.update(
        {
            "2": {**form, "id": 2, "type": "backup"},
            "3": {**form, "id": 3, "type": "custom"},
            "4": {**form, "id": 4, "regions": ["lon1"]},
            "5": {**form, "id": 5, "status": "deleted"},
            "6": {**form, "id": 6, "regions": ["lon1", REGION], "status": "pending"},
        }
    )
    told = {one.external_id: one.status for one in provider(cloud, KIND).list()}
    assert told == {made.external_id: Status.READY, "6": Status.PENDING}


def test_one_that_takes_long_is_waited_for(server: DigitalOcean, cloud: FamilyCloud, tmp_path: Path) -> None:
    server.copies_for, clock = 40, VirtualClock()
    with oc.Deployment(
        Golden(family=FAMILY), name="shop", cloud=cloud, state=tmp_path / "state.db", progress=False, clock=clock
    ) as deployment:
        began = clock.monotonic()
        deployment.apply()
        assert clock.monotonic() - began > 15 * 60
        assert deployment.plan().is_empty
    assert len(copies(server)) == 1


def test_a_run_that_died_meanwhile_is_gone_on_with(server: DigitalOcean, cloud: FamilyCloud, tmp_path: Path) -> None:
    def deployed() -> oc.Deployment:
        stack = Golden(family=FAMILY, create_timeout=100.0)
        return oc.Deployment(
            stack, name="shop", cloud=cloud, state=tmp_path / "state.db", progress=False, clock=VirtualClock()
        )

    server.copies_for = 12
    with deployed() as deployment, pytest.raises(oc.ApplyError) as failed:
        deployment.apply()
    assert {type(one) for one in failed.value.exceptions} == {oc.NotReadyError}
    with deployed() as deployment:
        with pytest.raises(InProgressError):
            deployment.plan()  # what that run had begun isn't known yet
        server.copies_for = 0
        for actions in server.actions.values():
            for one in actions.values():
                one["left"] = 0
        deployment.apply()
        assert deployment.plan().is_empty
    assert (len(copies(server)), len(server.images)) == (1, 1)
