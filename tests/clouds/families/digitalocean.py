"""DigitalOcean's API as far as droplets, volumes, snapshots, keys and tags go."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, RefusedError, Request, Things, TokenImitation, recorded

TOKEN: Final = "dop_v1_made_up"
REGION: Final = "nyc1"
_CLOUD: Final = "digitalocean"


class DigitalOcean(TokenImitation):
    """Droplets are ``new`` until they are read once. Each thing has the fields of the recorded one."""

    token = TOKEN
    wrong_token = recorded(_CLOUD, "error")["message"]
    missing = "The resource you were accessing could not be found."

    def __init__(self, page: int = 200) -> None:
        super().__init__(page)
        self.droplets: Things = {}
        self.volumes: Things = {}
        self.snapshots: Things = {}
        self.keys: Things = {}
        self.networks: Things = {}
        self.firewalls: Things = {}
        self.balancers: Things = {}
        self.images: Things = {}
        self.addresses: Things = {}
        self.assigning: dict[str, int | None] = {}
        """The droplets that addresses are being given to."""
        self.assigns_for = 0
        """How often an address is told to be locked still."""
        self.actions: dict[str, Things] = {}
        """The actions on each droplet."""
        self.copies_for = 0
        """How often an image's action is told to be in progress still."""
        self.tags: set[str] = set()
        self.stays_off_for = 0
        """For how many more reads a droplet that is shut down is still ``active``."""

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v2/regions", lambda _: (200, recorded(_CLOUD, "list_locations"))),
            ("GET", "/v2/sizes", lambda _: (200, recorded(_CLOUD, "list_sizes"))),
            ("GET", "/v2/images", self.list_images),
            *self.kept("/v2/images/([^/]+)", self.images, "image"),
            ("GET", "/v2/droplets", lambda request: self.listed(request, "droplets", self.droplets)),
            ("POST", "/v2/droplets", self.make_droplet),
            ("GET", "/v2/droplets/([^/]+)", lambda _, name: self.one(self.droplets, name, "droplet")),
            ("DELETE", "/v2/droplets/([^/]+)", lambda _, name: self.drop_droplet(name)),
            ("POST", "/v2/droplets/([^/]+)/actions", self.act_on_droplet),
            ("GET", "/v2/droplets/([^/]+)/actions", self.list_actions),
            ("GET", "/v2/volumes", lambda request: self.listed(request, "volumes", self.volumes)),
            ("POST", "/v2/volumes", self.make_volume),
            ("GET", "/v2/volumes/([^/]+)", lambda _, name: self.one(self.volumes, name, "volume")),
            ("DELETE", "/v2/volumes/([^/]+)", lambda _, name: self.drop_volume(name)),
            ("POST", "/v2/volumes/([^/]+)/actions", self.act_on_volume),
            ("POST", "/v2/volumes/([^/]+)/snapshots", self.make_snapshot),
            ("GET", "/v2/snapshots", lambda request: self.listed(request, "snapshots", self.snapshots)),
            *self.kept("/v2/snapshots/([^/]+)", self.snapshots, "snapshot"),
            ("GET", "/v2/account/keys", lambda request: self.listed(request, "ssh_keys", self.keys)),
            ("POST", "/v2/account/keys", self.make_key),
            *self.kept("/v2/account/keys/([^/]+)", self.keys, "ssh_key"),
            ("GET", "/v2/domains", lambda request: self.listed(request, "domains", self.domains)),
            ("POST", "/v2/domains", self.make_domain),
            *self.kept("/v2/domains/([^/]+)", self.domains, "domain"),
            (
                "GET",
                "/v2/domains/([^/]+)/records",
                lambda request, zone: self.listed(request, "domain_records", self.records_of(zone)),
            ),
            ("GET", "/v2/vpcs", lambda request: self.listed(request, "vpcs", self.networks)),
            ("POST", "/v2/vpcs", self.make_network),
            ("GET", "/v2/vpcs/([^/]+)", lambda _, name: self.one(self.networks, name, "vpc")),
            ("GET", "/v2/vpcs/([^/]+)/members", lambda _, name: (200, {"members": self.members(name)})),
            ("DELETE", "/v2/vpcs/([^/]+)", lambda _, name: self.drop_network(name)),
            ("GET", "/v2/firewalls", lambda request: self.listed(request, "firewalls", self.firewalls)),
            ("POST", "/v2/firewalls", self.make_firewall),
            ("PUT", "/v2/firewalls/([^/]+)", self.change_firewall),
            *self.kept("/v2/firewalls/([^/]+)", self.firewalls, "firewall"),
            ("GET", "/v2/load_balancers", lambda request: self.listed(request, "load_balancers", self.balancers)),
            ("POST", "/v2/load_balancers", self.make_balancer),
            ("PUT", "/v2/load_balancers/([^/]+)", self.change_balancer),
            *self.kept("/v2/load_balancers/([^/]+)", self.balancers, "load_balancer"),
            ("GET", "/v2/reserved_ips", lambda request: self.listed(request, "reserved_ips", self.addresses)),
            ("POST", "/v2/reserved_ips", self.make_address),
            *self.kept("/v2/reserved_ips/([^/]+)", self.addresses, "reserved_ip"),
            ("POST", "/v2/reserved_ips/([^/]+)/actions", self.act_on_address),
            ("POST", "/v2/tags", self.make_tag),
            ("DELETE", "/v2/tags/([^/]+)", lambda _, name: self.drop_tag(name)),
            ("POST", "/v2/tags/([^/]+)/resources", self.tag),
            ("DELETE", "/v2/tags/([^/]+)/resources", self.untag),
        )

    def refusal(self, error: RefusedError) -> Any:
        return {**recorded(_CLOUD, "error_invalid_image"), "message": error.message}

    # -- shared

    def listed(self, request: Request, name: str, things: Things) -> tuple[int, Any]:
        """A page, with the link to the last one in the form of ``list_nodes_page_1.json``."""
        number, size = int(request.query.get("page", 1)), min(self.page, int(request.query["per_page"]))
        last = max(1, math.ceil(len(things) / size))
        found = self.slice(things, (number - 1) * size, size)
        address = f"{self.endpoint}{request.path}?page={last}"
        links = {} if number == last else {"pages": {"last": address, "next": address}}
        return 200, {name: found, "links": links, "meta": {"total": len(things)}}

    def of_kind(self, kind: str) -> Things:
        return {"droplet": self.droplets, "volume": self.volumes, "volume_snapshot": self.snapshots}[kind]

    def check_tags(self, tags: Sequence[str]) -> list[str]:
        for tag in tags:
            if len(tag) > 255 or not set(tag.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789:-_"):
                raise RefusedError(422, f"{tag!r} is no valid name of a tag")
        self.tags.update(tags)
        return list(tags)

    # -- droplets

    def settle(self, thing: dict[str, Any]) -> None:
        """What a read sees: a new droplet has come up, one that is shut down has stopped in the end."""
        if thing.get("locked") and "ip" in thing:
            self.assign(thing)
        elif thing.get("status") == "in-progress":
            self.copy(thing)
        elif thing.get("status") == "waiting":
            thing.update(status="succeeded", pending_changes=[])
        elif thing.get("status") == "new" and "forwarding_rules" in thing:
            thing.update(status="active", ip="198.18.1.7")
        elif thing.get("status") == "new":
            thing["status"] = "active"
            address = {"netmask": "255.255.255.0", "gateway": "198.18.0.1"}
            thing["networks"]["v4"] = [
                {"type": "public", "ip_address": f"198.18.0.{thing['id'] % 250 + 2}", **address},
                {"type": "private", "ip_address": f"10.108.0.{thing['id'] % 250 + 2}", **address},
            ]
        elif thing.get("stopping"):
            self.stays_off_for -= 1
            if self.stays_off_for < 0:
                thing["status"] = "off"
                del thing["stopping"]

    def make_droplet(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request,
            needed=("name", "region", "size", "image", "user_data", "tags"),
            possible=("ssh_keys", "vpc_uuid"),
        )
        sizes = {one["slug"]: one for one in recorded(_CLOUD, "list_sizes")["sizes"]}
        images = {one["id"]: one for one in [*recorded(_CLOUD, "list_images")["images"], *self.images.values()]}
        if body["image"] not in images:
            raise RefusedError(422, recorded(_CLOUD, "error_invalid_image")["message"])
        if not {str(key) for key in body.get("ssh_keys", [])} <= set(self.keys):
            raise RefusedError(422, "these SSH keys are invalid")
        if "vpc_uuid" in body and self.known(self.networks, body["vpc_uuid"])["region"] != body["region"]:
            raise RefusedError(422, "the VPC is in another region")
        droplet = recorded(_CLOUD, "list_node")["droplet"]
        size, number = sizes[body["size"]], self.number()
        regions = {one["slug"]: one for one in recorded(_CLOUD, "list_locations")["regions"]}
        droplet.update(
            id=number,
            name=body["name"],
            status="new",
            locked=False,
            size=size,
            size_slug=size["slug"],
            memory=size["memory"],
            vcpus=size["vcpus"],
            image=images[body["image"]],
            region=regions[body["region"]],
            networks={"v4": [], "v6": []},
            tags=self.check_tags(body["tags"]),
            vpc_uuid=body.get("vpc_uuid", "the default one"),
        )
        self.droplets[str(number)] = droplet
        return 202, {"droplet": droplet, "links": {}}

    def drop_droplet(self, identity: str) -> tuple[int, Any]:
        for volume in self.volumes.values():
            volume["droplet_ids"] = [one for one in volume["droplet_ids"] if str(one) != identity]
        for balancer in self.balancers.values():
            balancer["droplet_ids"] = [one for one in balancer["droplet_ids"] if str(one) != identity]
        for address in self.addresses.values():
            if address["droplet"] and str(address["droplet"]["id"]) == identity:
                address["droplet"] = None
        return self.drop(self.droplets, identity)

    def act_on_droplet(self, request: Request, identity: str) -> tuple[int, Any]:
        droplet = self.known(self.droplets, identity)
        kind, actions = request.body["type"], self.actions.setdefault(identity, {})
        if any(one["status"] == "in-progress" for one in actions.values()):
            raise RefusedError(422, "Droplet already has a pending event.")
        if kind == "snapshot":
            self.check_body(request, needed=("type", "name"))
        elif kind == "shutdown":
            self.check_body(request, needed=("type",))
            droplet["stopping"] = True
        elif kind == "power_on":
            self.check_body(request, needed=("type",))
            droplet["status"] = "active"
        elif kind == "resize":
            body = self.check_body(request, needed=("type", "size"), possible=("disk",))
            if droplet["status"] != "off":
                raise RefusedError(422, "Droplet must be off for a resize")
            sizes = {one["slug"]: one for one in recorded(_CLOUD, "list_sizes")["sizes"]}
            if body["size"] not in sizes:
                raise RefusedError(422, "You specified an invalid size for Droplet resize.")
            droplet.update(size=sizes[body["size"]], size_slug=body["size"])
        else:
            raise RefusedError(422, f"{kind!r} is no action")
        action = recorded(_CLOUD, "ex_resize_node")["action"]
        action.update(id=self.number(), type=kind, resource_id=droplet["id"], status="completed")
        actions[str(action["id"])] = action
        if kind == "snapshot":
            action.update(status="in-progress", left=self.copies_for, name=request.body["name"])
        return 201, {"action": plain(action)}

    # -- images: https://docs.digitalocean.com/reference/api/reference/images/

    def list_actions(self, request: Request, identity: str) -> tuple[int, Any]:
        self.known(self.droplets, identity)
        status, answer = self.listed(request, "actions", self.actions.get(identity, {}))
        return status, {**answer, "actions": [plain(one) for one in answer["actions"]]}

    def copy(self, action: dict[str, Any]) -> None:
        """An image is there once its action is done, which a read of that sees."""
        if action["left"]:
            action["left"] -= 1
            return
        action.update(status="completed", completed_at="2016-05-03T12:00:00Z")
        droplet = self.droplets[str(action["resource_id"])]
        form, number = recorded(_CLOUD, "list_images")["images"][0], self.number()
        told = {"slug": None, "public": False, "type": "snapshot", "regions": [droplet["region"]["slug"]]}
        more = {"min_disk_size": droplet["size"]["disk"], "status": "available", "tags": [], "error_message": ""}
        self.images[str(number)] = {**form, "id": number, "name": action["name"], **told, **more}

    def list_images(self, request: Request) -> tuple[int, Any]:
        if request.query.get("private") == "true":
            return self.listed(request, "images", self.images)
        answer = recorded(_CLOUD, "list_images")
        return 200, {**answer, "images": answer["images"] + list(self.images.values())}

    # -- volumes and snapshots

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "size_gigabytes", "region", "tags"), possible=("snapshot_id",))
        if any(one["name"] == body["name"] for one in self.volumes.values()):
            raise RefusedError(409, "a volume with this name already exists in this region")
        volume = recorded(_CLOUD, "create_volume")["volume"]
        volume.update(
            id=f"62766883-2c28-11e6-b8e6-{self.number():012}",
            name=body["name"],
            size_gigabytes=body["size_gigabytes"],
            tags=self.check_tags(body["tags"]),
        )
        volume["region"]["slug"] = body["region"]
        self.volumes[volume["id"]] = volume
        return 201, {"volume": volume}

    def drop_volume(self, identity: str) -> tuple[int, Any]:
        if self.known(self.volumes, identity)["droplet_ids"]:
            raise RefusedError(409, "failed to delete: volume is in use")
        return self.drop(self.volumes, identity)

    def act_on_volume(self, request: Request, identity: str) -> tuple[int, Any]:
        volume = self.known(self.volumes, identity)
        kind = request.body["type"]
        if kind == "resize":
            body = self.check_body(request, needed=("type", "size_gigabytes", "region"))
            if body["size_gigabytes"] <= volume["size_gigabytes"]:
                raise RefusedError(422, "a volume can only grow")
            volume["size_gigabytes"] = body["size_gigabytes"]
        else:
            body = self.check_body(request, needed=("type", "droplet_id", "region"))
            droplet = self.known(self.droplets, str(body["droplet_id"]))
            if kind == "attach" and volume["droplet_ids"]:
                raise RefusedError(422, "the volume is already attached")
            volume["droplet_ids"] = [droplet["id"]] if kind == "attach" else []
        return 202, recorded(_CLOUD, "attach_volume")

    def make_snapshot(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "tags"))
        volume = self.known(self.volumes, identity)
        snapshot = recorded(_CLOUD, "create_volume_snapshot")["snapshot"]
        snapshot.update(
            id=f"c0def940-9324-11e6-9a56-{self.number():012}",
            name=body["name"],
            resource_id=identity,
            min_disk_size=volume["size_gigabytes"],
            tags=self.check_tags(body["tags"]),
        )
        self.snapshots[snapshot["id"]] = snapshot
        return 201, {"snapshot": snapshot}

    # -- networks and firewalls: https://docs.digitalocean.com/reference/api/reference/vpcs/ and …/firewalls/

    def make_network(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "region", "ip_range"))
        wanted = ipaddress.ip_network(body["ip_range"])
        if not 16 <= wanted.prefixlen <= 28:
            raise RefusedError(422, "a VPC's range is /16 to /28")
        if not re.fullmatch(r"[a-zA-Z0-9.-]+", body["name"]):
            raise RefusedError(422, "Name can only contain alphanumeric characters, dashes, and periods")
        if any(wanted.overlaps(ipaddress.ip_network(one["ip_range"])) for one in self.networks.values()):
            raise RefusedError(422, "This range/size overlaps with another VPC network in your account")
        identity = f"5a4981aa-9653-4bd1-bef5-{self.number():012}"
        created = {"created_at": "2020-03-13T19:20:47.442049222Z", "urn": f"do:vpc:{identity}"}
        self.networks[identity] = {**body, **created, "id": identity, "description": "", "default": False}
        return 201, {"vpc": self.networks[identity]}

    def members(self, identity: str) -> list[dict[str, Any]]:
        self.known(self.networks, identity)
        every = {"droplet": self.droplets, "loadbalancer": self.balancers}
        return [
            {"urn": f"do:{kind}:{name}", "name": one["name"]}
            for kind, things in every.items()
            for name, one in things.items()
            if one["vpc_uuid"] == identity
        ]

    def drop_network(self, identity: str) -> tuple[int, Any]:
        if self.known(self.networks, identity)["default"] or self.members(identity):
            raise RefusedError(403, "Can not delete VPC with members")
        return self.drop(self.networks, identity)

    def check_rules(self, body: dict[str, Any]) -> None:
        if not body["inbound_rules"] and not body["outbound_rules"]:
            raise RefusedError(422, "must have at least one rule")
        for side, where in (("inbound_rules", "sources"), ("outbound_rules", "destinations")):
            for rule in body[side]:
                assert set(rule) == {"protocol", "ports", where}, rule
                assert rule["protocol"] in ("tcp", "udp", "icmp"), rule
                assert re.fullmatch(r"0|[1-9]\d*(-[1-9]\d*)?", rule["ports"]), rule
                assert rule[where].keys() <= {"addresses", "tags"}, rule
                for address in rule[where].get("addresses", ()):
                    ipaddress.ip_network(address)
                if not set(rule[where].get("tags", ())) <= self.tags:
                    raise RefusedError(422, "no such tag")

    def make_firewall(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "inbound_rules", "outbound_rules", "tags"))
        self.check_rules(body)
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9.-]+", body["name"]) or not set(body["tags"]) <= self.tags:
            raise RefusedError(422, "invalid name or tags")
        if any(one["name"] == body["name"] for one in self.firewalls.values()):
            raise RefusedError(409, "duplicate name")
        identity = f"bb4b2611-3d72-467b-8602-{self.number():012}"
        told = {"id": identity, "status": "waiting", "created_at": "2017-05-23T21:24:00Z", "droplet_ids": []}
        self.firewalls[identity] = {**told, "pending_changes": [], **body}
        return 202, {"firewall": self.firewalls[identity]}

    def change_firewall(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "inbound_rules", "outbound_rules", "tags", "droplet_ids"))
        self.check_rules(body)
        self.known(self.firewalls, identity).update(body, status="waiting")
        return 200, {"firewall": self.firewalls[identity]}

    # -- load balancers: https://docs.digitalocean.com/reference/api/reference/load-balancers/

    def check_balancer(self, body: dict[str, Any]) -> None:
        if not set(map(str, body["droplet_ids"])) <= set(self.droplets):
            raise RefusedError(422, "no such droplet")
        for rule in body["forwarding_rules"]:
            assert set(rule) == {"entry_protocol", "entry_port", "target_protocol", "target_port"}, rule
        check = body["health_check"]
        assert set(check) - {"path"} == {
            "protocol",
            "port",
            "check_interval_seconds",
            "response_timeout_seconds",
            "healthy_threshold",
            "unhealthy_threshold",
        }, check

    def make_balancer(self, request: Request) -> tuple[int, Any]:
        fields = ("name", "region", "vpc_uuid", "forwarding_rules", "health_check", "droplet_ids")
        body = self.check_body(request, needed=fields)
        self.check_balancer(body)
        self.known(self.networks, body["vpc_uuid"])
        if any(one["name"] == body["name"] for one in self.balancers.values()):
            raise RefusedError(422, "name is already in use")
        identity = f"4de7ac8b-495b-4884-9a69-{self.number():012}"
        regions = {one["slug"]: one for one in recorded(_CLOUD, "list_locations")["regions"]}
        told = {"id": identity, "status": "new", "ip": "", "size_unit": 1, "created_at": "2017-02-01T22:22:58Z"}
        self.balancers[identity] = {**body, **told, "region": regions[body["region"]]}
        return 202, {"load_balancer": self.balancers[identity]}

    def change_balancer(self, request: Request, identity: str) -> tuple[int, Any]:
        fields = ("name", "region", "vpc_uuid", "forwarding_rules", "health_check", "droplet_ids")
        body = self.check_body(request, needed=fields, possible=("size_unit", "redirect_http_to_https"))
        self.check_balancer(body)
        balancer = self.known(self.balancers, identity)
        same = {"region": balancer["region"], "size_unit": 1, "redirect_http_to_https": False}
        balancer.update({**same, **{name: value for name, value in body.items() if name != "region"}})
        return 200, {"load_balancer": balancer}

    # -- reserved addresses: https://docs.digitalocean.com/reference/api/reference/reserved-ips/

    def make_address(self, request: Request) -> tuple[int, Any]:
        droplet = self.known(self.droplets, str(self.check_body(request, needed=("droplet_id",))["droplet_id"]))
        self.check_free(droplet)
        address, number = recorded(_CLOUD, "create_floating_ip")["floating_ip"], self.number()
        address.update(ip=f"198.18.{number // 250}.{number % 250}", droplet=None, region=droplet["region"])
        self.addresses[address["ip"]] = address
        self.begin_to_assign(address, droplet)
        return 202, {"reserved_ip": dict(address), "links": {}}

    def check_free(self, droplet: dict[str, Any]) -> None:
        """A droplet has one at most."""
        for one in self.addresses.values():
            if droplet["id"] in (self.assigning.get(one["ip"]), (one["droplet"] or {}).get("id")):
                raise RefusedError(422, "Droplet already has a reserved IP")

    def begin_to_assign(self, address: dict[str, Any], droplet: dict[str, Any] | None) -> None:
        address.update(locked=True, droplet=None)
        self.assigning[address["ip"]] = droplet["id"] if droplet else None

    def assign(self, address: dict[str, Any]) -> None:
        """A read sees that it is done."""
        if self.assigns_for:
            self.assigns_for -= 1
            return
        droplet = self.assigning.pop(address["ip"], None)
        address.update(locked=False, droplet=self.droplets[str(droplet)] if droplet else None)

    def act_on_address(self, request: Request, identity: str) -> tuple[int, Any]:
        address = self.known(self.addresses, identity)
        body = self.check_body(request, needed=("type",), possible=("droplet_id",))
        if address["locked"] or ("droplet_id" in body) != (body["type"] == "assign"):
            raise RefusedError(422, "the address is locked, or the action is wrong")
        droplet = self.known(self.droplets, str(body["droplet_id"])) if body["type"] == "assign" else None
        if droplet is not None:
            self.check_free(droplet)
        self.begin_to_assign(address, droplet)
        action = recorded(_CLOUD, "ex_resize_node")["action"]
        return 201, {"action": {**action, "type": f"{body['type']}_ip", "resource_type": "reserved_ip"}}

    def drop_tag(self, name: str) -> tuple[int, Any]:
        """It goes from whatever has it."""
        if name not in self.tags:
            raise RefusedError(404, "no such tag")
        self.tags.remove(name)
        for thing in (*self.droplets.values(), *self.firewalls.values()):
            thing["tags"] = [one for one in thing["tags"] if one != name]
        return 204, None

    # -- domains, keys and tags

    def make_domain(self, request: Request) -> tuple[int, Any]:
        name = self.check_body(request, needed=("name",))["name"]
        self.domains[name] = {"name": name, "ttl": 1800, "zone_file": ""}
        self.records[name] = {}
        return 201, {"domain": self.domains[name]}

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "public_key"))
        if any(one["public_key"] == body["public_key"] for one in self.keys.values()):
            raise RefusedError(422, "SSH Key is already in use on your account")
        key = recorded(_CLOUD, "create_key_pair")["ssh_key"]
        key.update(id=self.number(), **body)
        self.keys[str(key["id"])] = key
        return 201, {"ssh_key": key}

    def make_tag(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name",))
        self.check_tags([body["name"]])
        return 201, {"tag": {"name": body["name"], "resources": {"count": 0}}}

    def tag(self, request: Request, name: str) -> tuple[int, Any]:
        for thing in self.tagged(request, name):
            thing["tags"] = [*thing["tags"], name]
        return 204, None

    def untag(self, request: Request, name: str) -> tuple[int, Any]:
        for thing in self.tagged(request, name):
            thing["tags"] = [one for one in thing["tags"] if one != name]
        return 204, None

    def tagged(self, request: Request, name: str) -> list[dict[str, Any]]:
        if name not in self.tags:
            raise RefusedError(404, "no such tag")
        resources = self.check_body(request, needed=("resources",))["resources"]
        return [self.known(self.of_kind(one["resource_type"]), one["resource_id"]) for one in resources]


def plain(action: dict[str, Any]) -> dict[str, Any]:
    """An action as it is told: neither what it makes nor for how long it goes on."""
    return {name: value for name, value in action.items() if name not in ("name", "left")}
