"""Libcloud's Azure driver for one resource group and region, and the calls that go through its connection.

Libcloud's driver keeps the request under way in the object, so each thread has one of its own, over connections and
a token that all threads share.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from libcloud.common.azure_arm import AzureResourceManagementConnection
from libcloud.common.base import Connection
from libcloud.compute.drivers.azure_arm import AzureNodeDriver

from orchestra.clouds.base.driver import ConnectionsTo, Endpoint, connect
from orchestra.clouds.base.paging import Page, rows_in, rows_of
from orchestra.clouds.base.tokens import Tokens
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.account import Account, place_name
from orchestra.clouds.families.azure.identity import Token
from orchestra.clouds.families.azure.ids import Ids, name_in
from orchestra.clouds.families.azure.rest import Item, Type
from orchestra.clouds.translate import translate
from orchestra.errors import InProgressError, TransientError

_UNAUTHORIZED: Final = 401
_CHANGED: Final = "PreconditionFailed"
"""The code for something that another has changed since it was read."""
_TRIES: Final = 5
_SOON: Final = 2.0
"""Seconds after which a network's parts are made, mostly."""
_PATH: Final = "/:()$,'"
"""What stands in a path as it is."""


class _Connection(AzureResourceManagementConnection):
    """Libcloud's connection, which doesn't sign in by itself: the token is shared."""

    responseCls = rest.Answer  # noqa: N815 - so the base class names it

    def connect(self, *given: Any, **named: Any) -> None:
        """Connect, with nothing sent."""
        plain: Any = Connection.connect
        plain(self, *given, **named)


class _Driver(AzureNodeDriver):
    """Libcloud's driver over such a connection."""

    connectionCls = _Connection  # noqa: N815 - so the base class names it


