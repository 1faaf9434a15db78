"""Libcloud's driver for Scaleway, brought to the API that there is now.

Libcloud's methods call hosts that are gone, name an organization where a project is wanted, and fail on states and
pages that they don't know. Its connection (credentials, errors, answers) is used for requests of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from libcloud.compute.drivers.scaleway import ScalewayConnection, ScalewayNodeDriver

from orchestra.clouds.base.paging import Page, Paging, numbered, rows_in, rows_of

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


class Api:
    """One of Scaleway's newer services, under ``stem``: their lists take other words than those of servers."""

    def __init__(self, driver: ScalewayDriver, stem: str) -> None:
        self._driver = driver
        self._stem = stem

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, and return the answer's object."""
        return self._driver.request(method, f"{self._stem}/{path}", body).object

    def rows(self, path: str, name: str, **filters: str) -> Iterator[Any]:
        """The rows of all pages of a list that are of the project."""
        wanted = {"project_id": self._driver.project, "page_size": _PAGE, **filters}

        def page(after: Any) -> Page:
            number = int(after or 1)
            answer = self.send("GET", f"{path}?{urlencode({**wanted, 'page': number})}")
            more = bool(rows_in(answer, name))
            return numbered(answer, name, number, more=more, total=answer["total_count"])

        return rows_of(page, name)


class ScalewayDriver(Paging, ScalewayNodeDriver):
    """Requests to one zone, for one project."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud names it

    def __init__(self, project: str, secret_key: str, zone: str) -> None:
        make: Any = super().__init__
        make(project, secret_key)
        self.project = project
        self._stem = f"/instance/v1/zones/{zone}"
        self.blocks = Api(self, f"/block/v1/zones/{zone}")
        self.keys = Api(self, "/iam/v1alpha1")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, and return the answer's object."""
        return self._ask(method, path, body).object

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self.request(method, f"{self._stem}/{path}", body)

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request to the whole path, and return the answer."""
        request: Any = self.connection.request
        return request(path, method=method, data=None if body is None else json.dumps(body))

    def send_text(self, method: str, path: str, text: str) -> None:
        """Send one request with a plain text."""
        request: Any = self.connection.request
        request(f"{self._stem}/{path}", method=method, data=text.encode(), headers={_TYPE: "text/plain"})

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`: https://www.scaleway.com/en/developers/api/#pagination.

        The last page is the one with which all are told; where the answer doesn't tell how many that is, one that isn't
        full.
        """
        number = int(after or 1)
        joined = f"{path}{'&' if '?' in path else '?'}per_page={_PAGE}&page={number}"
        answer = self._ask("GET", joined)
        rows, total = len(rows_in(answer.object, name)), answer.headers.get("x-total-count")
        more = rows >= (_PAGE if total is None else 1)
        return numbered(answer.object, name, number, more=more, total=total)
