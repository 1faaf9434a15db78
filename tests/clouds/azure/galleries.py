"""Galleries of the imitation: what is in a gallery is a definition, what is in that are versions.

The fields are those of https://learn.microsoft.com/en-us/rest/api/compute/gallery-image-versions/create-or-update and
its neighbours, version 2023-07-03.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.clouds.azure.arm import COMPUTE, AzureRefusal, Put
from tests.clouds.azure.networking import Networking
from tests.clouds.families.imitation import Request

_GALLERY: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.]{0,78}[A-Za-z0-9])?")
_IMAGE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9])?")
_KINDS: Final = ("galleries", "images", "versions")


class Galleries(Networking):
    """The types of a gallery. ``deleting``: how often they are seen while they are deleted."""

    def __init__(self, page: int = 50) -> None:
        super().__init__(page)
        self.deleting = 0
        self.failing_images: dict[str, str] = {}
        """Why versions fail, by a part of their id."""

    def puts(self) -> Mapping[str, Put]:
        return {**super().puts(), "galleries": self.put_in_gallery}

    def put_in_gallery(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        parent = self.parent_of(identity)
        if parent is not None and self.known(parent)["properties"]["provisioningState"] != "Succeeded":
            raise AzureRefusal(409, "Conflict", f"{parent} is under way.")
        kind = _kind_of(identity)
        made: dict[str, Any] = {
            "galleries": self.a_gallery,
            "images": self.a_definition,
            "versions": self.a_version,
        }[kind](request, identity, there)
        made["type"] = f"{COMPUTE}/{'/'.join(_KINDS[: _KINDS.index(kind) + 1])}"
        made["properties"]["provisioningState"] = "Updating" if there else "Creating"
        return (200 if there else 201), made

    def parent_of(self, identity: str) -> str | None:
        """The id of what something is in, which must be there; None for a gallery."""
        if _kind_of(identity) == "galleries":
            return None
        parent = identity.rpartition("/")[0].rpartition("/")[0]
        if parent.lower() not in self.things:
            raise AzureRefusal(404, "ParentResourceNotFound", f"Failed to perform request on {identity}: no parent.")
        return parent

    def a_gallery(self, request: Request, identity: str, there: Any) -> dict[str, Any]:
        body = self.resource(request)
        assert _GALLERY.fullmatch(identity.rpartition("/")[2]), identity
        properties = self.properties(request, [], ["description"])
        return {**body, "properties": {**properties, "identifier": {"uniqueName": identity.rpartition("/")[2].upper()}}}

    def a_definition(self, request: Request, identity: str, there: Any) -> dict[str, Any]:
        body = self.resource(request)
        assert _IMAGE.fullmatch(identity.rpartition("/")[2]), identity
        properties = self.properties(
            request, ["osType", "osState", "identifier"], ["hyperVGeneration", "architecture", "description"]
        )
        told = properties["identifier"]
        assert set(told) == {"publisher", "offer", "sku"}, told
        assert all(_IMAGE.fullmatch(told[name]) and len(told[name]) <= 64 for name in told), told
        if there is not None and {**there["properties"], "provisioningState": 0} != {
            **properties,
            "provisioningState": 0,
        }:
            raise AzureRefusal(409, "PropertyChangeNotAllowed", "Changing property 'identifier' is not allowed.")
        return {**body, "properties": properties}

    def a_version(self, request: Request, identity: str, there: Any) -> dict[str, Any]:
        body = self.resource(request)
        assert re.fullmatch(r"\d+\.\d+\.\d+", identity.rpartition("/")[2]), identity
        properties = self.properties(request, ["storageProfile"], ["publishingProfile"])
        for region in properties["publishingProfile"]["targetRegions"]:
            assert set(region) == {"name", "regionalReplicaCount"}, region
        (source,) = properties["storageProfile"]["source"].items()
        assert source[0] == "virtualMachineId", source
        if there is not None:
            self.faults.append("a version is put a second time: it would be of a later moment")
        machine = self.known(source[1])["properties"]["storageProfile"]
        definition = self.known(identity.rpartition("/versions/")[0])["properties"]
        system = self.known(machine["osDisk"]["managedDisk"]["id"])["properties"]
        if system["hyperVGeneration"] != definition.get("hyperVGeneration", "V1"):
            raise AzureRefusal(400, "InvalidParameter", "The generation of the definition isn't that of the source.")
        more = [
            {
                "lun": one["lun"],
                "sizeInGB": self.known(one["managedDisk"]["id"])["properties"]["diskSizeGB"],
                "hostCaching": "None",
            }
            for one in machine["dataDisks"]
        ]
        properties["storageProfile"].update(
            osDiskImage={"sizeInGB": system["diskSizeGB"], "hostCaching": "ReadWrite"},
            **({"dataDiskImages": more} if more else {}),
        )
        return {**body, "properties": properties}

    # -- reading and deleting

    def settle(self, thing: dict[str, Any]) -> None:
        failing = any(part in thing["id"] for part in self.failing_images)
        super().settle(thing)
        if failing and thing["type"].endswith("/versions") and thing["properties"]["provisioningState"] == "Succeeded":
            thing["properties"]["provisioningState"] = "Failed"

    def told(self, thing: dict[str, Any]) -> dict[str, Any]:
        """As Azure spells the ids of what is in galleries."""
        found = super().told(thing)
        if "/galleries/" in found.get("id", ""):
            found["id"] = found["id"].replace("/images/", "/Images/").replace("/versions/", "/Versions/")
        return found

    def one(self, request: Request, identity: str) -> tuple[int, Any]:
        if "/galleries/" in identity:
            self.parent_of(identity)
        status, found = super().one(request, identity)
        if request.query.get("$expand") == "ReplicationStatus":
            assert "/versions/" in identity, identity
            details = next((self.failing_images[part] for part in self.failing_images if part in identity), "")
            region = {"region": "West Europe", "state": "Failed" if details else "Completed", "details": details}
            status_told = {"aggregatedState": region["state"], "summary": [region]}
            found = {**found, "properties": {**found["properties"], "replicationStatus": status_told}}
        return status, found

    def listed(self, request: Request, kind: str) -> tuple[int, Any]:
        if "/galleries/" in kind:
            self.parent_of(f"{request.path}/any")
        return super().listed(request, kind)

    def delete(self, request: Request, identity: str) -> tuple[int, Any]:
        if "/galleries/" in identity:
            self.parent_of(identity)
        return super().delete(request, identity)

    def removed(self, thing: dict[str, Any]) -> bool:
        if "/galleries/" not in thing["id"]:
            return super().removed(thing)
        if thing["properties"]["provisioningState"] == "Deleting":
            self.faults.append(f"{thing['id']} is deleted while it is being deleted")
        inside = [key for key in self.things if key.startswith(f"{thing['id'].lower()}/")]
        if inside:
            words = f"Cannot delete resource while nested resources exist. Some existing nested resource IDs: {inside}"
            raise AzureRefusal(409, "CannotDeleteResource", words)
        thing["properties"]["provisioningState"] = "Deleting"
        thing["left"] = self.deleting
        return False


def _kind_of(identity: str) -> str:
    """The type of what is in a gallery, or of that itself."""
    return identity.split("/")[-2]
