"""Servers that don't answer, answer without end, or are not there: no call waits for ever."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds.connections import Timeouts
from orchestra.clouds.families.aws import AwsCloud
from orchestra.clouds.families.aws.connecting import Account, Drivers, Pools
from orchestra.clouds.families.aws.regions import hosts
from orchestra.clouds.families.aws.rest import s3
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Ownership, Provider, Update
from orchestra.errors import CloudError, TransientError
from orchestra.state.journal import Phase
from orchestra.testing import VirtualClock
from tests.clouds.unhelpful import (
    Behave,
    breaking,
    deaf,
    dripping,
    dripping_from_the_start,
    nobody,
    serving,
    silent,
)

pytestmark = pytest.mark.timeout(30)

OF_EACH_SERVICE = ["network.Network", "balancing.LoadBalancer", "dns.Zone", "storage.Bucket"]
OWNER = Ownership("prod", "it", "0" * 32)
NETWORK = Inputs({"cidr": "10.0.0.0/16", "internet": False, "labels": {}})
LARGE = b"x" * 20_000_000
QUICK = Timeouts(connect=5.0, silence=10.0, overall=0.15)
LATE = "in time: whether the call happened isn't known"


def reached_at(endpoint: str, timeouts: Timeouts = QUICK) -> AwsCloud:
    account = Account("eu-west-1", hosts("eu-west-1", endpoint), "a", "b")
    return AwsCloud(account, "aws", 0.0, pools=Pools.within(timeouts))


def provider_at(endpoint: str, kind: str = "network.Network", timeouts: Timeouts = QUICK) -> Provider:
    found = reached_at(endpoint, timeouts).provider(kind)
    assert found is not None
    return found


def put(endpoint: str, timeouts: Timeouts) -> None:
    """Send a large body."""
    account = Account("eu-west-1", hosts("eu-west-1", endpoint), "a", "b")
    try:
        s3(Drivers(account, Pools.within(timeouts)).s3, "PUT", "bucket", "key", body=LARGE)
    except Exception as error:
        raise translate(error) from error


@pytest.mark.parametrize("kind", OF_EACH_SERVICE)
@pytest.mark.parametrize("behave", [silent, dripping, dripping_from_the_start])
def test_an_answer_that_does_not_end_is_given_up(behave: Behave, kind: str) -> None:
    with serving(behave) as endpoint, pytest.raises(TransientError, match=LATE) as late:
        list(provider_at(endpoint, kind).list())
    assert late.value.sent


def test_silence_is_given_up_before_the_whole_time_is_over() -> None:
    timeouts = Timeouts(silence=0.05, overall=1_000.0)
    with serving(silent) as endpoint, pytest.raises(TransientError, match=LATE):
        list(provider_at(endpoint, timeouts=timeouts).list())


def test_a_request_that_nobody_reads_is_given_up() -> None:
    with serving(deaf) as endpoint, pytest.raises(TransientError, match=LATE) as late:
        put(endpoint, QUICK)
    assert late.value.sent


def test_sending_may_take_longer_than_connecting() -> None:
    """A large body goes out in what is left of the call's time, though the server reads late."""
    read: list[int] = []

    def late(connection: socket.socket, over: threading.Event) -> None:
        over.wait(0.1)
        while got := connection.recv(1 << 20):
            read.append(len(got))

    timeouts = Timeouts(connect=0.02, silence=0.02, overall=20.0)
    with serving(late) as endpoint, pytest.raises(TransientError, match=LATE):
        put(endpoint, timeouts)
    assert sum(read) > 20_000_000


@pytest.mark.parametrize("behave", [silent, dripping, breaking])
def test_every_call_tells_that_its_outcome_is_not_known(behave: Behave) -> None:
    with serving(behave) as endpoint:
        provider = provider_at(endpoint)
        update = Update(before=NETWORK, after=NETWORK, changed=frozenset({"labels"}))
        for call in (
            lambda: provider.create(NETWORK, OWNER),
            lambda: provider.update("vpc-1", update),
            lambda: provider.delete("vpc-1"),
            lambda: provider.find(OWNER, NETWORK),
            lambda: list(provider.list()),
            reached_at(endpoint).verify,
        ):
            with pytest.raises(TransientError, match="whether the call happened isn't known") as cut:
                call()
            assert cut.value.sent
        reading = provider.observe(["vpc-1", "vpc-2"])
        assert (reading.found, reading.gone, set(reading.unread)) == ({}, frozenset(), {"vpc-1", "vpc-2"})
        server = provider_at(endpoint, "compute.Server")
        with pytest.raises(CloudError):
            server.choose("image", {"os": "debian", "version": "12"})


def test_where_nobody_listens_nothing_was_sent() -> None:
    provider = provider_at(nobody())
    with pytest.raises(TransientError, match="no connection") as unsent:
        provider.create(NETWORK, OWNER)
    assert not unsent.value.sent
    assert set(provider.observe(["vpc-1"]).unread) == {"vpc-1"}


class Site(oc.Stack):
    """One network."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")


@pytest.mark.parametrize("behave", [silent, dripping, breaking])
def test_a_plan_tells_which_cloud_did_not_answer(tmp_path: Path, behave: Behave) -> None:
    with serving(behave) as endpoint:
        deployment = oc.Deployment(Site(), name="site", cloud=reached_at(endpoint), state=tmp_path / "s.db")
        with deployment, pytest.raises(TransientError, match=r"127\.0\.0\.1"):
            deployment.plan()


@pytest.mark.parametrize("behave", [silent, dripping, breaking])
def test_an_apply_keeps_open_what_may_have_happened(tmp_path: Path, behave: Behave) -> None:
    with serving(behave) as endpoint:
        deployment = oc.Deployment(
            Site(),
            name="site",
            cloud=reached_at(endpoint, Timeouts(silence=10.0, overall=0.03)),
            state=tmp_path / "s.db",
            clock=VirtualClock(),
            progress=False,
        )
        with deployment:
            with pytest.raises(oc.ApplyError) as failed:
                deployment.apply(deployment.plan(refresh=False))
            assert [type(one) for one in failed.value.exceptions] == [TransientError]
            assert [intent.address for intent in deployment.store.load().pending] == ["network"]
            assert deployment.store.journal()[-1].phase is Phase.UNKNOWN
