"""Whole stacks of containers on a real engine: applied, broken from outside, healed and destroyed."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds.families.docker import DockerCloud
from orchestra.contracts import Cloud
from orchestra.model.address import Address
from tests.clouds.docker.dying import Site
from tests.servers.docker import DockerEngine, free_port

PASSWORD = "hunter2-S3CR3T"
ROOT = Path(__file__).parents[3]


def answer(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as found:
        return str(found.read().decode()).strip()


def changed(plan: oc.Plan) -> dict[str, tuple[oc.Action, oc.Reason]]:
    return {str(one.address): (one.action, one.reason) for one in plan.changes if one.action is not oc.Action.NO_OP}


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch, engine: DockerEngine) -> Iterator[None]:
    monkeypatch.setenv("SITE_PASSWORD", PASSWORD)
    yield
    engine.clear()
    engine.run("volume", "rm", "--force", "www")


def deployed(cloud: Cloud, folder: Path, stack: oc.Stack) -> oc.Deployment:
    return oc.Deployment(stack, name="site", cloud=cloud, state=folder / "state.db", progress=False)


def test_from_the_first_apply_to_nothing_left(cloud: DockerCloud, engine: DockerEngine, tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    with deployed(cloud, tmp_path, Site(ports=ports)) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert [answer(port) for port in ports] == ["hello", "hello"]
        assert len(engine.containers()) == 3
        assert PASSWORD not in (tmp_path / "state.db").read_bytes().decode(errors="replace")
        assert PASSWORD not in str(deployment.plan(destroy=True))
        environment = engine.inspect(deployment.resources[Address("content")].external_id)["Config"]["Env"]
        assert f"PASSWORD={PASSWORD}" in environment

        engine.run("kill", deployment.resources[Address("web[0]")].external_id)
        engine.run("rm", "--force", deployment.resources[Address("web[1]")].external_id)
        assert changed(deployment.plan()) == {
            "web[0]": (oc.Action.UPDATE, oc.Reason.DRIFTED),
            "web[1]": (oc.Action.CREATE, oc.Reason.GONE),
        }
        deployment.apply()
        assert deployment.plan().is_empty
        assert [answer(port) for port in ports] == ["hello", "hello"]

        deployment.destroy()
    assert engine.containers() == []
    assert engine.images() == ["busybox:1"]


def test_another_text_runs_the_job_again_and_leaves_the_web_servers(
    cloud: DockerCloud, engine: DockerEngine, tmp_path: Path
) -> None:
    port = free_port()
    with deployed(cloud, tmp_path, Site(ports=(port,))) as deployment:
        deployment.apply()
        kept = deployment.resources[Address("web[0]")].external_id
    with deployed(cloud, tmp_path, Site(ports=(port,), text="good bye")) as deployment:
        assert changed(deployment.plan()) == {"content": (oc.Action.REPLACE, oc.Reason.FORCED)}
        deployment.apply()
        assert answer(port) == "good bye"
        assert deployment.resources[Address("web[0]")].external_id == kept
        deployment.destroy()
    assert engine.containers() == []


def test_an_image_built_anew_replaces_what_is_made_of_it(
    cloud: DockerCloud, engine: DockerEngine, tmp_path: Path
) -> None:
    with deployed(cloud, tmp_path, Site(ports=(free_port(),))) as deployment:
        deployment.apply()
        engine.make_image("busybox:1", mark="built anew")
        plan = deployment.plan()
        assert {name: action for name, (action, _) in changed(plan).items()} == {
            "image": oc.Action.REPLACE,
            "content": oc.Action.REPLACE,
            "web[0]": oc.Action.REPLACE,
        }
        deployment.apply(plan)
        assert deployment.plan().is_empty
        web = engine.inspect(deployment.resources[Address("web[0]")].external_id)
        assert web["Image"] == engine.inspect("busybox:1")["Id"]
        deployment.destroy()
    assert engine.containers() == []
    assert engine.images() == ["busybox:1"]


def test_one_that_fails_is_told_and_replaced_when_it_is_mended(
    cloud: DockerCloud, engine: DockerEngine, tmp_path: Path
) -> None:
    class Broken(oc.Stack):
        code: int

        def build(self) -> None:
            self.job = oc.Container(
                image="busybox:1", command=["sh", "-c", f"exit {self.code}"], network="none", once=True
            )

    with deployed(cloud, tmp_path, Broken(code=7)) as deployment:
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply()
        (cause,) = caught.value.exceptions
        assert isinstance(cause, oc.NotReadyError)
        assert "it ended with code 7" in cause.message
    with deployed(cloud, tmp_path, Broken(code=0)) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert len(engine.containers()) == 1
        deployment.destroy()


@pytest.mark.parametrize("words", ["/containers/create", "/start", "/images/"])
def test_what_a_killed_process_left_is_found_and_finished(
    cloud: DockerCloud, engine: DockerEngine, tmp_path: Path, words: str
) -> None:
    port = free_port()
    died = subprocess.run(
        [sys.executable, "-m", "tests.clouds.docker.dying", engine.endpoint, tmp_path / "state.db", str(port), words],
        cwd=ROOT,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert len(engine.images()) + len(engine.containers()) >= 2
    with deployed(cloud, tmp_path, Site(ports=(port,))) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert answer(port) == "hello"
        assert len(engine.containers()) == 2
        assert len(engine.images()) == 2
        deployment.destroy()
    assert engine.containers() == []
    assert engine.images() == ["busybox:1"]


def test_a_lost_state_is_rebuilt_from_the_engine(cloud: DockerCloud, engine: DockerEngine, tmp_path: Path) -> None:
    stack = Site(ports=(free_port(),))
    with deployed(cloud, tmp_path, stack) as deployment:
        deployment.apply()
        before = {name: record.external_id for name, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deployed(cloud, tmp_path, stack) as deployment:
        deployment.rebuild()
        assert {name: record.external_id for name, record in deployment.resources.items()} == before
        deployment.destroy()
    assert engine.containers() == []
