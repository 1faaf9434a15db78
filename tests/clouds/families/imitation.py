"""A server on loopback that keeps things and answers in the form in which a cloud was recorded.

It knows only what `Imitation.routes` lists. A request for anything else, or with a field that the cloud's reference
doesn't have, is a fault of whoever sent it: it is answered with an error and remembered in ``faults``, which fails the
test at its end.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import attrs

RECORDED: Final = Path(__file__).parent / "recorded"


def recorded(cloud: str, name: str) -> Any:
    """A recorded answer, a fresh copy each time."""
    return json.loads((RECORDED / cloud / f"{name}.json").read_text())


@attrs.frozen
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str] = attrs.field(repr=False)
    certified: bool = False
    """Whether it came from somebody with a certificate."""


class RefusedError(Exception):
    """What the cloud answers with a status other than 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


Answer = Callable[..., "tuple[int, Any]"]


@attrs.frozen(kw_only=True)
class Trouble:
    """What becomes of the answers to certain requests, each time.

    ``status``: they are refused with that. ``change``: they have another body. Neither: the connection breaks off.
    """

    of: Callable[[Request], bool]
    status: int = 0
    change: Callable[[Any], Any] | None = None


class Imitation:
    """One cloud's API. Subclasses keep the things and have the routes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.requests: list[Request] = []
        self.faults: list[str] = []
        self.lost: list[tuple[str, str]] = []
        """Method and pattern of requests that are served once, and whose answer is lost."""
        self.failing: list[tuple[str, str, int]] = []
        """Method, pattern and status of requests that are refused once, with nothing done."""
        self.trouble: Trouble | None = None
        self.numbers = 1000
        self.endpoint = ""
        self.context: ssl.SSLContext | None = None
        """What the server encrypts with, if it does."""

    # -- for subclasses

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        """Method, pattern of the path, and what answers: it gets the request and the pattern's groups."""
        raise NotImplementedError

    def refusal(self, error: RefusedError) -> Any:
        """The body of an answer that refuses."""
        raise NotImplementedError

    def authorize(self, request: Request) -> None:
        """Raise `RefusedError` unless the credentials are right."""

    def read(self, raw: bytes, content_type: str) -> Any:
        """What a request's body says."""
        return raw.decode() if content_type.startswith("text/plain") else json.loads(raw)

    def written(self, answer: Any) -> bytes:
        """The body of an answer."""
        return json.dumps(answer).encode()

    def headers(self, request: Request) -> Mapping[str, str]:
        """What goes with the answer to a request, beside its form."""
        return {}

    content_type = "application/json; charset=utf-8"

    def plant(self, things: dict[str, dict[str, Any]], count: int) -> list[str]:
        """Have ``count`` of ``things``: more of them that are as the first one, under ids of their own."""
        first = next(iter(things.values()))
        name = next(one for one in ("uuid", "id", "ip") if one in first)
        stem, dash, _ = str(first[name]).rpartition("/" if "/" in str(first[name]) else "-")
        for number in range(1_000_000, 1_000_000 + count - len(things)):
            identity = number if isinstance(first[name], int) else f"{stem}{dash}{number}"
            things[str(identity)] = {**first, name: identity}
        return list(things)

    def number(self) -> int:
        """A number that nothing has yet."""
        self.numbers += 1
        return self.numbers

    def check_body(self, request: Request, *, needed: Sequence[str], possible: Sequence[str] = ()) -> dict[str, Any]:
        """The body, which has the fields that are needed and none but those that are possible."""
        body = request.body
        if not isinstance(body, dict) or set(needed) - set(body) or set(body) - {*needed, *possible}:
            self.faults.append(f"{request.method} {request.path}: {body!r}")
            raise RefusedError(422, f"the fields {sorted(needed)} are needed, {sorted(possible)} are possible")
        return copy.deepcopy(body)

    # -- serving

    def answer(self, request: Request) -> tuple[int, Any]:
        """The status and the body of the answer."""
        with self.lock:
            self.requests.append(request)
            try:
                self.authorize(request)
                self._fail(request)
                trouble = self.trouble if self.trouble is not None and self.trouble.of(request) else None
                if trouble is not None and trouble.status:
                    raise RefusedError(trouble.status, "refused for a test")
                for method, pattern, answer in self.routes():
                    found = re.fullmatch(pattern, request.path)
                    if found and method == request.method:
                        status, body = answer(request, *found.groups())
                        return status, trouble.change(body) if trouble is not None and trouble.change else body
                self.faults.append(f"{request.method} {request.path} is no request that the cloud knows")
                raise RefusedError(404, "no such path")
            except RefusedError as error:
                return error.status, self.refusal(error)
            except Exception as error:
                self.faults.append(f"{request.method} {request.path}: {error!r}")
                raise

    def _fail(self, request: Request) -> None:
        for one in self.failing:
            if one[0] == request.method and re.fullmatch(one[1], request.path):
                self.failing.remove(one)
                raise RefusedError(one[2], "refused for a test")

    def loses(self, request: Request) -> bool:
        """Whether the answer to this request is lost on the way."""
        trouble = self.trouble
        if trouble is not None and not trouble.status and trouble.change is None and trouble.of(request):
            return True
        for one in self.lost:
            if one[0] == request.method and re.fullmatch(one[1], request.path):
                self.lost.remove(one)
                return True
        return False

    def sent(self, method: str, pattern: str = ".*") -> list[Request]:
        """The requests that came in so far."""
        with self.lock:
            return [one for one in self.requests if one.method == method and re.fullmatch(pattern, one.path)]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve on a free port of loopback; at the end, what was sent wrongly is told."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"imitation": self}))
        server.daemon_threads = True
        server.block_on_close = False
        if self.context is not None:
            server.socket = self.context.wrap_socket(
                server.socket,
                server_side=True,
                do_handshake_on_connect=False,  # else one client holds up all others
            )
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        self.endpoint = f"http{'s' if self.context else ''}://127.0.0.1:{server.server_address[1]}"
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        assert not self.faults, self.faults


