"""What is planned with is freed as soon as nobody holds it: the collector of cyclic garbage comes seldom or never."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

import orchestra as oc


class Site(oc.Stack):
    """Some networks."""

    count: int = 3

    def build(self) -> None:
        self.networks = [oc.Network(cidr=f"10.{number}.0.0/16", internet=False) for number in range(self.count)]


@pytest.fixture(autouse=True)
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("work", ["plan", "drift", "apply", "destroy", "value"])
def test_a_deployment_that_nobody_holds_is_freed_at_once(work: str) -> None:
    deployment = oc.Deployment(
        Site(), name="site", cloud=oc.clouds.simulated(":memory:"), state="sqlite://:memory:", progress=False
    )
    deployment.apply()
    if work == "value":
        deployment.value(deployment.stack.networks[0].id)  # type: ignore[attr-defined]
    else:
        getattr(deployment, work)()
    left = [weakref.ref(deployment), weakref.ref(deployment.stack), weakref.ref(deployment._declaration)]
    deployment.close()
    del deployment
    assert [one() for one in left] == [None, None, None]
