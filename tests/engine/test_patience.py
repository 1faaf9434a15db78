"""Reads are made again as long as their trouble is passing: a plan doesn't fail for one answer that was lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import orchestra as oc
from orchestra.contracts import Observation, Reading
from orchestra.engine.patience import READS, observe, patiently
from orchestra.engine.retry import ATTEMPTS
from orchestra.testing import Fault, Script, Trouble, VirtualClock

LOST = oc.TransientError("no answer arrived")
THROTTLED = oc.ThrottledError("too much")


class Site(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")


class Reader:
    """Answers with each of ``errors`` in turn, and then well."""

    def __init__(self, *errors: oc.CloudError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "read"


@pytest.mark.parametrize(("error", "times"), [(LOST, READS), (THROTTLED, ATTEMPTS)])
def test_a_read_is_made_again_until_it_is_enough(error: oc.CloudError, times: int) -> None:
    clock = VirtualClock()
    before = clock.now()
    reader = Reader(*[error] * (times - 1))
    assert patiently(reader, clock) == "read"
    assert reader.calls == times
    assert clock.now() > before
    reader = Reader(*[error] * 100)
    with pytest.raises(type(error)):
        patiently(reader, clock)
    assert reader.calls == times


def test_what_will_not_pass_is_told_at_once() -> None:
    reader = Reader(oc.CredentialsError("who are you?"))
    with pytest.raises(oc.CredentialsError):
        patiently(reader, VirtualClock())
    assert reader.calls == 1


class Pages:
    """A provider whose ``second`` could not be read at first."""

    def __init__(self, error: oc.CloudError, times: int) -> None:
        self.error = error
        self.times = times
        self.asked: list[list[str]] = []

    def observe(self, ids: Sequence[str]) -> Reading:
        self.asked.append(list(ids))
        unread = {"second": self.error} if len(self.asked) <= self.times and "second" in ids else {}
        found = {one: Observation(external_id=one) for one in ids if one not in unread and one != "gone"}
        return Reading(found=found, gone=frozenset({"gone"} & set(ids)), unread=unread)


def test_only_what_could_not_be_read_is_asked_for_again() -> None:
    provider: Any = Pages(LOST, 2)
    reading = observe(provider, ["first", "second", "gone"], VirtualClock())
    assert (set(reading.found), reading.gone, reading.unread) == ({"first", "second"}, {"gone"}, {})
    assert provider.asked == [["first", "second", "gone"], ["second"], ["second"]]


def test_what_stays_unread_is_told_and_never_gone() -> None:
    provider: Any = Pages(LOST, 100)
    reading = observe(provider, ["first", "second", "gone"], VirtualClock())
    assert reading.unread == {"second": LOST}
    assert len(provider.asked) == READS
    provider = Pages(oc.CredentialsError("no"), 100)
    assert set(observe(provider, ["second"], VirtualClock()).unread) == {"second"}
    assert len(provider.asked) == 1


class Raising(Pages):
    """A provider that raises as often as it is told to, and then has something unread as often."""

    def observe(self, ids: Sequence[str]) -> Reading:
        if len(self.asked) < self.times:
            self.asked.append(list(ids))
            raise self.error
        self.asked.append(list(ids))
        return Reading(found={"first": Observation(external_id="first")}, unread={"second": self.error})


@pytest.mark.parametrize(("error", "times"), [(LOST, READS), (THROTTLED, ATTEMPTS)])
def test_what_is_raised_and_what_is_unread_count_together(error: oc.CloudError, times: int) -> None:
    provider: Any = Raising(error, 2)
    assert observe(provider, ["first", "second"], VirtualClock()).unread == {"second": error}
    assert provider.asked == [["first", "second"]] * 3 + [["second"]] * (times - 3)
    provider = Raising(error, 100)
    with pytest.raises(type(error)):
        observe(provider, ["first", "second"], VirtualClock())
    assert len(provider.asked) == times


def test_a_plan_gets_over_answers_that_are_lost() -> None:
    clock = VirtualClock()
    faults = Script(
        [
            Fault(Trouble.UNAVAILABLE, action="ex_list_networks", nth=1, calls=2),
            Fault(Trouble.LOST, action="ex_list_subnets", nth=1),
        ]
    )
    cloud = oc.clouds.simulated(":memory:", behaviour=oc.clouds.Behaviour(faults=faults), clock=clock)
    faults.lift()
    with oc.Deployment(
        Site(), name="site", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
    ) as deployment:
        deployment.apply()
        faults.resume()
        assert deployment.plan().is_empty
    assert len(faults.log) == 3
    cloud.close()