Things = dict[str, dict[str, Any]]
"""What a cloud keeps of one kind, by its id."""


class TokenImitation(Imitation):
    """A cloud that is asked with a bearer's token, and tells one thing under its id and a name for such."""

    token = ""
    public: Sequence[str] = ()
    """The paths that anybody may read."""
    wrong_token = ""
    missing = "Not found"
    dropped: tuple[int, Any] = (204, None)
    """The answer to a deletion."""

    def __init__(self, page: int) -> None:
        super().__init__()
        self.page = page
        self.domains: Things = {}
        self.records: dict[str, Things] = {}
        """The records of each domain, by its id."""

    def records_of(self, domain: str) -> Things:
        """The records of a domain that is there."""
        self.known(self.domains, domain)
        return self.records[domain]

    def authorize(self, request: Request) -> None:
        """See `Imitation.authorize`."""
        wanted = f"Bearer {self.token}"
        if request.path not in self.public and request.headers.get("Authorization") != wanted:
            raise RefusedError(401, self.wrong_token)

    def settle(self, thing: dict[str, Any]) -> None:
        """What a read sees: what was under way has come to its end."""

    def known(self, things: Things, identity: str) -> dict[str, Any]:
        """One that is there."""
        if identity not in things:
            raise RefusedError(404, self.missing)
        return things[identity]

    def one(self, things: Things, identity: str, name: str = "") -> tuple[int, Any]:
        """The answer that tells one, under ``name`` if that isn't ''."""
        thing = self.known(things, identity)
        self.settle(thing)
        return 200, {name: thing} if name else thing

    def drop(self, things: Things, identity: str) -> tuple[int, Any]:
        """The answer to a deletion."""
        self.known(things, identity)
        del things[identity]
        return self.dropped

    def kept(self, path: str, things: Things, name: str = "") -> Sequence[tuple[str, str, Answer]]:
        """The routes by which one is told and deleted."""
        return (
            ("GET", path, lambda _, identity: self.one(things, identity, name)),
            ("DELETE", path, lambda _, identity: self.drop(things, identity)),
        )

    def slice(self, things: Things, start: int, size: int) -> list[dict[str, Any]]:
        """A part of all things, as they are told now."""
        found = list(things.values())[start : start + size]
        for one in found:
            self.settle(one)
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: apart, the second waits for the first to be confirmed
    imitation: Imitation

    def log_message(self, *said: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        body = self.imitation.read(raw, self.headers.get("Content-Type", "")) if raw else None
        query, headers = dict(parse_qsl(parts.query)), dict(self.headers.items())
        certified = isinstance(self.connection, ssl.SSLSocket) and bool(self.connection.getpeercert())
        request = Request(self.command, parts.path, query, body, headers, certified)
        status, answer = self.imitation.answer(request)
        if self.imitation.loses(request):
            self.close_connection = True
            return
        content = b"" if answer is None else self.imitation.written(answer)
        self.send_response(status)
        self.send_header("Content-Type", self.imitation.content_type)
        for name, value in self.imitation.headers(request).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - so the base class names them