class Drivers:
    """One thread's driver."""

    def __init__(self, account: Account, tokens: Tokens[Token], connections: ConnectionsTo) -> None:
        self._account = account
        self._tokens = tokens
        self._connections = connections
        self.ids = Ids(account.subscription, account.resource_group)

    @functools.cached_property
    def driver(self) -> Any:
        """Libcloud's driver; making it sends nothing."""
        account = self._account
        make: Any = _Driver
        made = make(account.tenant, account.subscription, account.client_id, account.secret, region=account.region)
        return connect(made, self._connections, account.endpoint)

    @property
    def region(self) -> str:
        """The region, such as ``westeurope``."""
        return self._account.region

    @property
    def group(self) -> str:
        """The resource group's name."""
        return self._account.resource_group

    @property
    def subscription(self) -> str:
        """The path of the subscription."""
        return f"/subscriptions/{self._account.subscription}"

    def is_here(self, item: Item) -> bool:
        """Whether ``item`` is in the region."""
        return place_name(str(item.get("location") or "")) == self.region

    def ask(
        self,
        method: str,
        path: str,
        version: str,
        *,
        body: Item | None = None,
        query: Mapping[str, str] | None = None,
        etag: str | None = None,
    ) -> Any:
        """The answer of Resource Manager; with ``etag`` it is refused unless the thing is still as it was read.

        A token that isn't taken any more is renewed once: that call was refused.
        """
        send = functools.partial(
            rest.send,
            method=method,
            path=quote(path, safe=_PATH),
            params={**(query or {}), "api-version": version},
            data=dict(body) if body is not None else None,
            headers={"If-Match": etag} if etag else {},
        )
        token = self._tokens.token()
        try:
            return send(self._connection(token))
        except Exception as error:
            if getattr(error, "code", None) != _UNAUTHORIZED:
                raise
        return send(self._connection(self._tokens.renew(token)))

    def _connection(self, token: Token) -> Any:
        connection = self.driver.connection
        connection.access_token = token.text
        return connection

    # -- things

    def get(self, external_id: str, query: Mapping[str, str] | None = None) -> Item:
        """One thing, asked for directly; a not-found error if it isn't there."""
        return _document(self.ask("GET", external_id, self.ids.type_of(external_id).version, query=query), "id")

    def put(self, external_id: str, body: Item, etag: str | None = None) -> Item:
        """Make it, or bring it to ``body`` as a whole; what it is then."""
        version = self.ids.type_of(external_id).version
        return _document(self.ask("PUT", external_id, version, body=body, etag=etag), "id")

    def put_part(self, external_id: str, body: Item) -> Item:
        """Make what something else is made from next; a `InProgressError` while it isn't ready for that.

        https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting/common-deployment-errors
        has ReferencedResourceNotProvisioned for what doesn't wait.
        """
        made = self.put(external_id, body)
        if _is_under_way(made):
            made = self.get(external_id)
        if _is_under_way(made):
            raise InProgressError(
                f"{name_in(external_id)} isn't ready to be used yet",
                code="ReferencedResourceNotProvisioned",
                retry_after=_SOON,
            )
        return made

    def patch(self, external_id: str, body: Item) -> None:
        """Change what ``body`` has."""
        self.ask("PATCH", external_id, self.ids.type_of(external_id).version, body=body)

    def act(self, external_id: str, action: str, body: Item | None = None) -> None:
        """Begin an action on it."""
        self.ask("POST", f"{external_id}/{action}", self.ids.type_of(external_id).version, body=body)

    def delete(self, external_id: str) -> None:
        """Begin to delete it; one that isn't there is no error."""
        self.ask("DELETE", external_id, self.ids.type_of(external_id).version)

    def change(self, external_id: str, edit: Callable[[Item], Item | None]) -> Item:
        """Bring it to what ``edit`` makes of it, None for no change; read again if another was faster.

        https://learn.microsoft.com/en-us/rest/api/virtualnetwork/network-interfaces/get tells the etag,
        which ``If-Match`` is compared with.
        """
        for _ in range(_TRIES):
            item = self.get(external_id)
            body = edit(item)
            if body is None:
                return item
            try:
                return self.put(external_id, body, etag=item.get("etag"))
            except Exception as error:
                if translate(error).code != _CHANGED:
                    raise
        raise TransientError(f"{external_id} was changed by others {_TRIES} times in a row while it was to be changed")

    def retag(self, external_id: str, tags: Mapping[str, str]) -> None:
        """Set the tags of a thing: all of them."""
        body = {"operation": "Replace", "properties": {"tags": dict(tags)}}
        self.ask("PATCH", f"{external_id}/providers/Microsoft.Resources/tags/default", rest.TAGS, body=body)

    # -- lists

    def listed(self, kind: Type) -> Iterator[Item]:
        """Every one of a type in the resource group, whatever its region."""
        return self.items(f"{self.ids.group_path}/providers/{kind.name}", kind.version)

    def items(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[Item]:
        """The things of all pages of a list. One that can't be read to its end is an error, never shorter."""

        def page(link: str | None) -> Page:
            place, asked = (path, query) if link is None else self._next(link)
            answer = self.ask("GET", place, version, query=asked)
            return Page(rows_in(answer.object, "value"), answer.object.get("nextLink") or None)

        return rows_of(page, path)

    def _next(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Where a list goes on: only ever on the same server, for the token goes along."""
        parts = urlsplit(link)
        if Endpoint.parse(f"{parts.scheme}://{parts.netloc}") != self._account.endpoint:
            raise TransientError(
                f"the list goes on at {parts.hostname}, which isn't the endpoint {self._account.endpoint.netloc}",
                remedy="check endpoint=…",
            )
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        query.pop("api-version", None)
        return parts.path, query


def _is_under_way(item: Item) -> bool:
    return str(item["properties"].get("provisioningState") or "Succeeded").lower() in ("creating", "updating")


def _document(answer: Any, key: str) -> Item:
    """An answer's document; one without ``key`` isn't taken for an empty one."""
    found = answer.object
    if not isinstance(found, Mapping) or key not in found:
        raise TransientError(f"{key} is missing in Azure's answer", remedy="check endpoint=…")
    return found
