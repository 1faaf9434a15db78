"""Backblaze B2's native API, through a connection of Libcloud's: logging in, calls, and uploads to where it says.

https://www.backblaze.com/apidocs. Libcloud's own connection logs in beside the connections that are shared, whatever
endpoint is given, never again once its token has run out, and uploads to any host that an answer names.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container
from libcloud.storage.drivers.backblaze_b2 import (
    BackblazeB2Connection,
    BackblazeB2Response,
    BackblazeB2StorageDriver,
)

from orchestra.errors import InvalidRequestError, TransientError

_LOGIN: Final = "api.backblazeb2.com"
_DOMAINS: Final = (".backblazeb2.com", ".backblaze.com")
"""Where Backblaze's servers are: those of the API, and those that contents are uploaded to."""
_API: Final = "/b2api/v2/"
_EXPIRED: Final = ("expired_auth_token", "bad_auth_token")
_CODES: Final = MappingProxyType(
    {
        "bad_bucket_id": "NoSuchBucket",
        "file_not_present": "NoSuchFile",
        "cannot_delete_non_empty_bucket": "BucketNotEmpty",
        "cap_exceeded": "CapQuotaExceeded",
        "storage_cap_exceeded": "StorageQuotaExceeded",
        "transaction_cap_exceeded": "TransactionQuotaExceeded",
    }
)
"""B2's codes whose own words say something else to `orchestra.clouds.error_codes`."""


class ExpiredTokenError(InvalidCredsError):
    """A token isn't accepted, or isn't any more: they last for a day."""


class _Answer(BackblazeB2Response):
    """An answer whose error is told by B2's code and its message."""

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_error(self) -> Any:
        """Such as ``DuplicateBucketName: …``: B2's code as `orchestra.clouds.error_codes` has them, and its message."""
        try:
            told = json.loads(str(self.body))
            code, message = str(told["code"]), str(told["message"])
        except (ValueError, KeyError, TypeError):
            return self.body
        if int(self.status) == 401 and code in _EXPIRED:
            raise ExpiredTokenError(message)
        return f"{_CODES.get(code) or ''.join(word.capitalize() for word in code.split('_'))}: {message}"


@attrs.frozen
class Account:
    """What a log-in tells. ``bucket`` is the name of the only bucket that the key is for, None if it is for all."""

    id: str
    token: str = attrs.field(repr=False)
    url: str
    smallest_part: int
    bucket: str | None


class B2Connection(BackblazeB2Connection):
    """A connection that logs in when it is first used, and again when B2 says that its token has run out."""

    host: Any = _LOGIN
    connection: Any
    responseCls = _Answer  # noqa: N815 - as Libcloud names it

    def __init__(self, *given: Any, **named: Any) -> None:
        make: Any = super().__init__
        make(*given, **named)
        self._account: Account | None = None
        self._home = ""
        self.bucket_ids: dict[str, str] = {}
        """The id of each bucket that was looked up, by its name."""

    def account(self) -> Account:
        """The account that the key is of."""
        if self._account is None:
            self._home = self._home or str(self.connection.host)
            both = base64.b64encode(f"{self.user_id}:{self.key}".encode()).decode()
            url = f"{self._home}{_API}b2_authorize_account"
            told = self._send(url, "GET", None, {"Authorization": f"Basic {both}"})
            self._account = Account(
                told["accountId"],
                told["authorizationToken"],
                self.trusted(told["apiUrl"]),
                int(told["absoluteMinimumPartSize"]),
                (told.get("allowed") or {}).get("bucketName"),
            )
        return self._account

    def call(self, name: str, **asked: Any) -> Any:
        """What one call is answered with."""
        body = json.dumps(asked)
        account = self.account()
        try:
            return self._call(account, name, body)
        except ExpiredTokenError:  # nothing was done: it is asked again, once
            self._account = None
            return self._call(self.account(), name, body)

    def _call(self, account: Account, name: str, body: str) -> Any:
        headers = {"Authorization": account.token, "Content-Type": "application/json"}
        return self._send(f"{account.url}{_API}{name}", "POST", body, headers)

    def upload(self, place: Mapping[str, str], headers: Mapping[str, str], content: bytes) -> Any:
        """Send a content to where B2 said that it goes; see `b2_get_upload_url`."""
        url = self.trusted(place["uploadUrl"])
        try:
            return self._send(url, "POST", content, {"Authorization": place["authorizationToken"], **headers})
        except ExpiredTokenError as error:
            raise TransientError(f"B2 takes no upload there any more: {error}") from error

    def trusted(self, url: str) -> str:
        """``url``; raises `InvalidRequestError` unless it is one of Backblaze's, or of the endpoint that is given."""
        home, found = urlsplit(self._home), urlsplit(url)
        ours = found.netloc == home.netloc and found.scheme == home.scheme
        if home.hostname == _LOGIN:
            ours = found.scheme == "https" and str(found.hostname).endswith(_DOMAINS) and found.port in (None, 443)
        if not ours or found.username is not None:
            whose = "Backblaze's" if home.hostname == _LOGIN else f"at {home.netloc}"
            raise InvalidRequestError(
                f"B2 said to go on at {found.hostname}, which isn't {whose}",
                sent=False,
                remedy="check the endpoint: nothing is sent to other servers",
            )
        return url

    def _send(self, url: str, method: str, body: Any, headers: Mapping[str, str]) -> Any:
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        self.connection.host = f"{parts.scheme}://{parts.netloc}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        request: Any = super(BackblazeB2Connection, self).request  # its own goes to the API only
        return request(path, method=method, data=body, headers=dict(headers), retry_failed=False).object


class B2Driver(BackblazeB2StorageDriver):
    """Libcloud's driver over such a connection."""

    connectionCls = B2Connection  # noqa: N815 - as Libcloud names it
    connection: Any

    def iterate_containers(self) -> Iterator[Container]:
        """The buckets, all of them or the one that the key is for."""
        told: Any = self._to_containers
        found: list[Container] = told({"buckets": list_buckets(self.connection)})
        return iter(found)


def list_buckets(connection: B2Connection, name: str | None = None) -> list[Mapping[str, Any]]:
    """All buckets, or the one of that name. A key for one bucket may ask for that one only."""
    account = connection.account()
    wanted = name or account.bucket
    asked = {"accountId": account.id, **({"bucketName": wanted} if wanted else {})}
    found = connection.call("b2_list_buckets", **asked).get("buckets")
    if not isinstance(found, list):
        raise TransientError("buckets is missing in B2's answer")
    connection.bucket_ids.update({one["bucketName"]: one["bucketId"] for one in found})
    return found
