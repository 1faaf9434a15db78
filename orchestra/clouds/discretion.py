"""What of requests may be read in logs: where they go and what they are about, and no value.

Libcloud writes whole requests to a file if it is told to debug, urllib3 logs URLs with what is asked in them, and
http.client prints whatever it sends. The connections made here tell less.
"""

from __future__ import annotations

import contextvars
import logging
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests
import requests.adapters
from libcloud.http import LibcloudConnection
from libcloud.utils.loggingconnection import LoggingConnection
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

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


class _Http(HTTPConnection):
    debuglevel = 0  # whatever http.client's own is set to: that prints requests as they are sent


class _Https(HTTPSConnection):
    debuglevel = 0


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class QuietAdapter(requests.adapters.HTTPAdapter):
    """Sends requests without a word about what is in them."""

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        """See `requests.adapters.HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_TERSE)  # adding it again changes nothing

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """See `requests.adapters.HTTPAdapter.proxy_manager_for`."""
        found = super().proxy_manager_for(proxy, **options)
        found.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return found

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """See `requests.adapters.HTTPAdapter.send`."""
        token = _sending.set(True)
        try:
            return super().send(request, *args, **options)
        finally:
            _sending.reset(token)
