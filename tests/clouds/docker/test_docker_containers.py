"""Containers on a real engine."""

from __future__ import annotations

import contextlib
import urllib.request
from typing import Any

import pytest
import requests

from orchestra.clouds.families.docker import DockerCloud, docker
from orchestra.contracts import Inputs, Status
from orchestra.errors import ConflictError, InvalidRequestError, TransientError
from tests.clouds.docker.scenery import CONTAINER, create, observe, owner, served, settled, update
from tests.servers.docker import DockerEngine, free_port

KIND = "containers.Container"


def test_whose_it_is_goes_with_the_creating_request(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, labels={"team": "web"})
    told = engine.inspect(made.external_id)
    assert told["Config"]["Labels"] == {**owner().tags(), "team": "web"}
    assert told["Name"] == f"/{owner().name()}"
    assert made.ownership == owner()
    assert made.inputs["labels"] == {"team": "web"}


def test_what_is_asked_for_reaches_the_engine(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(
        cloud,
        command=["sh", "-c", "sleep 1000"],
        environment={"B": "2 ü", "A": "1"},
        ports=[{"container": 80, "host": 8080, "protocol": "tcp", "address": "127.0.0.1"}],
        mounts=[{"source": "files", "target": "/files", "read_only": True}],
        network="host",
        restart="unless-stopped",
        memory_mib=64,
        cpus=0.5,
        stop_seconds=1,
        name="mine",
    )
    told = engine.inspect("mine")
    settings, host = told["Config"], told["HostConfig"]
    assert settings["Cmd"] == ["sh", "-c", "sleep 1000"]
    assert settings["Env"] == ["A=1", "B=2 ü"]
    assert settings["StopTimeout"] == 1
    assert host["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    assert host["Binds"] == ["files:/files:ro"]
    assert host["NetworkMode"] == "host"
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (64 * 2**20, 128 * 2**20, 500_000_000)
    assert made.name == "mine"


def test_a_web_server_in_a_container_answers(cloud: DockerCloud) -> None:
    port = free_port()
    made = create(cloud, command=["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/www"], network="host")
    assert settled(cloud, made.external_id).status is Status.READY
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=10) as answer:
        assert answer.read() == b"hello\n"


def test_a_second_creation_under_the_token_finds_the_first(cloud: DockerCloud, engine: DockerEngine) -> None:
    first = create(cloud)
    assert create(cloud).external_id == first.external_id
    assert len(engine.containers()) == 1


def test_what_was_made_and_not_started_is_pending_and_then_started(cloud: DockerCloud, engine: DockerEngine) -> None:
    labels = [f"--label={name}={value}" for name, value in owner().tags().items()]
    engine.run("create", "--network=none", f"--name={owner().name()}", *labels, "busybox:1", "sleep", "1000")
    found = served(cloud, KIND).find(owner(), Inputs(CONTAINER))
    assert found is not None
    assert (found.status, found.detail) == (Status.PENDING, "it isn't started yet")
    assert create(cloud).external_id == found.external_id
    assert engine.inspect(found.external_id)["State"]["Running"]


def test_one_that_is_to_stay_stopped_is_not_started(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, running=False)
    assert (made.status, made.inputs["running"], made.outputs["state"]) == (Status.READY, False, "created")
    assert create(cloud, running=False).outputs["state"] == "created"
    found = served(cloud, KIND).find(owner(), Inputs({**CONTAINER, "running": False}))
    assert found is not None
    assert found.status is Status.READY


def test_a_name_that_is_another_s_is_a_conflict(cloud: DockerCloud, engine: DockerEngine) -> None:
    engine.run("create", "--network=none", "--name=taken", "busybox:1", "sleep", "1000")
    with pytest.raises(ConflictError, match="taken"):
        create(cloud, name="taken")
    assert engine.containers() == ["taken"]


def test_an_image_that_is_not_there_is_told(cloud: DockerCloud, engine: DockerEngine) -> None:
    with pytest.raises(InvalidRequestError, match="it can't be made: No such image: none:1") as caught:
        create(cloud, image="none:1")
    assert caught.value.remedy == "have the image pulled with a ContainerImage, or build it there first"
    assert engine.containers() == []


def test_a_program_that_is_not_there_has_failed(cloud: DockerCloud) -> None:
    made = create(cloud, command=["nothing-like-this"])
    assert made.status is Status.FAILED
    assert "nothing-like-this" in made.detail
    found = served(cloud, KIND).find(owner(), Inputs(CONTAINER))
    assert found is not None
    assert found.status is Status.FAILED


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ("exit 3", "it ended with code 3"),
        ("sleep 1.5; exit 3", "it ended with code 3"),
        ("exit 0", "it ended within a second of its start, with code 0"),
    ],
)
def test_one_that_ends_has_failed_with_its_code(
    cloud: DockerCloud, engine: DockerEngine, script: str, detail: str
) -> None:
    made = create(cloud, command=["sh", "-c", script])
    engine.run("wait", made.external_id)
    told = observe(cloud, made.external_id)
    assert (told.status, told.detail) == (Status.FAILED, detail)


def test_one_that_just_runs_is_pending_for_a_second(cloud: DockerCloud) -> None:
    made = create(cloud)
    assert (made.status, made.detail) == (Status.PENDING, "it has just been started")
    assert settled(cloud, made.external_id).status is Status.READY


