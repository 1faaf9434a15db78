"""A resource is done when it answers: asked over real connections of loopback."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from memory_cloud import MemoryCloud
from stacks import deploy

import orchestra as oc
from orchestra.contracts import Observation
from orchestra.engine import probing
from orchestra.state.records import Condition
from orchestra.testing import VirtualClock


class Health(http.server.ThreadingHTTPServer):
    """Answers with each of ``statuses``, then with the last one for ever."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.statuses = list(statuses)
        self.asked: list[str] = []
        self.lock = threading.Lock()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Health)
        with self.server.lock:
            self.server.asked.append(self.path)
            status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def make_health() -> Iterator[object]:
    """Makes servers, and ends them."""
    made: list[Health] = []

    def make(*statuses: int) -> Health:
        server = Health(*statuses)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        found: int = free.getsockname()[1]
        return found


class Site(oc.Stack):
    """A server that has to answer, and a record that waits for it."""

    checks: list[object]
    size: str = "small"
    timeout: float | None = None

    def build(self) -> None:
        self.web = oc.Server(
            image="debian-12",
            size=self.size,
            ready=self.checks,  # type: ignore[arg-type]
            lifecycle=oc.Lifecycle(create_timeout=self.timeout, update_timeout=self.timeout),
        )
        self.after = oc.Bucket(name="files", depends_on=[self.web])


def on_loopback(cloud: MemoryCloud) -> MemoryCloud:
    """Servers of ``cloud`` have the address of this machine."""

    def told(observation: Observation) -> Observation:
        if "public_ip" not in observation.outputs:
            return observation
        return attrs.evolve(observation, outputs={**observation.outputs, "public_ip": "127.0.0.1"})

    cloud.told = told
    return cloud


@pytest.fixture
def cloud() -> MemoryCloud:
    return on_loopback(MemoryCloud())


def test_dependants_wait_until_it_answers(cloud: MemoryCloud, make_health, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    health = make_health(503, 404, 200)
    asked_before: list[int] = []

    def watch(operation: str, kind: str, what: str) -> None:
        if operation == "create" and what == "after":
            asked_before.append(len(health.asked))

    cloud.before = watch
    stack = Site(checks=[oc.HttpOk("/health?a=b", port=health.server_port)])
    deployment = deploy(stack, cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    assert health.asked == ["/health?a=b"] * 3
    assert asked_before == [3]
    assert {record.condition for record in deployment.resources.values()} == {Condition.READY}
    assert deployment.plan().is_empty
    deployment.close()


def test_the_cloud_s_word_comes_first(make_health, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    health = make_health(200)
    cloud = on_loopback(MemoryCloud(polls_until_ready=3))
    observed: list[int] = []
    cloud.before = lambda operation, kind, what: observed.append(len(health.asked)) if operation == "observe" else None
    deployment = deploy(Site(checks=[oc.HttpOk(port=health.server_port)]), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    assert observed[:3] == [0, 0, 0]
    assert health.asked == ["/"]
    deployment.close()


def test_one_that_never_answers_fails_with_what_it_said(cloud: MemoryCloud, make_health, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    health = make_health(500)
    checks: list[object] = [oc.HttpOk("/well", port=health.server_port)]
    clock = VirtualClock()
    with deploy(Site(checks=checks, timeout=30.0), cloud, tmp_path, clock=clock) as deployment:
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply()
        (cause,) = caught.value.exceptions
        assert isinstance(cause, oc.NotReadyError)
        assert cause.address == "web"
        assert f"it is still not well: 127.0.0.1:{health.server_port}/well answers with status 500" in cause.message
        assert [(name, one.condition) for name, one in deployment.resources.items()] == [("web", Condition.TAINTED)]
        health.statuses = [204]
        deployment.apply()  # the next plan finds it well after all
        assert len(cloud.operations("create")) == 2
        assert {one.condition for one in deployment.resources.values()} == {Condition.READY}


def test_after_an_update_it_must_answer_again(cloud: MemoryCloud, make_health, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    health = make_health(200)
    checks: list[object] = [oc.HttpOk(port=health.server_port)]
    with deploy(Site(checks=checks), cloud, tmp_path, clock=VirtualClock()) as deployment:
        deployment.apply()
    health.statuses = [503, 200]
    with deploy(Site(checks=checks, size="large"), cloud, tmp_path, clock=VirtualClock()) as deployment:
        deployment.apply()
        assert len(health.asked) == 3


def test_other_checks_change_nothing_that_is_there(cloud: MemoryCloud, closed_port: int, tmp_path: Path) -> None:
    with deploy(Site(checks=[]), cloud, tmp_path) as deployment:
        deployment.apply()
    with deploy(Site(checks=[oc.TcpOpen(closed_port)]), cloud, tmp_path) as deployment:
        assert deployment.plan().is_empty


def test_a_function_is_asked_with_the_outputs(cloud: MemoryCloud, tmp_path: Path) -> None:
    seen: list[Mapping[str, object]] = []

    def warmed_up(outputs: Mapping[str, object]) -> str | None:
        seen.append(outputs)
        return None if len(seen) > 1 else "it is cold"

    with deploy(Site(checks=[warmed_up]), cloud, tmp_path, clock=VirtualClock()) as deployment:
        deployment.apply()
    assert len(seen) == 2
    assert seen[0]["public_ip"] == "127.0.0.1"
    assert str(seen[0]["id"]).startswith("server-")


LOOPBACK = {"public_ip": "127.0.0.1", "private_ip": "192.0.2.1"}


def test_an_open_port(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert probing.why_not([oc.TcpOpen(listening.getsockname()[1])], LOOPBACK) is None
    reason = probing.why_not([oc.TcpOpen(closed_port)], LOOPBACK)
    assert reason == f"not answering at 127.0.0.1:{closed_port} (Connection refused)"


def test_what_speaks_no_http_is_not_ready(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        reason = probing.why_not([oc.HttpOk(port=port, timeout=0.1)], LOOPBACK)
        assert reason == f"not answering at 127.0.0.1:{port}/ (timed out)"
    reason = probing.why_not([oc.HttpOk("/a", port=closed_port, secure=True)], LOOPBACK)
    assert reason == f"not answering at 127.0.0.1:{closed_port}/a (Connection refused)"


@pytest.mark.parametrize(
    ("outputs", "host"),
    [
        ({"private_ip": "127.0.0.1", "public_ip": None}, None),
        ({"ip": "127.0.0.1"}, None),
        ({"public_ip": "192.0.2.1"}, "127.0.0.1"),
    ],
)
def test_where_it_is_asked(outputs: Mapping[str, object], host: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert probing.why_not([oc.TcpOpen(listening.getsockname()[1], host=host)], outputs) is None


def test_one_without_an_address_yet_is_waited_for() -> None:
    assert probing.why_not([oc.TcpOpen(22)], {"public_ip": None}) == "not answering: it has no address yet"


def test_the_first_that_is_not_content_is_told_and_faults_are_no_answers() -> None:
    def broken(outputs: Mapping[str, object]) -> str | None:
        raise ValueError("no such thing")

    def late(outputs: Mapping[str, object]) -> str | None:
        return "later"

    assert probing.why_not([lambda outputs: None, late, broken], {}) == "not ready: later"
    assert probing.why_not([broken], {}) == "not ready: broken raised ValueError: no such thing"
    assert probing.why_not([], {}) is None
