"""Every provider for Docker keeps the contract, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import orchestra as oc
from orchestra.contracts import Cloud, Provider
from orchestra.testing import check_provider
from orchestra.testing.rules import RULES
from tests.catalogue.scenes import IMAGE, OTHER_IMAGE, Case, serving
from tests.servers.docker import CannotStartError, DockerEngine, docker_engine
from tests.testing.ground import lay

SERVED = serving(oc.clouds.docker(endpoint="unix:///nowhere"))


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    try:
        with docker_engine() as running:
            running.make_image(IMAGE)
            running.make_image(OTHER_IMAGE, mark="other")
            yield running
    except CannotStartError as error:
        pytest.skip(str(error))


@pytest.mark.timeout(300)  # a container is ready when it has run for a second, and the rules make many
@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.kind.__name__)
def test_provider_keeps_the_contract(case: Case, engine: DockerEngine) -> None:
    there = oc.clouds.docker(endpoint=engine.endpoint)
    out = oc.clouds.docker(endpoint="unix:///nowhere/docker.sock")
    ground = lay(case, there, ())
    checked = check_provider(
        lambda: served(there, case),
        ground.cases(timeout=60.0, copies=3),
        unreachable=lambda: served(out, case),
    )
    assert checked.rules == tuple(rule.name for rule in RULES)
    ground.deployment.destroy()
    ground.deployment.close()
    assert engine.containers() == []
    assert sorted(engine.images()) == [IMAGE, OTHER_IMAGE]


def served(cloud: Cloud, case: Case) -> Provider:
    provider = cloud.provider(case.kind.kind.name)
    assert provider is not None
    return provider
