"""How lists are read: to their last page or not at all, and in one spelling."""

from __future__ import annotations

import pytest

import orchestra as oc
from orchestra.clouds import AzureCloud
from orchestra.contracts import Inputs
from orchestra.errors import InvalidRequestError, TransientError
from tests.clouds.azure.arm import AzureRefusal
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import Scene, observed, owner, provider


def test_every_page_is_read(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volumes = [scene.volume(f"disk[{n}]") for n in range(5)]
    server.page = 2
    reading = provider(cloud, "compute.Volume").observe(volumes)
    assert set(reading.found) == set(volumes), "although lists spell the resource group in capitals"
    assert len(server.sent("GET", ".*/disks")) == 3


def test_one_alone_is_not_listed(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    observed(cloud, "compute.Volume", volume)
    assert not server.sent("GET", ".*/disks")


def test_a_page_that_fails_leaves_the_rest_unread(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volumes = [scene.volume(f"disk[{n}]") for n in range(4)]
    server.page = 2
    server.failing += [("GET", ".*/disks", 500)]
    unread = provider(cloud, "compute.Volume").observe(volumes)
    assert (set(unread.unread), unread.gone) == (set(volumes), frozenset())


def test_a_list_that_goes_on_elsewhere_is_not_followed(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volumes = [scene.volume(f"disk[{n}]") for n in range(3)]
    server.page, server.elsewhere = 2, "http://127.0.0.1:9"
    reading = provider(cloud, "compute.Volume").observe(volumes)
    assert reading.gone == frozenset()
    (told,) = {str(one) for one in reading.unread.values()}
    assert "which isn't the endpoint" in told
    with pytest.raises(TransientError, match="isn't the endpoint"):
        list(provider(cloud, "compute.Volume").list())


def test_what_is_gone_is_gone_by_a_look_up(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    kept, gone = scene.volume("kept"), scene.volume("gone")
    provider(cloud, "compute.Volume").delete(gone)
    reading = provider(cloud, "compute.Volume").observe([kept, gone])
    assert (set(reading.found), reading.gone) == ({kept}, frozenset({gone}))
    assert [one.path for one in server.sent("GET", ".*/disks/.*")][-1] == gone


def test_without_the_resource_group_nothing_is_told_to_be_gone(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    server.has_group = False
    reading = provider(cloud, "compute.Volume").observe([volume])
    assert set(reading.unread) == {volume}
    with pytest.raises(InvalidRequestError, match="ResourceGroupNotFound"):
        provider(cloud, "compute.Volume").delete(volume)


def test_an_id_of_something_else_is_gone_without_a_call(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    before = len(server.requests)
    for one in ("i-123", "/subscriptions/x", volume):
        assert provider(cloud, "compute.Server").observe([one]).gone == {one}
    assert len(server.requests) == before


def test_many_servers_are_read_with_three_lists(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    servers = [scene.server(f"web[{n}]") for n in range(5)]
    before = len(server.requests)
    found = provider(cloud, "compute.Server").observe(servers).found
    assert len(server.requests) - before == 3
    assert len({one.outputs["public_ip"] for one in found.values()}) == 5


def test_a_machine_of_another_region_is_left_out_of_lists(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    web = scene.server()
    (machine,) = server.of("virtualMachines")
    machine["location"] = "westus"
    assert list(provider(cloud, "compute.Server").list()) == []
    assert web in provider(cloud, "compute.Server").observe([web]).found


def test_a_token_that_runs_out_is_renewed_once(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    server.tokens = {"another"}
    assert observed(cloud, "compute.Volume", volume)
    assert len(server.sent("POST", ".*/oauth2/token")) == 2
    server.refusing += [("GET", "/disks/", AzureRefusal(401, "InvalidAuthenticationToken"))] * 2
    with pytest.raises(oc.CredentialsError):
        provider(cloud, "compute.Volume").find(owner("disk"), Inputs({}))


def test_what_azure_says_to_wait_is_waited(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    volume = scene.volume()
    server.refusing += [("GET", "/disks/", AzureRefusal(429, "TooManyRequests", "The request rate is too high."))]
    server.retry_after = 17
    (told,) = provider(cloud, "compute.Volume").observe([volume]).unread.values()
    assert isinstance(told, oc.ThrottledError)
    assert (told.code, told.retry_after) == ("TooManyRequests", 17.0)
