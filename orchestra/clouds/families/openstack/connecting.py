"""Libcloud's OpenStack driver for one project and region, and the calls that go through its connections.

Libcloud's driver keeps the request under way in the object, so each thread has one of its own, over connections and
a token that all threads share.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from libcloud.common.openstack_identity import OpenStackIdentityTokenScope
from libcloud.compute.providers import get_driver

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.openstack import rest
from orchestra.clouds.families.openstack.account import Account
from orchestra.clouds.families.openstack.identity import Identity, Token
from orchestra.clouds.families.openstack.rest import Body, Item, Query
from orchestra.clouds.session import share_connection
from orchestra.errors import InvalidRequestError, TransientError

NO_OUTSIDE: Final = "NoExternalNetwork"
"""The code of the error that it isn't clear which network leads outside."""

_UNAUTHORIZED: Final = 401

_CONNECTIONS: Final = MappingProxyType(
    {
        "compute": "connection",
        "network": "network_connection",
        "image": "image_connection",
        "volume": "volumev3_connection",
    }
)
"""Services, and what Libcloud's driver calls its connection to each."""


class Drivers:
    """One thread's driver. ``external`` names the network that leads outside; None where there is only one."""

    def __init__(self, account: Account, identity: Identity, connections: Connections, external: str | None) -> None:
        self._account = account
        self._identity = identity
        self._connections = connections
        self._external = external
        self.flavors: dict[str, str] = {}
        """The ids of the flavors asked for so far, by name."""

    @functools.cached_property
    def driver(self) -> Any:
        """Libcloud's driver, with the token and the endpoints that it would sign in for by itself."""
        token = self._identity.token()
        places = {service: token.endpoints.get(service, self._account.endpoint) for service in _CONNECTIONS}
        driver: Any = get_driver("openstack")(
            "",
            "",
            api_version="2.2",
            ex_force_auth_url=self._account.endpoint,
            ex_force_auth_token=token.text,
            ex_token_scope=OpenStackIdentityTokenScope.UNSCOPED,
            ex_force_base_url=places["compute"],
            ex_force_network_url=places["network"],
            ex_force_image_url=places["image"],
            ex_force_volume_url=places["volume"],
        )
        for name in _CONNECTIONS.values():
            connection = getattr(driver, name)
            connection.responseCls = rest.Answer
            connection.morph_action_hook("/")  # else the first request would find out where to go, and connect anew
            share_connection(connection, self._connections)
            connection.connection.ca_cert = self._account.ca_file
        return driver

    @property
    def project(self) -> str:
        """The id of the project."""
        return self._identity.token().project

    @functools.cached_property
    def external_network(self) -> str:
        """The id of the network that leads outside; raises `InvalidRequestError` if it isn't clear which."""
        offered = list(self.items("network", "/v2.0/networks", "networks", {"router:external": "true"}))
        chosen = [one for one in offered if self._external in (None, one["id"], one["name"])]
        if len(chosen) == 1:
            return str(chosen[0]["id"])
        names = ", ".join(sorted(str(one["name"]) for one in offered)) or "none"
        raise InvalidRequestError(
            f"{len(chosen)} networks lead outside" + (f" and are called {self._external!r}" if self._external else ""),
            code=NO_OUTSIDE,
            remedy=f"give openstack(external_network=…), one of {names}, or use Network(internet=False)",
        )

    @functools.cached_property
    def default_firewall(self) -> str:
        """The id of the security group that neutron puts on what is given none; '' if it can't be seen."""
        asked = {"name": "default", "project_id": self.project}
        found = self.items("network", "/v2.0/security-groups", "security_groups", asked)
        return next((str(one["id"]) for one in found), "")

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Query | None = None,
        version: str | None = None,
    ) -> Any:
        """The answer of ``service``; ``version`` is a microversion other than its usual one.

        A token that isn't taken any more is renewed once: that call was refused.
        """
        send = functools.partial(
            rest.send,
            method=method,
            path=path,
            body=body,
            query=query,
            version=rest.VERSIONS.get(service, "") if version is None else version,
        )
        token = self._identity.token()
        try:
            return send(self._connection(service, token))
        except Exception as error:
            if getattr(error, "code", None) != _UNAUTHORIZED:
                raise
        return send(self._connection(service, self._identity.renew(token)))

    def _connection(self, service: str, token: Token) -> Any:
        """Libcloud's connection to ``service``, with ``token``."""
        token.endpoint(service)
        connection = getattr(self.driver, _CONNECTIONS[service])
        connection.auth_token = token.text
        return connection

    def item(self, service: str, path: str, key: str) -> Item:
        """One thing, asked for directly."""
        found: Item = rest.document(self.ask(service, "GET", path), key)
        return found

    def items(self, service: str, path: str, key: str, query: Query | None = None) -> Iterator[Item]:
        """The things of all pages of a list."""
        asked: dict[str, Any] = {**(query or {}), "limit": rest.PAGE}
        while True:
            answer = self.ask(service, "GET", path, query=asked)
            rows = rest.document(answer, key)
            yield from rows
            if not rest.next_page(answer, key):
                return
            last = _marker(rows[-1]) if rows else ""
            if not last or last == asked.get("marker"):
                raise TransientError(f"{path}: the same page was told twice, so the list can't be trusted")
            asked["marker"] = last

    def create(self, service: str, path: str, key: str, fields: Item) -> Item:
        """What ``service`` made of ``fields``."""
        return self.change(service, "POST", path, key, fields)

    def change(self, service: str, method: str, path: str, key: str, fields: Item) -> Item:
        """What something is after ``fields`` of it were sent."""
        made: Item = rest.document(self.ask(service, method, path, body={key: fields}), key)
        return made


def _marker(row: Item) -> str:
    """Where the next page begins: after the last thing's id, of a key pair the name."""
    return str(row["keypair"]["name"] if "keypair" in row else row["id"])
