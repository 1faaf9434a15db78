"""A process that applies a stack on an OpenStack, and is killed once a certain change was answered.

``python -m tests.clouds.openstack.dying ENDPOINT PROJECT IMAGE STATE WORDS``: after the first change with ``WORDS`` at
the end of its URL.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

import orchestra as oc
from orchestra.clouds.connections import Connections


class Site(oc.Stack):
    """Servers in a network that leads outside, which get their public addresses because their subnet says so."""

    image: str
    servers: int = 1

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [oc.Server(image=self.image, size="m1.tiny", subnet=self.subnet) for _ in range(self.servers)]


def deployed(endpoint: str, project: str, site: Site, state: str | Path) -> oc.Deployment:
    """``site``, deployed in a project."""
    cloud = oc.clouds.openstack(endpoint=endpoint, username=project, password="secret", project=project)
    return oc.Deployment(site, name="site", cloud=cloud, state=state, progress=False)


def main(endpoint: str, project: str, image: str, state: str, words: str) -> None:
    """Apply, and die."""
    send = Connections.send

    def dying(self: Connections, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        answer = send(self, request, **named)
        if request.method != "GET" and urlsplit(str(request.url)).path.endswith(words):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    Connections.send = dying  # type: ignore[method-assign]
    with deployed(endpoint, project, Site(image=image), state) as deployment:
        deployment.apply()


if __name__ == "__main__":
    main(*sys.argv[1:])
