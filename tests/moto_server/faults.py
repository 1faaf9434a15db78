"""Breaking calls on demand."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

import attrs

from tests.moto_server.messages import Answer, Request

MODES: Final = ("drop_before", "drop_after", "delay", "answer", "rewrite")


class Dropped(Exception):
    """The connection is to be cut without an answer."""


@attrs.define(kw_only=True)
class Fault:
    """What to do to which calls.

    ``mode``: ``drop_before`` cuts the connection with nothing done, ``drop_after`` does the work first, ``delay``
    waits ``seconds`` first, ``answer`` answers with ``status``, ``headers`` and ``body`` with nothing done,
    ``rewrite`` does the work and replaces the pattern ``find`` by ``replace`` in the answer.
    ``action`` is compared as a whole; ``method``, ``path``, ``query`` and ``body_has`` are patterns to be found.
    The first ``skip`` calls that match are left alone, the next ``count`` are broken.
    """

    mode: str = attrs.field(validator=attrs.validators.in_(MODES))
    action: str = ""
    method: str = ""
    path: str = ""
    query: str = ""
    body_has: str = ""
    skip: int = 0
    count: int = 1
    seconds: float = 0.0
    status: int = 503
    body: str = ""
    headers: dict[str, str] = attrs.field(factory=dict)
    find: str = ""
    replace: str = ""

    def matches(self, request: Request) -> bool:
        """Whether ``request`` is one of those meant."""
        return self.action in ("", request.action) and all(
            re.search(pattern, text)
            for pattern, text in (
                (self.method, request.method),
                (self.path, request.path),
                (self.query, request.query),
                (self.body_has, request.body.decode(errors="replace")),
            )
        )

    def answer(self) -> Answer:
        """The answer of mode ``answer``."""
        headers = {"Content-Type": "text/xml; charset=utf-8", **self.headers}
        return Answer(self.status, self.body.encode(), tuple(headers.items()))

    def rewrite(self, answer: Answer) -> Answer:
        """``answer`` after mode ``rewrite``."""
        return attrs.evolve(answer, body=re.sub(self.find, self.replace, answer.body.decode()).encode())


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, **fault: Any) -> None:
        """Add a fault."""
        with self._lock:
            self._coming.append(Fault(**fault))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._coming.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault that ``request`` meets, used up by one call."""
        with self._lock:
            for fault in self._coming:
                if not fault.matches(request):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.count -= 1
                if fault.count <= 0:
                    self._coming.remove(fault)
                return fault
        return None
