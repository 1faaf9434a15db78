"""Brightbox's load balancers, each on a cloud IP of its own.

The balancer is made first and deleted last, and both have its name: so whatever a crash leaves is found by it.
https://api.gb1.brightbox.com/1.0/#load_balancer and #cloud_ip; where the reference is silent,
https://github.com/brightbox/gobrightbox, the cloud's own client.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import attrs
from libcloud.common.brightbox import BrightboxConnection
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError
from libcloud.loadbalancer.drivers.brightbox import BrightboxLBDriver

from orchestra.clouds.base.balancing import member_port, wanted_check
from orchestra.clouds.base.compute.marking import owner_in_name
from orchestra.clouds.base.compute.traits import Access, Balancers, Marks, Told
from orchestra.clouds.base.tokens import Tokens
from orchestra.clouds.base.tolerance import tolerating
from orchestra.contracts import Inputs, Status
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError, TransientError
from orchestra.model.values import Plain

_BALANCERS: Final = "load_balancers"
_ADDRESSES: Final = "cloud_ips"
_REFUSED: Final = (400, 401, 403)
_SOON: Final = 2.0
"""Seconds until it is worth asking again for what is being made or mapped."""
_HALF: Final = "without an address"
"""The state of a balancer of ours that no address is mapped to: the cloud's own word for it is ``active``."""
_POLICY: Final = "round-robin"
"""Libcloud's default."""
_CHECK: Final = MappingProxyType(
    {
        "type": ("protocol", 1),
        "port": ("port", 1),
        "request": ("path", 1),
        "interval": ("interval", 1000),
        "timeout": ("timeout", 1000),
        "threshold_up": ("healthy", 1),
        "threshold_down": ("unhealthy", 1),
    }
)
"""Brightbox's words for what a health check is, ours, and how many of its units one of ours is."""


@attrs.frozen
class _Token:
    text: str = attrs.field(repr=False)
    ends: float


class _Connection(BrightboxConnection):
    """Libcloud's own fails at the log-in: it takes the answer from a method that returns none."""

    def __init__(self, *given: Any, **named: Any) -> None:
        make: Any = super().__init__
        make(*given, **named)
        self._tokens = Tokens(self._sign_in)

    def add_default_headers(self, headers: dict[str, str]) -> dict[str, str]:
        """See Libcloud's."""
        headers["Authorization"] = f"Bearer {self._tokens.token().text}"
        return headers

    def _sign_in(self) -> _Token:
        """A token for the client's id and secret, by RFC 6749, section 4.4, as the cloud's own client gets it."""
        pair = f"{quote(str(self.user_id), safe='')}:{quote(str(self.key), safe='')}".encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connect: Any = self.connect
        connect()
        connection: Any = self.connection
        connection.request(method="POST", url="/token/", body="grant_type=client_credentials", headers=headers)
        answer = connection.getresponse()
        if answer.status_code in _REFUSED:
            make: Any = InvalidCredsError
            raise make(f"Brightbox doesn't let the client {self.user_id} in")
        if answer.status_code != 200:
            refuse: Any = BaseHTTPError
            raise refuse(answer.status_code, "Brightbox gave no token")
        try:
            told = json.loads(answer.text)
            return _Token(str(told["access_token"]), time.time() + float(told.get("expires_in") or 0.0))
        except (KeyError, TypeError, ValueError) as error:
            raise TransientError("Brightbox answered without a token", remedy="check endpoint=…") from error


class BrightboxDriver(BrightboxLBDriver):
    """Libcloud's driver with that connection, and with what its methods can't say sent through it."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud calls it

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, and return the answer's object."""
        given: dict[str, Any] = {} if body is None else {"data": dict(body)}
        headers = {"Content-Type": "application/json"}
        connection: Any = self.connection
        return connection.request(f"/1.0/{path}", method=method, headers=headers, **given).object

    def rows(self, path: str) -> Iterator[Mapping[str, Any]]:
        """What a list has; Brightbox's aren't in pages."""
        found = self.send("GET", path)
        if not isinstance(found, list):
            raise TransientError(f"{path}: what came back isn't a list", remedy="check endpoint=…")
        return iter(found)


def _told(row: Mapping[str, Any]) -> Told:
    rule, check = row["listeners"][0], row.get("healthcheck")
    addresses: Sequence[Mapping[str, Any]] = row["cloud_ips"]
    is_half = row["status"] == "active" and not addresses and owner_in_name(row["name"]) is not None
    members: list[Plain] = [*sorted(str(one["id"]) for one in row["nodes"])]
    return Told(
        id=row["id"],
        name=row["name"],
        state=_HALF if is_half else row["status"],
        public_ip=addresses[0]["public_ip"] if addresses else None,
        inputs={
            "port": rule["in"],
            "protocol": rule["protocol"],
            "member_port": rule["out"],
            "members": members,
            **({"health_check": _check_told(check)} if check else {}),
        },
    )


