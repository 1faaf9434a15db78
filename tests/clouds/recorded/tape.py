"""A server on loopback that answers as it is told and remembers what it was asked.

What it answers are the forms that the clouds document, mostly those that Libcloud's own tests have recorded.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

FOLDER = Path(__file__).parent


def recorded(name: str) -> Any:
    """A recorded answer: a file of this folder."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@attrs.frozen
class Answer:
    """An answer to ``method`` at ``path``; a ``body`` that is no text is sent as JSON."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Asked:
    """A request that came. ``body`` is what JSON says where it is JSON, else the bytes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def line(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


class Tape:
    """The server. ``play`` puts answers on it, which are given in their order; ``asked`` is all that came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: list[Answer] = []
        tape = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                tape.answer(self, self.rfile.read(length) if length else b"")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def endpoint(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, *answers: Answer) -> None:
        """Forget what was asked, and give these answers from now on."""
        assert not self._answers, f"never asked for: {self._answers}"
        self.asked.clear()
        self._answers[:] = answers

    @property
    def lines(self) -> Sequence[str]:
        """What was asked, each as method and path; fails if an answer is left."""
        assert not self._answers, f"never asked for: {self._answers}"
        return [one.line for one in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        """Answer a request with what is next."""
        parts = urlsplit(handler.path)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append(Asked(handler.command, parts.path, dict(parse_qsl(parts.query)), headers, body))
        due = self._answers.pop(0) if self._answers else None
        if due is None or (due.method, due.path) != (handler.command, parts.path):
            due = Answer("", "", f"asked for {handler.command} {parts.path}, on the tape is {due}", 418)
        sent = due.body if isinstance(due.body, (str, bytes)) else json.dumps(due.body) if due.body is not None else ""
        content = sent.encode() if isinstance(sent, str) else sent
        handler.send_response(due.status)
        for name, value in {"Content-Type": "application/json", **due.headers}.items():
            handler.send_header(name, value)
        if "Content-Length" not in due.headers:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    def running(self) -> Iterator[Tape]:
        """Itself while it runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
