"""Keystone, neutron, and nova's servers, in the form in which a real OpenStack was recorded; served on loopback.

What is refused is what neutron refuses: an address where no router leads out, and taking away what something needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request

PROJECT = "p-1"
OUTSIDE = "network-outside"
TOKEN = "token-of-the-imitation"
FLAVORS = (
    {"id": "flavor-1", "name": "m1.tiny", "ram": 512, "vcpus": 1, "disk": 1},
    {"id": "flavor-2", "name": "m1.small", "ram": 2048, "vcpus": 1, "disk": 1},
)
PASSING = {"BUILD": "ACTIVE", "RESIZE": "VERIFY_RESIZE"}
"""What becomes of a server's status after a look at it."""
IMAGE = "image-debian"
PLURALS = {
    "networks": "network",
    "subnets": "subnet",
    "routers": "router",
    "ports": "port",
    "floatingips": "floatingip",
    "security-groups": "security_group",
}
POSSIBLE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "network": (("name", "description"), ()),
    "subnet": (("network_id", "cidr", "ip_version"), ("name", "description")),
    "router": (("name", "description", "external_gateway_info"), ()),
    "port": (("network_id", "fixed_ips", "name", "description"), ("security_groups",)),
    "floatingip": (("floating_network_id", "description"), ("port_id",)),
}
"""The fields that a creation must have, and may have."""


