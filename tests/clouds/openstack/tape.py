"""Exchanges with a real OpenStack, kept in files: taken down from it once, and played back by a server on loopback.

What is played back must be asked for to the letter: method, path, query, microversion and body of every request, in
order. So these tests see what is sent, and what is made of an answer that a real OpenStack gave.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import requests

from orchestra.clouds.connections import Connections

FOLDER = Path(__file__).parent / "recorded"
PLACES = {
    "identity": "http://127.0.0.1:5000",
    "compute": "http://127.0.0.1:8774",
    "network": "http://127.0.0.1:9696",
    "image": "http://127.0.0.1:9292",
    "volume": "http://127.0.0.1:8776",
}
"""Where each service of the recorded OpenStack is."""

KEPT_HEADERS = ("Content-Type", "Retry-After")


@attrs.frozen
class Exchange:
    """One request and its answer. Paths begin with the name of the service; bodies are JSON documents or text."""

    method: str
    path: str
    body: Any
    version: str
    status: int
    answer: Any
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def request(self) -> dict[str, Any]:
        """What is asked."""
        return {"method": self.method, "path": self.path, "version": self.version, "body": self.body}


class Recorder(Connections):
    """Connections that take down what goes over them. Tokens are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        answer = super().send(request, **named)
        headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
        if "X-Subject-Token" in answer.headers:
            headers["X-Subject-Token"] = "recorded-token"
        self.exchanges.append(
            Exchange(
                method=str(request.method),
                path=_path(str(request.url)),
                body=_document(request.body),
                version=str(request.headers.get("OpenStack-API-Version", "")),
                status=answer.status_code,
                answer=_document(answer.content),
                headers=headers,
            )
        )
        return answer


def _path(url: str) -> str:
    for service, base in PLACES.items():
        if url.startswith(base):
            parts = urlsplit(url.removeprefix(base))
            query = "&".join(f"{name}={value}" for name, value in parse_qsl(parts.query, keep_blank_values=True))
            return f"/{service}{parts.path}" + (f"?{query}" if query else "")
    raise ValueError(f"{url} is at none of the services")


def _document(content: bytes | str | None) -> Any:
    if not content:
        return None
    text = content.decode() if isinstance(content, bytes) else content
    try:
        return json.loads(text)
    except ValueError:
        return text


def save(name: str, exchanges: Sequence[Exchange]) -> None:
    """Keep ``exchanges`` under ``name``."""
    FOLDER.mkdir(exist_ok=True)
    lines = [json.dumps(attrs.asdict(one), ensure_ascii=False, sort_keys=True) for one in exchanges]
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(name: str) -> list[Exchange]:
    """The exchanges kept under ``name``. The token that was given then has run out since: here it lasts."""
    exchanges = []
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        one = Exchange(**json.loads(line))
        if isinstance(one.answer, dict) and "expires_at" in one.answer.get("token", ()):
            one.answer["token"]["expires_at"] = "2999-12-31T23:59:59.000000Z"
        exchanges.append(one)
    return exchanges


class Player:
    """Plays exchanges back. ``wrong`` is what was asked for out of turn."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.left = list(exchanges)
        self.wrong: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
        self.endpoint = ""
        self._lock = threading.Lock()

    def answer(self, asked: dict[str, Any]) -> Exchange:
        """The answer to what is asked, if that is what comes next."""
        with self._lock:
            expected = self.left[0] if self.left else None
            if expected is None or expected.request() != asked:
                self.wrong.append((asked, expected.request() if expected else None))
                return Exchange("", "", None, "", 418, {"teapot": {"message": "nobody asked for that then"}})
            return self.left.pop(0)

    def placed(self, answer: Any) -> bytes:
        """An answer whose links lead here."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        for service, base in PLACES.items():
            text = text.replace(base, f"{self.endpoint}/{service}")
        return text.encode()


@contextlib.contextmanager
def playing(exchanges: Sequence[Exchange]) -> Iterator[Player]:
    """A server that plays ``exchanges`` back; at the end all must have been asked for, in order."""
    player = Player(exchanges)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            query = "&".join(f"{name}={value}" for name, value in parse_qsl(parts.query, keep_blank_values=True))
            found = player.answer(
                {
                    "method": self.command,
                    "path": parts.path + (f"?{query}" if query else ""),
                    "version": self.headers.get("OpenStack-API-Version", ""),
                    "body": _document(self.rfile.read(length)),
                }
            )
            content = b"" if found.answer is None else player.placed(found.answer)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - http.server looks for these names

        def log_request(self, *given: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        player.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield player
        finally:
            server.shutdown()
            thread.join()
    assert not player.wrong, f"asked: {player.wrong[0][0]}\nrecorded: {player.wrong[0][1]}"
    assert not player.left, f"never asked for: {player.left[0].request()}"
