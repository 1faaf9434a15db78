"""Libcloud's driver for UpCloud, with the parts of the answers that it drops, and without the disks that it leaves."""

from __future__ import annotations

import collections
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from libcloud.common.upcloud import UpcloudNodeDestroyer, UpcloudNodeOperations
from libcloud.compute.drivers.upcloud import UpcloudConnection, UpcloudDriver, UpcloudResponse

from orchestra.clouds.base.paging import rows_in


class _Response(UpcloudResponse):
    """An answer whose error is a text: Libcloud's is a dict, which its exception can't show."""

    def parse_error(self) -> str:
        """See `libcloud.common.base.Response.parse_error`."""
        parse: Any = super().parse_error
        told = parse()
        error = told.get("error") if isinstance(told, dict) else None
        return f"{error.get('error_message')} ({error.get('error_code')})" if isinstance(error, dict) else str(told)


class _Connection(UpcloudConnection):
    responseCls = _Response  # noqa: N815 - so Libcloud names it


class UpCloudDriver(UpcloudDriver):
    """Libcloud's driver; it tells neither plan nor zone, and leaves the disk of a server that is deleted."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud names it

    def __init__(self, username: str, password: str) -> None:
        make: Any = super().__init__
        make(username, password)

    def _to_node(self, data: Any, state: Any = None) -> Any:
        parse: Any = super()._to_node
        node = parse(data, state)
        node.extra = {"server": {key: value for key, value in data.items() if "password" not in key}}
        return node

    def _ask(self, action: str) -> Any:
        request: Any = self.connection.request
        return request(action).object

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request of version 1.3, and return the answer's object."""
        request: Any = self.connection.request
        return request(f"1.3/{path}", method=method, data=None if body is None else json.dumps(body)).object

    def detach(self, server: str, address: str) -> None:
        """Take the disk at an address, such as ``virtio:1``, from a server."""
        self.send("POST", f"server/{server}/storage/detach", {"storage_device": {"address": address}})

    def listed(self, path: str, many: str, one: str) -> Collection[Any]:
        """All things of a kind. UpCloud tells them in one answer, which has no pages."""
        return rows_in(self._ask(f"1.2/{path}").get(many), one)

    def servers(self, zone: str) -> Iterator[dict[str, Any]]:
        """The servers of a zone, each with its addresses and with the disks that are called after it.

        The list of servers tells neither, so those are listed too: three requests, however many servers there are.
        """
        found = [one for one in self.listed("server", "servers", "server") if one["zone"] == zone]
        if not found:
            return
        addresses, disks = collections.defaultdict(list), collections.defaultdict(list)
        for one in self.listed("ip_address", "ip_addresses", "ip_address"):
            addresses[one.get("server")].append(one)
        for one in self.listed("storage/normal", "storages", "storage"):
            disks[one["title"].rpartition(" ")[0]].append({"storage_title": one["title"]})
        for one in found:
            yield {
                **one,
                "ip_addresses": {"ip_address": addresses[one["uuid"]]},
                "storage_devices": {"storage_device": disks[one["title"]]},
            }

    def server(self, identity: str) -> dict[str, Any]:
        """One server with its addresses."""
        found: dict[str, Any] = self._ask(f"1.2/server/{identity}")["server"]
        return found

    def destroy_with_disks(self, identity: str) -> bool:
        """Stop a server, wait until it has stopped (42 seconds at most), and delete it with the disks it was made with.

        What was attached to it stays. False if it is in a state in which that can't be done.
        """
        destroyer: Any = UpcloudNodeDestroyer
        operations: Any = _Operations
        return bool(destroyer(operations(self)).destroy_node(identity))


def _attached(server: Mapping[str, Any]) -> list[str]:
    """The addresses of the disks that a server wasn't made with.

    Those that it was have its title; a server that isn't ours starts from the first.
    """
    disks = [one for one in server["storage_devices"]["storage_device"] if one["type"] == "disk"]
    own = [one for one in disks if one["storage_title"].startswith(f"{server['title']} ")] or disks[:1]
    return [one["address"] for one in disks if one not in own]


class _Operations(UpcloudNodeOperations):
    """Deletes the disks in the same request as the server: in another one, a crash in between would leave them."""

    def __init__(self, driver: UpCloudDriver) -> None:
        make: Any = super().__init__
        make(driver.connection)
        self._driver = driver

    def destroy_node(self, node_id: Any) -> None:
        """See `UpcloudNodeOperations`. It deletes all disks that are attached, so others are detached first."""
        for address in _attached(self._driver.server(node_id)):
            self._driver.detach(node_id, address)
        self.connection.request(f"1.3/server/{node_id}/?storages=1", method="DELETE")
