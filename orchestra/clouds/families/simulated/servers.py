"""Servers, as calls of the simulated compute driver."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeDriver, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from orchestra.clouds.families.simulated import ranges
from orchestra.clouds.families.simulated.catalogue import SIZE_BY_NAME
from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.firewalls import check_on_network
from orchestra.clouds.families.simulated.images import check_image
from orchestra.clouds.families.simulated.kinds import (
    FAILED,
    KEY_PAIR,
    SERVER,
    ServerBody,
    States,
    state_at,
)
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.placing import let_go_of, place, placement, renew_public_address
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows

_USER_DATA_LIMIT: Final = 16384

_NODE_STATES: Final = MappingProxyType(
    {
        "pending": NodeState.PENDING,
        "running": NodeState.RUNNING,
        "rebooting": NodeState.REBOOTING,
        "resizing": NodeState.RECONFIGURING,
        "stopping": NodeState.STOPPING,
        "stopped": NodeState.STOPPED,
        "shutting-down": NodeState.TERMINATED,
        FAILED: NodeState.ERROR,
    }
)


class Servers(InProcess, NodeDriver):
    """The calls for servers: Libcloud's nodes."""

    def list_nodes(self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None) -> list[Node]:
        """All servers, or those with the ids or the token."""
        return [self._node(row) for row in self._list("list_nodes", SERVER, Filter(ids=ex_ids, token=ex_token))]

    def ex_get_node(self, node_id: str) -> Node:
        """One server."""
        with self._read("ex_get_node", node_id) as rows:
            return self._node(rows.look_up(SERVER, node_id))

    def create_node(
        self,
        name: str,
        size: NodeSize,
        image: NodeImage,
        location: NodeLocation | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_subnet: str | None = None,
        ex_firewalls: Sequence[str] = (),
        ex_key_pair: str | None = None,
        ex_user_data: str | None = None,
        ex_public_address: bool | None = None,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> Node:
        """Make a server and start it.

        Without ``ex_subnet`` it goes into the region's own network. ``ex_public_address`` None: as the subnet says.
        ``auth`` isn't possible: import a key pair and name it as ``ex_key_pair``.
        """
        _refuse_auth(auth)
        with self._write("create_node", token=ex_token) as rows:
            row = rows.made_under(SERVER, ex_token)
            if row is None:
                self._check_request(rows, size.id, image.id, ex_key_pair, ex_user_data)
                goes = placement(rows, self.endpoint, ex_subnet, location.id if location else None)
                body: ServerBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "image": image.id,
                    "size": size.id,
                    **goes.where,
                    "firewalls": check_on_network(rows, ex_firewalls, goes.where["network"]),
                    "key_pair": ex_key_pair,
                    "user_data": ex_user_data,
                    "public": goes.public if ex_public_address is None else ex_public_address,
                    "private_ip": "",
                    "public_ip": None,
                    "floating_ips": [],
                    "states": self._starting(),
                }
                row = place(rows, body, goes, ex_token)
            return self._node(row)

    def start_node(self, node: Node) -> bool:
        """Start a stopped server; one with a public address gets a new one."""
        with self._write("start_node", node.id) as rows:
            row = rows.get(SERVER, node.id)
            state = self._state(row)
            if state not in ("running", "pending"):
                self._expect(row, "stopped")
                row.body["states"] = self._starting()
                renew_public_address(rows, row)
                rows.save(row)
        return True

    def stop_node(self, node: Node) -> bool:
        """Stop a running server; its public address is lost, its private one is kept."""
        with self._write("stop_node", node.id) as rows:
            row = rows.get(SERVER, node.id)
            if self._state(row) not in ("stopped", "stopping"):
                self._expect(row, "running")
                row.body["states"] = self._passing("stopping", "stopped")
                ranges.let_go_public(rows, row)
                row.body["public_ip"] = None
                rows.save(row)
        return True

    def reboot_node(self, node: Node) -> bool:
        """Start a running server anew; it keeps its addresses."""
        with self._write("reboot_node", node.id) as rows:
            row = rows.get(SERVER, node.id)
            self._expect(row, "running")
            row.body["states"] = self._passing("rebooting", "running")
            rows.save(row)
        return True

    def destroy_node(self, node: Node) -> bool:
        """Delete a server. Volumes and addresses are detached, and balancers lose the member."""
        with self._write("destroy_node", node.id) as rows:
            row = rows.get(SERVER, node.id)
            if self._state(row) != "shutting-down":
                let_go_of(rows, row)
                row.body["states"] = [(self._now(), "shutting-down")]
                rows.remove(row, linger=self.endpoint.behaviour.shutdown_seconds)
        return True

    def ex_resize_node(self, node_id: str, size: NodeSize) -> Node:
        """Give a server another size: the cloud stops it, resizes it and starts it, and answers at once.

        One with a public address gets a new one.
        """
        with self._write("ex_resize_node", node_id) as rows:
            row = rows.get(SERVER, node_id)
            _check_size(size.id)
            if row.body["size"] != size.id:
                self._expect(row, "running", "stopped")
                row.body["size"] = size.id
                row.body["states"] = self._passing("resizing", "pending", "running")
                renew_public_address(rows, row)
                rows.save(row)
            return self._node(row)

    def ex_set_node_firewalls(self, node_id: str, firewalls: Sequence[str]) -> Node:
        """Put these firewalls on a server, and take all others off."""
        with self._write("ex_set_node_firewalls", node_id) as rows:
            row = rows.get(SERVER, node_id)
            row.body["firewalls"] = check_on_network(rows, firewalls, row.body["network"])
            rows.use(row, "firewall", row.body["firewalls"])
            rows.save(row)
            return self._node(row)

    def _check_request(self, rows: Rows, size: str, image: str, key_pair: str | None, user_data: str | None) -> None:
        _check_size(size)
        check_image(rows, image)
        if key_pair is not None and rows.named(KEY_PAIR, key_pair) is None:
            raise refusal(KEY_PAIR.missing, f"the key pair '{key_pair}' does not exist")
        if user_data is not None and len(user_data.encode()) > _USER_DATA_LIMIT:
            raise refusal("InvalidUserData.Malformed", f"user data is limited to {_USER_DATA_LIMIT} bytes")

    def _state(self, row: Row[ServerBody]) -> str:
        return state_at(row.body["states"], self._now())

    def _expect(self, row: Row[ServerBody], *states: str) -> None:
        found = self._state(row)
        if found not in states:
            raise refusal(
                "IncorrectInstanceState", f"the server '{row.id}' is {found}: it must be {' or '.join(states)}"
            )

    def _starting(self) -> States:
        return self._passing("pending", "running")

    def _node(self, row: Row[ServerBody]) -> Node:
        body = row.body
        state = self._state(row)
        return Node(
            row.id,
            body["name"],
            _NODE_STATES[state],
            [*([body["public_ip"]] if body["public_ip"] is not None else []), *body["floating_ips"]],
            [body["private_ip"]],
            self,
            extra={
                "status": state,
                "image": body["image"],
                "size": body["size"],
                "subnet": body["subnet"],
                "network": body["network"],
                "zone": body["zone"],
                "firewalls": body["firewalls"],
                "key_pair": body["key_pair"],
                "user_data": body["user_data"],
                "public_address": body["public"],
                "public_ip": body["public_ip"],
                "tags": body["tags"],
            },
        )


def _refuse_auth(auth: object) -> None:
    if auth is not None:
        raise refusal("InvalidParameterValue", "auth is not supported: use a key pair")


def _check_size(size: str) -> None:
    if size not in SIZE_BY_NAME:
        raise refusal("InvalidParameterValue", f"the size '{size}' does not exist")
