"""Key pairs, servers and their images, floating addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs
from libcloud.compute.base import KeyPair as CloudKeyPair
from libcloud.compute.base import Node, NodeImage

from orchestra.clouds.families.simulated.access import SimulatedAddress
from orchestra.clouds.families.simulated.calls import choice
from orchestra.clouds.families.simulated.calls.shared import (
    SimulatedCalls,
    image,
    node,
    progress,
    relabel,
    size,
    tags_of,
)
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.kinds import FAILED
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.model.values import Plain
from orchestra.resources.compute import CustomImage, FloatingIp, KeyPair, Server

_STATUSES: Final = MappingProxyType({"running": Status.READY, "stopped": Status.READY, FAILED: Status.FAILED})
"""A stopped server is not on its way anywhere, so waiting for it would never end."""


class KeyPairCalls(SimulatedCalls[SimulatedNodeDriver, CloudKeyPair]):
    """A key pair; its id is its name, as servers name it."""

    kind = "compute.KeyPair"
    resource = KeyPair

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        name = inputs.optional_text("name") or owner.name()
        return self.tell(
            driver.import_key_pair_from_string(
                name, inputs.text("public_key"), ex_tags=owner.tags(), ex_token=owner.token
            )
        )

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudKeyPair]:
        """See `SimulatedCalls.listed`."""
        return driver.list_key_pairs(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> CloudKeyPair:
        """See `SimulatedCalls.one`."""
        return driver.get_key_pair(external_id)

    def tell(self, one: CloudKeyPair) -> Observation:
        """See `SimulatedCalls.tell`."""
        inputs = {"public_key": one.public_key, "name": one.name}
        return self.observation(
            one.name, inputs, {"fingerprint": one.fingerprint}, tags=one.extra["tags"], name=one.name
        )

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.delete_key_pair(CloudKeyPair(external_id, "", "", driver))


class ServerCalls(SimulatedCalls[SimulatedNodeDriver, Node]):
    """A server."""

    kind = "compute.Server"
    resource = Server
    required = MappingProxyType({"subnet": "each server of the simulated cloud is in a subnet of a network"})

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        server = driver.create_node(
            owner.name(),
            size(driver, inputs.choice("size")),
            image(driver, inputs.choice("image")),
            ex_subnet=inputs.text("subnet"),
            ex_firewalls=inputs.texts("firewalls"),
            ex_key_pair=inputs.optional_text("key_pair"),
            ex_user_data=inputs.optional_text("user_data"),
            ex_public_address=(None if inputs.values.get("public_address") is None else inputs.flag("public_address")),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(server)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[Node]:
        """See `SimulatedCalls.listed`."""
        return driver.list_nodes(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> Node:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_node(external_id)

    def tell(self, one: Node) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra, state = one.extra, one.extra["status"]
        inputs = {
            "image": {"id": extra["image"]},
            "size": {"id": extra["size"]},
            "subnet": extra["subnet"],
            "firewalls": extra["firewalls"],
            "key_pair": extra["key_pair"],
            "user_data": extra["user_data"],
            "public_address": extra["public_address"],
        }
        return self.observation(
            str(one.id),
            inputs,
            {"private_ip": one.private_ips[0], "public_ip": extra["public_ip"], "zone": extra["zone"]},
            tags=extra["tags"],
            status=_STATUSES.get(state, Status.PENDING),
            detail="" if state == "running" else state,
            name=one.name,
        )

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the cloud stops and starts the server by itself when its size changes."""
        server = None
        if "size" in update.changed:
            server = driver.ex_resize_node(external_id, size(driver, update.after.choice("size")))
        if "firewalls" in update.changed:
            server = driver.ex_set_node_firewalls(external_id, update.after.texts("firewalls"))
        server = server or driver.ex_get_node(external_id)
        server.extra["tags"] = relabel(driver, external_id, server.extra["tags"], update)
        return self.tell(server)

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_node(node(driver, external_id))

    def choose(self, driver: SimulatedNodeDriver, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: the cheapest size that fits, the newest image."""
        if name == "size":
            return choice.choose_size(driver.list_sizes(), wanted)
        if name == "image":
            own = driver.ex_list_custom_images([str(wanted["id"])]) if "id" in wanted else []
            return choice.choose_image([*driver.list_images(), *own], wanted)
        return super().choose(driver, name, wanted)


class CustomImageCalls(SimulatedCalls[SimulatedNodeDriver, NodeImage]):
    """An image made of a server."""

    kind = "compute.CustomImage"
    resource = CustomImage

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        made = driver.create_image(
            node(driver, inputs.text("server")),
            inputs.optional_text("name") or owner.name(),
            inputs.text("description"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(made)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[NodeImage]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_custom_images(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> NodeImage:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_custom_image(external_id)

    def tell(self, one: NodeImage) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra = one.extra
        status, detail = progress(extra["status"], "available")
        return self.observation(
            one.id,
            {"server": extra["server"], "name": one.name, "description": extra["description"]},
            {"size_gib": extra["size"]},
            tags=extra["tags"],
            status=status,
            detail=detail,
            name=one.name,
        )

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        found = driver.ex_get_custom_image(external_id)
        found.extra["tags"] = relabel(driver, external_id, found.extra["tags"], update)
        return self.tell(found)

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.delete_image(image(driver, external_id))


class FloatingIpCalls(SimulatedCalls[SimulatedNodeDriver, SimulatedAddress]):
    """A floating address, and the server that it leads to."""

    kind = "compute.FloatingIp"
    resource = FloatingIp

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        address = driver.ex_allocate_address(ex_tags=tags_of(inputs, owner), ex_token=owner.token)
        server = inputs.optional_text("server")
        if server is not None and address.server != server:
            address = driver.ex_associate_address(address.id, server)
        return self.tell(address)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[SimulatedAddress]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_addresses(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> SimulatedAddress:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_address(external_id)

    def tell(self, one: SimulatedAddress) -> Observation:
        """See `SimulatedCalls.tell`."""
        return self.observation(one.id, {"server": one.server}, {"address": one.address}, tags=one.tags)

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        if "server" in update.changed:
            address = driver.ex_associate_address(external_id, update.after.optional_text("server"))
        else:
            address = driver.ex_get_address(external_id)
        return self.tell(attrs.evolve(address, tags=relabel(driver, external_id, address.tags, update)))

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ex_associate_address(external_id, None)
        driver.ex_release_address(external_id)
