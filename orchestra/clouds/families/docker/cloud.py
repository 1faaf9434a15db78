"""The cloud object for a Docker engine, and the function that makes one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.families.docker.container import ContainerCalls
from orchestra.clouds.families.docker.engine import DEFAULT_ENDPOINT, Engine, Place, login, place_of
from orchestra.clouds.families.docker.image import ContainerImageCalls
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.contracts import Provider

CALLS: Final[tuple[type[Calls[Engine]], ...]] = (ContainerImageCalls, ContainerCalls)


class DockerCloud(Discoverable):
    """One Docker engine; make it with `docker`. Safe to use from several threads."""

    def __init__(self, place: Place, name: str, registries: Mapping[str, tuple[str, str]]) -> None:
        self.name = name
        self._place = place
        connections = place.connections()
        logins = {host: login(*who, host) for host, who in registries.items()}
        secrets = [*logins.values(), *(password for _, password in registries.values())]
        self._session: Session[Engine] = Session(lambda: Engine(place, connections, logins), secrets)
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {calls.kind: DriverProvider(calls(), self._session, place.translate) for calls in CALLS}
        )

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: asks for the engine's version."""
        try:
            self._session.driver().greet()
        except Exception as error:
            raise translated(error, self._session, self._place.translate) from error

    def __repr__(self) -> str:
        return f"DockerCloud({self.name!r}, at {self._place})"


def docker(
    *,
    endpoint: str | None = None,
    certificates: str | Path | None = None,
    registries: Mapping[str, tuple[str, str]] | None = None,
    name: str | None = None,
) -> DockerCloud:
    """A Docker engine: containers, and the images that they are made of.

    ``endpoint`` is where it listens: ``unix:///path`` for a socket of this machine, ``tcp://host:port`` for a port.
    By default the environment's ``DOCKER_HOST``, else ``unix:///var/run/docker.sock``. ``certificates`` is the folder
    with ``ca.pem``, ``cert.pem`` and ``key.pem`` for a port that is encrypted; by default ``DOCKER_CERT_PATH`` if
    ``DOCKER_TLS_VERIFY`` is set. An endpoint that is given takes neither from the environment. ``registries`` has user
    and password for each registry that wants them, by its host as it stands in the names of images; ``docker.io`` for
    names without one. ``name`` stands in the state for this cloud and must stay the same; default ``docker``, and for
    a port ``docker:`` and the host.

    Makes no call: `DockerCloud.verify` does. Raises `InvalidRequestError` for a wrong endpoint and `CredentialsError`
    for certificates that can't be read.
    """
    if endpoint is None:
        endpoint = os.environ.get("DOCKER_HOST") or DEFAULT_ENDPOINT
        if certificates is None and os.environ.get("DOCKER_TLS_VERIFY"):
            certificates = os.environ.get("DOCKER_CERT_PATH") or Path("~/.docker")
    place = place_of(endpoint, certificates)
    return DockerCloud(place, name or ("docker" if place.socket else f"docker:{place.host}"), registries or {})
