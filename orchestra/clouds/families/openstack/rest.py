"""OpenStack's REST APIs, through the connections of Libcloud's driver.

Libcloud's own methods send a part of what the services take, and repeat a request if an environment variable says so.
The calls here send ownership with the creation, read every page, never repeat, and refuse what isn't the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from libcloud.common.base import Connection
from libcloud.common.openstack import OpenStackResponse

from orchestra.clouds.families.openstack.faults import read_fault
from orchestra.errors import TransientError

Item: TypeAlias = Mapping[str, Any]
"""One thing, as a service tells it."""
Body: TypeAlias = "Item | Sequence[Item]"
"""What is sent: a document, or the steps of a JSON patch."""
Query: TypeAlias = Mapping[str, "str | int | Sequence[str]"]

_request: Final[Any] = Connection.request  # Libcloud's own for OpenStack can't be told not to repeat

VERSIONS: Final = MappingProxyType({"compute": "compute 2.60"})
"""The microversions that are asked for, of Queens (2018): servers tell their flavor by its name from 2.47 on."""

_PATCH: Final = "application/openstack-images-v2.1-json-patch"

PAGE: Final = 1000
"""How many things a page may hold; services have lower limits of their own and say where they go on."""


class Answer(OpenStackResponse):
    """An answer whose refusal keeps the service's own code: Libcloud's class leaves it out."""

    def parse_error(self) -> str:
        """``Code: message``. A 404 that OpenStack didn't write is a `TransientError`: nothing is gone because of it."""
        text = self.body if isinstance(self.body, str) else ""
        fault = read_fault(int(self.status), text)
        if fault is not None:
            return f"{fault.code}: {fault.message}"
        if int(self.status) == 404:
            raise TransientError(
                "what answered 404 isn't OpenStack's service", remedy="check the endpoints in the service catalogue"
            )
        return f"status code: {self.status}"


def send(
    connection: Any, method: str, path: str, *, body: Body | None = None, query: Query | None = None, version: str = ""
) -> Any:
    """Send one request and return Libcloud's response object. A request is never repeated."""
    is_patch = body is not None and not isinstance(body, Mapping)
    headers = {"Content-Type": _PATCH if is_patch else "application/json"} if body is not None else {}
    if version:
        headers["OpenStack-API-Version"] = version
    return _request(
        connection,
        path,
        method=method,
        params=dict(query or {}),
        data=dict(body) if isinstance(body, Mapping) else body,
        headers=headers,
        retry_failed=False,
    )


def document(answer: Any, key: str) -> Any:
    """What stands under ``key`` in an answer; one without it isn't taken for an empty one."""
    found = answer.object
    if not isinstance(found, Mapping) or key not in found:
        raise TransientError(
            f"{key} is missing in OpenStack's answer", remedy="check the endpoints in the service catalogue"
        )
    return found[key]


def next_page(answer: Any, key: str) -> bool:
    """Whether a list goes on after this page."""
    links = answer.object.get(f"{key}_links") or ()
    return "next" in answer.object or any(link.get("rel") == "next" for link in links)
