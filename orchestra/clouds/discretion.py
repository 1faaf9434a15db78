"""What of requests may be read in logs: where they go and what they are about, and no value.

Libcloud writes whole requests to a file if it is told to debug, urllib3 logs URLs with what is asked in them, and
http.client prints whatever it sends. The connections made here tell less.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from libcloud.http import LibcloudConnection
from libcloud.utils.loggingconnection import LoggingConnection

_SHOWN: Final = frozenset({"Action", "Version"})
"""Fields of a form whose values say what is asked for."""

_LOGGERS: Final = ("urllib3.connectionpool", "urllib3.util.retry")
_QUERY: Final = re.compile(r"\?[^\s\"')]+")

_sending: Final = contextvars.ContextVar("sending", default=False)
"""Whether this thread is sending a request of ours: others' logs are left alone."""


class QuietConnection(LibcloudConnection):
    """A connection of Libcloud's that writes to its debug file what a request is about, and no value in it.

    Method, place, the names of fields and headers, and the status of the answer.
    """

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *more: Any, **options: Any) -> None:
        """See `LibcloudConnection.request`."""
        send: Any = super().request
        self._tell(method, url, body, headers)
        send(method, url, body, headers, *more, **options)
        self._tell_answer()

    def prepared_request(
        self, method: str, url: str, body: Any = None, headers: Any = None, *more: Any, **options: Any
    ) -> None:
        """See `LibcloudConnection.prepared_request`."""
        send: Any = super().prepared_request
        self._tell(method, url, body, headers)
        send(method, url, body, headers, *more, **options)
        self._tell_answer()

    def _tell(self, method: str, url: str, body: Any, headers: Any) -> None:
        if _log() is not None:
            _write(f"-> {method.upper()} {self.host}{describe(url, body, headers or {})}")

    def _tell_answer(self) -> None:
        if _log() is not None:
            _write(f"<- {getattr(self.response, 'status_code', 'no answer')}")


def describe(url: str, body: object, headers: Mapping[str, Any]) -> str:
    """A request without any value: path, names of fields and of headers."""
    parts = urlsplit(url)
    text = parts.path
    if query := _fields(parts.query):
        text += f"?{query}"
    length = len(body) if isinstance(body, (str, bytes)) else 0
    form = str(headers.get("Content-Type", "")).startswith("application/x-www-form-urlencoded")
    if form and length:
        text += f" form {_fields(body.decode(errors='replace') if isinstance(body, bytes) else str(body))}"
    elif length:
        text += f" body of {length}"
    return f"{text} headers {', '.join(sorted(headers))}"


def _fields(encoded: str) -> str:
    """The names in a form or a query, in order."""
    return ", ".join(
        f"{name}={value}" if name in _SHOWN else name for name, value in parse_qsl(encoded, keep_blank_values=True)
    )


def _log() -> Any:
    """Libcloud's debug file, None unless it is to debug."""
    log: Any = LoggingConnection.log
    return log


def _write(line: str) -> None:
    log = _log()
    log.write(f"# orchestra {line}\n")
    log.flush()


class _Terse(logging.Filter):
    """Takes what is asked in URLs out of the log of a request of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _sending.get():
            record.msg, record.args = _QUERY.sub("?…", record.getMessage()), ()
        return True


_TERSE: Final = _Terse()


def keep_loggers_terse() -> None:
    """From now on the logs of requests are told `unsaid`'s way; doing it again changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_TERSE)


@contextlib.contextmanager
def unsaid() -> Iterator[None]:
    """While this thread sends a request, what is asked in its URL is taken out of logs."""
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)
