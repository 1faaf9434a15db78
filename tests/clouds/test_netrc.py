"""What a person's ~/.netrc holds goes to no cloud: it would take the place of what the driver signed with."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from orchestra.clouds.connections import Connections

SIGNED = "Bearer of-the-driver"


class Server(http.server.HTTPServer):
    """Sends whoever asks for a number on to the one below it; ``signed`` is what requests came with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.signed: list[str | None] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.signed.append(self.headers["Authorization"])
        left = int(self.path.strip("/"))
        self.send_response(307 if left else 200)
        if left:
            self.send_header("Location", f"http://localhost:{self.server.server_port}/{left - 1}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def address(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password of-another-service\ndefault login ann password of-anyone\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    return f"http://127.0.0.1:{server.server_port}"


def test_a_request_goes_as_its_driver_signed_it(server: Server, address: str) -> None:
    with Connections() as connections:
        connections.get(f"{address}/0", headers={"Authorization": SIGNED})
        connections.get(f"{address}/0")
    assert server.signed == [SIGNED, None]


def test_one_that_is_sent_on_to_another_host_takes_no_credentials_along(server: Server, address: str) -> None:
    with Connections() as connections:
        connections.get(f"{address}/2", headers={"Authorization": SIGNED})
    assert server.signed == [SIGNED, None, None]


def test_requests_itself_would_send_what_is_in_the_file(server: Server, address: str) -> None:
    with requests.Session() as session:
        session.get(f"{address}/1", headers={"Authorization": SIGNED})
    assert [str(one).partition(" ")[0] for one in server.signed] == ["Basic", "Basic"]
