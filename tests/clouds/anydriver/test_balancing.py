"""Load balancing drivers without a family: which are served, and Brightbox's balancers with their addresses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.clouds.families.libcloud.balancing.drivers import BALANCED, REFUSED
from orchestra.clouds.families.libcloud.services import providers
from orchestra.contracts import Inputs, Observation, Status
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds.anydriver.brightbox import CLIENT, SECRET, SERVERS, Brightbox
from tests.clouds.families.scenery import change, owner, provider

KIND = "balancing.LoadBalancer"
WANTED: Mapping[str, Any] = {
    "port": 443,
    "protocol": "tcp",
    "member_port": 8443,
    "members": [SERVERS[1], SERVERS[0]],
    "subnets": [],
    "firewalls": [],
    "labels": {},
    "health_check": None,
}
CHECK = {
    "type": "tcp",
    "port": 8443,
    "request": "/",
    "interval": 30000,
    "timeout": 5000,
    "threshold_up": 3,
    "threshold_down": 2,
}
CREATIONS = ("/1.0/load_balancers", "/1.0/cloud_ips", "/1.0/cloud_ips/[^/]+/map")


@pytest.fixture
def server() -> Iterator[Brightbox]:
    server = Brightbox()
    with server.running():
        yield server


def made(server: Brightbox, secret: str = SECRET) -> LibcloudCloud:
    return libcloud("brightbox", service="balancing", key=CLIENT, secret=secret, endpoint=server.endpoint)


@pytest.fixture
def cloud(server: Brightbox) -> LibcloudCloud:
    return made(server)


def seen_through(call: Callable[[], Any]) -> Any:
    for _ in range(20):
        with contextlib.suppress(oc.InProgressError):
            return call()
    raise AssertionError("it never ends")


def create(cloud: LibcloudCloud, **more: Any) -> Observation:
    wanted = Inputs({**WANTED, **more})
    found: Observation = seen_through(lambda: provider(cloud, KIND).create(wanted, owner("web[0]")))
    return found


# -- which are served


def test_every_driver_of_libclouds_is_served_or_refused_with_a_reason() -> None:
    assert not BALANCED.keys() & REFUSED.keys()
    assert {*BALANCED, *REFUSED} == set(providers("balancing"))
    assert all(REFUSED.values())


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_those_that_are_not_served_say_why(name: str) -> None:
    with pytest.raises(oc.InvalidRequestError) as caught:
        libcloud(name, service="balancing", key="made-up")
    assert str(caught.value) == (
        f"libcloud(): balancing of {name} isn't served: {REFUSED[name]}\n  to do: use one of brightbox"
    )


def test_what_it_can_do_is_told() -> None:
    ability = oc.clouds.capabilities()["libcloud:brightbox"][KIND]
    assert set(ability.unsupported) == {"subnets", "firewalls", "labels"}
    assert ability.found_key == "the name, with the token in it"
    assert not ability.required


# -- the contract


def test_providers_keep_the_contract(server: Brightbox) -> None:
    check = oc.HealthCheck(protocol="http", port=8080, path="/health", interval=10)
    case = ProviderCase(
        make=lambda _: oc.LoadBalancer(port=80, members=SERVERS[:1], member_port=8080),
        changes={"members": SERVERS[2:4], "health_check": check},
        copies=4,
    )
    clouds = [made(server) for _ in range(2)]
    checked = check_provider(
        lambda: provider(clouds[0], KIND),
        [case],
        unreachable=lambda: provider(made(server, "wrong"), KIND),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()
    assert not server.addresses, "each address went with its balancer"
    assert not server.listed()


# -- requests, to the letter


def test_it_is_made_with_its_name_and_an_address_of_the_same_name(cloud: LibcloudCloud, server: Brightbox) -> None:
    found = create(cloud)
    (balancer,), (address,) = server.balancers.values(), server.addresses.values()
    token = owner("web[0]").token
    name = balancer["name"]
    assert name.endswith(f":web_5b0_5d:{token}")
    (sent,) = server.sent("POST", "/1.0/load_balancers")
    assert sent.body == {
        "name": name,
        "policy": "round-robin",
        "listeners": [{"in": 443, "out": 8443, "protocol": "tcp"}],
        "healthcheck": CHECK,
        "nodes": [{"node": SERVERS[0]}, {"node": SERVERS[1]}],
    }
    assert [one.body for one in server.sent("POST", "/1.0/cloud_ips")] == [{"name": name}]
    (mapped,) = server.sent("POST", f"/1.0/cloud_ips/{address['id']}/map")
    assert mapped.body == {"destination": balancer["id"]}
    assert found.status is Status.READY
    assert found.outputs == {"address": address["public_ip"]}
    assert found.ownership == owner("web[0]")
    assert server.logins == 1, "one token for all of them"


def test_members_and_the_check_are_changed_in_place(cloud: LibcloudCloud, server: Brightbox) -> None:
    identity = create(cloud).external_id
    check = {"protocol": "http", "port": 80, "path": "/up", "interval": 10, "timeout": 3, "healthy": 4, "unhealthy": 5}
    told = change(cloud, KIND, identity, WANTED, members=[SERVERS[1], SERVERS[2]], health_check=check)
    place = f"/1.0/load_balancers/{identity}"
    assert [one.body for one in server.sent("POST", f"{place}/add_nodes")] == [{"nodes": [{"node": SERVERS[2]}]}]
    assert [one.body for one in server.sent("POST", f"{place}/remove_nodes")] == [{"nodes": [{"node": SERVERS[0]}]}]
    (sent,) = server.sent("PUT", place)
    assert sent.body == {
        "healthcheck": {
            "type": "http",
            "port": 80,
            "request": "/up",
            "interval": 10000,
            "timeout": 3000,
            "threshold_up": 4,
            "threshold_down": 5,
        }
    }
    assert told.inputs["members"] == [SERVERS[1], SERVERS[2]]
    assert told.inputs["health_check"] == check


def test_what_is_not_done_says_when_to_ask_again(cloud: LibcloudCloud, server: Brightbox) -> None:
    for what in ("is being made", "is being mapped"):
        with pytest.raises(oc.InProgressError, match=what) as waits:
            provider(cloud, KIND).create(Inputs(WANTED), owner("web[0]"))
        assert waits.value.retry_after == 2.0
    assert create(cloud).status is Status.READY


def test_the_address_goes_first_and_the_balancer_last(cloud: LibcloudCloud, server: Brightbox) -> None:
    identity = create(cloud).external_id
    (address,) = server.addresses
    server.requests.clear()
    seen_through(lambda: provider(cloud, KIND).delete(identity))
    changes = [(one.method, one.path) for one in server.requests if one.method != "GET"]
    assert changes[0] == ("POST", f"/1.0/cloud_ips/{address}/unmap")
    assert changes[-2:] == [("DELETE", f"/1.0/cloud_ips/{address}"), ("DELETE", f"/1.0/load_balancers/{identity}")]
    assert provider(cloud, KIND).observe([identity]).gone == {identity}


@pytest.mark.parametrize("pattern", CREATIONS)
def test_an_answer_that_is_lost_makes_nothing_twice(cloud: LibcloudCloud, server: Brightbox, pattern: str) -> None:
    server.lost.append(("POST", pattern))
    with pytest.raises(oc.TransientError, match="whether the call happened isn't known"):
        create(cloud)
    found = provider(cloud, KIND).find(owner("web[0]"), Inputs(WANTED))
    assert found is not None
    assert found.status is Status.PENDING, "creating it again finishes it"
    assert create(cloud).external_id == found.external_id
    assert (len(server.balancers), len(server.addresses)) == (1, 1)


@pytest.mark.parametrize("pattern", CREATIONS[1:])
def test_one_without_its_address_has_failed_where_it_is_recorded(
    cloud: LibcloudCloud, server: Brightbox, pattern: str
) -> None:
    server.failing.append(("POST", pattern, 422))
    with pytest.raises(oc.InvalidRequestError, match="refused for a test"):
        create(cloud)
    (identity,) = server.balancers
    half = provider(cloud, KIND).observe([identity]).found[identity]
    assert (half.status, half.detail) == (Status.FAILED, "without an address")
    seen_through(lambda: provider(cloud, KIND).delete(identity))
    assert not server.addresses, "also one that was acquired and never mapped"


def test_addresses_of_others_are_left_alone(cloud: LibcloudCloud, server: Brightbox) -> None:
    """A balancer that somebody made by hand has an address of the same name: it isn't ours to give back."""
    identity = create(cloud).external_id
    (address,) = server.addresses.values()
    server.balancers[identity]["name"] = address["name"] = "web"
    (told,) = provider(cloud, KIND).list()
    assert told.ownership is None
    assert told.outputs == {"address": address["public_ip"]}
    provider(cloud, KIND).delete(identity)
    assert list(server.addresses) == [address["id"]]
    assert not server.sent("POST", "/1.0/cloud_ips/[^/]+/unmap")


