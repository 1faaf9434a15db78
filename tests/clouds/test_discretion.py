"""What of a request may be read in debug output and logs."""

from __future__ import annotations

import http.client
import http.server
import io
import logging
import threading
from collections.abc import Iterator
from typing import Any

import libcloud
import pytest
import requests
from libcloud.common.base import Connection

from orchestra.clouds.connections import Connections
from orchestra.clouds.discretion import describe
from orchestra.clouds.provider import translated
from orchestra.clouds.session import Session, share
from orchestra.clouds.translate import translate
from orchestra.errors import InvalidRequestError

SECRET = "hunter2-in-plain"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Authorization": SECRET}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(SECRET)))
        self.end_headers()
        self.wfile.write(SECRET.encode())

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def debug() -> Iterator[io.StringIO]:
    """What Libcloud writes while it is to debug."""
    written = io.StringIO()
    libcloud.enable_debug(written)
    yield written
    libcloud.reset_debug()


class Driver:
    """As much of a driver of Libcloud's as a connection has to do with."""

    def __init__(self, port: int) -> None:
        self.connection: Any = Connection(secure=False, host="127.0.0.1", port=port)
        self.connection.driver = None
        self.connection.connect()

    def call(self) -> str:
        answer = self.connection.request(
            "/path", params={"query": SECRET}, data=f"Action=Run&UserData={SECRET}", headers=dict(FORM), method="POST"
        )
        return str(answer.body)


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_libclouds_debug_output_tells_what_a_request_is_about_and_no_value(port: int, *, is_late: bool) -> None:
    written = io.StringIO()
    try:
        if not is_late:
            libcloud.enable_debug(written)
        with Connections() as connections:
            driver = share(Driver(port), connections)
            libcloud.enable_debug(written)
            assert driver.call() == SECRET
    finally:
        libcloud.reset_debug()
    asked, answered = written.getvalue().splitlines()
    assert asked.startswith(
        f"# orchestra -> POST http://127.0.0.1:{port}/path?query form Action=Run, UserData headers "
    )
    assert "Authorization" in asked
    assert answered == "# orchestra <- 200"
    assert SECRET not in written.getvalue()


def test_a_driver_of_somebody_elses_tells_what_it_always_did(port: int, debug: io.StringIO) -> None:
    driver = Driver(port)
    assert driver.call() == SECRET
    driver.connection.connection.session.close()
    assert SECRET in debug.getvalue()


def test_logs_and_prints_of_a_request_show_no_query_and_no_header(
    port: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    with Connections() as connections:
        share(Driver(port), connections).call()
    assert '"POST /path?… HTTP/1.1" 200' in caplog.text
    assert SECRET not in caplog.text + capsys.readouterr().out


def test_logs_of_somebody_elses_requests_are_left_alone(port: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Connections(), requests.Session() as other:
        other.post(f"http://127.0.0.1:{port}/path?query=theirs", data=b"x")
    assert '"POST /path?query=theirs HTTP/1.1" 200' in caplog.text


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (None, {}, "/it headers "),
        (b"\x00<xml/>", {"A": SECRET, "B": SECRET}, "/it body of 7 headers A, B"),
        (b"Action=Go&a=1&b=", FORM, "/it form Action=Go, a, b headers Authorization, Content-Type"),
        ("a=1", FORM, "/it form a headers Authorization, Content-Type"),
    ],
)
def test_a_request_is_described_by_names(body: Any, headers: dict[str, str], told: str) -> None:
    assert describe("/it", body, headers) == told


def test_credentials_are_taken_out_of_what_a_driver_raises_and_of_its_cause() -> None:
    session: Session[None] = Session(lambda: None, [SECRET])
    error = InvalidRequestError(f"refused: {SECRET}")
    error.__cause__ = KeyError(f"<AWSAccessKeyId>{SECRET}</AWSAccessKeyId>")
    told = translated(error, session, translate)
    assert str(told) == "refused: (secret)"
    assert SECRET not in repr(told.__cause__)
