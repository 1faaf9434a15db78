"""The lists of DigitalOcean, Linode and Vultr, page by page; and Libcloud's drivers for their domains, which list so.

Libcloud's own paging takes a page that isn't as it expects for the last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from libcloud.dns.drivers.digitalocean import DigitalOceanDNSDriver
from libcloud.dns.drivers.linode import LinodeDNSConnectionV4, LinodeDNSDriverV4
from libcloud.dns.drivers.vultr import VultrDNSDriverV2

from orchestra.clouds.base.paging import Page, Paging, numbered, rows_in

_LINODE_PAGE: Final = 500
"""The most that a page holds: https://techdocs.akamai.com/linode-api/reference/pagination. Libcloud asks for 25."""


class _Api(Paging):
    """Requests through the connection of whichever driver this goes before."""

    connection: Any

    def send(self, method: str, action: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Send one request, and return the answer's object."""
        content = None if body is None else json.dumps(body)
        return self.connection.request(action, params=query, method=method, data=content).object


class DigitalOceanApi(_Api):
    """DigitalOcean's pages have numbers: https://docs.digitalocean.com/reference/api/reference/#links--pagination."""

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`."""
        number = int(after or 1)
        answer = self.send("GET", path, page=number)
        more = "next" in ((answer.get("links") or {}).get("pages") or {})
        return numbered(answer, name, number, more=more, total=(answer.get("meta") or {}).get("total"))


class LinodeApi(_Api):
    """Linode's pages have numbers, and tell how many there are."""

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`."""
        number = int(after or 1)
        answer = self.send("GET", path, page=number)
        more = number < int(answer.get("pages") or 1)
        return numbered(answer, name, number, more=more, total=answer.get("results"))


class VultrApi(_Api):
    """Vultr's pages name the next one: https://www.vultr.com/api/#section/Introduction/Meta-and-Pagination."""

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`."""
        answer = self.send("GET", path, **({"cursor": after} if after else {}))
        meta = answer.get("meta") or {}
        return Page(rows_in(answer, name), (meta.get("links") or {}).get("next") or None, meta.get("total"))


class FullPages:
    """Goes before a class of connections to Linode of Libcloud's."""

    def add_default_params(self, params: Any) -> Any:
        """See `libcloud.common.base.Connection.add_default_params`."""
        return {**params, "page_size": _LINODE_PAGE}


class _LinodeConnection(FullPages, LinodeDNSConnectionV4):
    pass


class DigitalOceanDns(DigitalOceanApi, DigitalOceanDNSDriver):
    """Libcloud's driver for DigitalOcean's domains."""


class LinodeDns(LinodeApi, LinodeDNSDriverV4):
    """Libcloud's driver for Linode's domains."""

    connectionCls = _LinodeConnection  # noqa: N815 - so Libcloud names it


class VultrDns(VultrApi, VultrDNSDriverV2):
    """Libcloud's driver for Vultr's domains."""


DOMAINS: Final[Mapping[str, type]] = MappingProxyType(
    {"digitalocean": DigitalOceanDns, "linode": LinodeDns, "vultr": VultrDns}
)
"""What is used in place of Libcloud's own drivers, by its constant."""
