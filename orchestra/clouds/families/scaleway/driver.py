"""Libcloud's driver for Scaleway, brought to the API that there is now.

Libcloud's methods call hosts that are gone, name an organization where a project is wanted, and fail on states and
pages that they don't know. Its connection (credentials, errors, answers) is used for requests of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from libcloud.compute.drivers.scaleway import ScalewayConnection, ScalewayNodeDriver

_PAGE: Final = 100
_TYPE: Final = "Content-Type"


class _Connection(ScalewayConnection):
    """Libcloud's connection; that sends everything as JSON, also a script for cloud-init."""

    def add_default_headers(self, headers: Any) -> Any:
        """See `libcloud.common.base.Connection.add_default_headers`."""
        add: Any = super().add_default_headers
        wanted = headers.get(_TYPE)
        found = add(headers)
        return {**found, _TYPE: wanted} if wanted else found


class ScalewayDriver(ScalewayNodeDriver):
    """Requests to one zone, for one project."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud names it

    def __init__(self, project: str, secret_key: str, zone: str) -> None:
        make: Any = super().__init__
        make(project, secret_key)
        self.project = project
        self._stem = f"/instance/v1/zones/{zone}"

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, and return the answer's object."""
        request: Any = self.connection.request
        return request(f"{self._stem}/{path}", method=method, data=None if body is None else json.dumps(body)).object

    def send_text(self, method: str, path: str, text: str) -> None:
        """Send one request with a plain text."""
        request: Any = self.connection.request
        request(f"{self._stem}/{path}", method=method, data=text.encode(), headers={_TYPE: "text/plain"})

    def pages(self, path: str, name: str) -> Iterator[Any]:
        """The answers of all pages of a list, until one isn't full."""
        number, full = 1, True
        while full:
            joined = f"{path}{'&' if '?' in path else '?'}per_page={_PAGE}&page={number}"
            found = self.send("GET", joined)[name]
            yield found
            number, full = number + 1, len(found) >= _PAGE

    def rows(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        """The items of a list, all pages."""
        return (item for page in self.pages(path, name) for item in page)
