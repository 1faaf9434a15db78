"""Machines, disks, snapshots and keys of the imitation, what images and sizes there are; and all of it together."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.clouds.azure.arm import COMPUTE, GROUP, ROOT, SUBSCRIPTION, AzureRefusal, Put
from tests.clouds.azure.galleries import Galleries
from tests.clouds.families.imitation import Answer, Request, recorded

IMAGE: Final = "Debian:debian-12:12-gen2:0.20240717.1811"
VERSIONS: Final = ("0.20240701.1795", "0.20240717.1811", "0.20240717.999")
"""The versions of Debian 12 that there are, in no order."""


def _sku(name: str, cpus: int, memory: float, **more: Any) -> dict[str, Any]:
    """As https://learn.microsoft.com/en-us/rest/api/compute/resource-skus/list has it."""
    has = {"vCPUs": str(cpus), "MemoryGB": str(memory), "HyperVGenerations": "V1,V2", "MaxResourceVolumeMB": "16384"}
    has.update(more.pop("has", {}))
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "locations": ["westeurope"],
        "capabilities": [{"name": key, "value": value} for key, value in has.items()],
        "restrictions": [],
        **more,
    }


SKUS: Final = (
    {"resourceType": "disks", "name": "Premium_LRS", "locations": ["westeurope"]},
    _sku("Basic_A1", 1, 1.75, has={"HyperVGenerations": "V1"}),
    _sku("Standard_D2s_v3", 2, 8),
    _sku("Standard_D2_v3", 2, 8, restrictions=[{"type": "Location", "values": ["West Europe"], "reasonCode": "Quota"}]),
    _sku("Standard_B2s", 2, 4),
    _sku("Standard_D2pls_v5", 2, 4, has={"CpuArchitectureType": "Arm64"}),
    _sku("Standard_DS1_v2", 1, 3.5),
    _sku("Standard_NC6s_v3", 6, 112, has={"GPUs": "1"}),
)


