"""Ten thousand of a kind are read page by page, and no page that fails or is cut short makes any of them gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds import aws, docker, openstack
from orchestra.clouds.provider import LATE
from orchestra.contracts import Cloud
from orchestra.errors import CloudError, InProgressError, ThrottledError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.families.estates import MANY, REGIONAL, Estate, halved
from tests.clouds.families.imitation import Imitation, Request, Trouble
from tests.clouds.families.lists import DockerList, Ec2List, OpenStackLists
from tests.clouds.families.scenery import (
    FAMILIES,
    KEYS,
    Family,
    create,
    family_of,
    made_and_seen,
    server_inputs,
    volume_inputs,
)

CHANGING = {oc.Action.CREATE, oc.Action.DELETE, oc.Action.REPLACE}
SOME = 1_500
"""More than two pages everywhere."""


def of_family(name: str, kinds: Mapping[str, str], pages: int, **more: Any) -> Estate:
    found = family_of(name)
    return Estate(
        name=name,
        imitation=found.imitation,
        cloud=found.cloud,
        held=lambda server, kind: dict.__getitem__(vars(server), kinds[kind]),
        pages=pages,
        **more,
    )


def rows_of(answer: Any) -> str:
    """What the rows of an answer are called."""
    return next(name for name, value in answer.items() if isinstance(value, list))


ESTATES = (
    of_family(
        "digitalocean",
        {
            "compute.Server": "droplets",
            "compute.Volume": "volumes",
            "compute.KeyPair": "keys",
            "compute.Snapshot": "snapshots",
            "compute.CustomImage": "images",
            "compute.FloatingIp": "addresses",
        },
        MANY // 200,
        second=lambda request: request.query.get("page") == "2",
        cut=lambda answer: halved(answer, rows_of(answer), links={}),
    ),
    of_family(
        "linode",
        {
            "compute.Server": "servers",
            "compute.Volume": "volumes",
            "compute.KeyPair": "keys",
            "compute.CustomImage": "images",
        },
        MANY // 500,
        second=lambda request: request.query.get("page") == "2",
        cut=lambda answer: halved(answer, "data", pages=answer["page"]),
    ),
    of_family(
        "vultr",
        {
            "compute.Server": "servers",
            "compute.Volume": "volumes",
            "compute.KeyPair": "keys",
            "compute.CustomImage": "snapshots",
        },
        MANY // 500,
        second=lambda request: request.query.get("cursor") == "500",
        cut=lambda answer: halved(answer, rows_of(answer), meta={**answer["meta"], "links": {"next": "", "prev": ""}}),
    ),
    of_family(
        "scaleway",
        {
            "compute.Server": "servers",
            "compute.Volume": "volumes",
            "compute.KeyPair": "keys",
            "compute.Snapshot": "snapshots",
            "compute.CustomImage": "own_images",
        },
        MANY // 100,
        second=lambda request: request.query.get("page") == "2",
        cut=lambda answer: halved(answer, rows_of(answer)),
    ),
    of_family(
        "upcloud",
        {"compute.Server": "servers"},
        3,  # its lists have no pages: that of servers, that of addresses, that of disks
        second=lambda request: request.path == "/1.2/server",
        cut=lambda answer: {"servers": halved(answer["servers"], "server")},
        counts=False,
    ),
    Estate(
        name="aws",
        imitation=Ec2List,
        cloud=lambda server: aws(
            region="eu-west-1", access_key="AKIAMADEUP", secret_key="made-up", endpoint=server.endpoint
        ),
        held=lambda server, _: server.servers,
        pages=MANY // 200,  # as many ids as one filter takes
        second=lambda request: request.body.get("Filter.1.Value.1") == "i-1000199",
        cut=lambda answer: halved(answer, "items", after=None),
        counts=False,
    ),
    Estate(
        name="openstack",
        imitation=OpenStackLists,
        cloud=lambda server: openstack(
            endpoint=f"{server.endpoint}/identity/v3", username="tape", password="secret", project="tape"
        ),
        held=lambda server, _: server.servers,
        pages=2 * MANY // 1000 + 2,  # the servers, their ports, all floating addresses, the default group
        second=lambda request: "marker" in request.query and request.path.endswith("/servers/detail"),
        cut=lambda answer: halved(answer, "servers", servers_links=[]),
        counts=False,
    ),
    Estate(
        name="docker",
        imitation=DockerList,
        cloud=lambda server: docker(endpoint=server.endpoint.replace("http:", "tcp:")),
        held=lambda server, _: server.containers,
        pages=1,
        second=lambda request: request.path.endswith("/containers/json") and "filters" not in request.query,
        cut=lambda answer: answer[: len(answer) // 2],
        counts=False,
        kind="containers.Container",
    ),
    *REGIONAL,
)

TROUBLES: Mapping[str, Callable[[Estate], Trouble]] = {
    "an error": lambda estate: Trouble(of=estate.second, status=500),
    "too many": lambda estate: Trouble(of=estate.second, status=429),
    "a reset": lambda estate: Trouble(of=estate.second),
    "a cut": lambda estate: Trouble(of=estate.second, change=estate.cut),
}


@pytest.fixture(params=ESTATES, ids=lambda estate: estate.name)
def estate(request: pytest.FixtureRequest) -> Estate:
    found: Estate = request.param
    return found


@pytest.fixture
def server(estate: Estate) -> Iterator[Any]:
    server = estate.imitation()
    with server.running():
        yield server


@pytest.fixture
def cloud(estate: Estate, server: Imitation) -> Cloud:
    return estate.cloud(server)


def asked(server: Imitation, before: int) -> Sequence[Request]:
    """The requests since then, but those that sign in or greet."""
    return [one for one in server.requests[before:] if not one.path.endswith(("/auth/tokens", "/version", "/token"))]


def test_ten_thousand_take_as_many_requests_as_pages(estate: Estate, server: Any, cloud: Cloud) -> None:
    planted = estate.plant(server, cloud)
    before = len(server.requests)
    reading = estate.provider(cloud).observe(planted)
    assert len(planted) == MANY
    assert (len(reading.found), reading.gone, reading.unread) == (MANY, frozenset(), {})
    assert len(asked(server, before)) == estate.pages


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_a_page_should_have_told_is_unread(estate: Estate, server: Any, cloud: Cloud, trouble: str) -> None:
    planted = estate.plant(server, cloud, SOME)
    server.trouble = TROUBLES[trouble](estate)
    before = len(server.requests)
    reading = estate.provider(cloud).observe(planted)
    assert not reading.gone
    assert len(reading.found) < SOME
    assert set(reading.unread) == set(planted) - set(reading.found)
    assert {type(error) for error in reading.unread.values()} == {
        ThrottledError if trouble == "too many" else TransientError
    }
    assert len(asked(server, before)) <= estate.pages + (LATE + 1) * 3, "a look-up takes three requests at most"


OTHERS = ("compute.Volume", "compute.KeyPair", "compute.Snapshot", "compute.CustomImage", "compute.FloatingIp")


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("trouble", [None, *TROUBLES])
def test_other_kinds_are_read_as_servers_are(kind: str, trouble: str | None) -> None:
    tried = 0
    for estate in ESTATES[:4]:
        server = estate.imitation()
        with server.running():
            cloud = estate.cloud(server)
            if cloud.provider(kind) is None:
                continue
            tried += 1
            planted = several(estate, server, cloud, kind)
            server.trouble = TROUBLES[trouble](estate) if trouble else None
            reading = estate.provider(cloud, kind).observe(planted)
            assert not reading.gone
            assert set(reading.unread) == set(planted) - set(reading.found)
            assert bool(reading.unread) == bool(trouble)
    assert tried


@pytest.mark.parametrize("trouble", [None, *TROUBLES])
@pytest.mark.parametrize(
    ("estate", "kind"),
    [(one, kind) for one in REGIONAL for kind in one.kinds],
    ids=lambda given: getattr(given, "name", given),
)
def test_other_kinds_of_regions_are_read_so(estate: Estate, kind: str, trouble: str | None) -> None:
    server = estate.imitation()
    with server.running():
        cloud = estate.cloud(server)
        assert estate.planted is not None
        planted = estate.planted(server, cloud, kind, 1100)
        server.trouble = TROUBLES[trouble](estate) if trouble else None
        reading = estate.provider(cloud, kind).observe(planted)
        assert not reading.gone
        assert set(reading.unread) == set(planted) - set(reading.found)
        assert bool(reading.unread) == bool(trouble)


def several(estate: Estate, server: Any, cloud: Any, kind: str) -> list[str]:
    """More than two pages of a kind."""
    family = family_of(estate.name)
    labels = {"labels": {}, "description": ""}
    volume = create(cloud, "compute.Volume", "disk", volume_inputs(family))
    if kind == "compute.KeyPair":
        create(cloud, kind, "key", {"public_key": KEYS[0], "name": None})
    if kind == "compute.Snapshot":
        create(cloud, kind, "copy", {"volume": volume, **labels})
    if kind in ("compute.CustomImage", "compute.FloatingIp"):
        size = estate.provider(cloud).choose("size", attrs.asdict(family.imaged or family.sizes[0]))
        machine = made_and_seen(cloud, "compute.Server", "web", server_inputs(family, cloud, size={"id": size}))
        with contextlib.suppress(InProgressError):
            create(cloud, kind, "made", {"server": machine, "name": None, **labels})
        if not estate.held(server, kind):
            create(cloud, kind, "made", {"server": machine, "name": None, **labels})
    return list(server.plant(estate.held(server, kind), 1100))


# -- plans


class Fleet(oc.Stack):
    """Some servers."""

    of: Family
    servers: int

    def build(self) -> None:
        self.web = [self.of.server() for _ in range(self.servers)]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", [one.name for one in FAMILIES])
def test_no_plan_is_made_of_half_a_list(name: str, trouble: str, tmp_path: Path) -> None:
    estate = next(one for one in ESTATES if one.name == name)
    of = family_of(name)
    server = of.imitation()
    server.page = 2
    with server.running():
        cloud = of.cloud(server)
        first = create(cloud, "compute.Server", "web[0]", server_inputs(of, cloud))
        planted = list(server.plant(estate.held(server, "compute.Server"), 5))
        with oc.Deployment(
            Fleet(of=of, servers=len(planted)),
            name="fleet",
            cloud=cloud,
            state=tmp_path / "state.db",
            progress=False,
            clock=VirtualClock(),
        ) as deployment:
            for number, identity in enumerate([first, *(one for one in planted if one != first)]):
                deployment.adopt(f"web[{number}]", identity)
            server.trouble = attrs.evolve(TROUBLES[trouble](estate), of=lambda request: second(estate, request))
            changed = len(server.requests)
            if trouble == "a cut" and not estate.counts:
                assert not set(deployment.plan().counts) & CHANGING
            else:
                with pytest.raises((oc.ApplyError, CloudError), match="could not be read"):
                    deployment.plan()
            assert {one.method for one in server.requests[changed:]} == {"GET"}
            server.trouble = None
            assert not set(deployment.plan().counts) & CHANGING


def second(estate: Estate, request: Request) -> bool:
    """Whether a request is for the second of the small pages."""
    return estate.second(request) or request.query.get("cursor") == "2"


def test_those_that_are_really_gone_are_told_so(estate: Estate, server: Any, cloud: Cloud) -> None:
    planted = estate.plant(server, cloud, 60)
    gone = planted[-(LATE + 10) :]
    for one in gone:
        estate.forget(server, one)
    reading = estate.provider(cloud).observe(planted)
    assert (reading.gone, reading.unread) == (frozenset(gone), {})


def test_what_is_new_and_not_listed_yet_is_found(estate: Estate, server: Any, cloud: Cloud) -> None:
    if estate.counts:
        pytest.skip("there a list that lacks some says so")
    planted = estate.plant(server, cloud, 2 * LATE)
    server.trouble = Trouble(of=estate.second if estate.name != "openstack" else anything, change=estate.cut)
    if estate.name == "aws":
        server.trouble = Trouble(of=lambda request: "Filter.1.Name" in request.body, change=estate.cut)
    reading = estate.provider(cloud).observe(planted)
    assert (len(reading.found), reading.gone, reading.unread) == (2 * LATE, frozenset(), {})


def anything(request: Request) -> bool:
    return request.path.endswith("/servers/detail")
