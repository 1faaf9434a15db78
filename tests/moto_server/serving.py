"""HTTP around the shim, with connections kept alive as AWS keeps them."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import traceback
from typing import Any, Final

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from tests.moto_server.faults import Dropped
from tests.moto_server.messages import Answer, Request
from tests.moto_server.shim import Shim

PATIENCE: Final = 30.0
"""Seconds that `Server.wait_until_quiet` waits at most."""


class _Handler(MotoRequestHandler):
    """One connection. The body is read whole before anything else, so that the next request is found behind it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        body = environ["wsgi.input"].read() if environ.get("wsgi.input_terminated") else self._body()
        request = Request(
            method=self.command,
            path=self.path.partition("?")[0],
            query=self.path.partition("?")[2],
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            environ=environ,
        )
        try:
            if len(body) < int(self.headers.get("Content-Length") or 0):
                raise Dropped  # whoever sent it died meanwhile
            answer = self._answer(request)
        except Dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception:
            answer = Answer(500, traceback.format_exc().encode())
            sys.stderr.write(answer.body.decode())
        self._send(answer)

    def _answer(self, request: Request) -> Answer:
        serving: Server = self.server  # type: ignore[assignment]
        if request.path == "/__quiet":
            serving.wait_until_quiet()
            return Answer(200, b"")
        if request.path == "/__branch":
            with serving.shim.unused():
                return Answer(200, "{} {}".format(*_branch(serving.shim)).encode())
        return serving.shim(request)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
        for name, value in answer.headers:
            if name.lower() not in ("content-length", "connection", "date", "server", "status"):
                self.send_header(name, value)
        head = self.command == "HEAD"
        self.send_header("Content-Length", lengths[0] if head and lengths else str(len(answer.body)))
        self.end_headers()
        if not head:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: tests look at answers and counts."""


class Server(ThreadedWSGIServer):
    """A server for ``shim`` on loopback that knows how many connections are open; port 0 takes a free one."""

    def __init__(self, shim: Shim, port: int = 0) -> None:
        super().__init__("127.0.0.1", port, shim, handler=_Handler)  # type: ignore[arg-type]
        self.shim = shim
        self._open = 0
        self._changed = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection; those made earlier are counted already."""
        with self._changed:
            self._open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection is over."""
        super().shutdown_request(request)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wait_until_quiet(self) -> None:
        """Wait until no connection is open but the one of whoever asks: what the others had sent has been done."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._open <= 1, PATIENCE):
                raise RuntimeError(f"{self._open} connections are open")


def _branch(shim: Shim) -> tuple[int, int]:
    """The port and process of another server, which has all that this one has, and is on its own from here on.

    It ends when this process does. Only for when nobody else is calling: no other thread lives on in it.
    """
    hearing, telling = os.pipe()
    watching, watched = os.pipe()  # nobody writes: it ends with this process
    process = os.fork()
    if process == 0:
        try:
            os.close(watched)
            shim.be_alone()
            serving = Server(shim)
            os.write(telling, str(serving.port).encode())
            os.close(telling)
            threading.Thread(target=_end_with, args=(watching,), daemon=True).start()
            serving.serve_forever()
        finally:
            os._exit(1)
    os.close(telling)
    os.close(watching)
    with os.fdopen(hearing) as said:
        port = said.read()
    if not port:
        raise RuntimeError("the branch ended before it was ready; its error is above")
    return int(port), process


def _end_with(watching: int) -> None:
    os.read(watching, 1)
    os._exit(0)
