"""How the clouds of the families are made: from arguments, from the environment, and with no secret to be seen."""

from __future__ import annotations

import pytest

from orchestra.clouds import FamilyCloud
from orchestra.errors import CredentialsError, InvalidRequestError
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import WRONG, Family


def test_the_credential_may_come_from_the_environment(
    family: Family, server: Imitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in family.environment:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CredentialsError, match=f"{family.name}\\(\\): the .* is missing") as missing:
        family.bare(family.region, server.endpoint)
    assert next(iter(family.environment)) in str(missing.value.remedy)
    for name, value in family.environment.items():
        monkeypatch.setenv(name, value)
    family.bare(family.region, server.endpoint).verify()


def test_no_secret_is_seen(family: Family, server: Imitation) -> None:
    cloud = family.cloud(server, WRONG)
    with pytest.raises(CredentialsError) as refused:
        cloud.verify()
    assert WRONG not in f"{cloud!r} {refused.value} {vars(refused.value)}"


def test_an_endpoint_is_a_plain_address(family: Family) -> None:
    with pytest.raises(InvalidRequestError, match="scheme, host and port"):
        family.make(family.region, family.credential, "http://user@127.0.0.1/path")


def test_the_name_stands_for_the_region(family: Family, cloud: FamilyCloud) -> None:
    assert cloud.name == f"{family.name}:{family.region}"
    assert repr(cloud) == f"FamilyCloud({cloud.name})"


def test_a_region_that_is_not_there_is_told(family: Family, server: Imitation) -> None:
    with pytest.raises(InvalidRequestError, match="'nowhere-1' is no region of"):
        family.make("nowhere-1", family.credential, server.endpoint).verify()
