"""HTTP around the shim, with connections kept alive as AWS keeps them."""

from __future__ import annotations

import socket
import sys
import traceback
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from tests.moto_server.faults import Dropped
from tests.moto_server.messages import Answer, Request
from tests.moto_server.shim import Shim


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
            answer = self.server.app(request)  # type: ignore[attr-defined]
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception:
            answer = Answer(500, traceback.format_exc().encode())
            sys.stderr.write(answer.body.decode())
        self._send(answer)

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


def server(shim: Shim, port: int = 0) -> BaseWSGIServer:
    """A server for ``shim`` on loopback; port 0 takes a free one."""
    return make_server("127.0.0.1", port, shim, threaded=True, request_handler=_Handler)  # type: ignore[arg-type]
