"""Ten thousand records of a zone are read page by page, whichever way a cloud is asked, and half a list is no list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds import digitalocean, libcloud, linode, vultr
from orchestra.contracts import Cloud, Inputs, Provider
from orchestra.errors import CloudError, ThrottledError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.families import digitalocean as ocean
from tests.clouds.families import linode as node
from tests.clouds.families import vultr as vault
from tests.clouds.families.imitation import Request, TokenImitation, Trouble
from tests.clouds.families.scenery import owner, provider
from tests.clouds.recorded.tape import recorded

MANY = 10_000
SOME = 1_200
"""More than two pages everywhere."""
DOMAIN = "shop.example"
MAIL = "hostmaster@shop.example"


@attrs.frozen(kw_only=True)
class Registrar:
    """One cloud's domains.

    ``family`` makes its own cloud at an endpoint, ``options`` are those by which Libcloud's is the same. ``row`` is a
    record in the recorded form, ``value`` what its value is called there. ``size`` is how many a page holds. ``cut`` is
    an answer without its last half, and without what leads to the next.
    """

    name: str
    imitation: Callable[[], TokenImitation]
    token: str
    family: Callable[[str], Cloud]
    options: Mapping[str, str] = attrs.field(factory=dict)
    row: Any
    value: str
    size: int
    second: Callable[[Request], bool]
    cut: Callable[[Any], Any]

    def plant(self, server: TokenImitation, zone: str, count: int) -> list[str]:
        """The ids of ``count`` record sets of one value each."""
        made = server.records[zone]
        for number in range(1, count + 1):
            identity = number if isinstance(self.row["id"], int) else f"record-{number}"
            made[str(identity)] = {**self.row, "id": identity, "name": f"www-{number}", self.value: "198.18.0.1"}
        return [f"{zone}/A/www-{number}" for number in range(1, count + 1)]


def halved(answer: Any, name: str, **more: Any) -> Any:
    return {**answer, name: answer[name][: len(answer[name]) // 2], **more}


def is_second(request: Request) -> bool:
    return request.path.endswith("/records") and (request.query.get("page") == "2" or "cursor" in request.query)


REGISTRARS = (
    Registrar(
        name="digitalocean",
        imitation=ocean.DigitalOcean,
        token=ocean.TOKEN,
        family=lambda endpoint: digitalocean(region=ocean.REGION, token=ocean.TOKEN, endpoint=endpoint),
        row=recorded("dns/digitalocean_record.json")["domain_record"],
        value="data",
        size=200,
        second=is_second,
        cut=lambda answer: halved(answer, "domain_records", links={}),
    ),
    Registrar(
        name="linode",
        imitation=node.Linode,
        token=node.TOKEN,
        family=lambda endpoint: linode(region=node.REGION, token=node.TOKEN, soa_email=MAIL, endpoint=endpoint),
        options={"soa_email": MAIL},
        row=recorded("dns/linode_record.json"),
        value="target",
        size=500,
        second=is_second,
        cut=lambda answer: halved(answer, "data", pages=answer["page"]),
    ),
    Registrar(
        name="vultr",
        imitation=vault.Vultr,
        token=vault.TOKEN,
        family=lambda endpoint: vultr(region=vault.REGION, token=vault.TOKEN, endpoint=endpoint),
        row=recorded("dns/vultr_record.json")["record"],
        value="data",
        size=500,
        second=is_second,
        cut=lambda answer: halved(answer, "records", meta={**answer["meta"], "links": {"next": "", "prev": ""}}),
    ),
)

TROUBLES: Mapping[str, Callable[[Registrar], Trouble]] = {
    "an error": lambda one: Trouble(of=one.second, status=500),
    "too many": lambda one: Trouble(of=one.second, status=429),
    "a reset": lambda one: Trouble(of=one.second),
    "a cut": lambda one: Trouble(of=one.second, change=one.cut),
}


@pytest.fixture(params=REGISTRARS, ids=lambda one: one.name)
def registrar(request: pytest.FixtureRequest) -> Registrar:
    found: Registrar = request.param
    return found


@pytest.fixture
def server(registrar: Registrar) -> Iterator[TokenImitation]:
    server = registrar.imitation()
    with server.running():
        yield server


@pytest.fixture(params=["family", "libcloud"])
def cloud(request: pytest.FixtureRequest, registrar: Registrar, server: TokenImitation) -> Cloud:
    if request.param == "family":
        return registrar.family(server.endpoint)
    return libcloud(
        registrar.name, service="dns", key=registrar.token, endpoint=server.endpoint, options=registrar.options
    )


@pytest.fixture
def zone(cloud: Cloud, server: TokenImitation) -> str:
    return provider(cloud, "dns.Zone").create(Inputs({"domain": DOMAIN}), owner("zone")).external_id


@pytest.fixture
def records(cloud: Cloud) -> Provider:
    return provider(cloud, "dns.Record")


def test_ten_thousand_take_as_many_requests_as_pages(
    registrar: Registrar, server: TokenImitation, zone: str, records: Provider
) -> None:
    planted = registrar.plant(server, zone, MANY)
    before = len(server.requests)
    reading = records.observe(planted)
    assert (len(reading.found), reading.gone, reading.unread) == (MANY, frozenset(), {})
    pages = [one for one in server.requests[before:] if one.path.endswith("/records")]
    assert len(pages) == MANY // registrar.size
    assert len(server.requests) - before <= len(pages) + 1, "the zone's domain is asked for once"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_a_page_should_have_told_is_unread(
    registrar: Registrar, server: TokenImitation, zone: str, records: Provider, trouble: str
) -> None:
    planted = registrar.plant(server, zone, SOME)
    server.trouble = TROUBLES[trouble](registrar)
    reading = records.observe(planted)
    assert not reading.gone
    assert set(reading.unread) == set(planted) - set(reading.found) != set()
    kinds = {type(error) for error in reading.unread.values()}
    assert kinds == {ThrottledError if trouble == "too many" else TransientError}
    server.trouble = None
    assert len(records.observe(planted).found) == SOME


def test_those_that_are_really_gone_are_told_so(
    registrar: Registrar, server: TokenImitation, zone: str, records: Provider
) -> None:
    planted = registrar.plant(server, zone, SOME)
    for one in list(server.records[zone])[-3:]:
        del server.records[zone][one]
    reading = records.observe(planted)
    assert (reading.gone, reading.unread) == (frozenset(planted[-3:]), {})


class Names(oc.Stack):
    """Some names of one zone."""

    records: int = 5

    def build(self) -> None:
        self.zone = oc.Zone(domain=DOMAIN)
        self.names = [
            oc.Record(zone=self.zone, name=f"www-{number}", type="A", values=["198.18.0.1"], ttl=300)
            for number in range(1, self.records + 1)
        ]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_plan_is_made_of_half_a_list(
    registrar: Registrar, server: TokenImitation, cloud: Cloud, zone: str, trouble: str, tmp_path: Path
) -> None:
    planted = registrar.plant(server, zone, 5)
    for row in server.records[zone].values():
        row["ttl_sec" if "ttl_sec" in row else "ttl"] = 300
    with oc.Deployment(
        Names(), name="names", cloud=cloud, state=tmp_path / "state.db", progress=False, clock=VirtualClock()
    ) as deployment:
        deployment.adopt("zone", zone)
        for number, identity in enumerate(planted):
            deployment.adopt(f"names[{number}]", identity)
        server.page = 2
        server.trouble = TROUBLES[trouble](registrar)
        changed = len(server.requests)
        with pytest.raises((oc.ApplyError, CloudError), match="could not be read"):
            deployment.plan()
        assert {one.method for one in server.requests[changed:]} == {"GET"}
        server.trouble = None
        assert deployment.plan().is_empty