def _check_told(check: Mapping[str, Any]) -> dict[str, Plain]:
    told: dict[str, Plain] = {
        ours: check[theirs] // unit if unit > 1 else check[theirs]
        for theirs, (ours, unit) in _CHECK.items()
        if check.get(theirs) is not None
    }
    return {"path": "/", **told}


def _check_sent(inputs: Inputs) -> dict[str, Any]:
    wanted: Mapping[str, Any] = wanted_check(inputs)
    return {theirs: wanted[ours] * unit if unit > 1 else wanted[ours] for theirs, (ours, unit) in _CHECK.items()}


def _nodes(members: Iterable[str]) -> dict[str, Any]:
    return {"nodes": [{"node": one} for one in sorted(set(members))]}


def _make(access: Access, name: str, inputs: Inputs) -> Told:
    if owner_in_name(name) is None:
        raise InvalidRequestError(
            "the names of deployment and address are too long for Brightbox, where they stand in a balancer's name",
            sent=False,
            remedy="use shorter names in the stack, or for the deployment",
        )
    rule = {"in": inputs.integer("port"), "out": member_port(inputs), "protocol": inputs.text("protocol")}
    body = {
        "name": name,
        "policy": _POLICY,
        "listeners": [rule],
        "healthcheck": _check_sent(inputs),
        **_nodes(inputs.texts("members")),
    }
    return _told(access.driver.send("POST", _BALANCERS, body))


def _addressed(access: Access, told: Told, inputs: Inputs) -> Told:
    """The balancer once its address is mapped to it; `InProgressError` until then."""
    del inputs
    if told.state == "creating":
        raise InProgressError(f"load balancer {told.id} is being made", retry_after=_SOON)
    if told.state != _HALF:
        return told
    row = next(_own_addresses(access, told), None) or access.driver.send("POST", _ADDRESSES, {"name": told.name})
    if not _is_mapped_to(row, told.id):
        access.driver.send("POST", f"{_ADDRESSES}/{row['id']}/map", {"destination": told.id})
    told = _one(access, told.id)
    if told.state == _HALF:
        raise InProgressError(f"address {row['public_ip']} is being mapped to {told.id}", retry_after=_SOON)
    return told


def _own_addresses(access: Access, told: Told) -> Iterator[Mapping[str, Any]]:
    """The addresses that were made for a balancer of ours: what has another's name is nobody's business here."""
    if owner_in_name(told.name) is None:
        return iter(())
    return (row for row in access.driver.rows(_ADDRESSES) if row.get("name") == told.name)


def _is_mapped_to(row: Mapping[str, Any], balancer: str) -> bool:
    return (row.get("load_balancer") or {}).get("id") == balancer


def _change(access: Access, told: Told, inputs: Inputs) -> None:
    there, wanted = frozenset(map(str, _texts(told.inputs["members"]))), frozenset(inputs.texts("members"))
    place = f"{_BALANCERS}/{told.id}"
    if told.inputs.get("health_check") != wanted_check(inputs):
        access.driver.send("PUT", place, {"healthcheck": _check_sent(inputs)})
    if wanted - there:
        access.driver.send("POST", f"{place}/add_nodes", _nodes(wanted - there))
    if there - wanted:
        access.driver.send("POST", f"{place}/remove_nodes", _nodes(there - wanted))


def _texts(value: Plain) -> Sequence[Plain]:
    return value if isinstance(value, (list, tuple)) else ()


def _destroy(access: Access, told: Told) -> None:
    """Its address goes first, which Brightbox gives back only once it isn't mapped any more."""
    for row in list(_own_addresses(access, told)):
        place = f"{_ADDRESSES}/{row['id']}"
        if row["status"] == "mapped":
            access.driver.send("POST", f"{place}/unmap")
            if access.driver.send("GET", place)["status"] == "mapped":
                raise InProgressError(f"address {row['public_ip']} is still mapped", retry_after=_SOON)
        with tolerating(NotFoundError):
            access.driver.send("DELETE", place)
    access.driver.send("DELETE", f"{_BALANCERS}/{told.id}")


def _one(access: Access, identity: str) -> Told:
    return _told(access.driver.send("GET", f"{_BALANCERS}/{identity}"))


BALANCERS: Final = Balancers(
    marks=Marks(longest_name=255),
    all=lambda access: map(_told, access.driver.rows(_BALANCERS)),
    one=_one,
    create=_make,
    finish=_addressed,
    change=_change,
    destroy=_destroy,
    statuses={"active": Status.READY, "failed": Status.FAILED},
    gone=frozenset({"deleting", "deleted"}),
    half=frozenset({_HALF}),
    unsupported={
        "subnets": "a load balancer reaches servers by their ids, in whatever group they are",
        "firewalls": "a load balancer has none; what may reach a server, the server's groups say",
        "labels": "a load balancer has no tags",
    },
)
