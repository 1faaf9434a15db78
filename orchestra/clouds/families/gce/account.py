"""Who calls, for which project and region: from arguments, a key file or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.driver import Endpoint
from orchestra.errors import CredentialsError, InvalidRequestError

_TOKENS: Final = "https://oauth2.googleapis.com/token"
"""Where tokens are had, unless the credentials say otherwise."""

_REMEDY: Final = (
    "give credentials=…, the path or the content of a service account's key file, or set GOOGLE_APPLICATION_CREDENTIALS"
)
_NEEDED: Final = MappingProxyType(
    {
        "service_account": ("client_email", "private_key"),
        "authorized_user": ("client_id", "client_secret", "refresh_token"),
    }
)
"""Types of credentials that can be signed in with, and what each must have."""


@attrs.frozen(repr=False)
class Account:
    """Who calls, for which project, region and zone. Holds secrets, so it has no telling repr.

    ``zone`` is where things go that say none; None: into the region's first. ``token_uri`` is where tokens are had.
    """

    project: str
    region: str
    zone: str | None
    credentials: Mapping[str, str]
    compute: Endpoint
    storage: Endpoint

    @property
    def token_uri(self) -> str:
        """Where tokens are had: the credentials say so."""
        return self.credentials.get("token_uri") or _TOKENS

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return tuple(
            self.credentials[name]
            for name in ("private_key", "client_secret", "refresh_token")
            if name in self.credentials
        )


def account_of(
    given: str | Path | Mapping[str, Any] | None,
    *,
    project: str | None,
    region: str | None,
    zone: str | None,
    endpoint: str | None,
) -> Account:
    """The account that the arguments of `gce` name, with what they leave out from the environment.

    Raises `CredentialsError` for credentials that are missing or can't be used, `InvalidRequestError` for a missing
    project or region, a zone of another region, and a wrong endpoint.
    """
    credentials = _credentials(given)
    place = Endpoint.parse(endpoint) if endpoint is not None else None
    found = project or os.environ.get("GOOGLE_CLOUD_PROJECT") or credentials.get("project_id")
    if not found:
        raise InvalidRequestError(
            "gce(): no project is given", sent=False, remedy="give project=…, its id, or set GOOGLE_CLOUD_PROJECT"
        )
    region = region or (zone.rpartition("-")[0] if zone else None)
    if not region:
        raise InvalidRequestError(
            "gce(): no region is given", sent=False, remedy="give region=…, such as 'europe-west1', or zone=…"
        )
    if zone and not is_zone_of(zone, region):
        raise InvalidRequestError(
            f"gce(): zone {zone!r} isn't in region {region!r}", sent=False, remedy=f"give one such as '{region}-b'"
        )
    return Account(
        found,
        region,
        zone,
        credentials,
        place or Endpoint.parse("https://www.googleapis.com"),
        place or Endpoint.parse("https://storage.googleapis.com"),
    )


def is_zone_of(zone: str, region: str) -> bool:
    """Whether ``zone`` is one of ``region``: zones are named after their region, with a letter behind it."""
    return zone.rpartition("-")[0] == region


def _credentials(given: str | Path | Mapping[str, Any] | None) -> Mapping[str, str]:
    """The content of a key file, as text."""
    content: Any = given if given is not None else os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not content:
        raise CredentialsError("gce(): the credentials are missing", sent=False, remedy=_REMEDY)
    if not isinstance(content, Mapping):
        content = _parsed(str(content))
    kind = content.get("type") or "nothing"
    if kind not in _NEEDED:
        raise CredentialsError(
            f"gce(): credentials of type {kind!r} can't be signed in with",
            sent=False,
            remedy=f"use those of type {' or '.join(_NEEDED)}",
        )
    missing = [name for name in _NEEDED[kind] if not content.get(name)]
    if missing:
        raise CredentialsError(f"gce(): the credentials have no {missing[0]}", sent=False, remedy=_REMEDY)
    return MappingProxyType({name: value for name, value in content.items() if isinstance(value, str)})


def _parsed(text: str) -> Mapping[str, Any]:
    """Credentials from a text that holds them, or is the path of a file that does. No error shows what is in them."""
    is_content = text.lstrip().startswith("{")
    try:
        content = json.loads(text if is_content else Path(text).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise CredentialsError(
            f"gce(): the file of the credentials can't be read ({type(error).__name__})", sent=False, remedy=_REMEDY
        ) from None
    except ValueError:
        content = None
    if not isinstance(content, Mapping):
        raise CredentialsError("gce(): the credentials are no JSON object", sent=False, remedy=_REMEDY) from None
    return content