def test_a_name_without_room_for_whose_it_is_is_refused(cloud: LibcloudCloud, server: Brightbox) -> None:
    with pytest.raises(oc.InvalidRequestError, match="too long for Brightbox") as caught:
        provider(cloud, KIND).create(Inputs(WANTED), owner("x" * 230))
    assert not caught.value.sent
    assert not server.sent("POST", "/1.0/load_balancers")


def test_a_list_that_is_none_is_unread(cloud: LibcloudCloud, server: Brightbox) -> None:
    identity = create(cloud).external_id
    server.failing.append(("GET", "/1.0/load_balancers", 500))
    assert set(provider(cloud, KIND).observe([identity]).unread) == {identity}
    server.failing += [("GET", "/1.0/load_balancers", 404)]
    assert not provider(cloud, KIND).observe([identity]).gone


def test_wrong_credentials_are_told_and_not_shown(server: Brightbox) -> None:
    with pytest.raises(oc.CredentialsError) as refused:
        made(server, "wrong secret").verify()
    assert "wrong secret" not in f"{refused.value}{refused.value.__cause__}"
    made(server).verify()


def test_a_token_that_is_none_is_passing_trouble(server: Brightbox) -> None:
    server.failing.append(("POST", "/token/", 503))
    with pytest.raises(oc.TransientError, match="gave no token"):
        made(server).verify()


