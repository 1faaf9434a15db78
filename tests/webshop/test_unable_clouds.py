"""The web shop on clouds that can't do all of it: the plan names what is missing, all at once, and who has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

import orchestra as oc
from examples.webshop import WebShop

TEXTS: Final = Path(__file__).parent / "unable"
KEY: Final = {"type": "service_account", "client_email": "robot@example", "private_key": "secret"}
CLOUDS: Final[dict[str, Any]] = {
    "azure": lambda: oc.clouds.azure(
        subscription="id", resource_group="shop", region="westeurope", tenant="id", client_id="id", secret="secret"
    ),
    "cloudstack": lambda: oc.clouds.cloudstack(
        zone="north", endpoint="https://cloud.example/client/api", key="key", secret="secret"
    ),
    "digitalocean": lambda: oc.clouds.digitalocean(region="ams3", token="token"),
    "gce": lambda: oc.clouds.gce(project="p", region="europe-west1", credentials=KEY),
    "linode": lambda: oc.clouds.linode(region="eu-west", token="token"),
    "scaleway": lambda: oc.clouds.scaleway(region="fr-par-1", secret_key="key", project="id"),
    "upcloud": lambda: oc.clouds.upcloud(region="fi-hel1", username="user", password="secret"),
    "vultr": lambda: oc.clouds.vultr(region="ams", token="token"),
}
ABLE: Final = re.compile(r"; clouds made by (.+) can$", re.MULTILINE)
ASKED: Final = re.compile(r"can't do (\S+\.\w+)(?: with (\w+))?(?:: .*)?; clouds made by (.+) can$")


def refused(name: str, folder: Path) -> oc.UnsupportedError:
    deployment = oc.Deployment(WebShop(), name="shop", cloud=CLOUDS[name](), state=folder / "state.db", progress=False)
    with deployment, pytest.raises(oc.UnsupportedError) as caught:
        deployment.plan()  # no server is there that could be asked: nothing is called
    return caught.value


def able(kind: str, name: str | None) -> str:
    """Who can do a kind, with an input, by the tables of what clouds can do."""
    found = {
        f"oc.clouds.{family.partition(':')[0]}"
        for family, kinds in oc.clouds.capabilities().items()
        if kind in kinds and name not in kinds[kind].unsupported
    }
    return ", ".join(sorted(found))


@pytest.mark.parametrize("name", CLOUDS)
def test_what_is_missing_is_told_at_once_to_the_letter(name: str, tmp_path: Path) -> None:
    """Who can is left to the tables: it changes with every cloud that learns something."""
    text = str(refused(name, tmp_path))
    assert ABLE.sub("; …", text) == (TEXTS / f"{name}.txt").read_text().rstrip("\n")


@pytest.mark.parametrize("name", CLOUDS)
def test_whoever_has_it_is_named(name: str, tmp_path: Path) -> None:
    lines = [line for line in str(refused(name, tmp_path)).splitlines() if "can't do " in line]
    assert lines
    for line in lines:
        found = ASKED.search(line)
        assert found is not None, line
        kind, lacking, named = found.groups()
        assert named == able(kind, lacking)
        assert "oc.clouds.aws" in named


def test_what_is_asked_of_one_resource_alone_says_what_to_do_there(tmp_path: Path) -> None:
    error = refused("gce", tmp_path)
    assert error.address == "balancer"
    assert error.remedy == (
        "take out what the cloud can't do, or give those resources one that can (cloud=…); "
        "balancer: write protocol='tcp'"
    )


def test_of_many_that_lack_the_same_the_first_few_are_named(tmp_path: Path) -> None:
    class Fleet(oc.Stack):
        def build(self) -> None:
            self.networks = [oc.Network(cidr=f"10.{number}.0.0/16") for number in range(8)]

    cloud = oc.clouds.linode(region="eu-west", token="token")
    deployment = oc.Deployment(Fleet(), name="fleet", cloud=cloud, state=tmp_path / "state.db", progress=False)
    with deployment, pytest.raises(oc.UnsupportedError) as caught:
        deployment.plan()
    first, second, *_ = str(caught.value).splitlines()
    assert first == "networks[0]: 8 resources can't be had as declared:"
    assert second.startswith(
        "  - networks[0], networks[1], networks[2], networks[3], networks[4] and 3 more: the cloud 'linode:eu-west'"
    )
