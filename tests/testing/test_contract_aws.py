"""Every provider for AWS keeps the contract, on AWS's API over HTTP."""

from __future__ import annotations

import socket

import pytest

import orchestra as oc
from orchestra.contracts import Cloud, Provider
from orchestra.testing import check_provider
from orchestra.testing.rules import RULES
from tests.catalogue.scenes import Case, serving
from tests.moto_server import MotoServer
from tests.testing.ground import lay

REGION = "eu-west-1"
ZONES = ("eu-west-1a", "eu-west-1b")
SERVED = serving(oc.clouds.aws(region=REGION, access_key="none", secret_key="none"))


@pytest.fixture
def closed_endpoint() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.kind.__name__)
def test_provider_keeps_the_contract(case: Case, aws: MotoServer, closed_endpoint: str) -> None:

    def cloud(endpoint: str) -> oc.Cloud:
        return oc.clouds.aws(region=REGION, endpoint=endpoint, access_key=aws.access_key, secret_key=aws.secret_key)

    there, out = cloud(aws.endpoint), cloud(closed_endpoint)
    ground = lay(case, there, ZONES)
    settings = {"owned": False} if case.kind is oc.Blob else {}  # S3's lists leave out whose an object is
    checked = check_provider(
        lambda: served(there, case), ground.cases(timeout=30.0, **settings), unreachable=lambda: served(out, case)
    )
    assert checked.rules == tuple(rule.name for rule in RULES)
    ground.deployment.destroy()
    ground.deployment.close()


def served(cloud: Cloud, case: Case) -> Provider:
    provider = cloud.provider(case.kind.kind.name)
    assert provider is not None
    return provider
