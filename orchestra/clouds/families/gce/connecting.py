"""Libcloud's connections to Compute Engine, Cloud DNS and Cloud Storage, and the calls that go through the first.

Libcloud's drivers sign in while they are made, keep tokens in the home folder, wait for operations by sleeping and send
no labels with most creations. So its connections are used here, with a token that all threads share.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import quote

from libcloud.common.base import Connection, ConnectionUserAndKey
from libcloud.common.google import GoogleAuthType, GoogleBaseConnection
from libcloud.dns.drivers.google import GoogleDNSDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver

from orchestra.clouds.base.driver import Endpoint, LibcloudDriver, connect
from orchestra.clouds.base.paging import Page, rows_of
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.connections import Connections
from orchestra.clouds.families.gce import rest
from orchestra.clouds.families.gce.account import Account, is_zone_of
from orchestra.clouds.families.gce.identity import Identity
from orchestra.clouds.families.gce.rest import Item, Places, Query, last
from orchestra.clouds.session import share_connection
from orchestra.clouds.translate import translate
from orchestra.contracts import Ownership
from orchestra.errors import (
    CloudError,
    ConflictError,
    InProgressError,
    InvalidRequestError,
    NotFoundError,
    TransientError,
)

_UNAUTHORIZED: Final = 401
_REPLAYS: Final = 10
"""How often a creation is sent under another request id at most, because it failed under the one before."""

_POLL: Final = 3.0
"""Seconds after which it is worth looking again at an operation that took longer than the server waits."""

_made: Final[Any] = ConnectionUserAndKey.__init__
_request: Final[Any] = Connection.request  # Google's own in Libcloud repeats what broke off, creations too
_dns_driver: Final[Any] = GoogleDNSDriver
_storage_driver: Final[Any] = GoogleStorageDriver


class _Bearer(GoogleBaseConnection):
    """A connection that carries the token of an identity, to paths of which nothing is left out."""

    def __init__(self, identity: Identity, request_path: str = "") -> None:
        connection: Any = self
        _made(connection, "", "")
        connection.responseCls = rest.Answer
        connection.oauth2_credential = identity
        connection.request_path = request_path

    def request(self, *given: Any, **named: Any) -> Any:
        """Send one request. It is never repeated."""
        return _request(self, *given, **{**named, "retry_failed": False})


def dns_driver(identity: Identity, project: str) -> Any:
    """Libcloud's driver for Cloud DNS, with the token of ``identity``."""
    path = f"/dns/v1/projects/{project}"
    connected = {"connectionCls": staticmethod(lambda *_, **__: _Bearer(identity, path))}
    return type("Dns", (_dns_driver,), connected)("", "", project=project)


def storage_driver(identity: Identity, project: str, region: str) -> Any:
    """Libcloud's driver for Cloud Storage, with the token of ``identity``; it makes buckets in ``region``.

    It is made with a key of the other form that Google has, or it would sign in by itself.
    """
    driver = _storage_driver("GOOG", "", project=project)
    driver.ex_location_name = region
    driver.connection.auth_type = GoogleAuthType.SA
    driver.connection.oauth2_credential = identity
    return driver


def connected(driver: Any, provider: str, connections: Connections, endpoint: Endpoint) -> LibcloudDriver:
    """``driver`` over ``connections``, as the calls of the base API take it."""
    return LibcloudDriver(provider, connect(driver, connections, endpoint))


