"""Signing in at Google: one token for all threads, until it runs out.

Libcloud's own way keeps tokens in files of the home folder, and asks for them while a driver is made.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from libcloud.common import google

from orchestra.clouds.base.driver import ConnectionsTo, Endpoint
from orchestra.clouds.base.tokens import Tokens
from orchestra.clouds.families.gce.account import Account
from orchestra.errors import CredentialsError, TransientError

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_ASSERTION: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE: Final = 3600
"""Seconds that a token is asked for: the longest that there is."""

_library: Final[Any] = google  # it imports cryptography where that is installed


@attrs.frozen(repr=False)
class Token:
    """A token, and until when it is good, by the monotonic clock."""

    text: str
    ends: float


class Identity(Tokens[Token]):
    """The token of one account. Safe to use from several threads; ``learn`` is told every token, to keep it hidden."""

    def __init__(self, account: Account, learn: Callable[[str], None]) -> None:
        super().__init__(self._signed_in, clock=_now)
        self._account = account
        self._learn = learn
        self._connections = ConnectionsTo(_endpoint(account.token_uri))

    @property
    def access_token(self) -> str:
        """The token; signs in where there is none or it has run out. Libcloud asks for it by this name."""
        return self.token().text

    def _signed_in(self) -> Token:
        asked = time.monotonic()
        answer = self._connections.post(self._account.token_uri, data=self._grant(), allow_redirects=False)
        told = _document(answer)
        text = told.get("access_token")
        if answer.status_code != 200 or not isinstance(text, str):
            raise _refusal(answer.status_code, told)
        self._learn(text)
        return Token(text, asked + float(told.get("expires_in") or 0.0))

    def _grant(self) -> dict[str, str]:
        """What is exchanged for a token; see https://developers.google.com/identity/protocols/oauth2."""
        held = self._account.credentials
        if held["type"] == "authorized_user":
            parts = {name: held[name] for name in ("client_id", "client_secret", "refresh_token")}
            return {"grant_type": "refresh_token", **parts}
        now = int(time.time())
        claims = {
            "iss": held["client_email"],
            "scope": _SCOPE,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + _LIFE,
        }
        header = {"alg": "RS256", "typ": "JWT", **({"kid": held["private_key_id"]} if "private_key_id" in held else {})}
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return {"grant_type": _ASSERTION, "assertion": b".".join((signed, _signature(held, signed))).decode()}


def _now() -> float:
    return time.monotonic()  # Google says how long a token is good for, so no clock that is set counts


def _signature(held: Mapping[str, str], signed: bytes) -> bytes:
    if _library.SHA256 is None:
        raise CredentialsError(
            "a service account's key signs in with a library that isn't installed",
            sent=False,
            remedy="install orchestra-iac[crypto]",
        )
    try:
        key = _library.serialization.load_pem_private_key(held["private_key"].encode(), password=None)
        found: bytes = key.sign(data=signed, padding=_library.PKCS1v15(), algorithm=_library.SHA256())
    except (ValueError, TypeError, AttributeError):
        raise CredentialsError(
            "the private_key of the service account is no RSA key in PEM",
            sent=False,
            remedy="use the key file as Google gave it out",
        ) from None
    return _encoded(found)


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _endpoint(uri: str) -> Endpoint:
    """The server of ``uri``: it alone gets what is exchanged for tokens."""
    scheme, _, rest = uri.partition("://")
    return Endpoint.parse(f"{scheme}://{rest.partition('/')[0]}")


def _document(answer: Any) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, Mapping) else {}


def _refusal(status: int, told: Mapping[str, Any]) -> CredentialsError | TransientError:
    """A failure to sign in: it must never look as if something in the cloud weren't there."""
    code = str(told.get("error") or f"HTTP status {status}")
    if status >= 500 or status == 429:
        return TransientError(f"Google's token server can't answer now: {code}")
    if status == 200:
        return TransientError("Google's token server answered without a token", remedy="check the token_uri")
    return CredentialsError(
        f"Google gives no token for these credentials: {code}: {told.get('error_description') or ''}".rstrip(": "),
        code=code,
        remedy="check that the key still exists, that its account isn't disabled, and this machine's clock",
    )
