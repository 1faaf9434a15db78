"""CloudStack's API as far as orchestra speaks it, with jobs that are done when somebody has looked for long enough.

Rows have the form of Libcloud's recordings; fields that those leave out are those of CloudStack's API reference (4.19).
Ids are UUIDs, as they are from CloudStack 3 on.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus

import attrs

from orchestra.clouds.base.compute.objects import fingerprint
from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

KEY: Final = "made-up-key"
SECRET: Final = "made-up-secret"
_CLOUD: Final = "cloudstack"
_EVERYWHERE: Final = ("command", "apikey", "response", "signature", "signatureversion", "expires")
_GIB: Final = 2**30
Row = dict[str, Any]
Fields = Mapping[str, str]


@attrs.define
class Job:
    """One job: what it will do, how many looks until then, and how it ended."""

    command: str
    effect: Callable[[], Any]
    otherwise: Callable[[], Any] | None
    left: int
    status: int = 0
    result: Any = None


class CloudStack(Imitation):
    """One zone and account. ``slow`` is how many looks a job takes; ``breaking`` are commands whose next job fails."""

    def __init__(self, *, security_groups: bool = False) -> None:
        super().__init__()
        self.guarded = security_groups
        self.slow = 0
        self.page = 500
        self.breaking: dict[str, tuple[int, str]] = {}
        self.jobs: dict[str, Job] = {}
        self.may_expunge = True
        self.version = "4.19.1.0"
        self.short = ""
        """A list that tells one thing less than it counts."""
        self.vpcs: dict[str, Row] = {}
        self.networks: dict[str, Row] = {}
        self.machines: dict[str, Row] = {}
        self.volumes: dict[str, Row] = {}
        self.roots: dict[str, Row] = {}
        """The disks that machines start from."""
        self.snapshots: dict[str, Row] = {}
        self.images: dict[str, Row] = {}
        """The templates that were made here."""
        self.keys: dict[str, Row] = {}
        self.groups: dict[str, Row] = {}
        self.addresses: dict[str, Row] = {}
        self.balancers: dict[str, Row] = {}
        self.past: set[str] = set()
        """Ids of what was there once."""
        self.command = ""
        self.zone = {**recorded(_CLOUD, "listZones_default")["listzonesresponse"]["zone"][0], "id": self.uuid("zone")}
        self.zone["securitygroupsenabled"] = security_groups
        for number in range(1, 31):
            self.new_address(number)
        if security_groups:
            self.new_group("default", "Default Security Group")

    # -- serving

    def read(self, raw: bytes, content_type: str) -> Any:
        """A body is a form."""
        return dict(parse_qsl(raw.decode(), keep_blank_values=True)) if "form" in content_type else raw

    def answer(self, request: Request) -> tuple[int, Any]:
        return super().answer(self.by_command(request))

    def loses(self, request: Request) -> bool:
        return super().loses(self.by_command(request))

    def by_command(self, request: Request) -> Request:
        """The request with its command for a path: so tests name it."""
        fields = request.body if request.method == "POST" else request.query
        if request.path != "/client/api" or not isinstance(fields, Mapping):
            return request
        return attrs.evolve(request, path=f"/{fields.get('command', '')}", query=dict(fields), body=None)

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return [
            (
                method,
                f"/{command}",
                lambda request, answer=answer, allowed=allowed: self.serve(request, allowed, answer),
            )
            for method, command, allowed, answer in self.commands()
        ]

    def commands(self) -> Iterable[tuple[str, str, str, Callable[[Fields], Any]]]:
        """Method, command, the fields it takes (those with '!' must be there), and what answers it."""
        page = "page pagesize projectid"
        yield "GET", "listZones", page, lambda _: {"zone": [self.zone]}
        yield "GET", "listCapabilities", "", self.capabilities
        yield "GET", "listServiceOfferings", page, lambda _: self.catalogue("listServiceOfferings_default")
        yield "GET", "listTemplates", f"{page} templatefilter! zoneid id name", self.templates
        create = "name! displaytext ostypeid! snapshotid volumeid projectid"
        yield "POST", "createTemplate", create, self.create_template
        yield "POST", "deleteTemplate", "id! forced", self.delete_template
        yield "GET", "listDiskOfferings", f"{page} zoneid", self.disk_offerings
        yield "GET", "listVPCOfferings", f"{page} state", lambda _: self.catalogue("listVPCOfferings_default")
        yield "GET", "listNetworkOfferings", f"{page} forvpc guestiptype state zoneid", self.network_offerings
        yield "GET", "listNetworkACLLists", f"{page} name", self.acl_lists
        yield "GET", "queryAsyncJobResult", "jobid!", self.job
        yield "GET", "listVPCs", f"{page} id zoneid displaytext", lambda f: self.listed("vpc", self.vpcs, f)
        yield "POST", "createVPC", "name! displaytext! cidr! vpcofferingid! zoneid! projectid", self.create_vpc
        yield "POST", "deleteVPC", "id!", self.delete_vpc
        yield (
            "GET",
            "listNetworks",
            f"{page} id zoneid vpcid forvpc",
            lambda f: self.listed("network", self.networks, f),
        )
        create = "name! displaytext! networkofferingid! vpcid gateway netmask aclid zoneid! projectid"
        yield "POST", "createNetwork", create, self.create_network
        yield "POST", "deleteNetwork", "id!", self.delete_network
        machines = f"{page} id zoneid name networkid"
        yield "GET", "listVirtualMachines", machines, lambda f: self.listed("virtualmachine", self.machines, f)
        deploy = (
            "name! displayname! templateid! serviceofferingid! zoneid! networkids securitygroupids keypair userdata"
        )
        yield "POST", "deployVirtualMachine", f"{deploy} projectid", self.deploy
        yield "POST", "destroyVirtualMachine", "id! expunge", self.destroy
        yield "POST", "stopVirtualMachine", "id!", lambda f: self.power(f, "Stopping", "Stopped")
        yield "POST", "startVirtualMachine", "id!", lambda f: self.power(f, "Starting", "Running")
        yield "POST", "changeServiceForVirtualMachine", "id! serviceofferingid!", self.change_service
        volumes = f"{page} id zoneid name type virtualmachineid"
        yield "GET", "listVolumes", volumes, lambda f: self.listed("volume", {**self.volumes, **self.roots}, f)
        create = "name! zoneid! diskofferingid size snapshotid projectid"
        yield "POST", "createVolume", create, self.create_volume
        yield "POST", "deleteVolume", "id!", self.delete_volume
        yield "POST", "resizeVolume", "id! size!", self.resize_volume
        yield "POST", "attachVolume", "id! virtualmachineid!", self.attach
        yield "POST", "detachVolume", "id!", self.detach
        snapshots = f"{page} id zoneid name volumeid tags"
        yield "GET", "listSnapshots", snapshots, lambda f: self.listed("snapshot", self.snapshots, f)
        yield "POST", "createSnapshot", "name! volumeid!", self.create_snapshot
        yield "POST", "deleteSnapshot", "id!", self.delete_snapshot
        yield "GET", "listSSHKeyPairs", f"{page} name", lambda f: self.listed("sshkeypair", self.keys, f)
        yield "POST", "registerSSHKeyPair", "name! publickey! projectid", self.register_key
        yield "POST", "deleteSSHKeyPair", "name! projectid", self.delete_key
        yield "POST", "createTags", "resourceids! resourcetype! tags", self.create_tags
        yield "POST", "deleteTags", "resourceids! resourcetype! tags", self.delete_tags
        addresses = f"{page} id zoneid state ipaddress forvirtualnetwork tags"
        yield "GET", "listPublicIpAddresses", addresses, self.list_addresses
        yield "POST", "associateIpAddress", "vpcid! ipaddress! projectid", self.associate
        yield "POST", "disassociateIpAddress", "id!", self.disassociate
        yield "POST", "enableStaticNat", "ipaddressid! virtualmachineid! networkid!", self.enable_nat
        yield "POST", "disableStaticNat", "ipaddressid!", self.disable_nat
        rules = f"{page} id zoneid name"
        yield "GET", "listLoadBalancerRules", rules, lambda f: self.listed("loadbalancerrule", self.balancers, f)
        yield "GET", "listLoadBalancerRuleInstances", f"{page} id!", self.list_members
        rule = "name! publicipid! networkid! algorithm! publicport! privateport! protocol! openfirewall"
        yield "POST", "createLoadBalancerRule", rule, self.create_balancer
        yield "POST", "deleteLoadBalancerRule", "id!", self.delete_balancer
        yield "POST", "assignToLoadBalancerRule", "id! virtualmachineids!", self.assign
        yield "POST", "removeFromLoadBalancerRule", "id! virtualmachineids!", self.unassign
        yield "GET", "listSecurityGroups", f"{page} id securitygroupname", self.list_groups
        yield "POST", "createSecurityGroup", "name! description! projectid", self.create_group
        yield "POST", "deleteSecurityGroup", "id!", self.delete_group
        rule = "securitygroupid! protocol! startport endport icmptype icmpcode cidrlist usersecuritygrouplist"
        for direction in ("ingress", "egress"):
            said = direction.capitalize()
            yield "POST", f"authorizeSecurityGroup{said}", rule, lambda f, d=direction: self.authorize_rule(f, d)
            yield "POST", f"revokeSecurityGroup{said}", "id!", lambda f, d=direction: self.revoke_rule(f, d)

    def serve(self, request: Request, allowed: str, answer: Callable[[Fields], Any]) -> tuple[int, Any]:
        self.command = request.path.lstrip("/")
        fields = {name: value for name, value in request.query.items() if name not in _EVERYWHERE}
        names = {re.sub(r"\[\d+\].*", "", name) for name in fields}
        needed = {name.rstrip("!") for name in allowed.split() if name.endswith("!")}
        possible = {name.rstrip("!") for name in allowed.split()}
        if needed - names or names - possible:
            self.faults.append(f"{self.command}: {fields!r}")
            raise RefusedError(431, f"the fields {sorted(needed)} are needed, {sorted(possible)} are possible")
        if "zoneid" in fields and fields["zoneid"] != self.zone["id"]:
            raise self.unknown("zoneid", fields["zoneid"])
        if request.method == "GET":
            self.tick()
        content = answer(fields)
        if "page" in fields:
            content = self.paged(fields, content)
        return 200, {f"{self.command.lower()}response": content}

    def authorize(self, request: Request) -> None:
        """As `ApiServer.verifyRequest` does it, with Java's `URLEncoder`."""
        self.command = request.query.get("command", "") if request.path == f"/{request.query.get('command')}" else ""
        fields = dict(request.query)
        signature = fields.pop("signature", "")
        text = "&".join(
            f"{name}={quote_plus(fields[name], safe='*').replace('~', '%7E').replace('+', '%20')}"
            for name in sorted(fields)
        )
        wanted = base64.b64encode(hmac.new(SECRET.encode(), text.lower().encode(), hashlib.sha1).digest()).decode()
        if fields.get("apikey") != KEY or signature != wanted:
            raise RefusedError(401, "unable to verify user credentials and/or request signature")
        ends = datetime.datetime.strptime(fields["expires"], "%Y-%m-%dT%H:%M:%S%z")
        if ends < datetime.datetime.now(datetime.timezone.utc):
            raise RefusedError(401, "signature has expired")

    def refusal(self, error: RefusedError) -> Any:
        if not self.command:
            return {"message": "a server that knows nothing of CloudStack"}
        told = {"uuidList": [], "errorcode": error.status, "cserrorcode": 9999, "errortext": error.message}
        return {f"{self.command.lower()}response": told}

    # -- shared

    def uuid(self, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{what}-{self.number()}"))

    def unknown(self, name: str, value: str) -> RefusedError:
        return RefusedError(
            431,
            f"Unable to execute API command {self.command.lower()} due to invalid value. Invalid parameter {name} "
            f"value={value} due to incorrect long value format, or entity does not exist or due to incorrect parameter "
            "annotation for the field in api cmd class.",
        )

    def known(self, things: dict[str, Row], fields: Fields, name: str = "id") -> Row:
        if fields[name] not in things:
            raise self.unknown(name, fields[name])
        return things[fields[name]]

    def catalogue(self, name: str) -> Any:
        ((_, content),) = recorded(_CLOUD, name).items()
        return {key: rows for key, rows in content.items() if key != "count"}

    def listed(self, key: str, things: dict[str, Row], fields: Fields) -> Any:
        """Those that the fields ask for; an id that never was is refused, one that is gone gives an empty list."""
        asked = {
            name: value for name, value in fields.items() if name not in ("page", "pagesize", "projectid", "forvpc")
        }
        if "id" in asked and not any(asked["id"] in known for known in (things, self.past)):
            raise self.unknown("id", asked["id"])
        if "networkid" in asked:
            wanted = asked.pop("networkid")
            things = {name: row for name, row in things.items() if row["nic"] and row["nic"][0]["networkid"] == wanted}
        tag = asked.pop("tags[0].key", None), asked.pop("tags[0].value", None)
        rows = [row for row in things.values() if all(str(row.get(name)) == value for name, value in asked.items())]
        if tag[0] is not None:
            rows = [one for one in rows if {"key": tag[0], "value": tag[1]} in one["tags"]]
        return {key: rows}

    def paged(self, fields: Fields, content: Any) -> Any:
        """A page. An empty list has no fields at all."""
        ((key, rows),) = content.items()
        number, size = int(fields["page"]), int(fields["pagesize"])
        if size > 500:
            raise RefusedError(431, "Page size can not exceed max allowed page size: 500")
        size = min(size, self.page)
        part = rows[(number - 1) * size : number * size]
        if not rows:
            return {}
        if self.command == self.short:
            part = part[1:] if number == 1 else []
        return {"count": len(rows), key: part} if part else {"count": len(rows)}

    def drop(self, things: dict[str, Row], identity: str) -> None:
        things.pop(identity, None)
        self.past.add(identity)

    # -- jobs

    def begin(
        self, effect: Callable[[], Any], identity: str | None = None, otherwise: Callable[[], Any] | None = None
    ) -> Any:
        """Answer with a job that does ``effect`` in a while; ``otherwise`` is what is left if it fails."""
        name = self.uuid("job")
        self.jobs[name] = Job(self.command, effect, otherwise, self.slow)
        return {"jobid": name, **({"id": identity} if identity else {})}

    def tick(self) -> None:
        """Time goes by."""
        for job in list(self.jobs.values()):
            if job.status == 0:
                if job.left:
                    job.left -= 1
                    continue
                try:
                    if job.command in self.breaking:
                        raise RefusedError(*self.breaking.pop(job.command))
                    job.result = job.effect() or {"success": True}
                    job.status = 1
                except RefusedError as error:
                    job.result = {"uuidList": [], "errorcode": error.status, "errortext": error.message}
                    job.status = 2
                    if job.otherwise is not None:
                        job.otherwise()

    def job(self, fields: Fields) -> Any:
        job = self.jobs.get(fields["jobid"])
        if job is None:
            raise self.unknown("jobid", fields["jobid"])
        told = {"jobid": fields["jobid"], "jobstatus": job.status, "jobprocstatus": 0, "cmd": job.command}
        over = {"jobresultcode": 0, "jobresulttype": "object", "jobresult": job.result}
        return {**told, **(over if job.status else {})}

    def capabilities(self, _: Fields) -> Any:
        return {"capability": {"allowuserexpungerecovervm": self.may_expunge, "cloudstackversion": self.version}}

    # -- what is offered

    def templates(self, fields: Fields) -> Any:
        if fields["templatefilter"] not in (
            "featured",
            "self",
            "selfexecutable",
            "sharedexecutable",
            "executable",
            "community",
        ):
            raise RefusedError(431, "invalid template filter")
        if fields["templatefilter"] == "self":
            return self.listed("template", self.images, {k: v for k, v in fields.items() if k != "templatefilter"})
        wanted = fields["templatefilter"] == "featured"
        rows = self.catalogue("listTemplates_default")["template"]
        return {"template": [{**row, "id": str(row["id"])} for row in rows if row["isfeatured"] == wanted]}

    def disk_offerings(self, _: Fields) -> Any:
        (fixed,) = self.catalogue("listDiskOfferings_withcustomdisksize")["diskoffering"]
        encrypting = {**fixed, "id": self.fixed_id("encrypting"), "name": "Encrypted", "encrypt": True}
        return {
            "diskoffering": [
                {**fixed, "id": self.fixed_id("fixed"), "name": "5 GB", "iscustomized": False},
                fixed,
                encrypting,
            ]
        }

    def network_offerings(self, _: Fields) -> Any:
        """Recorded ones aren't for VPCs; these are called as CloudStack's own are."""
        one = self.catalogue("listNetworkOfferings_default")["networkoffering"][0]
        name = "DefaultIsolatedNetworkOfferingForVpcNetworks"
        plain = [service for service in one["service"] if service["name"] != "Lb"]
        with_balancer = {**one, "id": self.fixed_id(name), "name": name, "forvpc": True}
        without = {**with_balancer, "id": self.fixed_id(f"{name}NoLB"), "name": f"{name}NoLB", "service": plain}
        return {"networkoffering": [with_balancer, without]}

    def acl_lists(self, fields: Fields) -> Any:
        (row,) = self.catalogue("listNetworkACLLists_default")["networkacllist"]
        rows = [
            {**row, "id": self.fixed_id(name), "name": name, "vpcid": "0"} for name in ("default_allow", "default_deny")
        ]
        return {"networkacllist": [one for one in rows if fields.get("name") in (None, one["name"])]}

    def fixed_id(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    # -- networks

    def create_vpc(self, fields: Fields) -> Any:
        (row,) = self.catalogue("listVPCs_default")["vpc"]
        known = {one["id"] for one in self.catalogue("listVPCOfferings_default")["vpcoffering"]}
        if fields["vpcofferingid"] not in known:
            raise self.unknown("vpcofferingid", fields["vpcofferingid"])
        identity = self.uuid("vpc")
        given = {name: fields[name] for name in ("name", "displaytext", "cidr", "vpcofferingid")}
        self.vpcs[identity] = {**row, **given, "id": identity, **self.zoned(), "tags": [], "network": []}
        return self.begin(lambda: self.start_vpc(identity), identity, lambda: self.drop(self.vpcs, identity))

    def start_vpc(self, identity: str) -> Any:
        """It leads outside with an address of its own, the last of the free ones."""
        free = [one for one in self.addresses.values() if one["state"] == "Free"]
        self.take(free[-1], identity, issourcenat=True)
        return {"vpc": self.vpcs[identity]}

    def zoned(self) -> Row:
        return {"zoneid": self.zone["id"], "zonename": self.zone["name"]}

    def delete_vpc(self, fields: Fields) -> Any:
        row = self.known(self.vpcs, fields)
        if row["network"]:
            raise RefusedError(
                431, f"Can't delete VPC [VPC [{row['id']}] as its used by {len(row['network'])} networks"
            )
        row["state"] = "Inactive"

        def gone() -> None:
            self.drop(self.vpcs, row["id"])
            for address in self.addresses.values():
                if address.get("vpcid") == row["id"]:
                    self.free(address)

        return self.begin(gone)

    def create_network(self, fields: Fields) -> Any:
        vpc = self.known(self.vpcs, fields, "vpcid")
        row = recorded(_CLOUD, "createNetwork_default")["createnetworkresponse"]["network"]
        identity = self.uuid("network")
        cidr = ipaddress.ip_network(f"{fields['gateway']}/{fields['netmask']}", strict=False)
        if not cidr.subnet_of(ipaddress.ip_network(vpc["cidr"])):  # type: ignore[arg-type]
            raise RefusedError(431, f"Network cidr {cidr} is not within vpc cidr")
        for other in self.networks.values():
            if other["vpcid"] == vpc["id"] and cidr.overlaps(ipaddress.ip_network(other["cidr"])):
                raise RefusedError(431, f"Network cidr {cidr} crosses with another network cidr of {vpc['id']}")
        given = {
            name: fields[name]
            for name in ("name", "displaytext", "networkofferingid", "vpcid", "aclid", "gateway", "netmask")
        }
        made = {**row, **given, "id": identity, "cidr": str(cidr), **self.zoned(), "tags": [], "state": "Allocated"}
        made.pop("projectid")
        self.networks[identity] = made
        vpc["network"].append({"id": identity, "name": fields["name"]})
        return {"network": made}

    def delete_network(self, fields: Fields) -> Any:
        row = self.known(self.networks, fields)

        def gone() -> None:
            if any(one["nic"][0]["networkid"] == row["id"] for one in self.machines.values()):
                raise RefusedError(530, "Failed to delete network")
            vpc = self.vpcs[row["vpcid"]]
            vpc["network"] = [one for one in vpc["network"] if one["id"] != row["id"]]
            self.drop(self.networks, row["id"])

        return self.begin(gone)

    # -- servers

    def deploy(self, fields: Fields) -> Any:
        row = recorded(_CLOUD, "queryAsyncJobResult_17164")["queryasyncjobresultresponse"]["jobresult"][
            "virtualmachine"
        ]
        offerings = {str(one["id"]): one for one in self.catalogue("listServiceOfferings_default")["serviceoffering"]}
        offered = self.catalogue("listTemplates_default")["template"]
        templates = {**{str(one["id"]): one for one in offered}, **self.images}
        if fields["serviceofferingid"] not in offerings:
            raise RefusedError(431, f"Unable to find service offering: {fields['serviceofferingid']}")
        if fields["templateid"] not in templates:
            raise self.unknown("templateid", fields["templateid"])
        if not templates[fields["templateid"]]["isready"]:
            raise RefusedError(431, f"Unable to use template {fields['templateid']}")
        if "keypair" in fields and fields["keypair"] not in self.keys:
            raise RefusedError(431, f"A key pair with name '{fields['keypair']}' was not found.")
        if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", fields["name"]):
            raise RefusedError(431, f"Invalid name. Vm name can contain ASCII letters: {fields['name']}")
        if not self.guarded and "networkids" not in fields:
            raise RefusedError(431, "unable to find a network to deploy in")
        base64.b64decode(fields.get("userdata", ""), validate=True)
        identity, number = self.uuid("machine"), self.number()
        nic = {**row["nic"][0], "networkid": fields.get("networkids") or self.fixed_id("shared"), "ipaddress": None}
        if "networkids" in fields:
            self.known(self.networks, {"networkids": fields["networkids"]}, "networkids")
        offering = offerings[fields["serviceofferingid"]]
        groups = fields.get("securitygroupids", "").split(",") if "securitygroupids" in fields else []
        guards = [self.groups[one] for one in groups] or [
            one for one in self.groups.values() if one["name"] == "default"
        ]
        made = {
            **row,
            "id": identity,
            "name": fields["name"],
            "displayname": fields["displayname"],
            "templateid": fields["templateid"],
            "guestosid": self.fixed_id("guest OS"),
            "serviceofferingid": fields["serviceofferingid"],
            "serviceofferingname": offering["name"],
            "memory": offering["memory"],
            "cpunumber": offering["cpunumber"],
            "state": "Starting",
            "nic": [nic],
            "securitygroup": [{"id": one["id"], "name": one["name"]} for one in guards],
            "tags": [],
            **self.zoned(),
            **({"keypair": fields["keypair"]} if "keypair" in fields else {}),
        }
        self.machines[identity] = made
        self.new_root(made)

        def up() -> Any:
            made["state"] = "Running"
            nic["ipaddress"] = f"10.0.1.{number % 250 + 2}"
            return {"virtualmachine": made}

        return self.begin(up, identity, lambda: made.update(state="Error"))

    def destroy(self, fields: Fields) -> Any:
        row = self.known(self.machines, fields)

        def gone() -> None:
            if fields.get("expunge") == "true" and not self.may_expunge:
                raise RefusedError(531, "Parameter expunge can be passed by Admin only")
            for volume in self.volumes.values():
                if volume.get("virtualmachineid") == row["id"]:
                    volume.pop("virtualmachineid")
            row["state"] = "Destroyed"
            for root in [one for one in self.roots.values() if one["virtualmachineid"] == row["id"]]:
                self.drop(self.roots, root["id"])
            if fields.get("expunge") == "true":
                self.drop(self.machines, row["id"])

        return self.begin(gone)

    def power(self, fields: Fields, during: str, after: str) -> Any:
        row = self.known(self.machines, fields)
        row["state"] = during
        return self.begin(lambda: row.update(state=after))

    def change_service(self, fields: Fields) -> Any:
        row = self.known(self.machines, fields)
        offerings = {str(one["id"]): one for one in self.catalogue("listServiceOfferings_default")["serviceoffering"]}
        if fields["serviceofferingid"] not in offerings:
            raise self.unknown("serviceofferingid", fields["serviceofferingid"])
        if row["state"] != "Stopped":
            raise RefusedError(431, f"unable to change the offering of a machine that is {row['state']}")
        row.update(
            serviceofferingid=fields["serviceofferingid"],
            serviceofferingname=offerings[fields["serviceofferingid"]]["name"],
        )
        return {"virtualmachine": row}

    # -- disks

    def create_volume(self, fields: Fields) -> Any:
        row = recorded(_CLOUD, "queryAsyncJobResult_createvolumejob")["queryasyncjobresultresponse"]["jobresult"][
            "volume"
        ]
        offerings = {one["id"]: one for one in self.disk_offerings({})["diskoffering"]}
        identity = self.uuid("volume")
        if "snapshotid" in fields:
            size = self.known(self.snapshots, fields, "snapshotid")["virtualsize"]
            offering = {"id": row["diskofferingid"], "name": row["diskofferingname"]}
        else:
            offering = self.known(offerings, fields, "diskofferingid")
            size = int(fields["size"]) * _GIB
        made = {
            **row,
            "id": identity,
            "name": fields["name"],
            "size": size,
            "diskofferingid": offering["id"],
            "diskofferingname": offering["name"],
            "state": "Creating",
            "tags": [],
            **self.zoned(),
        }
        self.volumes[identity] = made
        return self.begin(
            lambda: made.update(state="Allocated") or {"volume": made}, identity, lambda: made.update(state="Destroy")
        )

    def delete_volume(self, fields: Fields) -> Any:
        row = self.known(self.volumes, fields)
        if "virtualmachineid" in row:
            raise RefusedError(431, "Please specify a volume that is not attached to any VM.")
        self.drop(self.volumes, row["id"])
        return {"success": "true"}

    def resize_volume(self, fields: Fields) -> Any:
        row = self.known(self.volumes, fields)
        if int(fields["size"]) * _GIB < row["size"]:
            raise RefusedError(431, "Going from existing size to a smaller one: shrinkok is needed")
        return self.begin(lambda: row.update(size=int(fields["size"]) * _GIB))

    def attach(self, fields: Fields) -> Any:
        row, machine = self.known(self.volumes, fields), self.known(self.machines, fields, "virtualmachineid")
        if "virtualmachineid" in row:
            raise RefusedError(431, f"Please specify a volume that is not attached to any VM: it is on {machine['id']}")
        return self.begin(lambda: row.update(virtualmachineid=machine["id"], state="Ready"))

    def detach(self, fields: Fields) -> Any:
        row = self.known(self.volumes, fields)
        if "virtualmachineid" not in row:
            raise RefusedError(431, "The specified volume is not attached to a virtual machine.")
        return self.begin(lambda: row.pop("virtualmachineid") and None)

    def create_snapshot(self, fields: Fields) -> Any:
        volume = self.known({**self.volumes, **self.roots}, fields, "volumeid")
        row = self.catalogue("listSnapshots_default")["snapshot"][0]
        identity = self.uuid("snapshot")
        made = {
            **row,
            "id": identity,
            "name": fields["name"],
            "volumeid": volume["id"],
            "volumename": volume["name"],
            "virtualsize": volume["size"],
            "state": "BackingUp",
            "tags": [],
            **self.zoned(),
        }
        self.snapshots[identity] = made
        return self.begin(
            lambda: made.update(state="BackedUp") or {"snapshot": made}, identity, lambda: made.update(state="Error")
        )

    def delete_snapshot(self, fields: Fields) -> Any:
        row = self.known(self.snapshots, fields)
        return self.begin(lambda: self.drop(self.snapshots, row["id"]))

    # -- templates

    def new_root(self, machine: Row) -> None:
        """The disk that a machine starts from."""
        job = recorded(_CLOUD, "queryAsyncJobResult_createvolumejob")["queryasyncjobresultresponse"]["jobresult"]
        identity = self.uuid("root")
        own = {"id": identity, "name": f"ROOT-{self.number()}", "type": "ROOT", "state": "Ready", "size": 8 * _GIB - 1}
        self.roots[identity] = {
            **job["volume"],
            **own,
            **self.zoned(),
            "virtualmachineid": machine["id"],
            "templateid": machine["templateid"],
            "tags": [],
        }

    def create_template(self, fields: Fields) -> Any:
        """As `TemplateManagerImpl.createPrivateTemplateRecord` checks it; one whose job fails leaves nothing at all."""
        if ("snapshotid" in fields) == ("volumeid" in fields):
            raise RefusedError(
                431, "Failed to create private template record, specify one of volume ID and snapshot ID"
            )
        if len(fields["name"]) > 32:  # what versions before 4.19 say
            raise RefusedError(431, "Template name cannot be null and should be less than 32 characters")
        if fields["ostypeid"] != self.fixed_id("guest OS"):
            raise self.unknown("ostypeid", fields["ostypeid"])
        snapshot = self.known(self.snapshots, fields, "snapshotid")
        if snapshot["state"] != "BackedUp":
            raise RefusedError(431, "Snapshot is not in BackedUp state yet and can't be used for template creation")
        row = self.catalogue("listTemplates_default")["template"][0]
        identity = self.uuid("template")
        made = {
            **{name: value for name, value in row.items() if name not in ("zoneid", "zonename", "size")},
            **{name: fields[name] for name in ("name", "displaytext", "ostypeid")},
            "id": identity,
            "ispublic": False,
            "isfeatured": False,
            "isready": False,
            "sourcetemplateid": self.fixed_id("source"),
            "tags": [],
        }
        self.images[identity] = made

        def done() -> Any:
            made.update(isready=True, status="Download Complete", size=snapshot["virtualsize"], **self.zoned())
            return {"template": made}

        return self.begin(done, identity, lambda: self.images.pop(identity, None))

    def delete_template(self, fields: Fields) -> Any:
        row = self.known(self.images, fields)
        used = [one["id"] for one in self.machines.values() if one["templateid"] == row["id"]]
        if used and fields.get("forced") != "true":
            raise RefusedError(431, f"Unable to delete Template {row['id']} because Instances {used} are using it")
        return self.begin(lambda: self.drop(self.images, row["id"]))

    # -- keys and tags

    def register_key(self, fields: Fields) -> Any:
        if fields["name"] in self.keys:
            raise RefusedError(431, f"A key pair with name '{fields['name']}' already exists.")
        digits = fingerprint(fields["publickey"])
        if digits is None:
            raise RefusedError(431, "Public key is invalid")
        pair = recorded(_CLOUD, "registerSSHKeyPair_default")["registersshkeypairresponse"]["keypair"]
        self.keys[fields["name"]] = {**pair, "name": fields["name"], "fingerprint": digits}
        return {"keypair": self.keys[fields["name"]]}

    def delete_key(self, fields: Fields) -> Any:
        if fields["name"] not in self.keys:
            raise RefusedError(431, f"A key pair with name '{fields['name']}' does not exist for the account")
        del self.keys[fields["name"]]
        return {"success": "true"}

    def tagged(self, fields: Fields) -> Row:
        kinds = {
            "UserVm": self.machines,
            "Volume": self.volumes,
            "Snapshot": self.snapshots,
            "Template": self.images,
            "Network": self.networks,
            "Vpc": self.vpcs,
            "SecurityGroup": self.groups,
            "PublicIpAddress": self.addresses,
            "LoadBalancer": self.balancers,
        }
        return self.known(kinds[fields["resourcetype"]], fields, "resourceids")

    def create_tags(self, fields: Fields) -> Any:
        row = self.tagged(fields)
        pairs = [(fields[name], fields[name.replace("].key", "].value")]) for name in fields if name.endswith("].key")]

        def tag() -> None:
            for key, value in pairs:
                if any(one["key"] == key for one in row["tags"]):
                    raise RefusedError(431, f"tag {key} already exists on {row['id']}")
                row["tags"].append({"key": key, "value": value})

        return self.begin(tag)

    def delete_tags(self, fields: Fields) -> Any:
        row = self.tagged(fields)
        keys = [fields[name] for name in fields if name.endswith("].key")]
        return self.begin(lambda: row.update(tags=[one for one in row["tags"] if one["key"] not in keys]))

    # -- addresses

    def new_address(self, number: int) -> None:
        """One that nobody has."""
        job = recorded(_CLOUD, "queryAsyncJobResult_11111")["queryasyncjobresultresponse"]["jobresult"]
        row = {name: value for name, value in job["ipaddress"].items() if not name.startswith("associated")}
        identity = self.uuid("address")
        own = {"id": identity, "ipaddress": f"203.0.113.{number}", "state": "Free", "tags": []}
        self.addresses[identity] = {**row, **own, **self.zoned()}

    def list_addresses(self, fields: Fields) -> Any:
        """Allocated ones, unless free ones are asked for."""
        free = fields.get("state") == "Free"
        asked = {name: value for name, value in fields.items() if name not in ("state", "forvirtualnetwork")}
        rows = self.listed("publicipaddress", self.addresses, asked)["publicipaddress"]
        return {"publicipaddress": [one for one in rows if (one["state"] == "Free") == free]}

    def take(self, row: Row, vpc: str, **more: Any) -> None:
        row.update(state="Allocated", vpcid=vpc, **more)

    def associate(self, fields: Fields) -> Any:
        vpc = self.known(self.vpcs, fields, "vpcid")
        row = next((one for one in self.addresses.values() if one["ipaddress"] == fields["ipaddress"]), None)
        if row is None or row["state"] != "Free":
            raise RefusedError(533, f"Insufficient address capacity: {fields['ipaddress']} isn't available")
        row.update(state="Allocating", vpcid=vpc["id"])
        return self.begin(lambda: self.take(row, vpc["id"]) or {"ipaddress": row}, row["id"], lambda: self.free(row))

    def disassociate(self, fields: Fields) -> Any:
        row = self.known(self.addresses, fields)
        if row["state"] == "Free":
            raise RefusedError(431, "Ip Address id specified is already released")

        row["state"] = "Releasing"
        return self.begin(lambda: self.free(row))

    def free(self, row: Row) -> None:
        if row["isstaticnat"]:
            self.unnat(row)
        for balancer in [one for one in self.balancers.values() if one["publicipid"] == row["id"]]:
            self.drop(self.balancers, balancer["id"])
        row.update(state="Free", tags=[], issourcenat=False)
        row.pop("vpcid", None)

    def unnat(self, row: Row) -> None:
        self.machines.get(row.pop("virtualmachineid"), {}).pop("publicip", None)
        row["isstaticnat"] = False

    def enable_nat(self, fields: Fields) -> Any:
        row = self.known(self.addresses, fields, "ipaddressid")
        machine = self.known(self.machines, fields, "virtualmachineid")
        if row["state"] != "Allocated" or row["isstaticnat"]:
            raise RefusedError(431, f"Failed to enable static nat for ip {row['ipaddress']}, which is {row['state']}")
        if machine["nic"][0]["networkid"] != fields["networkid"] or "publicip" in machine:
            raise RefusedError(431, f"Failed to enable static nat for vm {machine['id']}")
        row.update(isstaticnat=True, virtualmachineid=machine["id"])
        machine["publicip"] = row["ipaddress"]
        return {"success": "true"}

    def disable_nat(self, fields: Fields) -> Any:
        row = self.known(self.addresses, fields, "ipaddressid")
        if not row["isstaticnat"]:
            raise RefusedError(431, "Specified IP address id is not associated with any vm Id")
        return self.begin(lambda: self.unnat(row))

    # -- balancers

    def create_balancer(self, fields: Fields) -> Any:
        address, network = (
            self.known(self.addresses, fields, "publicipid"),
            self.known(self.networks, fields, "networkid"),
        )
        offerings = {one["id"]: one for one in self.network_offerings({})["networkoffering"]}
        if "Lb" not in [one["name"] for one in offerings[network["networkofferingid"]]["service"]]:
            raise RefusedError(431, f"Network id= {network['id']} doesn't support services: Lb")
        if address["state"] != "Allocated" or address["vpcid"] != network["vpcid"]:
            raise RefusedError(431, f"Unable to create load balancer rule on {address['ipaddress']}")
        if any(one["publicipid"] == address["id"] for one in self.balancers.values()):
            raise RefusedError(537, "There is already a rule on that port")
        row = recorded(_CLOUD, "listLoadBalancerRules_default")["listloadbalancerrulesresponse"]["loadbalancerrule"][0]
        identity = self.uuid("balancer")
        given = {
            name: fields[name] for name in ("name", "publicipid", "networkid", "publicport", "privateport", "algorithm")
        }
        own = {"id": identity, "publicip": address["ipaddress"], "state": "Add", "tags": [], "members": []}
        self.balancers[identity] = {**row, **given, **own, **self.zoned()}
        return self.begin(lambda: self.balancers[identity].update(state="Active"), identity)

    def list_members(self, fields: Fields) -> Any:
        members = self.known(self.balancers, fields)["members"]
        return {"loadbalancerruleinstance": [self.machines[one] for one in members if one in self.machines]}

    def delete_balancer(self, fields: Fields) -> Any:
        row = self.known(self.balancers, fields)
        return self.begin(lambda: self.drop(self.balancers, row["id"]))

    def assign(self, fields: Fields) -> Any:
        row = self.known(self.balancers, fields)
        members = fields["virtualmachineids"].split(",")
        for one in members:
            machine = self.known(self.machines, {"virtualmachineid": one}, "virtualmachineid")
            if machine["state"] != "Running" or one in row["members"]:
                raise RefusedError(431, f"VM {one} is {machine['state']}, or is assigned to the rule already")
        return self.begin(lambda: row["members"].extend(members))

    def unassign(self, fields: Fields) -> Any:
        row = self.known(self.balancers, fields)
        members = fields["virtualmachineids"].split(",")
        return self.begin(lambda: row.update(members=[one for one in row["members"] if one not in members]))

    # -- security groups

    def new_group(self, name: str, description: str) -> Row:
        row = self.catalogue("listSecurityGroups_default")["securitygroup"][0]
        identity = self.uuid("group")
        own = {"id": identity, "name": name, "description": description, "account": "me"}
        self.groups[identity] = {**row, **own, "ingressrule": [], "egressrule": [], "tags": []}
        return self.groups[identity]

    def list_groups(self, fields: Fields) -> Any:
        asked = {"name" if name == "securitygroupname" else name: value for name, value in fields.items()}
        return self.listed("securitygroup", self.groups, asked)

    def create_group(self, fields: Fields) -> Any:
        if any(one["name"] == fields["name"] for one in self.groups.values()):
            raise RefusedError(
                431, f"Unable to create security group, a group with name {fields['name']} already exists."
            )
        row = self.new_group(fields["name"], fields["description"])
        return {"securitygroup": {name: row[name] for name in ("id", "name", "description", "account")}}

    def delete_group(self, fields: Fields) -> Any:
        row = self.known(self.groups, fields)
        if any(row["id"] in [group["id"] for group in one["securitygroup"]] for one in self.machines.values()):
            raise RefusedError(536, f"Cannot delete group when there's virtual machine in it: {row['id']}")
        self.drop(self.groups, row["id"])
        return {"success": "true"}

    def authorize_rule(self, fields: Fields, direction: str) -> Any:
        row = self.known(self.groups, fields, "securitygroupid")
        rule: Row = {"ruleid": self.uuid("rule"), "protocol": fields["protocol"]}
        if fields["protocol"] in ("tcp", "udp"):
            ports = int(fields["startport"]), int(fields["endport"])
            if not 1 <= ports[0] <= ports[1] <= 65535:
                raise RefusedError(431, f"Invalid port numbers {ports}")
            rule.update(startport=ports[0], endport=ports[1])
        elif fields["protocol"] == "icmp":
            rule.update(icmptype=int(fields["icmptype"]), icmpcode=int(fields["icmpcode"]))
        if "cidrlist" in fields:
            rule["cidr"] = fields["cidrlist"]
        else:
            rule["account"] = fields["usersecuritygrouplist[0].account"]
            rule["securitygroupname"] = fields["usersecuritygrouplist[0].group"]
        return self.begin(lambda: row[f"{direction}rule"].append(rule))

    def revoke_rule(self, fields: Fields, direction: str) -> Any:
        def revoke() -> None:
            for row in self.groups.values():
                row[f"{direction}rule"] = [one for one in row[f"{direction}rule"] if one["ruleid"] != fields["id"]]

        return self.begin(revoke)