# -- whole lives


class Front(oc.Stack):
    """A balancer in front of servers that are there already."""

    members: int = 2
    path: str = "/"

    def build(self) -> None:
        check = oc.HealthCheck(protocol="http", port=8080, path=self.path)
        self.balancer = oc.LoadBalancer(
            port=80, protocol="http", member_port=8080, members=SERVERS[: self.members], health_check=check
        )
        self.url = oc.Output(f"http://{self.balancer.address}")


def deployed(cloud: oc.Cloud | LibcloudCloud, folder: Path, **parameters: Any) -> oc.Deployment:
    stack = Front(**parameters)
    return oc.Deployment(
        stack, name="shop", cloud=cloud, state=folder / "state.db", progress=False, clock=VirtualClock()
    )


def applied(deployment: oc.Deployment) -> Mapping[oc.Action, int]:
    plan = deployment.plan()
    deployment.apply(plan)
    assert deployment.plan().is_empty
    return plan.counts


def test_a_whole_life(cloud: LibcloudCloud, server: Brightbox, tmp_path: Path) -> None:
    server.lag = 12  # longer than a call that fails is tried again
    with deployed(cloud, tmp_path) as deployment:
        assert applied(deployment) == {oc.Action.CREATE: 1}
        (address,) = server.addresses.values()
        assert deployment.value(deployment.stack.url) == f"http://{address['public_ip']}"
        assert deployment.drift().is_empty
    for more in ({"members": 4}, {"members": 0}, {"members": 1, "path": "/health"}):
        with deployed(cloud, tmp_path, **more) as deployment:
            assert applied(deployment) == {oc.Action.UPDATE: 1}
    (identity,) = server.balancers
    server.balancers[identity]["nodes"].clear()
    with deployed(cloud, tmp_path, members=1, path="/health") as deployment:
        assert deployment.drift().counts == {oc.Action.READ: 1}
        applied(deployment)
        assert [one["id"] for one in server.balancers[identity]["nodes"]] == [SERVERS[0]]
        server.balancers[identity]["status"] = "deleted"
        server.addresses.clear()
        assert applied(deployment) == {oc.Action.CREATE: 1}
        deployment.destroy()
    assert not server.listed()
    assert not server.addresses


def test_a_life_in_which_every_answer_is_lost_once(cloud: LibcloudCloud, server: Brightbox, tmp_path: Path) -> None:
    server.lost += [("POST", one) for one in CREATIONS]
    with deployed(cloud, tmp_path) as deployment:
        applied(deployment)
        assert not server.lost
        assert (len(server.balancers), len(server.addresses)) == (1, 1)
        server.lost += [("POST", "/1.0/cloud_ips/[^/]+/unmap"), ("DELETE", "/1.0/cloud_ips/[^/]+")]
        server.lost += [("DELETE", "/1.0/load_balancers/[^/]+")]
        deployment.destroy()
    assert not server.listed()
    assert not server.addresses


def test_a_lost_state_is_rebuilt_from_the_cloud(cloud: LibcloudCloud, server: Brightbox, tmp_path: Path) -> None:
    with deployed(cloud, tmp_path) as deployment:
        applied(deployment)
    (tmp_path / "state.db").unlink()
    with deployed(cloud, tmp_path) as deployment:
        deployment.rebuild()
        assert [one.external_id for one in deployment.resources.values()] == list(server.balancers)
        assert deployment.plan().is_empty


def test_subnets_are_a_plan_error_that_names_who_has_them(cloud: LibcloudCloud, tmp_path: Path) -> None:
    class Placed(oc.Stack):
        def build(self) -> None:
            self.balancer = oc.LoadBalancer(port=80, subnets=["net-1"])

    with (
        oc.Deployment(Placed(), name="shop", cloud=cloud, state=tmp_path / "s.db", progress=False) as deployment,
        pytest.raises(oc.UnsupportedError, match=r"reaches servers by their ids.*oc\.clouds\.aws.*oc\.clouds\.gce"),
    ):
        deployment.plan()
