"""Libcloud's errors, and what lies under them, as errors of our own tree: the only place that looks at their text.

Libcloud leaves the cloud's error code inside the message (``InvalidVpcID.NotFound: …``, or a whole XML document),
so it is taken from there. What tells the class of an error, in this order: what the network says, the cloud's own
code, the name of Libcloud's exception, the HTTP status.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs
import requests
import urllib3.exceptions

from orchestra.clouds.error_codes import (
    CODE_PATTERNS,
    CODE_REMEDIES,
    CODES,
    EXCEPTIONS,
    REMEDIES,
    STATUSES,
    ErrorClass,
)
from orchestra.errors import CloudError, ConflictError, InvalidRequestError, NotFoundError, TransientError

RETRY_AFTER_LIMIT: Final = 120.0
"""The longest wait in seconds that is taken over from a cloud: a date in the far future must not stop a run."""

_XML_CODE: Final = re.compile(r"<Code>\s*([^<]*?)\s*</Code>")
_XML_MESSAGE: Final = re.compile(r"<Message>\s*([^<]*?)\s*</Message>")
_LEADING_CODE: Final = re.compile(
    r"\s*'?(?:Client\.|Server\.)?([A-Z][A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*):\s*(.*)", re.DOTALL
)
_STATUS_TEXT: Final = re.compile(r"[Ss]tatus[ _]code[:=]?\s*(\d{3})")

_REDACTIONS: Final = (
    (re.compile(r"(\burl: |https?://)([^\s?]*)\?[^\s)'\"]*"), r"\1\2?…"),
    (re.compile(r"(https?://)[^\s/@]*@"), r"\1…@"),
    (
        re.compile(
            r"(AWSAccessKeyId|Signature|Credential|Security-Token|SessionToken|SecretAccessKey|Authorization|"
            r"Password|Token)(=|: ?|%3D)[^\s&,;<>'\")]+",
            re.IGNORECASE,
        ),
        r"\1\2…",
    ),
    (re.compile(r"\b(AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b"), "…"),
)
_LONGEST: Final = 600


@attrs.frozen
class _Told:
    """What an error tells, taken apart."""

    code: str
    message: str
    status: int | None
    retry_after: float | None


def redact(text: str) -> str:
    """``text`` without access keys, signatures, tokens, passwords and the query part of URLs; not too long."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def translate(error: Exception) -> CloudError:
    """What ``error`` of Libcloud, requests or a driver is in our tree; never with a secret in its message.

    ``sent`` is False only when it is certain that no request reached the cloud.
    """
    if isinstance(error, CloudError):
        return error
    if isinstance(error, _NETWORK) and getattr(error, "response", None) is None:
        return _network(error)
    told = _take_apart(error)
    cls = _classify(error, told)
    if cls is None:
        return CloudError(
            f"the driver failed with {type(error).__name__}: {told.message}",
            code=told.code,
            remedy="run again with the newest Libcloud; if it stays, report it with the traceback",
        )
    message = ": ".join(part for part in (told.code, told.message) if part) or f"HTTP status {told.status}"
    return cls(
        message,
        code=told.code,
        retry_after=told.retry_after,
        remedy=CODE_REMEDIES.get(told.code) or REMEDIES.get(cls),
    )


_NETWORK: Final = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    socket.gaierror,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)


def _take_apart(error: Exception) -> _Told:
    value = getattr(error, "value", None)
    text = value if isinstance(value, str) else str(error)
    code, message = "", text
    if found := _XML_CODE.search(text):
        worded = _XML_MESSAGE.search(text)
        code, message = found[1], worded[1] if worded else ""
    elif type(error).__module__ != "builtins" and (found := _LEADING_CODE.match(text)):
        code, message = found[1], found[2]
    elif type(error).__name__ in CODES:  # Route 53's InvalidChangeBatch has its code as the class's name only
        code = type(error).__name__
    return _Told(code, redact(message.strip().rstrip("'")), _status(error, text), _retry_after(error))


def _status(error: Exception, text: str) -> int | None:
    for name in ("http_code", "code", "status_code", "status"):
        value = getattr(error, name, None) or getattr(getattr(error, "response", None), name, None)
        if isinstance(value, int) and 100 <= value <= 599:
            return value
    found = _STATUS_TEXT.search(text)
    return int(found[1]) if found else None


def _retry_after(error: Exception) -> float | None:
    value: object = getattr(error, "retry_after", None)
    if not value:
        headers = getattr(error, "headers", None)
        value = headers.get("retry-after") if isinstance(headers, Mapping) else None
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return min(seconds, RETRY_AFTER_LIMIT) if seconds > 0 else None


def _classify(error: Exception, told: _Told) -> ErrorClass | None:
    if told.code == "InvalidChangeBatch":
        return _of_change_batch(told.message)
    if told.code in CODES:
        return CODES[told.code]
    for pattern, cls in CODE_PATTERNS:
        if told.code and pattern.fullmatch(told.code):
            return cls
    for base in type(error).__mro__:
        if base.__name__ in EXCEPTIONS:
            return EXCEPTIONS[base.__name__]
    if told.status is not None:
        return TransientError if told.status >= 500 else STATUSES.get(told.status)
    return None


def _of_change_batch(message: str) -> ErrorClass:
    """Route 53 has one code for everything that can be wrong with a change: its words tell which."""
    if "already exists" in message or "do not match the current values" in message:
        return ConflictError
    return NotFoundError if "not found" in message else InvalidRequestError


def _network(error: Exception) -> CloudError:
    host = _host(error)
    causes = list(_causes(error))
    if any(isinstance(cause, (urllib3.exceptions.NameResolutionError, socket.gaierror)) for cause in causes):
        return TransientError(
            f"the name of {host} can't be resolved",
            sent=False,
            remedy="check the region or the endpoint, and this machine's connection to the network",
        )
    if any(isinstance(cause, _UNCONNECTED) for cause in causes):
        return TransientError(
            f"no connection to {host} could be made",
            sent=False,
            remedy="check the endpoint, and this machine's connection to the network",
        )
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes) or "CERTIFICATE_VERIFY" in str(error):
        return CloudError(
            f"the certificate of {host} can't be trusted",
            sent=False,
            remedy="check the endpoint, this machine's clock and its certificates",
        )
    if isinstance(error, _UNSENDABLE):
        return InvalidRequestError(
            f"no request could be made ({type(error).__name__})", sent=False, remedy="check the endpoint"
        )
    if any(isinstance(cause, _LATE) for cause in causes):
        return TransientError(f"no answer from {host} in time: whether the call happened isn't known")
    return TransientError(
        f"the connection to {host} broke before the answer was complete ({type(error).__name__}): "
        "whether the call happened isn't known"
    )


_UNCONNECTED: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    ConnectionRefusedError,
)
_LATE: Final = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_UNSENDABLE: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
)


def _host(error: Exception) -> str:
    request = getattr(error, "request", None)
    parts = urlsplit(str(getattr(request, "url", "") or ""))
    return parts.netloc.rpartition("@")[2] or "the cloud"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what lies under it; requests and urllib3 carry that as an argument or a reason too."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        one = left.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # not __context__: that may be an earlier call's failure, and this one's request may well have been sent
        left += [*one.args, getattr(one, "reason", None), one.__cause__]
