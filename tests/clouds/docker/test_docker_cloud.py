"""Where an engine is, and how it is reached."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.clouds.families.docker import DockerCloud, docker
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError, TransientError
from tests.clouds.docker.scenery import create, observe
from tests.servers.certificates import write_certificates
from tests.servers.docker import CannotStartError, DockerEngine, docker_engine

SETTINGS = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_by_default_it_is_the_socket_of_this_machine() -> None:
    cloud = docker()
    assert (cloud.name, repr(cloud)) == ("docker", "DockerCloud('docker', at /var/run/docker.sock)")


@pytest.mark.parametrize(
    ("endpoint", "name", "place"),
    [
        ("unix:///run/other.sock", "docker", "/run/other.sock"),
        ("tcp://build.example:4243", "docker:build.example", "build.example:4243"),
        ("tcp://build.example", "docker:build.example", "build.example:2375"),
        ("http://127.0.0.1:2375", "docker:127.0.0.1", "127.0.0.1:2375"),
    ],
)
def test_endpoints(endpoint: str, name: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(docker(endpoint=endpoint)) == f"DockerCloud('{name}', at {place})"
    monkeypatch.setenv("DOCKER_HOST", endpoint)
    assert repr(docker(name="mine")) == f"DockerCloud('mine', at {place})"


@pytest.mark.parametrize("endpoint", ["ssh://host", "unix://", "tcp://", "host:2375", "npipe:////./pipe/docker"])
def test_other_endpoints_are_refused(endpoint: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no endpoint of an engine"):
        docker(endpoint=endpoint)


def test_certificates_that_are_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match=r"ca\.pem can't be read"):
        docker(endpoint="tcp://build.example:2376", certificates=tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(CredentialsError, match=r"ca\.pem can't be read"):
        docker()
    assert docker(endpoint="tcp://other.example:2375").name == "docker:other.example"


def test_it_serves_containers_and_images_only() -> None:
    cloud = docker()
    assert cloud.provider("containers.Container") is not None
    assert cloud.provider("containers.ContainerImage") is not None
    assert cloud.provider("compute.Server") is None


def test_it_is_verified(cloud: DockerCloud) -> None:
    cloud.verify()


def test_no_engine_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=f"no connection to {tmp_path}/none.sock could be made") as caught:
        docker(endpoint=f"unix://{tmp_path}/none.sock").verify()
    assert caught.value.sent is False


def test_proxies_of_the_environment_are_not_for_a_socket(cloud: DockerCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    cloud.verify()


class Speaks(http.server.BaseHTTPRequestHandler):
    """Answers every request with ``said``."""

    said = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *given: object) -> None:
        pass


def serving(said: bytes) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Says", (Speaks,), {"said": said}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.mark.parametrize(
    ("said", "error", "text"),
    [
        (b"{}", TransientError, "what came back isn't a Docker engine's answer"),
        (b"[]", TransientError, "what came back isn't a Docker engine's answer"),
        (b'{"ApiVersion": "1.24", "MinAPIVersion": "1.12"}', InvalidRequestError, "speaks versions 1.12 to 1.24"),
        (b'{"ApiVersion": "1.90", "MinAPIVersion": "1.60"}', InvalidRequestError, "speaks versions 1.60 to 1.90"),
    ],
)
def test_what_is_no_engine_of_ours_is_told(said: bytes, error: type[CloudError], text: str) -> None:
    server = serving(said)
    try:
        with pytest.raises(error, match=text):
            docker(endpoint=f"tcp://127.0.0.1:{server.server_port}").verify()
    finally:
        server.shutdown()
        server.server_close()


def test_an_engine_at_a_port(engine: DockerEngine) -> None:
    cloud = docker(endpoint=f"tcp://127.0.0.1:{engine.port}")
    cloud.verify()
    assert observe(cloud, create(cloud).external_id).ownership is not None


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[DockerEngine, Path]]:
    """An engine that talks to who has a certificate only."""
    write_certificates(tmp_path)
    try:
        with docker_engine(certificates=tmp_path) as engine:
            engine.make_image("busybox:1")
            yield engine, tmp_path
            engine.clear()
    except CannotStartError as error:
        pytest.skip(str(error))


def test_an_engine_at_a_port_that_is_encrypted(guarded: tuple[DockerEngine, Path], tmp_path: Path) -> None:
    engine, folder = guarded
    endpoint = f"tcp://127.0.0.1:{engine.port}"
    cloud = docker(endpoint=endpoint, certificates=folder)
    cloud.verify()
    assert observe(cloud, create(cloud).external_id).ownership is not None
    with pytest.raises(CloudError):
        docker(endpoint=endpoint).verify()
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    write_certificates(strangers)
    with pytest.raises(CloudError, match="can't be trusted"):
        docker(endpoint=endpoint, certificates=strangers).verify()
