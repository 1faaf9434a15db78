"""Images made of servers: what is told of them, when, and what depends on them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.common.exceptions import BaseHTTPError

from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.translate import translate
from orchestra.errors import ChoiceError, NotFoundError, QuotaError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.simulated.scenery import build_site, image, size

MakeCloud = Callable[..., SimulatedCloud]


def test_an_image_outlives_its_server_and_its_servers_outlive_it(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    site = build_site(cloud)
    made = driver.create_image(site.server, "golden", "with nginx", ex_tags={"team": "a"})
    driver.destroy_node(site.server)
    told = driver.get_image(made.id)
    assert (told.name, told.extra) == (
        "golden",
        {
            "status": "available",
            "server": site.server.id,
            "size": 20,
            "description": "with nginx",
            "tags": {"team": "a"},
        },
    )
    assert [one.id for one in driver.ex_list_custom_images()] == [made.id]
    assert made.id not in [one.id for one in driver.list_images()]
    node = driver.create_node("two", size(driver), made, ex_subnet=site.subnet.id)
    assert driver.delete_image(made)
    assert driver.ex_get_node(str(node.id)).extra["image"] == made.id
    assert "compute.CustomImage" not in cloud.inventory()


def test_a_token_makes_one_image_and_a_name_is_free_again_once_it_is_gone(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    site = build_site(cloud)
    first, second = (driver.create_image(site.server, "golden", ex_token="t") for _ in range(2))
    assert first.id == second.id
    assert [one.id for one in driver.ex_list_custom_images(ex_token="t")] == [first.id]
    driver.delete_image(first)
    assert driver.create_image(site.server, "golden").id != first.id


def test_no_image_is_made_of_a_server_that_is_booting(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(boot_seconds=30)
    driver = cloud.drivers.compute
    site = build_site(cloud)
    with pytest.raises(
        BaseHTTPError, match=r"IncorrectInstanceState: .* is pending: it must be running or stopped"
    ) as no:
        driver.create_image(site.server, "golden")
    assert isinstance(translate(no.value), TransientError)
    clock.advance(30)
    driver.stop_node(site.server)
    clock.advance(30)
    assert driver.create_image(site.server, "golden").extra["status"] == "pending"


def test_no_server_is_made_from_an_image_before_it_is_there(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(boot_seconds=30)
    driver = cloud.drivers.compute
    site = build_site(cloud)
    clock.advance(30)
    made = driver.create_image(site.server, "golden")
    with pytest.raises(BaseHTTPError, match=r"InvalidAMIID.Unavailable: .* is pending") as no:
        driver.create_node("two", size(driver), made, ex_subnet=site.subnet.id)
    assert isinstance(translate(no.value), NotFoundError)
    clock.advance(30)
    driver.create_node("two", size(driver), made, ex_subnet=site.subnet.id)


def test_a_list_of_images_lags_behind(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(consistency_seconds=10, look_up_seconds=5)
    driver = cloud.drivers.compute
    site = build_site(cloud)
    clock.advance(10)
    made = driver.create_image(site.server, "golden")
    with pytest.raises(BaseHTTPError, match=r"InvalidAMIID\.NotFound"):
        driver.get_image(made.id)
    clock.advance(5)
    assert driver.get_image(made.id).id == made.id
    assert driver.ex_list_custom_images() == []
    clock.advance(5)
    assert [one.id for one in driver.ex_list_custom_images()] == [made.id]


def test_images_have_a_quota(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(quotas={"compute.CustomImage": 1})
    driver = cloud.drivers.compute
    site = build_site(cloud)
    driver.create_image(site.server, "one")
    with pytest.raises(BaseHTTPError, match="ImageLimitExceeded: the limit of 1 for images is reached") as no:
        driver.create_image(site.server, "two")
    assert isinstance(translate(no.value), QuotaError)


def test_a_server_may_name_an_image_by_its_id(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    made = driver.create_image(build_site(cloud).server, "golden")
    servers = cloud.provider("compute.Server")
    assert servers is not None
    assert servers.choose("image", {"id": made.id}) == made.id
    assert servers.choose("image", {"id": image(driver).id}) == image(driver).id
    with pytest.raises(ChoiceError, match="has no image 'image-none'"):
        servers.choose("image", {"id": "image-none"})