class Neutron(Imitation):
    """One project with nothing in it, beside a network that leads outside."""

    def __init__(self) -> None:
        super().__init__()
        self.things: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in (*PLURALS, "servers")}
        self.put("networks", OUTSIDE, name="public", project_id="operator", **{"router:external": True})
        self.put("security-groups", "group-1", name="default", description="", security_group_rules=[])

    def put(self, kind: str, identity: str, **fields: Any) -> dict[str, Any]:
        """Have a thing."""
        plain = {"id": identity, "project_id": PROJECT, "description": "", "tags": [], "status": "ACTIVE"}
        self.things[kind][identity] = {**plain, **fields}
        return self.things[kind][identity]

    def census(self) -> dict[str, int]:
        """How many of everything the project holds."""
        found = {
            kind: len([one for one in things.values() if one["project_id"] == PROJECT and one.get("name") != "default"])
            for kind, things in self.things.items()
        }
        return {kind: count for kind, count in found.items() if count}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        kinds = "|".join(PLURALS)
        return (
            ("POST", "/v3/auth/tokens", self.sign_in),
            ("GET", "/os-availability-zone", self.zones),
            ("GET", "/flavors(?:/detail)?", lambda _: (200, {"flavors": list(FLAVORS)})),
            ("GET", "/servers/detail", self.servers),
            ("POST", "/servers", self.launch),
            ("GET", "/servers/([^/]+)", self.server),
            ("DELETE", "/servers/([^/]+)", self.end),
            ("POST", "/servers/([^/]+)/action", self.act),
            ("PUT", "/v2.0/routers/([^/]+)/add_router_interface", self.enter),
            ("PUT", "/v2.0/routers/([^/]+)/remove_router_interface", self.leave),
            ("GET", f"/v2.0/({kinds})", self.list),
            ("POST", f"/v2.0/({kinds})", self.create),
            ("GET", f"/v2.0/({kinds})/([^/]+)", self.get),
            ("PUT", f"/v2.0/({kinds})/([^/]+)", self.change),
            ("DELETE", f"/v2.0/({kinds})/([^/]+)", self.delete),
        )

    def authorize(self, request: Request) -> None:
        if request.path != "/v3/auth/tokens" and request.headers.get("X-Auth-Token") != TOKEN:
            raise RefusedError(401, "Unauthorized: no token")

    def headers(self, request: Request) -> Mapping[str, str]:
        return {"X-Subject-Token": TOKEN} if request.path == "/v3/auth/tokens" else {}

    def refusal(self, error: RefusedError) -> Any:
        kind, _, message = error.message.partition(": ")
        if kind in ("itemNotFound", "conflictingRequest"):
            return {kind: {"code": error.status, "message": message}}
        return {"NeutronError": {"type": kind, "message": message, "detail": ""}}

    def sign_in(self, request: Request) -> tuple[int, Any]:
        offered = [
            {"type": kind, "endpoints": [{"interface": "public", "region_id": "RegionOne", "url": self.endpoint}]}
            for kind in ("compute", "network", "image", "volumev3")
        ]
        told = {"expires_at": "2999-12-31T23:59:59.000000Z", "project": {"id": PROJECT}, "catalog": offered}
        return 201, {"token": told}

    # -- neutron

    def list(self, request: Request, kind: str) -> tuple[int, Any]:
        asked = {name: value for name, value in request.query.items() if name not in ("limit", "marker")}
        return 200, {kind.replace("-", "_"): [one for one in self.things[kind].values() if _fits(one, asked)]}

    def get(self, request: Request, kind: str, identity: str) -> tuple[int, Any]:
        return 200, {PLURALS[kind]: self._one(kind, identity)}

    def create(self, request: Request, kind: str) -> tuple[int, Any]:
        key = PLURALS[kind]
        fields = self.check_body(request, needed=[key])[key]
        needed, possible = POSSIBLE[key]
        if set(needed) - set(fields) or set(fields) - {*needed, *possible}:
            self.faults.append(f"a {key} of {sorted(fields)}")
        identity = f"{key}-{self.number()}"
        more = getattr(self, f"_new_{key}")(fields, identity)
        return 201, {key: self.put(kind, identity, **{**fields, **more})}

    def change(self, request: Request, kind: str, identity: str) -> tuple[int, Any]:
        one = self._one(kind, identity)
        one.update(self.check_body(request, needed=[PLURALS[kind]])[PLURALS[kind]])
        return 200, {PLURALS[kind]: one}

    def delete(self, request: Request, kind: str, identity: str) -> tuple[int, Any]:
        self._one(kind, identity)
        getattr(self, f"_end_{PLURALS[kind]}", lambda _: None)(identity)
        del self.things[kind][identity]
        return 204, None

    def enter(self, request: Request, router: str) -> tuple[int, Any]:
        subnet = self._one("subnets", self.check_body(request, needed=["subnet_id"])["subnet_id"])
        if self._inside(subnet["id"], router):
            raise RefusedError(400, "BadRequest: Router already has a port on subnet")
        place = {"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}
        owner = {"device_id": router, "device_owner": "network:router_interface"}
        self.put("ports", f"port-{self.number()}", network_id=subnet["network_id"], fixed_ips=[place], name="", **owner)
        return 200, {"subnet_id": subnet["id"], "id": router}

    def leave(self, request: Request, router: str) -> tuple[int, Any]:
        subnet = self.check_body(request, needed=["subnet_id"])["subnet_id"]
        inside = self._inside(subnet, router)
        if not inside:
            raise RefusedError(404, "RouterInterfaceNotFoundForSubnet: it has none there")
        if any(one["router_id"] == router for one in self.things["floatingips"].values()):
            raise RefusedError(409, "RouterInterfaceInUseByFloatingIP: a floating IP needs it")
        del self.things["ports"][inside[0]["id"]]
        return 200, {"subnet_id": subnet, "id": router}

    def _inside(self, subnet: str, router: str) -> Sequence[dict[str, Any]]:
        ports = self.things["ports"].values()
        return [one for one in ports if one["device_id"] == router and one["fixed_ips"][0]["subnet_id"] == subnet]

    def _new_network(self, fields: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
        return {"router:external": False}

    def _new_subnet(self, fields: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
        self._one("networks", fields["network_id"])
        return {"gateway_ip": re.sub(r"\d+/\d+$", "1", fields["cidr"])}

    def _new_router(self, fields: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
        return {}

    def _new_port(self, fields: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
        place = {**fields["fixed_ips"][0], "ip_address": f"10.0.1.{len(self.things['ports']) + 10}"}
        return {"fixed_ips": [place], "device_id": "", "device_owner": "", "security_groups": ["group-1"]}

    def _new_floatingip(self, fields: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
        port = self._one("ports", fields["port_id"])
        subnet = port["fixed_ips"][0]["subnet_id"]
        outward = [one for one in self.things["routers"].values() if one.get("external_gateway_info")]
        router = next((one["id"] for one in outward if self._inside(subnet, one["id"])), None)
        if router is None:
            raise RefusedError(404, f"ExternalGatewayForFloatingIPNotFound: not reachable from subnet {subnet}")
        address = f"198.18.0.{len(self.things['floatingips']) + 10}"
        return {"floating_ip_address": address, "router_id": router}

    def _end_port(self, identity: str) -> None:
        if self.things["ports"][identity]["device_owner"] == "network:router_interface":
            raise RefusedError(409, "L3PortInUse: a router has it")
        for one in self.things["floatingips"].values():
            if one["port_id"] == identity:
                one.update(port_id=None, router_id=None)

    def _end_subnet(self, identity: str) -> None:
        if any(one["fixed_ips"][0]["subnet_id"] == identity for one in self.things["ports"].values()):
            raise RefusedError(409, "SubnetInUse: ports are in it")

    def _end_router(self, identity: str) -> None:
        if any(one["device_id"] == identity for one in self.things["ports"].values()):
            raise RefusedError(409, "RouterInUse: it has interfaces")

    def _end_network(self, identity: str) -> None:
        if any(one["network_id"] == identity for one in self.things["ports"].values()):
            raise RefusedError(409, "NetworkInUse: ports are in it")

    def _one(self, kind: str, identity: str) -> dict[str, Any]:
        if identity not in self.things[kind]:
            name = "itemNotFound" if kind == "servers" else f"{PLURALS[kind].capitalize()}NotFound"
            raise RefusedError(404, f"{name}: {identity} could not be found.")
        return self.things[kind][identity]

    # -- nova

    def zones(self, request: Request) -> tuple[int, Any]:
        return 200, {"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]}

    def servers(self, request: Request) -> tuple[int, Any]:
        pattern = request.query.get("name", "")
        return 200, {"servers": [one for one in self.things["servers"].values() if re.search(pattern, one["name"])]}

    def launch(self, request: Request) -> tuple[int, Any]:
        fields = self.check_body(request, needed=["server"])["server"]
        port = self._one("ports", fields["networks"][0]["port"])
        identity = f"server-{self.number()}"
        port.update(device_id=identity, device_owner="compute:nova")
        told = {"image": {"id": fields["imageRef"]}, "key_name": None, "status": "BUILD"}
        told["flavor"] = {"original_name": _flavor(fields["flavorRef"])}
        kept = {name: fields[name] for name in ("name", "metadata")}
        self.put("servers", identity, **kept, **told, **{"OS-EXT-AZ:availability_zone": "nova"})
        return 202, {"server": {"id": identity}}

    def server(self, request: Request, identity: str) -> tuple[int, Any]:
        told = dict(self._one("servers", identity))
        self.things["servers"][identity]["status"] = PASSING.get(told["status"], told["status"])
        return 200, {"server": told}

    def act(self, request: Request, identity: str) -> tuple[int, Any]:
        """Resize it, which it tells as done at once and is at for longer, or confirm that."""
        server = self._one("servers", identity)
        body = self.check_body(request, needed=[], possible=["resize", "confirmResize"])
        status = "ACTIVE" if "resize" in body else "VERIFY_RESIZE"
        if server["status"] != status:
            raise RefusedError(409, f"conflictingRequest: {identity} is in vm_state {server['status']}")
        if "resize" in body:
            server.update(status="RESIZE", flavor={"original_name": _flavor(body["resize"]["flavorRef"])})
            return 202, None
        server["status"] = "ACTIVE"
        return 204, None

    def end(self, request: Request, identity: str) -> tuple[int, Any]:
        self._one("servers", identity)
        for port in self.things["ports"].values():
            if port["device_id"] == identity:
                port.update(device_id="", device_owner="")  # nova leaves a port that it didn't make
        del self.things["servers"][identity]
        return 204, None


def _flavor(identity: str) -> str:
    return next(str(one["name"]) for one in FLAVORS if one["id"] == identity)


def _fits(one: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    return all(_has(one, name, value) for name, value in asked.items())


def _has(one: Mapping[str, Any], name: str, value: str) -> bool:
    if name == "fixed_ips":
        return any(f"subnet_id={place['subnet_id']}" == value for place in one["fixed_ips"])
    if name == "device_owner":  # asked for with all the words that a router's ports may have
        return str(one[name]).startswith("network:")
    if name == "router:external":
        return bool(one[name])
    return str(one[name]) == value
