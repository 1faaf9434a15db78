"""The simulated cloud as users and the engine hold it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import attrs
import pytest
from libcloud.common.types import InvalidCredsError

from orchestra.clouds.families.simulated import Behaviour, Call, SimulatedCloud, simulated
from orchestra.contracts import FoundBy
from orchestra.errors import CredentialsError, InvalidRequestError

MakeCloud = Callable[..., SimulatedCloud]

KINDS = (
    *("network.Network", "network.Subnet", "network.Firewall"),
    *("compute.KeyPair", "compute.Server", "compute.CustomImage"),
    *("compute.Volume", "compute.VolumeAttachment", "compute.Snapshot"),
    "compute.FloatingIp",
    "balancing.LoadBalancer",
    *("dns.Zone", "dns.Record"),
    *("storage.Bucket", "storage.Blob"),
    *("containers.Cluster", "containers.ContainerImage", "containers.Container"),
)
WITHOUT_TAGS = ("compute.VolumeAttachment", "dns.Record", "storage.Blob")


def test_it_serves_the_whole_catalogue(cloud: SimulatedCloud) -> None:
    for kind in KINDS:
        provider = cloud.provider(kind)
        assert provider is not None
        assert provider.kind == kind
        assert provider.capabilities.unsupported == {}
        assert provider.capabilities.found_by is (FoundBy.NATURAL_KEY if kind in WITHOUT_TAGS else FoundBy.CLIENT_TOKEN)
        assert provider.capabilities.found_key
        assert cloud.provider(kind) is provider
    assert cloud.provider("containers.Task") is None


def test_name_and_place() -> None:
    cloud = simulated(":memory:", name="practice")
    assert cloud.name == "practice"
    assert repr(cloud) == "SimulatedCloud(':memory:', region='sim-1')"
    assert simulated("x.db").name == "simulated"


def test_unknown_region(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(region="mars-1")
    for attempt in (cloud.verify, cloud.inventory):
        with pytest.raises(InvalidRequestError, match="no region 'mars-1'") as caught:
            attempt()
        assert caught.value.remedy == "take one of sim-1, sim-2, sim-3"
    networks = cloud.provider("network.Network")
    assert networks is not None
    with pytest.raises(InvalidRequestError, match="no region"):
        list(networks.list())


def test_verify_goes_the_way_of_every_call(make_cloud: MakeCloud) -> None:
    @attrs.frozen
    class LockedOut:
        def before(self, call: Call) -> None:
            raise InvalidCredsError

        def after(self, call: Call) -> None: ...

    make_cloud().verify()
    with pytest.raises(CredentialsError):
        make_cloud(faults=LockedOut()).verify()


def test_drivers_are_this_thread_s_own(cloud: SimulatedCloud) -> None:
    assert cloud.drivers == cloud.drivers
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cloud.drivers.compute = None  # type: ignore[misc,assignment]


def test_behaviour_is_kept(make_cloud: MakeCloud) -> None:
    assert make_cloud(latency=0.5).behaviour == Behaviour(latency=0.5)


def test_importing_it_opens_and_starts_nothing() -> None:
    code = "import threading, orchestra.clouds.families.simulated; assert threading.active_count() == 1"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
