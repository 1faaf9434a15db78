"""Things in OpenStack that nobody declared, made by its API in plain requests."""

from __future__ import annotations

import base64
import ipaddress
import itertools
import re
from collections.abc import Mapping
from typing import Any, Final

from account import KEY
from estates import SCRIPT, Labels

import orchestra as oc
from orchestra.engine.clock import SystemClock
from tests.openstack_server import OpenStackServer

_FIT: Final = re.compile(r"[A-Za-z0-9_.: -]+")
"""What nova takes as a key of metadata."""


class OpenStackEstate:
    """In one project. Servers boot, and volumes are made, while the rest goes on: `settle` waits for all of them."""

    zones = ("nova",)

    def __init__(self, server: OpenStackServer) -> None:
        self._server = server
        self.cloud = oc.clouds.openstack(**server.settings)
        self._outside = self._named("network", "networks?router:external=true", "networks", "public")
        self._flavor = self._named("compute", "flavors", "flavors", "m1.tiny")
        self._image = self._named("image", "images", "images", "Debian twelve")
        self._routers: dict[str, str] = {}
        self._hosts = itertools.count(10)

    # -- what is made

    def network(self, name: str, cidr: str, internet: bool, labels: Labels) -> str:
        made = self._make("network", "networks", "network", name=name)
        self._tag(f"networks/{made}", labels)
        if internet:
            way = {"network_id": self._outside}
            self._routers[made] = self._make("network", "routers", "router", name=name, external_gateway_info=way)
        return made

    def subnet(self, network: str, name: str, cidr: str, zone: str, public: bool, labels: Labels) -> str:
        made = self._make("network", "subnets", "subnet", network_id=network, name=name, cidr=cidr, ip_version=4)
        self._tag(f"subnets/{made}", labels)
        if network in self._routers:
            path = f"routers/{self._routers[network]}/add_router_interface"
            self._server.ask("PUT", "network", path, {"subnet_id": made})
        return made

    def firewall(self, network: str, name: str, ports: list[int], source: str | None, labels: Labels) -> str:
        made = self._make("network", "security-groups", "security_group", name=name, description="a guard")
        for port in ports:
            self._allow(made, "IPv4", protocol="tcp", port_range_min=port, port_range_max=port)
        if source:
            for ethertype in ("IPv4", "IPv6"):
                limits = {"port_range_min": 5000, "port_range_max": 6000}
                self._allow(made, ethertype, protocol="tcp", remote_group_id=source, **limits)
        self._tag(f"security-groups/{made}", labels)
        return made

    def guard_itself(self, firewall: str) -> None:
        for ethertype in ("IPv4", "IPv6"):
            self._allow(firewall, ethertype, remote_group_id=firewall)

    def key_pair(self, name: str) -> str:
        asked = {"keypair": {"name": name, "public_key": KEY}}
        return str(self._server.ask("POST", "compute", "os-keypairs", asked)["keypair"]["name"])

    def server(self, name: str, subnet: str, firewalls: list[str], key: str | None, labels: Labels) -> str:
        told = self._server.ask("GET", "network", f"subnets/{subnet}")["subnet"]
        address = ipaddress.ip_network(told["cidr"])[next(self._hosts)]
        return self._make(
            "compute",
            "servers",
            "server",
            name=name,
            flavorRef=self._flavor,
            imageRef=self._image,
            networks=[{"uuid": told["network_id"], "fixed_ip": str(address)}],
            security_groups=[{"name": one} for one in firewalls or ["default"]],
            metadata=_fitting(labels),
            user_data=base64.b64encode(SCRIPT.encode()).decode(),
            **({"key_name": key} if key else {}),
        )

    def volume(self, name: str, size: int, zone: str, encrypted: bool, labels: Labels) -> str:
        kind = "fast" if size % 2 else "slow"
        fields = {"name": name, "size": size, "availability_zone": zone, "metadata": _fitting(labels)}
        made = self._make("volume", "volumes", "volume", volume_type=f"{kind}-luks" if encrypted else kind, **fields)
        self._until("volume", f"volumes/{made}", "volume", "available")
        return made

    def attach(self, volume: str, server: str, device: str) -> None:
        self._until("compute", f"servers/{server}", "server", "ACTIVE")
        asked = {"volumeAttachment": {"volumeId": volume, "device": device}}
        self._server.ask("POST", "compute", f"servers/{server}/os-volume_attachments", asked)
        self._until("volume", f"volumes/{volume}", "volume", "in-use")

    def snapshot(self, volume: str, description: str) -> str:
        fields = {"volume_id": volume, "description": description, "force": True}
        made = self._make("volume", "snapshots", "snapshot", **fields)
        self._until("volume", f"snapshots/{made}", "snapshot", "available")
        return made

    def floating_ip(self, name: str, server: str | None) -> str:
        fields = {"floating_network_id": self._outside, "description": name}
        if server:
            self._until("compute", f"servers/{server}", "server", "ACTIVE")
            port = self._server.ask("GET", "network", f"ports?device_id={server}")["ports"][0]
            if port["network_id"] in self._routers:  # else neutron refuses: nothing leads to it
                fields["port_id"] = port["id"]
        return self._make("network", "floatingips", "floatingip", **fields)

    # -- afterwards

    @property
    def routers(self) -> int:
        """How many routers were made: they are of no kind that orchestra has."""
        return len(self._routers)

    def settle(self) -> None:
        """Wait until every server has booted."""
        for server in self._server.ask("GET", "compute", "servers")["servers"]:
            self._until("compute", f"servers/{server['id']}", "server", "ACTIVE")

    def clear(self) -> None:
        """Take away all that the project holds, in what order the services ask for."""
        for server in self._server.ask("GET", "compute", "servers")["servers"]:
            self._server.delete("compute", f"servers/{server['id']}")
        for many in ("snapshots", "volumes"):
            for one in self._server.ask("GET", "volume", many)[many]:
                self._server.delete("volume", f"{many}/{one['id']}")
        for pair in self._server.ask("GET", "compute", "os-keypairs")["keypairs"]:
            self._server.ask("DELETE", "compute", f"os-keypairs/{pair['keypair']['name']}")
        for many in ("floatingips", "ports", "routers", "subnets", "networks", "security_groups"):
            self._clear_of_network(many)

    def _clear_of_network(self, many: str) -> None:
        path = many.replace("_", "-")
        for one in self._server.ask("GET", "network", f"{path}?project_id={self._server.project_id}")[many]:
            owner = str(one.get("device_owner") or "")
            if many == "ports" and owner.startswith("network:router_interface"):
                leave = f"routers/{one['device_id']}/remove_router_interface"
                self._server.ask("PUT", "network", leave, {"port_id": one["id"]})
            elif one.get("name") != "default" or many != "security_groups":
                self._server.delete("network", f"{path}/{one['id']}")

    # -- requests

    def _make(self, service: str, path: str, key: str, **fields: Any) -> str:
        return str(self._server.ask("POST", service, path, {key: fields})[key]["id"])

    def _named(self, service: str, path: str, key: str, name: str) -> str:
        return next(str(one["id"]) for one in self._server.ask("GET", service, path)[key] if one["name"] == name)

    def _allow(self, firewall: str, ethertype: str, **fields: Any) -> None:
        rule = {"security_group_id": firewall, "direction": "ingress", "ethertype": ethertype, **fields}
        self._server.ask("POST", "network", "security-group-rules", {"security_group_rule": rule})

    def _tag(self, path: str, labels: Labels) -> None:
        if labels:
            asked = {"tags": [f"{key}={value}" if value else key for key, value in labels.items()]}
            self._server.ask("PUT", "network", f"{path}/tags", asked)

    def _until(self, service: str, path: str, key: str, status: str) -> Mapping[str, Any]:
        while (told := self._server.ask("GET", service, path)[key])["status"] != status:
            assert not str(told["status"]).lower().startswith("error"), told
            SystemClock().sleep(0.3)
        return told


def _fitting(labels: Labels) -> Labels:
    return {key: value for key, value in labels.items() if _FIT.fullmatch(key)}
