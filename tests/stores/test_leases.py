"""When the holder of a lease counts as gone."""

from __future__ import annotations

import inspect
import os
import platform
import subprocess
import sys

import attrs
import pytest

from orchestra.engine.office import HEARTBEAT
from orchestra.errors import LeaseLostError, LockedError
from orchestra.state.journal import Holder
from orchestra.stores import MemoryStore, open_store
from orchestra.stores.leases import Tenure, is_gone, this_machine
from orchestra.testing import VirtualClock
from orchestra.testing.samples import ELSEWHERE, this_process


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def taken(tenure: Tenure, holder: Holder, now: float = 10.0) -> Tenure:
    return tenure.taken(holder, now=now, seconds=60.0, deployment="production", where="memory")


def test_lease_of_a_process_that_is_gone_is_taken_at_once(gone: int) -> None:
    first = taken(Tenure(), attrs.evolve(this_process(), process=gone))
    second = taken(first, this_process())
    assert (second.fence, second.holder) == (2, attrs.evolve(this_process(), since=10.0))


@pytest.mark.parametrize("change", ["host", "machine"])
def test_process_of_another_machine_is_not_taken_for_gone(change: str, gone: int) -> None:
    first = taken(Tenure(), attrs.evolve(this_process(), process=gone))
    if change == "host":
        assert first.holder is not None
        first = attrs.evolve(first, holder=attrs.evolve(first.holder, host="elsewhere"))
    else:  # another container under the same host name
        first = attrs.evolve(first, machine="another")
    with pytest.raises(LockedError):
        taken(first, this_process())


def test_lease_can_be_taken_the_moment_it_expires() -> None:
    first = taken(Tenure(), this_process(), now=10.0)
    with pytest.raises(LockedError):
        taken(first, this_process(), now=69.9)
    assert taken(first, this_process(), now=70.0).fence == 2


def test_gone_is_said_only_if_certain(gone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_gone(gone)
    assert not is_gone(os.getpid())
    assert not is_gone(1)
    assert not is_gone(0)
    assert not is_gone(-1)
    assert not is_gone(2**70)

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_gone(gone)


def test_nothing_is_killed_where_signal_0_does_more_than_ask(gone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "nt")
        said = is_gone(gone)
    assert not said


def test_machine_is_told_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert this_machine() == this_machine() != ""

    def refuse(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", refuse)
    monkeypatch.setattr(platform, "node", lambda: "build-7")
    assert this_machine() == "build-7"


def test_message_of_a_held_lease() -> None:
    clock = VirtualClock()
    store = MemoryStore(deployment="production", clock=clock, lease_seconds=30.0)
    store.acquire(Holder(user="ann", host="build-7", process=4711, purpose="apply"))
    with pytest.raises(LockedError) as caught:
        store.acquire(this_process())
    assert str(caught.value) == (
        "the state of 'production' in memory is held by ann@build-7, process 4711 (apply), since "
        "2023-11-14T22:13:20Z\n"
        "  to do: wait for it to finish, as Deployment(lock_timeout=…) does; if it has died, the lease runs out at "
        "2023-11-14T22:13:50Z, or take it away: Deployment.break_lease()"
    )


def test_message_of_a_lost_lease_says_who_has_it() -> None:
    clock = VirtualClock()
    store = MemoryStore(deployment="production", clock=clock, lease_seconds=60.0)
    lease = store.acquire(ELSEWHERE)
    clock.advance(60.0)
    second = store.acquire(attrs.evolve(ELSEWHERE, user="bob", process=12))
    with pytest.raises(LeaseLostError) as caught:
        store.renew(lease)
    assert str(caught.value) == (
        "the lease on the state of 'production' is lost: bob@build-7, process 12 (apply) has held it since "
        "2023-11-14T22:14:20Z; nothing was written\n"
        "  to do: run again: calls whose outcome was not written are in the journal, and are settled first"
    )
    store.release(second)
    with pytest.raises(LeaseLostError, match="another process took it and has given it back"):
        store.renew(lease)
    with pytest.raises(LeaseLostError, match="it was given back or taken away"):
        store.renew(second)


def test_a_lease_lasts_four_heartbeats() -> None:
    usual = inspect.signature(open_store).parameters["lease_seconds"].default
    assert usual == 4 * HEARTBEAT