class Azure(Galleries):
    """All of Resource Manager that there is here."""

    def puts(self) -> Mapping[str, Put]:
        return {
            **super().puts(),
            "virtualMachines": self.put_machine,
            "disks": self.put_disk,
            "snapshots": self.put_snapshot,
            "sshPublicKeys": self.put_key,
        }

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        compute = f"/subscriptions/{SUBSCRIPTION}/providers/{COMPUTE}"
        one = rf"({ROOT}/providers/{COMPUTE}/virtualMachines/[^/]+)"
        images = f"{compute}/locations/westeurope/publishers/([^/]+)/artifacttypes/vmimage/offers/([^/]+)/skus/([^/]+)"
        return (
            ("GET", f"{compute}/skus", self.sizes),
            ("GET", f"{images}/versions", self.images),
            ("PATCH", one, self.resize),
            ("POST", f"{one}/(deallocate|start)", self.power),
            ("POST", f"{one}/attachDetachDataDisks", self.attach),
            ("PATCH", rf"({ROOT}/providers/{COMPUTE}/disks/[^/]+)", self.change_disk),
            *super().routes(),
        )

    # -- what there is

    def sizes(self, request: Request) -> tuple[int, Any]:
        assert request.query["$filter"] == "location eq 'westeurope'"
        return self.versioned(request, (200, {"value": list(SKUS)}), word="skus")

    def images(self, request: Request, *names: str) -> tuple[int, Any]:
        if ":".join(names) not in ("Debian:debian-12:12-gen2", "Canonical:ubuntu-24_04-lts:server"):
            raise AzureRefusal(404, "NotFound", "Artifact: VMImage was not found.")
        found = [{"location": "westeurope", "name": one, "id": f"{request.path}/{one}"} for one in VERSIONS]
        return self.versioned(request, (200, found), word="versions")

    # -- machines

    def put_machine(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request, "zones")
        needed = ["hardwareProfile", "storageProfile", "networkProfile"]
        properties = self.properties(request, needed, ["osProfile"])
        if there is not None:
            self.faults.append("a machine is put a second time")
        stored = self.check_image(properties)
        if properties["hardwareProfile"]["vmSize"] not in {one["name"] for one in SKUS}:
            raise AzureRefusal(400, "InvalidParameter", "The value of vmSize is invalid.")
        machine = recorded("azure", "virtualMachines")["value"][0]
        for (used,) in [properties["networkProfile"]["networkInterfaces"]]:
            interface = self.known(used["id"])
            if interface["properties"].get("virtualMachine"):
                raise AzureRefusal(400, "NicInUse", "the interface belongs to another machine")
            interface["properties"]["virtualMachine"] = {"id": identity}
        name = identity.rpartition("/")[2]
        disk = f"{ROOT}/providers/{COMPUTE}/disks/{name}"
        machine.update({key: value for key, value in body.items() if key != "properties"}, power="running")
        shown = {key: value for key, value in properties.pop("osProfile", {}).items() if key != "customData"}
        del machine["properties"]["osProfile"]
        machine["properties"].update(
            properties, provisioningState="Creating", **({"osProfile": shown} if shown else {})
        )
        profile = machine["properties"]["storageProfile"]
        profile["dataDisks"] = [self.put_data_disk(identity, one, profile) for one in stored]
        profile["osDisk"]["managedDisk"]["id"] = disk
        made = self.things[disk.lower()] = self.disk(disk, {"createOption": "FromImage"}, 30, managedBy=identity)
        made["properties"].update(hyperVGeneration="V2", supportedCapabilities={"architecture": "x64"})
        return 201, machine

    def check_image(self, properties: dict[str, Any]) -> list[dict[str, Any]]:
        """Check what a machine is made from, and what goes with that; the disks in it beside that of the system."""
        image = properties["storageProfile"]["imageReference"]
        if "/galleries/" not in image.get("id", ""):
            self.check_system(properties["osProfile"])
            if "id" not in image and image["version"] not in VERSIONS:
                raise AzureRefusal(404, "PlatformImageNotFound", "The platform image is not available.")
            return []
        definition, version = self.known(image["id"].rpartition("/versions/")[0]), self.known(image["id"])
        if version["properties"]["provisioningState"] != "Succeeded":
            raise AzureRefusal(409, "GalleryImageNotFound", "The image version isn't ready.")
        if definition["properties"]["osState"] == "Generalized":
            self.check_system(properties["osProfile"])
        elif "osProfile" in properties:
            raise AzureRefusal(400, "InvalidParameter", "Parameter 'osProfile' is not allowed.")
        found: list[dict[str, Any]] = version["properties"]["storageProfile"].get("dataDiskImages", [])
        return found

    def put_data_disk(self, machine: str, stored: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
        """One that was in the image; unless the machine says otherwise, it stays when the machine goes."""
        lun = stored["lun"]
        said = {"name": f"{machine.rpartition('/')[2]}_disk{lun}_{self.number()}", "deleteOption": "Detach"}
        said.update(next((one for one in profile.get("dataDisks", ()) if one["lun"] == lun), {}))
        identity = f"{ROOT}/providers/{COMPUTE}/disks/{said['name']}"
        source = {"createOption": "FromImage"}
        self.things[identity.lower()] = self.disk(identity, source, stored["sizeInGB"], managedBy=machine)
        return {**said, "lun": lun, "createOption": "FromImage", "managedDisk": {"id": identity}}

    def check_system(self, system: dict[str, Any]) -> None:
        needed = {"computerName", "adminUsername", "linuxConfiguration"}
        assert set(system) in (needed, needed | {"customData"}), system
        assert len(system["computerName"]) <= 64, system
        base64.b64decode(system.get("customData", ""), validate=True)
        (key,) = system["linuxConfiguration"]["ssh"]["publicKeys"]
        assert key["path"].split("/") == ["", "home", system["adminUsername"], ".ssh", "authorized_keys"], key
        assert key["keyData"].startswith("ssh-"), key

    def one(self, request: Request, identity: str) -> tuple[int, Any]:
        status, found = super().one(request, identity)
        if request.query.get("$expand") == "instanceView":
            view = recorded("azure", "instanceView")
            view["statuses"][1]["code"] = f"PowerState/{self.known(identity)['power']}"
            if found["properties"]["provisioningState"] == "Failed":
                view["statuses"][0] = {
                    "code": "ProvisioningState/failed",
                    "level": "Error",
                    "message": "no room is left",
                }
            found = {**found, "properties": {**found["properties"], "instanceView": view}}
        return status, found

    def resize(self, request: Request, identity: str) -> tuple[int, Any]:
        self.check_body(request, needed=("properties",))
        machine = self.known(identity)
        size = self.properties(request, ["hardwareProfile"])["hardwareProfile"]["vmSize"]
        if size not in {one["name"] for one in SKUS}:
            raise AzureRefusal(409, "SkuNotAvailable", f"The requested size {size} is currently not available.")
        if machine["power"] != "deallocated":
            raise AzureRefusal(409, "OperationNotAllowed", "Unable to resize: deallocate the machine first.")
        machine["properties"]["hardwareProfile"]["vmSize"] = size
        return self.versioned(request, (200, self.told(machine)))

    def power(self, request: Request, identity: str, action: str) -> tuple[int, Any]:
        machine = self.known(identity)
        machine["power"] = "deallocating" if action == "deallocate" else "running"
        return self.versioned(request, (202, None))

    def attach(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=(), possible=("dataDisksToAttach", "dataDisksToDetach"))
        machine = self.known(identity)
        disks = machine["properties"]["storageProfile"]["dataDisks"]
        for one in body.get("dataDisksToAttach", ()):
            disk = self.known(one["diskId"])
            if disk.get("managedBy"):
                words = f"Disk {disk['name']} cannot be attached as the disk is already owned by VM."
                raise AzureRefusal(409, "ConflictingUserInput", words)
            if disk.get("zones") != machine.get("zones"):
                raise AzureRefusal(400, "BadRequest", "The disk and the machine are in different zones.")
            disk["managedBy"] = identity
            used = {each["lun"] for each in disks}
            lun = next(number for number in range(64) if number not in used)
            more = {"createOption": "Attach", "managedDisk": {"id": disk["id"].replace(GROUP, GROUP.upper())}}
            disks.append({"lun": lun, "name": disk["name"], "deleteOption": one["deleteOption"], **more})
        for one in body.get("dataDisksToDetach", ()):
            disk = self.known(one["diskId"])
            del disk["managedBy"]
            disks[:] = [each for each in disks if each["name"] != disk["name"]]
        machine["properties"]["provisioningState"] = "Updating"
        return self.versioned(request, (202, None))

    def settle(self, thing: dict[str, Any]) -> None:
        super().settle(thing)
        if thing.get("power") == "deallocating" and not self.lasting.get("stopping"):
            thing["power"] = "deallocated"
        elif thing.get("power") == "deallocating":
            self.lasting["stopping"] -= 1

    # -- disks, snapshots and keys

    def disk(self, identity: str, source: dict[str, Any], size: int, **more: Any) -> dict[str, Any]:
        disk = recorded("azure", "disk")
        disk.update(id=identity, name=identity.rpartition("/")[2], location="westeurope", tags={}, **more)
        for name in ("osType", "ownerId", "accountType"):
            del disk["properties"][name]
        disk["properties"].update(creationData=source, diskSizeGB=size, diskState="Unattached")
        disk["properties"]["provisioningState"] = "Updating"
        return disk  # type: ignore[no-any-return]

    def put_disk(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request, "sku", "zones")
        properties = self.properties(request, ["creationData", "diskSizeGB"])
        source = properties["creationData"]
        assert source == {"createOption": "Empty"} or set(source) == {"createOption", "sourceResourceId"}, source
        if "sourceResourceId" in source:
            self.known(source["sourceResourceId"])
        more = {name: body[name] for name in ("sku", "zones") if name in body}
        disk = self.disk(identity, source, properties["diskSizeGB"], **more)
        return 202, {**disk, "tags": body["tags"]}

    def change_disk(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=(), possible=("properties", "sku"))
        disk = self.known(identity)
        size = body.get("properties", {}).get("diskSizeGB", disk["properties"]["diskSizeGB"])
        if size < disk["properties"]["diskSizeGB"]:
            raise AzureRefusal(409, "OperationNotAllowed", "Disk cannot be resized to a smaller one.")
        if "sku" in body and disk.get("managedBy"):
            raise AzureRefusal(409, "OperationNotAllowed", "Cannot change account type: deallocate the machine first.")
        disk["properties"].update(diskSizeGB=size, provisioningState="Updating")
        disk["sku"] = body.get("sku", disk["sku"])
        return self.versioned(request, (202, self.told(disk)))

    def put_snapshot(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        properties = self.properties(request, ["creationData", "incremental"])
        if there is not None:
            self.faults.append("a snapshot is put a second time")
        volume = self.known(properties["creationData"]["sourceResourceId"])
        snapshot = recorded("azure", "snapshot")
        snapshot.update(location=body["location"], tags=body["tags"])
        snapshot["properties"].update(properties, diskSizeGB=volume["properties"]["diskSizeGB"])
        snapshot["properties"]["provisioningState"] = "Updating"
        return 202, snapshot

    def put_key(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        properties = self.properties(request, ["publicKey"])
        if there is not None:
            self.faults.append("a key is put over another")
        return 201, {**body, "properties": properties, "type": f"{COMPUTE}/sshPublicKeys"}

    # -- deleting

    def removed(self, thing: dict[str, Any]) -> bool:
        if thing["type"].endswith("/virtualMachines"):
            thing["properties"]["provisioningState"] = "Deleting"
            return False
        if thing.get("managedBy"):
            words = f"Disk {thing['name']} is attached to VM {thing['managedBy']}."
            raise AzureRefusal(409, "OperationNotAllowed", words)
        return super().removed(thing)

    def gone(self, thing: dict[str, Any]) -> None:
        super().gone(thing)
        if not thing["type"].endswith("/virtualMachines"):
            return
        profile = thing["properties"]["storageProfile"]
        assert profile["osDisk"]["deleteOption"] == "Delete", profile
        del self.things[profile["osDisk"]["managedDisk"]["id"].lower()]
        for one in profile["dataDisks"]:
            if one["deleteOption"] == "Delete":
                del self.things[one["managedDisk"]["id"].lower()]
            else:
                del self.known(one["managedDisk"]["id"])["managedBy"]
        for used in thing["properties"]["networkProfile"]["networkInterfaces"]:
            interface = self.known(used["id"])
            del interface["properties"]["virtualMachine"]
            if used["properties"]["deleteOption"] == "Delete":
                del self.things[interface["id"].lower()]
                super().gone(interface)
