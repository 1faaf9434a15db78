"""A process that applies a stack of containers, and is killed once the engine has answered to a request.

``python -m tests.clouds.docker.dying ENDPOINT STATE PORT WORDS``: after the first POST with ``WORDS`` in its URL.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import requests

import orchestra as oc


class Site(oc.Stack):
    """Web servers, and a job that writes what they show before they start."""

    ports: tuple[int, ...]
    text: str = "hello"

    def build(self) -> None:
        self.image = oc.ContainerImage(name="busybox:1")
        self.content = oc.Container(
            image=self.image,
            command=["sh", "-c", 'echo "$TEXT" > /www/index.html'],
            environment={"TEXT": self.text, "PASSWORD": oc.Secret.env("SITE_PASSWORD")},
            mounts=[oc.Mount(source="www", target="/www")],
            network="none",
            once=True,
        )
        self.web = [
            oc.Container(
                image=self.image,
                command=["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/www"],
                mounts=[oc.Mount(source="www", target="/www", read_only=True)],
                network="host",
                stop_seconds=0,
                labels={"tier": "web"},
                depends_on=[self.content],
            )
            for port in self.ports
        ]


def main(endpoint: str, state: str, port: str, words: str) -> None:
    """Apply, and die."""
    send = requests.Session.send

    def dying(self: requests.Session, sent: requests.PreparedRequest, **named: Any) -> requests.Response:
        answer = send(self, sent, **named)
        if words in str(sent.url) and sent.method == "POST":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    requests.Session.send = dying  # type: ignore[method-assign]
    cloud = oc.clouds.docker(endpoint=endpoint)
    with oc.Deployment(Site(ports=(int(port),)), name="site", cloud=cloud, state=state, progress=False) as deployment:
        deployment.apply()


if __name__ == "__main__":
    main(*sys.argv[1:])
