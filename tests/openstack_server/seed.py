"""What a fresh OpenStack needs before projects can use it, by its own API: ``seed.py users|things|wait [SINCE]``.

Run by the system's Python, which has OpenStack's packages but not this project's.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
import urllib.request

IDENTITY = "http://127.0.0.1:5000/v3"
COMPUTE = "http://127.0.0.1:8774/v2.1"
NETWORK = "http://127.0.0.1:9696/v2.0"
IMAGES = "http://127.0.0.1:9292/v2"
PASSWORD = "secret"
ENDPOINTS = (
    ("glance", "image", "http://127.0.0.1:9292"),
    ("placement", "placement", "http://127.0.0.1:8778"),
    ("nova", "compute", COMPUTE),
    ("neutron", "network", "http://127.0.0.1:9696"),
    ("cinderv3", "volumev3", "http://127.0.0.1:8776/v3/%(tenant_id)s"),
)
FLAVORS = (("m1.tiny", 512, 1, 1), ("m1.small", 1024, 1, 10), ("m1.medium", 4096, 2, 40), ("m1.large", 8192, 2, 80))
IMAGE_PROPERTIES = (
    {"name": "Debian twelve", "os_distro": "debian", "os_version": "12", "architecture": "x86_64"},
    {"name": "ubuntu-22.04-server-cloudimg-amd64"},
    {"name": "cirros"},
)
VOLUME_TYPES = (("fast", False), ("slow", False), ("fast-luks", True), ("slow-luks", True))
SERVICES = {"nova-conductor", "nova-scheduler", "nova-compute", "cinder-scheduler", "cinder-volume"}


class Api:
    """The API, as the administrator."""

    def __init__(self) -> None:
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": PASSWORD}
        asked = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": "admin", "domain": domain}},
            }
        }
        self._headers: dict[str, str] = {}
        with self._send("POST", f"{IDENTITY}/auth/tokens", json.dumps(asked).encode()) as answer:
            self._headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
            self.project = json.load(answer)["token"]["project"]["id"]

    def _send(self, method, url, body=None, kind="application/json"):
        headers = {"Content-Type": kind, **self._headers}
        return urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers))

    def get(self, url, key):
        with self._send("GET", url) as answer:
            return json.load(answer)[key]

    def post(self, url, key, /, **fields):
        with self._send("POST", url, json.dumps({key: fields}).encode()) as answer:
            return json.load(answer)[key]

    def put(self, url, body=None, kind="application/json"):
        self._send("PUT", url, body, kind).close()

    def ids(self, url, key):
        return {one["name"]: one["id"] for one in self.get(url, key)}


def users(api: Api) -> None:
    """The services' users and endpoints."""
    roles = api.ids(f"{IDENTITY}/roles", "roles")
    if "service" not in roles:
        roles["service"] = api.post(f"{IDENTITY}/roles", "role", name="service")["id"]
    projects = api.ids(f"{IDENTITY}/projects", "projects")
    if "service" not in projects:
        made = api.post(f"{IDENTITY}/projects", "project", name="service", domain_id="default")
        projects["service"] = made["id"]
    known = api.ids(f"{IDENTITY}/users", "users")
    for name in ("glance", "placement", "nova", "neutron", "cinder"):
        if name not in known:
            made = api.post(f"{IDENTITY}/users", "user", name=name, password=PASSWORD, domain_id="default")
            known[name] = made["id"]
        for role in ("admin", "service"):
            api.put(f"{IDENTITY}/projects/{projects['service']}/users/{known[name]}/roles/{roles[role]}")
    services = api.ids(f"{IDENTITY}/services", "services")
    offered = {(one["service_id"], one["interface"]) for one in api.get(f"{IDENTITY}/endpoints", "endpoints")}
    for name, kind, url in ENDPOINTS:
        service = services.get(name) or api.post(f"{IDENTITY}/services", "service", name=name, type=kind)["id"]
        for interface in {"public", "internal", "admin"} - {had for owner, had in offered if owner == service}:
            fields = {"service_id": service, "interface": interface, "url": url, "region_id": "RegionOne"}
            api.post(f"{IDENTITY}/endpoints", "endpoint", **fields)


def things(api: Api) -> None:
    """Flavors, images, volume types, and a network that leads outside."""
    flavors = api.ids(f"{COMPUTE}/flavors", "flavors")
    for name, ram, cpus, disk in FLAVORS:
        if name not in flavors:
            api.post(f"{COMPUTE}/flavors", "flavor", name=name, ram=ram, vcpus=cpus, disk=disk)
    images = api.ids(f"{IMAGES}/images?status=active", "images")
    for properties in IMAGE_PROPERTIES:
        if properties["name"] in images:
            continue
        asked = {**properties, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
        with api._send("POST", f"{IMAGES}/images", json.dumps(asked).encode()) as answer:
            made = json.load(answer)["id"]
        api.put(f"{IMAGES}/images/{made}/file", b"\0" * 65536, "application/octet-stream")
    volumes = f"http://127.0.0.1:8776/v3/{api.project}"
    types = api.ids(f"{volumes}/types", "volume_types")
    for name, encrypted in VOLUME_TYPES:
        if name in types:
            continue
        made = api.post(f"{volumes}/types", "volume_type", name=name)["id"]
        if encrypted:
            cipher = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
            api.post(f"{volumes}/types/{made}/encryption", "encryption", **cipher)
    if not api.get(f"{NETWORK}/networks?name=public", "networks"):
        place = {"provider:network_type": "flat", "provider:physical_network": "public"}
        made = api.post(f"{NETWORK}/networks", "network", name="public", **{"router:external": True}, **place)["id"]
        subnet = {"name": "public", "network_id": made, "ip_version": 4, "cidr": "198.18.0.0/16", "enable_dhcp": False}
        api.post(f"{NETWORK}/subnets", "subnet", **subnet)


def wait(api: Api, since: float) -> None:
    """Until every service works: the APIs listen before that, and what is asked of them then is never done."""
    for _ in range(240):
        up = set()
        for base in (COMPUTE, f"http://127.0.0.1:8776/v3/{api.project}"):
            for one in api.get(f"{base}/os-services", "services"):
                seen = datetime.datetime.fromisoformat(one["updated_at"] or "1970-01-01")
                if one["state"] == "up" and seen.replace(tzinfo=datetime.timezone.utc).timestamp() >= since:
                    up.add(one["binary"])
        if up >= SERVICES:
            return
        time.sleep(0.5)  # noqa: TID251 - it waits for other programs
    sys.exit(f"never up: {', '.join(sorted(SERVICES - up))}")


if __name__ == "__main__":
    if sys.argv[1] == "wait":
        wait(Api(), float(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else 0.0)
    else:
        {"users": users, "things": things}[sys.argv[1]](Api())