@pytest.mark.parametrize(("code", "status"), [(0, Status.READY), (1, Status.FAILED), (143, Status.FAILED)])
def test_one_that_runs_once_is_ready_when_it_has_ended_well(
    cloud: DockerCloud, engine: DockerEngine, code: int, status: Status
) -> None:
    made = create(cloud, command=["sh", "-c", f"sleep 1.2; exit {code}"], once=True)
    assert made.status is Status.PENDING
    assert engine.run("wait", made.external_id) == str(code)
    told = observe(cloud, made.external_id)
    assert told.status is status
    assert (told.inputs["once"], told.inputs["running"], told.outputs["state"]) == (True, True, "exited")
    assert create(cloud, once=True).external_id == made.external_id
    assert not engine.inspect(made.external_id)["State"]["Running"]


def test_one_that_is_started_again_and_again_is_pending(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, command=["false"], restart="always")
    told = observe(cloud, made.external_id)
    assert told.status is Status.PENDING
    assert told.outputs["state"] in ("restarting", "running")
    served(cloud, KIND).delete(made.external_id)
    assert engine.containers() == []


@pytest.mark.parametrize("stop", ["kill", "stop", "pause"])
def test_one_that_others_stopped_is_as_it_should_be_but_for_running(
    cloud: DockerCloud, engine: DockerEngine, stop: str
) -> None:
    made = create(cloud)
    settled(cloud, made.external_id)
    engine.run(stop, made.external_id)
    told = observe(cloud, made.external_id)
    assert (told.status, told.inputs["running"]) == (Status.READY, False)
    update(cloud, made.external_id, {"running": False}, running=True)
    assert settled(cloud, made.external_id).inputs["running"] is True
    assert settled(cloud, made.external_id).outputs["state"] == "running"


def test_updates_in_place_are_repeatable(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud)
    for _ in range(2):
        update(cloud, made.external_id, {}, restart="always", memory_mib=32, cpus=0.25)
    host = engine.inspect(made.external_id)["HostConfig"]
    assert (host["RestartPolicy"]["Name"], host["Memory"], host["NanoCpus"]) == ("always", 32 * 2**20, 250_000_000)
    update(cloud, made.external_id, {"memory_mib": 32}, memory_mib=512)
    assert engine.inspect(made.external_id)["HostConfig"]["Memory"] == 512 * 2**20
    for _ in range(2):
        told = update(cloud, made.external_id, {}, running=False)
        assert (told.inputs["running"], told.outputs["state"]) == (False, "exited")


def test_it_is_given_its_time_to_end(cloud: DockerCloud, engine: DockerEngine) -> None:
    script = "trap 'echo bye > /files/said; exit 0' TERM; while true; do sleep 0.1; done"
    mounts = [{"source": "files", "target": "/files", "read_only": False}]
    made = create(cloud, command=["sh", "-c", script], mounts=mounts, stop_seconds=20)
    settled(cloud, made.external_id)
    served(cloud, KIND).delete(made.external_id)
    said = engine.run("run", "--rm", "--network=none", "--volume=files:/files", "busybox:1", "cat", "/files/said")
    assert said == "bye"


def test_many_are_read_in_one_list(cloud: DockerCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [create(cloud, f"web[{number}]").external_id for number in range(4)]
    ids.append(create(cloud, "off", running=False).external_id)
    asked: list[str] = []
    send = requests.Session.send

    def counted(self: requests.Session, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        asked.append(str(request.url))
        return send(self, request, **named)

    for one in ids[:-1]:
        settled(cloud, one)
    monkeypatch.setattr(requests.Session, "send", counted)
    reading = served(cloud, KIND).observe(ids)
    assert set(reading.found) == set(ids)
    lists = [url for url in asked if "/containers/json?all=1" in url]
    assert len(lists) == 1
    assert len(asked) == 2  # why the one that was never started wasn't is asked of it alone


def test_gone_is_confirmed_by_a_look_up(cloud: DockerCloud, engine: DockerEngine) -> None:
    kept, gone = (create(cloud, address).external_id for address in ("kept", "gone"))
    engine.run("rm", "--force", gone)
    reading = served(cloud, KIND).observe([kept, gone, "0" * 64])
    assert (set(reading.found), reading.gone) == ({kept}, {gone, "0" * 64})


def test_one_known_by_its_name_is_found(cloud: DockerCloud, engine: DockerEngine) -> None:
    engine.run("run", "--detach", "--network=none", "--name=by-hand", "busybox:1", "sleep", "1000")
    reading = served(cloud, KIND).observe(["by-hand"])
    assert reading.found["by-hand"].inputs["name"] == "by-hand"
    assert reading.found["by-hand"].ownership is None
    assert [one.name for one in served(cloud, KIND).list()] == ["by-hand"]


@pytest.fixture(params=["/containers/create", "/start"])
def losing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The answer to the first request for this is lost; what is yielded then holds its URL."""
    lost: list[str] = []
    send = requests.Session.send

    def losing_one(self: requests.Session, sent: requests.PreparedRequest, **named: Any) -> requests.Response:
        answer = send(self, sent, **named)
        if not lost and request.param in str(sent.url):
            lost.append(str(sent.url))
            raise requests.exceptions.ConnectionError("the connection broke", request=sent)
        return answer

    monkeypatch.setattr(requests.Session, "send", losing_one)
    return lost


def test_a_lost_answer_doubles_nothing(losing: list[str], cloud: DockerCloud, engine: DockerEngine) -> None:
    with contextlib.suppress(TransientError):
        create(cloud)
    made = create(cloud)
    assert len(losing) == 1
    assert settled(cloud, made.external_id).status is Status.READY
    assert len(engine.containers()) == 1


def test_with_the_engine_out_of_reach_nothing_is_gone(cloud: DockerCloud) -> None:
    away = docker(endpoint="unix:///nowhere/docker.sock")
    reading = served(away, KIND).observe(["0" * 64])
    assert isinstance(reading.unread["0" * 64], TransientError)
    assert reading.unread["0" * 64].message == "no connection to /nowhere/docker.sock could be made"
