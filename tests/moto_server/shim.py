"""moto behind everything that makes it answer as AWS does."""

from __future__ import annotations

import collections
import contextlib
import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import attrs
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from tests.moto_server import strictness
from tests.moto_server.completing import complete_answer, complete_request, tasks_go_on
from tests.moto_server.credentials import Credentials
from tests.moto_server.doubles import Doubles
from tests.moto_server.faults import Dropped, Faults
from tests.moto_server.inventory import inventory
from tests.moto_server.mending import mend_answer, mend_request
from tests.moto_server.messages import Answer, Request, refusal
from tests.moto_server.remembering import remember
from tests.moto_server.tokens import Tokens


class Shim:
    """Answers requests, one at a time where moto is concerned: it isn't made for threads."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        remember()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._credentials = Credentials(pairs)
        self._faults = Faults()
        self._tokens = Tokens()
        self._doubles = Doubles()
        self._references: set[str] = set()
        self._counts: collections.Counter[str] = collections.Counter()
        tasks_go_on()

    def __call__(self, request: Request) -> Answer:
        """Answer ``request``; raises `Dropped` when the connection is to be cut."""
        if request.path.startswith("/__"):
            return self._control(request)
        with self._lock:
            self._counts[request.action] += 1
        fault = self._faults.take(request)
        if fault and fault.mode == "drop_before":
            raise Dropped
        if fault and fault.mode == "answer":
            return fault.answer()
        if fault and fault.mode == "delay":
            threading.Event().wait(fault.seconds)
        refused = self._credentials.check(request)
        if refused:
            return refused
        with self._lock:
            answer = self._work(request)
        if fault and fault.mode == "drop_after":
            raise Dropped
        return fault.rewrite(answer) if fault and fault.mode == "rewrite" else answer

    @contextlib.contextmanager
    def unused(self) -> Iterator[None]:
        """Inside, no call is under way."""
        with self._lock:
            yield

    def be_alone(self) -> None:
        """Whatever thread held a lock in the process that this one was forked off from, there is none of them here."""
        self._lock = threading.Lock()

    def _work(self, request: Request) -> Answer:
        answer = (
            self._tokens.recall(request)
            or self._doubles.recall(request)
            or self._reused(request)
            or strictness.refuse(request)
        )
        if answer is not None:
            return answer
        mended = mend_request(complete_request(request), self._tokens.instances)
        answer = complete_answer(request, self._ask_moto(mended), self._ask_moto)
        answer = mend_answer(request, answer)
        self._tokens.remember(request, answer)
        self._doubles.remember(request, answer)
        return answer

    def _reused(self, request: Request) -> Answer | None:
        """The refusal of a zone whose caller reference was used before."""
        if request.service != "route53" or request.method != "POST" or not request.path.endswith("/hostedzone"):
            return None
        reference = request.body.decode().partition("<CallerReference>")[2].partition("<")[0]
        if reference not in self._references:
            self._references.add(reference)
            return None
        return refusal(
            request,
            409,
            "HostedZoneAlreadyExists",
            f"A hosted zone has already been created with the specified caller reference: {reference}.",
        )

    def _ask_moto(self, request: Request) -> Answer:
        url = f"{request.path}?{request.query}" if request.query else request.path
        environ: dict[str, Any] = {
            **request.environ,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquote(request.path, "latin-1"),  # as WSGI wants it
            "RAW_URI": url,
            "REQUEST_URI": url,
            "QUERY_STRING": request.query,
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body),
        }
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        for name, key in (("content-type", "CONTENT_TYPE"), ("authorization", "HTTP_AUTHORIZATION")):
            if name in request.headers:
                environ[key] = request.headers[name]
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            told.append((status, headers))

        parts = self._moto(environ, start)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, headers = told[-1]
        return Answer(int(status.split()[0]), body, tuple(headers))

    def _control(self, request: Request) -> Answer:
        """The server's own paths, for tests."""
        if request.path == "/__fault":
            for fault in json.loads(request.body):
                self._faults.add(**fault)
        elif request.path == "/__credentials":
            self._credentials.pairs = dict(json.loads(request.body))
        elif request.path == "/__stats":
            with self._lock:
                body = json.dumps(self._counts, sort_keys=True).encode()
            return Answer(200, body, (("Content-Type", "application/json"),))
        elif request.path == "/__inventory":
            with self._lock:
                body = json.dumps([attrs.astuple(thing) for thing in inventory()]).encode()
            return Answer(200, body, (("Content-Type", "application/json"),))
        elif request.path == "/__reset":
            self._reset(request)
        else:
            return Answer(404, b"")
        return Answer(200, b"")

    def _reset(self, request: Request) -> None:
        self._faults.clear()
        with self._lock:
            self._tokens.clear()
            self._doubles.clear()
            self._references.clear()
            self._counts.clear()
            self._ask_moto(attrs.evolve(request, path="/moto-api/reset", method="POST", query="", body=b""))
        tasks_go_on()
