"""Signing in at keystone: one token for all threads, until it runs out."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs
from libcloud.common.openstack_identity import OpenStackIdentity_3_0_Connection, OpenStackIdentityTokenScope

from orchestra.clouds.base.tokens import Tokens
from orchestra.clouds.connections import Connections
from orchestra.clouds.families.openstack import rest
from orchestra.clouds.families.openstack.account import Account
from orchestra.clouds.session import share_connection
from orchestra.clouds.translate import translate
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError, NotFoundError, TransientError

_identity: Final[Any] = OpenStackIdentity_3_0_Connection

_TYPES: Final = MappingProxyType(
    {
        "compute": ("compute",),
        "network": ("network",),
        "image": ("image",),
        "volume": ("volumev3", "block-storage"),
    }
)
"""Services, and the types under which catalogues have them."""

_WITHOUT_VERSION: Final = ("network", "image")
"""Services whose paths here begin with a version: some catalogues have it in the endpoint already."""


@attrs.frozen(repr=False)
class Token:
    """A token, until when it is good (seconds since 1970), its project, and where the services are."""

    text: str
    ends: float
    project: str
    endpoints: Mapping[str, str]

    def endpoint(self, service: str) -> str:
        """Where ``service`` is; raises `InvalidRequestError` if the catalogue doesn't have it."""
        if service not in self.endpoints:
            raise InvalidRequestError(
                f"the service catalogue has no {service} service",
                sent=False,
                remedy="check region and interface, or do without what needs it",
            )
        return self.endpoints[service]


class Identity(Tokens[Token]):
    """The token of one account. Safe to use from several threads; ``learn`` is told every token, to keep it hidden."""

    def __init__(self, account: Account, connections: Connections, learn: Callable[[str], None]) -> None:
        super().__init__(self._signed_in)
        self._account = account
        self._connections = connections
        self._learn = learn

    def _signed_in(self) -> Token:
        connection = _identity(self._account.endpoint, "", "", token_scope=OpenStackIdentityTokenScope.UNSCOPED)
        connection.responseCls = rest.Answer
        connection.encode_data = json.dumps
        share_connection(connection, self._connections)
        connection.connection.ca_cert = self._account.ca_file
        auth = {"identity": self._account.identity}
        if self._account.scope is not None:
            auth["scope"] = self._account.scope
        try:
            answer = rest.send(connection, "POST", "/v3/auth/tokens", body={"auth": auth})
        except Exception as error:
            raise _refusal(translate(error)) from error
        text = answer.headers.get("x-subject-token")
        if not text:
            raise TransientError("keystone answered without a token", remedy="check the endpoint")
        self._learn(text)
        return _token(text, rest.document(answer, "token"), self._account)


def _refusal(error: CloudError) -> CloudError:
    """A failure to sign in: it must never look as if something in the cloud weren't there."""
    if isinstance(error, NotFoundError):
        return InvalidRequestError(
            "keystone doesn't answer at the endpoint", code=error.code, remedy="check endpoint=… or OS_AUTH_URL"
        )
    if isinstance(error, CredentialsError):
        error.remedy = "check user, password, project and their domains, or the application credential"
    return error


def _token(text: str, told: Mapping[str, Any], account: Account) -> Token:
    try:
        ends = datetime.datetime.fromisoformat(str(told["expires_at"]).replace("Z", "+00:00")).timestamp()
        project = str(told["project"]["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequestError(
            "keystone's token is for no project", sent=False, remedy="give project=… or set OS_PROJECT_NAME"
        ) from error
    return Token(text, ends, project, _endpoints(told.get("catalog") or (), account))


def _endpoints(catalogue: Iterable[Mapping[str, Any]], account: Account) -> Mapping[str, str]:
    """Where each service is, in the region of ``account``, or in the only one there is."""
    offered = [
        (str(entry.get("type")), str(one.get("region_id") or one.get("region")), str(one["url"]))
        for entry in catalogue
        for one in entry.get("endpoints", ())
        if one.get("interface") == account.interface
    ]
    regions = sorted({region for _, region, _ in offered})
    region = account.region or (regions[0] if len(regions) == 1 else None)
    if region not in regions:
        raise InvalidRequestError(
            f"the service catalogue has no region {account.region!r}"
            if account.region
            else "openstack(): no region is given, and the service catalogue has not just one",
            sent=False,
            remedy=f"give region=…, one of {', '.join(regions) or 'none'}, or set OS_REGION_NAME",
        )
    found = {kind: url for kind, place, url in offered if place == region}
    return {service: _base(service, found[kind]) for service, kinds in _TYPES.items() if (kind := _first(kinds, found))}


def _first(kinds: Sequence[str], found: Mapping[str, str]) -> str:
    return next((kind for kind in kinds if kind in found), "")


def _base(service: str, url: str) -> str:
    plain = url.rstrip("/")
    if service in _WITHOUT_VERSION:
        plain = plain.removesuffix("/v2.0").removesuffix("/v2")
    return plain