class Drivers:
    """One thread's connection to Compute Engine. ``turn`` is for what the threads of a process do one after another."""

    def __init__(
        self, account: Account, identity: Identity, connections: Connections, turn: AbstractContextManager[object]
    ) -> None:
        self.turn = turn
        self._account = account
        self._identity = identity
        self._connection: Any = _Bearer(identity)
        place = account.compute
        self._connection.host, self._connection.port = place.host, place.port
        self._connection.secure = int(place.secure)
        share_connection(self._connection, connections)
        self.places = Places(account.project)
        self.region = account.region

    @property
    def project(self) -> str:
        """The place of the project itself."""
        return f"projects/{self.places.project}"

    def url(self, place: str) -> str:
        """The URL, in part, of the thing at ``place``."""
        return self.places.url(self.places.place(place))

    @functools.cached_property
    def zones(self) -> tuple[str, ...]:
        """The zones of the region, those that are down too, in order."""
        told = self.ask("GET", f"regions/{self.region}").get("zones") or ()
        return tuple(sorted(last(str(one)) for one in told))

    def zone(self, wanted: str | None = None) -> str:
        """``wanted``, the cloud's zone, or else the first of the region; raises `InvalidRequestError` for another's."""
        if wanted is not None and not is_zone_of(wanted, self.region):
            raise InvalidRequestError(
                f"zone {wanted} isn't in region {self.region}", sent=False, remedy="use the cloud of the zone's region"
            )
        found = wanted or self._account.zone or next(iter(self.zones), None)
        if found is None:
            raise InvalidRequestError(f"region {self.region} tells of no zones", remedy="give gce(zone=…)")
        return found

    # -- requests

    def ask(self, method: str, place: str, *, body: Item | None = None, query: Query | None = None) -> Any:
        """What the API answers. A token that isn't taken any more is renewed once: that call was refused."""
        path = f"/compute/v1/{quote(self.url(place), safe='/:-._~')}"
        send = functools.partial(_send, self._connection, method, path, body, query)
        token = self._identity.token()
        try:
            return send()
        except Exception as error:
            if getattr(error, "code", None) != _UNAUTHORIZED:
                raise
        self._identity.renew(token)
        return send()

    def items(self, place: str, query: Query | None = None) -> Iterator[Item]:
        """The things of all pages of a list. Raises `TransientError` at the end of one that isn't whole."""
        for told in self._pages(place, query):
            yield from told.get("items") or ()
            rest.refuse_partial(told, place)

    def zonal(self, collection: str, query: Query | None = None) -> Iterator[Item]:
        """The things that ``collection`` has in the zones of the region, as `items` tells those of one list."""
        troubles: list[CloudError] = []
        for told in self._pages(f"aggregated/{collection}", query):
            for scope, part in sorted((told.get("items") or {}).items()):
                if is_zone_of(last(scope), self.region):
                    yield from part.get(collection) or ()
                    troubles += _trouble(part, f"{collection} in {scope}")
            troubles += _trouble(told, collection)
        for trouble in troubles:
            raise trouble

    def _pages(self, place: str, query: Query | None) -> Iterator[Item]:
        """The pages of a list, whole."""

        def page(after: Any) -> Page:
            further = {"pageToken": str(after)} if after else {}
            told = self.ask("GET", place, query={**(query or {}), "maxResults": rest.PAGE, **further})
            if not isinstance(told, Mapping) or "kind" not in told:
                raise TransientError(f"{place}: what came back isn't a list", remedy="check the endpoint")
            return Page([told], told.get("nextPageToken") or None)

        return rows_of(page, place)

    def change(self, method: str, place: str, body: Item | None = None, query: Query | None = None) -> None:
        """Make a change and see it through: the server waits for its operation, up to two minutes.

        Raises what the operation ended with, and `InProgressError` if it takes longer: the same call is safe to repeat.
        """
        self._see_through(self.ask(method, place, body=body, query=query), f"{place} is still being changed")

    def change_all(self, changes: Iterable[tuple[str, str, Item | None]]) -> None:
        """Make many changes, each of method, place and body, and see all of them through, side by side.

        What is to be deleted and isn't there any more counts as deleted.
        """
        begun: list[tuple[str, Item]] = []
        for method, place, body in changes:
            with tolerating(*([NotFoundError] if method == "DELETE" else [])):
                begun.append((place, self.ask(method, place, body=body)))
        for place, operation in begun:
            self._see_through(operation, f"{place} is still being changed")

    def insert(
        self, place: str, body: Item, owner: Ownership, *, patient: bool = True, query: Query | None = None
    ) -> None:
        """Make ``body`` at ``place``, as `change` does, under a request id that is made from the token.

        Unless ``patient`` it isn't seen through: that is for what tells by itself how far it is.

        The API doesn't make anything again under an id that it knows, but answers with the operation of the first
        time. If that failed, as for want of machines, the next one's id is made from it.
        """
        request = uuid.uuid5(uuid.UUID(owner.token), f"{place} {body['name']}")
        operation: Item = {}
        for _ in range(_REPLAYS):
            operation = self.ask("POST", place, body=body, query={**(query or {}), "requestId": str(request)})
            if not operation.get("error"):
                break
            request = uuid.uuid5(request, str(operation["name"]))
        if patient:
            self._see_through(operation, f"{body['name']} is still being made")
        else:
            rest.refuse_failed(operation)

    def make(
        self, place: str, body: Item, owner: Ownership, *, patient: bool = True, query: Query | None = None
    ) -> bool:
        """`insert`, but that one which is there already is told by False."""
        try:
            self.insert(place, body, owner, patient=patient, query=query)
        except Exception as error:
            if not isinstance(translate(error), ConflictError):
                raise
            return False
        return True

    def _see_through(self, operation: Item, otherwise: str) -> None:
        """Wait for ``operation``, on the server; raise what it ended with, or that it goes on longer than that."""
        if not rest.is_done(operation):
            operation = self.ask("POST", f"{self.places.place(str(operation['selfLink']))}/wait")
        rest.refuse_failed(operation)
        if not rest.is_done(operation):
            raise InProgressError(f"{otherwise} ({operation.get('status')})", retry_after=_POLL)


def _trouble(told: Item, where: str) -> list[CloudError]:
    """What kept a list from being whole: nothing, or one thing."""
    try:
        rest.refuse_partial(told, where)
    except TransientError as error:
        return [error]
    return []


def _send(connection: Any, method: str, path: str, body: Item | None, query: Query | None) -> Any:
    params, data = dict(query or {}), dict(body) if body is not None else None
    return connection.request(path, method=method, params=params, data=data).object
