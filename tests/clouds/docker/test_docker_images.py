"""Images on a real engine, pulled from a real registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.clouds.families.docker import DockerCloud, docker
from orchestra.clouds.families.docker.engine import EngineAnswer
from orchestra.clouds.families.docker.naming import Mark, familiar, mark_in, registry_of, repository_and_tag
from orchestra.contracts import Inputs, Observation, Ownership
from orchestra.errors import CloudError, CredentialsError, InUseError, InvalidRequestError, NotFoundError
from tests.clouds.docker.scenery import create as create_container
from tests.clouds.docker.scenery import owner, served
from tests.servers.docker import PASSWORD, USER, CannotStartError, DockerEngine, registry

KIND = "containers.ContainerImage"


def create(cloud: DockerCloud, name: str, address: str = "image") -> Observation:
    return served(cloud, KIND).create(Inputs({"name": name}), owner(address))


def observe(cloud: DockerCloud, external_id: str) -> Observation:
    return served(cloud, KIND).observe([external_id]).found[external_id]


@pytest.fixture
def published(engine: DockerEngine, registry_address: str) -> str:
    """An image that the registry has and the engine has not."""
    name = f"{registry_address}/team/app:1"
    engine.make_image(name, mark="published")
    engine.run("push", name)
    engine.run("rmi", name)
    return name


def test_one_that_is_there_is_found_and_left_there(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, "busybox:1")
    assert made.outputs["digest"] == engine.inspect("busybox:1")["Id"]
    assert sorted(engine.images()) == ["busybox:1", made.external_id]
    assert observe(cloud, made.external_id) == made
    assert made.ownership == owner("image")
    assert create(cloud, "busybox:1") == made
    served(cloud, KIND).delete(made.external_id)
    assert engine.images() == ["busybox:1"]


def test_one_that_is_not_there_is_pulled_and_goes_again(
    cloud: DockerCloud, engine: DockerEngine, published: str
) -> None:
    made = create(cloud, published)
    assert sorted(engine.images()) == sorted(["busybox:1", published, made.external_id])
    assert "/pulled/" in made.external_id
    container = create_container(cloud, image=made.external_id)
    assert engine.inspect(container.external_id)["Image"] == made.outputs["digest"]
    served(cloud, "containers.Container").delete(container.external_id)
    served(cloud, KIND).delete(made.external_id)
    assert engine.images() == ["busybox:1"]


def test_it_is_pulled_by_digest(cloud: DockerCloud, engine: DockerEngine, published: str) -> None:
    engine.run("pull", published)
    pinned = str(engine.inspect(published)["RepoDigests"][0])
    engine.run("rmi", published)
    made = create(cloud, pinned)
    assert observe(cloud, made.external_id).inputs == {"name": pinned}
    served(cloud, KIND).delete(made.external_id)
    assert engine.images() == ["busybox:1"]


@pytest.mark.parametrize("broken_off", ["before the tag", "after the tag"])
def test_what_a_crash_left_is_finished(
    cloud: DockerCloud, engine: DockerEngine, published: str, broken_off: str
) -> None:
    engine.run("pull", published)
    if broken_off == "after the tag":
        engine.run("tag", published, str(Mark(owner("image"), published, pulled=True)))
    found = served(cloud, KIND).find(owner("image"), Inputs({"name": published}))
    assert (found is not None) == (broken_off == "after the tag")
    made = create(cloud, published)
    assert observe(cloud, made.external_id) == made
    assert sum("orchestra.internal" in name for name in engine.images()) == 1


def test_one_that_several_have_stays_until_the_last(cloud: DockerCloud, engine: DockerEngine, published: str) -> None:
    first, second = create(cloud, published, "one"), create(cloud, published, "two")
    assert first.outputs == second.outputs
    served(cloud, KIND).delete(first.external_id)
    assert sorted(engine.images()) == sorted(["busybox:1", published, second.external_id])
    assert served(cloud, KIND).observe([first.external_id]).gone == {first.external_id}


def test_one_that_others_use_stays(cloud: DockerCloud, engine: DockerEngine, published: str) -> None:
    made = create(cloud, published)
    engine.run("create", "--network=none", "--name=theirs", published, "sleep", "1000")
    served(cloud, KIND).delete(made.external_id)
    assert sorted(engine.images()) == sorted(["busybox:1", published])
    assert engine.containers() == ["theirs"]


def test_the_last_name_of_one_in_use_can_not_be_taken(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, "busybox:1")
    create_container(cloud, image=made.external_id)
    engine.run("rmi", "busybox:1")
    with pytest.raises(InUseError, match="container"):
        served(cloud, KIND).delete(made.external_id)
    assert engine.images() == [made.external_id]


def test_a_name_that_means_another_image_by_now_is_drift(cloud: DockerCloud, engine: DockerEngine) -> None:
    made = create(cloud, "busybox:1")
    engine.make_image("busybox:1", mark="built anew")
    assert observe(cloud, made.external_id).inputs == {"name": f"busybox:1@{made.outputs['digest']}"}
    anew = create(cloud, "busybox:1", "anew")
    assert anew.outputs["digest"] != made.outputs["digest"]
    assert observe(cloud, anew.external_id).inputs == {"name": "busybox:1"}
    engine.run("rmi", "busybox:1")
    assert observe(cloud, made.external_id).inputs == {"name": "busybox:1"}


def test_one_without_a_tag_is_the_latest(cloud: DockerCloud, engine: DockerEngine) -> None:
    engine.run("tag", "busybox:1", "plain")
    made = create(cloud, "plain")
    assert observe(cloud, made.external_id).inputs == {"name": "plain"}


def test_what_can_not_be_pulled_is_told(cloud: DockerCloud, engine: DockerEngine, registry_address: str) -> None:
    with pytest.raises(NotFoundError, match="manifest unknown"):
        create(cloud, f"{registry_address}/team/none:1")
    assert engine.images() == ["busybox:1"]


def test_a_pull_that_breaks_off_is_told(cloud: DockerCloud, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = EngineAnswer.parse_body

    def broken(self: Any) -> Any:
        told = parse(self)
        return [*told[:-1], {"error": "unexpected EOF"}] if "fromImage" in str(self.request.url) else told

    monkeypatch.setattr(EngineAnswer, "parse_body", broken)
    with pytest.raises(CloudError, match="can't be pulled: unexpected EOF"):
        create(cloud, published)


def test_every_name_is_listed(cloud: DockerCloud) -> None:
    made = create(cloud, "busybox:1")
    listed = {one.external_id: one for one in served(cloud, KIND).list()}
    assert set(listed) == {"busybox:1", made.external_id}
    assert listed["busybox:1"].ownership is None
    assert listed[made.external_id] == made


TEXT = st.text(max_size=30)


@settings(max_examples=40)
@given(TEXT, TEXT, TEXT, st.booleans())
def test_marks_say_what_was_put_into_them(deployment: str, address: str, name: str, pulled: bool) -> None:
    mark = Mark(Ownership(deployment, address, "0123456789abcdef" * 2), name, pulled)
    try:
        text = str(mark)
    except InvalidRequestError:
        assert len(f"{deployment}{address}{name}".encode()) > 50
    else:
        assert mark_in(text) == mark
        assert len(text) <= 255


@pytest.mark.parametrize("tag", ["nginx:1", "orchestra.internal/x:1", "orchestra.internal/found/x/x:0", ""])
def test_other_names_are_no_marks(tag: str) -> None:
    assert mark_in(tag) is None


@pytest.mark.parametrize(
    ("name", "parts", "listed"),
    [
        ("nginx", ("nginx", "latest"), "nginx:latest"),
        ("nginx:1.27", ("nginx", "1.27"), "nginx:1.27"),
        ("docker.io/library/nginx:1", ("docker.io/library/nginx", "1"), "nginx:1"),
        ("host:5000/team/app", ("host:5000/team/app", "latest"), "host:5000/team/app:latest"),
        ("host:5000/team/app:1@sha256:ab", ("host:5000/team/app", "sha256:ab"), "host:5000/team/app@sha256:ab"),
    ],
)
def test_names_of_images(name: str, parts: tuple[str, str], listed: str) -> None:
    assert repository_and_tag(name) == parts
    assert familiar(name) == listed


@pytest.fixture(scope="module")
def guarded_registry() -> Iterator[str]:
    try:
        with registry(guarded=True) as address:
            yield address
    except CannotStartError as error:
        pytest.skip(str(error))


def test_a_registry_that_wants_a_password(engine: DockerEngine, guarded_registry: str, tmp_path: Path) -> None:
    name = f"{guarded_registry}/team/app:1"
    engine.make_image(name, mark="published")
    settings = tmp_path / "config.json"
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    settings.write_text(json.dumps({"auths": {guarded_registry: {"auth": login}}}))
    engine.run("--config", str(tmp_path), "push", name)
    engine.run("rmi", name)
    with pytest.raises(CredentialsError, match="no basic auth credentials"):
        create(docker(endpoint=engine.endpoint), name)
    with pytest.raises(CredentialsError, match="unauthorized") as caught:
        create(docker(endpoint=engine.endpoint, registries={guarded_registry: (USER, "S3CR3T-but-wrong")}), name)
    assert "S3CR3T" not in str(caught.value)
    known = docker(endpoint=engine.endpoint, registries={guarded_registry: (USER, PASSWORD)})
    assert "S3CR3T" not in repr(known)
    made = create(known, name)
    assert sorted(engine.images()) == sorted(["busybox:1", name, made.external_id])


@pytest.mark.parametrize(
    ("name", "registry_"),
    [
        ("nginx:1", "docker.io"),
        ("team/app", "docker.io"),
        ("docker.io/team/app", "docker.io"),
        ("localhost/app", "localhost"),
        ("host:5000/team/app:1", "host:5000"),
    ],
)
def test_registries_of_images(name: str, registry_: str) -> None:
    assert registry_of(name) == registry_
