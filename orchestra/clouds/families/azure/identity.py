"""Signing in at the tenant's token endpoint, as an application with a secret.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs
from libcloud.common.base import Connection

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.account import Account
from orchestra.clouds.session import share_connection
from orchestra.clouds.translate import translate
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError, NotFoundError, TransientError

_connect: Final[Any] = Connection


@attrs.frozen(repr=False)
class Token:
    """A token, and until when it is good, in seconds since 1970."""

    text: str
    ends: float


def sign_in(account: Account, connections: Connections, learn: Callable[[str], None]) -> Token:
    """A token for ``account``; ``learn`` is told its text, to keep it hidden. Raises `CloudError`."""
    connection = _connect(secure=account.login.secure, host=account.login.host, port=account.login.port)
    connection.responseCls = rest.SignedIn
    share_connection(connection, connections)
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.secret,
        "resource": account.audience,
    }
    try:
        answer = rest.send(
            connection,
            "POST",
            f"/{quote(account.tenant)}/oauth2/token",
            data=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    except Exception as error:
        raise _refusal(translate(error)) from error
    return _token(answer.object, learn)


def _refusal(error: CloudError) -> CloudError:
    """A failure to sign in: it must never look as if something in the cloud weren't there."""
    if isinstance(error, NotFoundError):
        return InvalidRequestError("nobody signs in at the login endpoint", code=error.code, remedy="check the tenant")
    if isinstance(error, InvalidRequestError):
        return CredentialsError(error.message, code=error.code, remedy=_REMEDY)
    if isinstance(error, CredentialsError):
        error.remedy = _REMEDY
    return error


_REMEDY: Final = "check tenant, client_id and secret, and that the secret hasn't run out"


def _token(told: object, learn: Callable[[str], None]) -> Token:
    try:
        if not isinstance(told, Mapping):
            raise TypeError("no document")
        text, lasts = str(told["access_token"]), float(told["expires_in"])
    except (KeyError, TypeError, ValueError) as error:
        raise TransientError("the login endpoint answered without a token", remedy="check login_endpoint=…") from error
    learn(text)
    return Token(text, time.time() + lasts)
