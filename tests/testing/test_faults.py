"""Faults on the simulated cloud: each does what it says, the same way again, and can be written down and replayed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

import orchestra as oc
from orchestra import testing
from orchestra.clouds.families.simulated import Distortions, SimulatedCloud
from orchestra.contracts import Inputs, Ownership, Provider, Status
from orchestra.testing import Fault, FaultModel, LongTail, Script, Trouble, Uniform, VirtualClock, presets

MakeCloud = Callable[..., SimulatedCloud]
NAMES = {name: getattr(testing, name) for name in testing.__all__}
NETWORK = Inputs({"cidr": "10.0.0.0/16", "internet": False, "labels": {}})
VOLUME = Inputs({"size_gib": 1, "zone": "sim-1a", "type": None, "encrypted": True, "snapshot": None, "labels": {}})


def owner(token: str = "a") -> Ownership:
    return Ownership("shop", "thing", token * 32)


def served(cloud: SimulatedCloud, kind: str = "network.Network") -> Provider:
    provider = cloud.provider(kind)
    assert provider is not None
    return provider


@attrs.define
class Bed:
    """A simulated cloud with these faults, and a clock."""

    faults: FaultModel | Script
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    behaviour: oc.clouds.Behaviour = attrs.field(factory=oc.clouds.Behaviour)

    def cloud(self) -> SimulatedCloud:
        behaviour = attrs.evolve(self.behaviour, faults=self.faults)
        return oc.clouds.simulated(":memory:", behaviour=behaviour, clock=self.clock)


@pytest.mark.parametrize(
    ("trouble", "error", "sent", "made"),
    [
        (Trouble.UNSENT, oc.TransientError, False, 0),
        (Trouble.ERROR, oc.TransientError, True, 0),
        (Trouble.THROTTLED, oc.ThrottledError, True, 0),
        (Trouble.UNAVAILABLE, oc.TransientError, True, 0),
        (Trouble.DENIED, oc.CredentialsError, True, 0),
        (Trouble.LOST, oc.TransientError, True, 1),
    ],
)
def test_what_the_engine_is_told_of_a_trouble(
    trouble: Trouble, error: type[oc.CloudError], sent: bool, made: int
) -> None:
    script = Script([Fault(trouble, action="ex_create_network")])
    cloud = Bed(script).cloud()
    with pytest.raises(error) as caught:
        served(cloud).create(NETWORK, owner())
    assert type(caught.value) is error
    assert caught.value.sent is sent
    assert sum(cloud.inventory().values()) == made
    served(cloud).create(NETWORK, owner())
    assert cloud.inventory() == {"network.Network": 1}
    assert script.log == (Fault(trouble, action="ex_create_network", nth=1),)


def test_a_request_that_arrives_twice_makes_one_thing() -> None:
    script = Script([Fault(Trouble.REPEATED, calls=None)])
    cloud = Bed(script).cloud()
    made = served(cloud).create(NETWORK, owner())
    assert cloud.inventory() == {"network.Network": 1}
    served(cloud).delete(made.external_id)
    assert cloud.inventory() == {}
    assert served(cloud).observe([made.external_id]).gone == {made.external_id}
    assert [fault.action for fault in script.log] == ["ex_create_network", "ex_destroy_network"]


def test_nothing_goes_wrong_with_the_second_delivery() -> None:
    script = Script([Fault(Trouble.REPEATED), Fault(Trouble.DENIED, nth=2), Fault(Trouble.ERROR, nth=3)])
    networks = served(Bed(script).cloud())
    networks.create(NETWORK, owner())
    with pytest.raises(oc.TransientError):
        networks.create(NETWORK, owner("b"))
    assert [(fault.trouble, fault.nth) for fault in script.log] == [(Trouble.REPEATED, 1), (Trouble.ERROR, 3)]


def test_a_list_is_never_asked_for_twice() -> None:
    model = FaultModel(repeated=1.0)
    cloud = Bed(model).cloud()
    blobs = served(cloud, "storage.Blob")
    assert list(blobs.list()) == []
    assert dict(blobs.observe(["a/b"]).found) == {}
    assert model.log == ()


def test_what_was_accepted_may_fail() -> None:
    cloud = Bed(Script([Fault(Trouble.FAILED, action="create_volume")])).cloud()
    assert served(cloud, "compute.Volume").create(VOLUME, owner()).status is Status.FAILED
    assert served(cloud, "compute.Volume").create(VOLUME, owner("b")).status is Status.READY


def test_what_is_stuck_stays_pending_until_its_time_is_over() -> None:
    bed = Bed(Script([Fault(Trouble.STUCK, action="create_volume", seconds=500.0)]))
    volumes = served(bed.cloud(), "compute.Volume")
    made = volumes.create(VOLUME, owner())
    bed.clock.advance(499)
    assert volumes.observe([made.external_id]).found[made.external_id].status is Status.PENDING
    bed.clock.advance(1)
    assert volumes.observe([made.external_id]).found[made.external_id].status is Status.READY


def test_a_list_cut_short_looks_complete_and_nothing_in_it_is_gone() -> None:
    script = Script([Fault(Trouble.SHORT, action="ex_list_networks", calls=None, keep=1)])
    networks = served(Bed(script).cloud())
    ids = {networks.create(NETWORK, owner(token)).external_id for token in "abc"}
    assert len(list(networks.list())) == 1
    reading = networks.observe(sorted(ids))
    assert (set(reading.found), reading.gone) == (ids, frozenset())
    assert len(script.log) == 2


def test_a_failing_page_leaves_what_it_holds_unread() -> None:
    script = Script([Fault(Trouble.ERROR, action="ex_list_networks", nth=2)])
    networks = served(Bed(script, behaviour=presets.PAGED).cloud())
    ids = {networks.create(NETWORK, owner(token)).external_id for token in "abcde"}
    reading = networks.observe(sorted(ids))
    assert (set(reading.unread), reading.gone) == (ids - reading.found.keys(), frozenset())
    assert 0 < len(reading.found) < len(ids)
    assert len(list(networks.list())) == 5


def test_an_outage_strikes_one_service_for_a_span_of_calls() -> None:
    script = Script([Fault(Trouble.UNAVAILABLE, service="dns", nth=2, calls=2)])
    drivers = Bed(script).cloud().drivers
    outcome = []
    for _ in range(4):
        drivers.storage.list_containers()
        try:
            drivers.dns.list_zones()
        except Exception:
            outcome.append("out")
        else:
            outcome.append("well")
    assert outcome == ["well", "out", "out", "well"]
    assert script.log == tuple(Fault(Trouble.UNAVAILABLE, action="list_zones", nth=nth) for nth in (2, 3))


def test_trouble_that_cannot_be_does_not_happen() -> None:
    model = FaultModel(short=0.25, failed=0.25, stuck=0.25, repeated=0.25)
    networks = served(Bed(model).cloud())
    assert list(networks.list()) == []
    made = networks.create(NETWORK, owner())
    assert networks.observe([made.external_id]).found == {made.external_id: made}
    assert {fault.trouble for fault in model.log} <= {Trouble.SHORT, Trouble.REPEATED}


class Pairs(oc.Stack):
    def build(self) -> None:
        self.networks = [oc.Network(cidr="10.0.0.0/16") for _ in range(4)]
        self.subnets = [oc.Subnet(network=network, cidr="10.0.1.0/24") for network in self.networks]


def shake(faults: FaultModel | Script, width: int = 1) -> tuple[dict[str, int], tuple[Fault, ...]]:
    """What is there, and what went wrong, after an apply under these faults."""
    bed = Bed(faults)
    cloud = bed.cloud()
    with oc.Deployment(
        Pairs(), name="pairs", cloud=cloud, state="sqlite://:memory:", clock=bed.clock, progress=False, width=width
    ) as deployment:
        deployment.apply()
    return cloud.inventory(), tuple(sorted(faults.log, key=repr))  # in which order retries come is chance


MODEL = FaultModel(seed=11, services=["network"], unsent=0.1, error=0.1, throttled=0.05, lost=0.1, repeated=0.05)


def test_the_same_seed_does_the_same_again() -> None:
    first, second = shake(MODEL.fresh()), shake(MODEL.fresh())
    assert first == second
    assert len(first[1]) > 3
    assert shake(attrs.evolve(MODEL, seed=12))[1] != first[1]


def test_the_same_calls_are_struck_in_every_process() -> None:
    here = [fault_of(MODEL, nth) for nth in range(1, 40)]
    program = (
        "from tests.testing.test_faults import MODEL, fault_of\n"
        "print([fault_of(MODEL, nth) for nth in range(1, 40)], end='')"
    )
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == str(here), done.stderr


def fault_of(model: FaultModel, nth: int) -> Fault | None:
    """What ``model`` draws for the nth call of one action."""
    return model._drawn(testing.faults.Call(service="dns", action="create_zone"), lambda service, action: nth)


def test_what_happened_is_a_script_that_does_it_again() -> None:
    model = MODEL.fresh()
    before = shake(model)
    again = eval(repr(model.script()), NAMES)
    assert again == model.script()
    assert shake(again) == before


def test_a_script_is_hit_by_all_its_faults_with_several_threads_too() -> None:
    script = Script([Fault(Trouble.LOST, action="ex_create_network", nth=nth) for nth in (1, 3)])
    inventory, log = shake(script, width=8)
    assert inventory == {"network.Gateway": 4, "network.Network": 4, "network.Subnet": 4}
    assert set(log) == set(script.faults)


@pytest.mark.parametrize(
    "one",
    [
        FaultModel(),
        FaultModel(seed=3, lost=0.25, latency=Uniform(0.1, 0.2), services=["dns"], spare=2, limit=5),
        FaultModel(also=[Fault(Trouble.STUCK, action="create_node", seconds=5.0)], stuck_seconds=7.0),
        Script(),
        Script([Fault(Trouble.SHORT, nth=2, keep=3), Fault(Trouble.UNAVAILABLE, service="dns", calls=None)]),
        Script(latency=LongTail(0.5)),
    ],
)
def test_faults_print_as_python_that_makes_them_again(one: FaultModel | Script) -> None:
    again = eval(repr(one), NAMES)
    assert again == one
    assert repr(again) == repr(one)
    assert isinstance(one, Distortions)


def test_faults_are_limited_spared_and_lifted() -> None:
    limited = FaultModel(error=1.0, limit=2)
    driver = Bed(limited).cloud().drivers.compute
    assert [_fails(driver.ex_list_networks) for _ in range(4)] == [True, True, False, False]
    spared = FaultModel(error=1.0, spare=2)
    driver = Bed(spared).cloud().drivers.compute
    assert [_fails(driver.ex_list_networks) for _ in range(4)] == [False, False, True, True]
    spared.lift()
    assert not _fails(driver.ex_list_networks)
    spared.resume()
    assert _fails(driver.ex_list_networks)
    elsewhere = FaultModel(error=1.0, services=["dns"])
    assert not _fails(Bed(elsewhere).cloud().drivers.compute.list_nodes)


def _fails(call: Callable[[], object]) -> bool:
    try:
        call()
    except Exception:
        return True
    return False


def test_calls_take_as_long_as_is_drawn_until_the_faults_are_lifted() -> None:
    bed = Bed(FaultModel(latency=Uniform(0.5, 1.5)))
    driver = bed.cloud().drivers.compute
    for _ in range(3):
        driver.ex_list_networks()
    bed.faults.lift()
    driver.ex_list_networks()
    assert len(set(bed.clock.slept)) == 3
    assert all(0.5 <= slept <= 1.5 for slept in bed.clock.slept)


def test_a_long_tail_is_near_its_median_and_now_and_then_far_above() -> None:
    chance = random.Random(1)
    drawn = sorted(LongTail(0.1).draw(chance) for _ in range(2000))
    assert 0.09 < drawn[1000] < 0.11
    assert drawn[0] > 0.01
    assert 0.25 < drawn[1980] < 0.45


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: FaultModel(lost=1.5), r"lost=1\.5: 0 to 1"),
        (lambda: FaultModel(lost=0.6, error=0.6), "add up to 1.2"),
        (lambda: Fault(Trouble.LOST, nth=0), "nth and calls from 1"),
        (lambda: Fault(Trouble.LOST, calls=0), "nth and calls from 1"),
        (lambda: Fault(Trouble.SHORT, keep=-1), "keep from 0"),
        (lambda: Uniform(2.0, 1.0), "low <= high"),
        (lambda: LongTail(0.0), "above zero"),
    ],
)
def test_senseless_faults_are_refused(make: Callable[[], object], named: str) -> None:
    with pytest.raises(oc.DefinitionError, match=named):
        make()


def test_all_senseless_probabilities_are_told_at_once() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        FaultModel(lost=2.0, error=-1.0)
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    "behaviour",
    [presets.EVENTUALLY_CONSISTENT, presets.SLOW, presets.THROTTLING, presets.PAGED, *map(presets.hostile, range(3))],
)
def test_a_stack_gets_through_every_preset(behaviour: oc.clouds.Behaviour) -> None:
    clock = VirtualClock()
    cloud = oc.clouds.simulated(":memory:", behaviour=behaviour, clock=clock)
    with oc.Deployment(
        Pairs(), name="pairs", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
    ) as deployment:
        deployment.apply()
        assert cloud.inventory() == {"network.Gateway": 4, "network.Network": 4, "network.Subnet": 4}


def test_a_cramped_cloud_refuses_what_is_too_much() -> None:
    clock = VirtualClock()
    cloud = oc.clouds.simulated(":memory:", behaviour=presets.CRAMPED, clock=clock)
    with (
        oc.Deployment(
            Pairs(), name="pairs", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
        ) as deployment,
        pytest.raises(oc.ApplyError) as caught,
    ):
        deployment.apply()
    assert {type(cause) for cause in caught.value.exceptions} == {oc.QuotaError}
    assert cloud.inventory()["network.Network"] == 2
