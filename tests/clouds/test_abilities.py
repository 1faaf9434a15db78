"""What families of clouds can do, as data, in the documentation, and in the error of a plan."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any, cast

import pytest

import orchestra as oc
from orchestra.contracts import Capabilities, FoundBy
from tests.house.probe import trace

ROOT = Path(__file__).parents[2]
MAKERS = [name for name in oc.clouds.__all__ if name.islower() and name != "capabilities"]
CLOUDSTACK: dict[str, Any] = {
    "zone": "north",
    "endpoint": "https://cloud.example/client/api",
    "key": "key",
    "secret": "secret",
    "consistency_seconds": 0,
}


KEY = {"type": "service_account", "client_email": "robot@example", "private_key": "secret"}


def families() -> set[str]:
    return {family.partition(":")[0] for family in oc.clouds.capabilities()}


def test_every_family_is_there() -> None:
    assert {"aws", "simulated"} <= set(MAKERS)
    assert families() == set(MAKERS)


def test_every_kind_tells_how_it_is_found_again() -> None:
    for family, kinds in oc.clouds.capabilities().items():
        assert kinds, family
        for kind, ability in kinds.items():
            assert isinstance(ability.found_by, FoundBy), (family, kind)
            assert ability.found_key, (family, kind)


def test_what_is_told_is_what_clouds_do() -> None:
    able = oc.clouds.capabilities()
    clouds = {
        "aws": oc.clouds.aws(region="eu-west-1", access_key="key", secret_key="secret", consistency_seconds=0),
        "azure": oc.clouds.azure(
            subscription="id",
            resource_group="shop",
            region="westeurope",
            tenant="id",
            client_id="id",
            secret="secret",
            storage_account="shop",
            storage_key="a2V5",
            consistency_seconds=0,
        ),
        "cloudstack": oc.clouds.cloudstack(**CLOUDSTACK),
        "cloudstack:security_groups": oc.clouds.cloudstack(**CLOUDSTACK, security_groups=True),
        "digitalocean": oc.clouds.digitalocean(region="ams3", token="token", consistency_seconds=0),
        "docker": oc.clouds.docker(endpoint="unix:///nowhere"),
        "gce": oc.clouds.gce(project="p", region="europe-west1", credentials=KEY, consistency_seconds=0),
        "linode": oc.clouds.linode(region="eu-west", token="token", consistency_seconds=0),
        "scaleway": oc.clouds.scaleway(region="fr-par-1", secret_key="key", project="id", consistency_seconds=0),
        "upcloud": oc.clouds.upcloud(region="fi-hel1", username="user", password="secret", consistency_seconds=0),
        "vultr": oc.clouds.vultr(region="ams", token="token", consistency_seconds=0),
        "simulated": oc.clouds.simulated(":memory:"),
    }
    every = {kind for kinds in able.values() for kind in kinds}
    for family, cloud in clouds.items():
        providers = {kind: cloud.provider(kind) for kind in every}
        assert {kind: one.capabilities for kind, one in providers.items() if one} == dict(able[family])


def test_it_needs_no_credentials_and_calls_nothing() -> None:
    asked = trace("import orchestra\nassert orchestra.clouds.capabilities()['aws']")
    assert "libcloud" in asked.modules  # the tables stand beside the calls
    assert not [
        seen for seen in asked.seen if seen.startswith(("socket.connect", "socket.getaddrinfo", "sqlite3", "open"))
    ]


def test_a_plan_that_can_be_made_loads_no_other_family() -> None:
    planned = trace(
        "import orchestra as oc\n"
        "class Site(oc.Stack):\n"
        "    def build(self):\n"
        "        self.network = oc.Network(cidr='10.0.0.0/16')\n"
        "cloud = oc.clouds.simulated(':memory:')\n"
        "oc.Deployment(Site(), name='site', cloud=cloud, state='sqlite://:memory:').plan()\n"
    )
    families = {module.split(".")[3] for module in planned.modules if module.startswith("orchestra.clouds.families.")}
    assert families == {"simulated"}


def test_it_cannot_be_changed() -> None:
    able = cast("Any", oc.clouds.capabilities())
    with pytest.raises(TypeError):
        able["aws"] = {}
    with pytest.raises(TypeError):
        able["aws"]["compute.Server"] = Capabilities()


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("extensions.abilities")


class Read:
    """Stands for Sphinx as it reads a page."""

    def __init__(self, extension: Any) -> None:
        source = [(ROOT / "docs" / "clouds.md").read_text()]
        extension.fill(None, extension.PAGE, source)
        self.text = source[0]
        self.rows = [line.split(" | ") for line in self.text.splitlines() if line.startswith("| ")]


def test_the_page_has_every_family_and_kind(extension: Any) -> None:
    page = Read(extension)
    able = oc.clouds.capabilities()
    head = next(row for row in page.rows if row[0] == "| kind" and "`aws`" in row)
    matrix = page.rows[page.rows.index(head) :]
    whole = {family: kinds for family, kinds in able.items() if ":" not in family}
    assert [cell.strip("` |") for cell in head[1:]] == list(whole)
    for cls in extension.KINDS:
        kind = cls.kind.name
        cells = next(row for row in matrix if row[0] == f"| `{cls.__name__}`")
        assert [cell.strip(" |")[:3] == "yes" for cell in cells[1:]] == [kind in kinds for kinds in whole.values()]
        for family, kinds in able.items():
            if kind in kinds:
                assert kinds[kind].found_key in page.text
                assert family in whole or [row for row in page.rows if row[0] == f"| `{family}`"]
    assert not [place for place in extension.PLACES if place in page.text]


def test_what_can_not_be_had_is_told_with_the_reason(extension: Any) -> None:
    able = {
        "near": {"compute.Server": Capabilities(found_by=FoundBy.TAG, found_key="tag x")},
        "far": {
            "compute.Server": Capabilities(
                unsupported={"firewalls": "there are none"},
                required={"subnet": "there must be one"},
                fixed={"public_address": (True, "it has one")},
            ),
            "own.Kind": Capabilities(found_by=FoundBy.NATURAL_KEY, found_key="its name"),
        },
        "far:other": {"dns.Record": Capabilities(found_by=FoundBy.TAG, found_key="tag x")},
    }
    table = list(extension.which(able))
    assert table[0] == "| kind | `near` | `far` |"
    assert "| `Server` | yes | yes, without `firewalls` |" in table
    assert "| `Kind` |  | yes |" in table
    assert "| `far:other` | `Record` |" in table
    assert table[-3:] == [
        "- `far`, `Server` without `firewalls`: there are none",
        "- `far`, `Server` not without `subnet`: there must be one",
        "- `far`, `Server` only with `public_address=True`: it has one",
    ]
    found = list(extension.found(able))
    assert found[2:] == [
        "| `Server` | `near` | tag in the creating request | tag x |",
        "|  | `far` | not told |  |",
        "| `Record` | `far:other` | tag in the creating request | tag x |",
        "| `Kind` | `far` | natural key | its name |",
    ]


def test_a_page_without_a_place_is_refused(extension: Any) -> None:
    with pytest.raises(ValueError, match="which kinds"):
        extension.fill(None, "clouds", ["no place here"])
    other = ["another page"]
    extension.fill(None, "kinds", other)
    assert other == ["another page"]


def test_makers_are_functions() -> None:
    assert all(inspect.isfunction(getattr(oc.clouds, name)) for name in MAKERS)


WITHOUT_SUBNETS = {
    "aws": "AWS puts load balancers into subnets of a network",
    "elbv2": "AWS puts load balancers into subnets of a network",
    "cloudstack": "a rule is for servers of one subnet, on an address of its network",
    "digitalocean": "a load balancer is in a network: subnets=[network.id]",
    "simulated": "each load balancer of the simulated cloud is in subnets of a network",
}


def _cloud(family: str) -> Any:
    if family == "cloudstack":
        return oc.clouds.cloudstack(**CLOUDSTACK)
    if family == "digitalocean":
        return oc.clouds.digitalocean(region="ams3", token="token", consistency_seconds=0)
    if family == "simulated":
        return oc.clouds.simulated(":memory:")
    balancers: Any = "elb" if family == "aws" else family
    return oc.clouds.aws(region="eu-west-1", access_key="key", secret_key="secret", balancers=balancers)


@pytest.mark.parametrize("family", WITHOUT_SUBNETS)
def test_a_balancer_without_subnets_is_a_plan_error_where_it_needs_some(family: str) -> None:
    class Front(oc.Stack):
        def build(self) -> None:
            protocol: Any = "tcp" if family == "cloudstack" else "http"
            self.balancer = oc.LoadBalancer(port=80, protocol=protocol)

    cloud = _cloud(family)
    deployment = oc.Deployment(Front(), name="front", cloud=cloud, state="sqlite://:memory:", progress=False)
    with deployment, pytest.raises(oc.UnsupportedError) as refused:
        deployment.plan()
    assert str(refused.value) == (
        f"balancer: the cloud {cloud.name!r} can't do balancing.LoadBalancer without subnets: "
        f"{WITHOUT_SUBNETS[family]}\n  to do: give it subnets=…"
    )


def test_those_that_need_no_subnets_are_the_others() -> None:
    able = oc.clouds.capabilities()
    needing = {
        name
        for name, kinds in able.items()
        if "subnets" in kinds.get("balancing.LoadBalancer", Capabilities()).required
    }
    assert needing == {"aws", "cloudstack", "digitalocean", "simulated"}
    assert {name for name, kinds in able.items() if "balancing.LoadBalancer" in kinds} - needing == {
        "gce",
        "libcloud:brightbox",
    }
