"""Reserved addresses: nothing on one says whose it is but the droplet that it leads to, so it is found by that."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Inputs, Status
from orchestra.errors import ConflictError, InProgressError
from orchestra.testing import VirtualClock
from tests.clouds.families.digitalocean import DigitalOcean
from tests.clouds.families.scenery import Family, change, create, family_of, owner, provider, server_inputs

KIND = "compute.FloatingIp"
FAMILY = family_of("digitalocean")


@pytest.fixture
def family() -> Family:
    return family_of("digitalocean")


@pytest.fixture
def droplet(cloud: FamilyCloud) -> str:
    return create(cloud, "compute.Server", "web", server_inputs(FAMILY, cloud))


def wanted(droplet: str | None) -> Inputs:
    return Inputs({"server": droplet, "labels": {}})


def test_it_is_made_with_its_droplet_and_leads_to_another(
    cloud: FamilyCloud, server: DigitalOcean, droplet: str
) -> None:
    addresses = provider(cloud, KIND)
    other = create(cloud, "compute.Server", "other", server_inputs(FAMILY, cloud))
    made = addresses.create(wanted(droplet), owner("address"))
    assert (made.status, made.inputs, made.outputs) == (Status.PENDING, {}, {"address": made.external_id})
    told = addresses.observe([made.external_id]).found[made.external_id]
    assert (told.status, told.inputs) == (Status.READY, {"server": droplet})
    change(cloud, KIND, made.external_id, wanted(droplet).values, server=other)
    change(cloud, KIND, made.external_id, wanted(other).values, server=None)
    actions = server.sent("POST", "/v2/reserved_ips.*")
    assert [(one.path.removeprefix("/v2/reserved_ips"), one.body) for one in actions] == [
        ("", {"droplet_id": int(droplet)}),
        (f"/{made.external_id}/actions", {"type": "assign", "droplet_id": int(other)}),
        (f"/{made.external_id}/actions", {"type": "unassign"}),
    ]
    assert server.addresses[made.external_id]["droplet"] is None


def test_while_nobody_tells_where_one_leads_none_is_made(
    cloud: FamilyCloud, server: DigitalOcean, droplet: str
) -> None:
    addresses = provider(cloud, KIND)
    server.lost.append(("POST", "/v2/reserved_ips"))
    server.assigns_for = 3
    with pytest.raises(oc.TransientError):
        addresses.create(wanted(droplet), owner("address"))
    for ask in (addresses.create, lambda inputs, whose: addresses.find(whose, inputs)):
        with pytest.raises(InProgressError, match=r"to which server .* will lead isn't told yet") as early:
            ask(wanted(droplet), owner("address"))
        assert early.value.retry_after == 5.0
    server.assigns_for = 0
    found = addresses.find(owner("address"), wanted(droplet))
    assert found is not None
    assert found.inputs == {"server": droplet}
    assert len(server.addresses) == 1


def test_a_droplet_that_has_one_gets_no_other(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    made = create(cloud, KIND, "address", wanted(droplet).values)
    with pytest.raises(ConflictError, match=f"server {droplet} has the floating address {made} already"):
        provider(cloud, KIND).create(wanted(droplet), owner("another"))
    assert len(server.sent("POST", "/v2/reserved_ips")) == 1


def test_one_to_which_something_is_done_is_left_alone_meanwhile(
    cloud: FamilyCloud, server: DigitalOcean, droplet: str
) -> None:
    made = create(cloud, KIND, "address", wanted(droplet).values)
    server.assigns_for = 2
    with pytest.raises(InProgressError):
        change(cloud, KIND, made, wanted(droplet).values, server=None)
    with pytest.raises(InProgressError):
        provider(cloud, KIND).delete(made)
    server.assigns_for = 0
    provider(cloud, KIND).delete(made)
    assert not server.addresses


def test_those_of_other_regions_are_none(cloud: FamilyCloud, server: DigitalOcean, droplet: str) -> None:
    made = create(cloud, KIND, "address", wanted(droplet).values)
    provider(cloud, KIND).observe([made])
    form = server.addresses[made]
    server.addresses["2"] = {**form, "ip": "2", "region": {**form["region"], "slug": "lon1"}}
    assert [one.external_id for one in provider(cloud, KIND).list()] == [made]


class Site(oc.Stack):
    """A server behind an address that stays."""

    number: int = 1
    server: bool = True

    def build(self) -> None:
        self.web = FAMILY.server(lifecycle=oc.Lifecycle(replace_on=[str(self.number)]))
        self.address = oc.FloatingIp(server=self.web if self.server else None)


def test_it_stays_when_its_server_is_replaced(cloud: FamilyCloud, server: DigitalOcean, tmp_path: Path) -> None:
    def deployed(number: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        return oc.Deployment(
            Site(number=number), name="site", cloud=cloud, state=state, progress=False, clock=VirtualClock()
        )

    server.lost.append(("POST", "/v2/reserved_ips"))
    server.assigns_for = 6
    with deployed(1) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        before = set(server.addresses)
    with deployed(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert set(server.addresses) == before
        (droplet,) = server.droplets
        assert [str(one["droplet"]["id"]) for one in server.addresses.values()] == [droplet]
        deployment.destroy()
    assert (server.addresses, server.droplets) == ({}, {})


def test_without_a_server_there_is_none(cloud: FamilyCloud) -> None:
    with (
        oc.Deployment(Site(server=False), name="site", cloud=cloud, state=":memory:", progress=False) as deployment,
        pytest.raises(oc.errors.UnsupportedError, match="without server: an address carries nothing that says"),
    ):
        deployment.plan()
