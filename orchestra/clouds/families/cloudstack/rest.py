"""CloudStack's commands, through the connection of Libcloud's driver.

Libcloud's own methods wait for jobs by sleeping, don't page, tag in a second request, and sign values with '[' or '~'
in them otherwise than CloudStack does. The calls here sign as CloudStack checks it, and are never repeated.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from libcloud.common.base import Connection
from libcloud.common.cloudstack import CloudStackConnection, CloudStackResponse

from orchestra.clouds.families.cloudstack.faults import read_fault
from orchestra.errors import TransientError

Item: TypeAlias = Mapping[str, Any]
"""One thing, as CloudStack tells it."""

_request: Final[Any] = Connection.request
_connection: Final[Any] = CloudStackConnection
_response: Final[Any] = CloudStackResponse

_GOOD_FOR: Final = datetime.timedelta(minutes=10)
"""How long a signature is good: a request that somebody recorded can't be sent again afterwards."""


class RefusalError(Exception):
    """A refusal of CloudStack's, as ``Code: message``: `orchestra.clouds.translate` reads it."""


class Answer(_response):  # type: ignore[misc]
    """An answer whose refusal keeps CloudStack's number: Libcloud's class leaves it out."""

    def parse_error(self) -> str:
        """Raise what the refusal is."""
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        fault = read_fault(content_of(document))
        if fault is not None:
            raise RefusalError(f"{fault.code}: {fault.message}")
        if int(self.status) == 404:
            raise TransientError(
                "what answered 404 isn't CloudStack's API", remedy="check the endpoint: it ends with /client/api"
            )
        return f"status code: {self.status}"


class SignedConnection(_connection):  # type: ignore[misc]
    """A connection whose requests come with their signature: it is over all that is sent, in a body too."""

    responseCls = Answer  # noqa: N815 - so Libcloud names it

    def add_default_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Add nothing: `signed` did."""
        return params

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Sign nothing: `signed` did."""
        return params, headers


def signed(parameters: Mapping[str, str], key: str, secret: str, now: float) -> dict[str, str]:
    """``parameters`` with what every request has, and the signature over all of it.

    See "Signing API Requests" in CloudStack's developer's guide: values are encoded as Java's ``URLEncoder`` does it,
    with %20 for a blank, and the whole is in lower case and in order of name.
    """
    ends = datetime.datetime.fromtimestamp(now, datetime.timezone.utc) + _GOOD_FOR
    fields = {
        **{name.lower(): value for name, value in parameters.items()},
        "apikey": key,
        "response": "json",
        "signatureversion": "3",
        "expires": ends.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }
    text = "&".join(f"{name}={_encoded(fields[name])}" for name in sorted(fields)).lower()
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return {**fields, "signature": base64.b64encode(digest).decode()}


def _encoded(value: str) -> str:
    return quote(value, safe="*").replace("~", "%7E")


def send(connection: Any, path: str, fields: Mapping[str, str], *, changes: bool) -> Any:
    """Send one signed command, in a body if it ``changes`` anything, and return the content of the answer."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = _request(
        connection,
        path,
        method="POST" if changes else "GET",
        params={} if changes else dict(fields),
        data=dict(fields) if changes else None,
        headers=form if changes else {},
        retry_failed=False,
    )
    content = content_of(answer.object)
    fault = read_fault(content)
    if fault is not None:
        raise RefusalError(f"{fault.code}: {fault.message}")
    if content is None:
        raise TransientError("what answered isn't CloudStack's API", remedy="check the endpoint")
    return content


def content_of(document: Any) -> Any:
    """What an answer holds in its one field ``…response``; None if it is no answer of CloudStack's."""
    if not isinstance(document, Mapping) or len(document) != 1:
        return None
    ((name, content),) = document.items()
    return content if name.endswith("response") and isinstance(content, Mapping) else None
